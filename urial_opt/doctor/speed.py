"""How fast a server is: with one short request, with many at once, and with a prefix that it has read before."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from urial_opt.doctor.examined_server import CheckResult, ExaminedServer, NoReplyError, no, unknown, yes
from urial_opt.models.server.replies import Attempt

CROWD = 16
"""Number of requests that are sent at once."""
_LONG = 64
"""Tokens to generate when throughput is measured."""
_PREFIX_TOKENS = 1000
_TOKENS_OF_A_LINE = 18
"""Estimate for servers that do not count tokens."""
_READ_AGAIN = 0.5
"""Share of the reading time; a known prefix that takes more than this was read again."""
_NOTICEABLE = 0.01
"""Seconds; shorter reading times are within the noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast texts are generated."""

    latency: float | None = None
    """Median seconds of a request for one token."""
    tokens_per_second: Mapping[int, float]
    """By the number of concurrent requests; empty if the server does not count tokens."""
    concurrency: int | None = None
    """The number of concurrent requests that makes best use of the server; None if not known."""
    crowd: CheckResult
    """Whether it answers many requests at once, with the same texts as one by one."""


def measure_speed(server: ExaminedServer) -> Speed:
    """The speed of a server; no error is raised."""
    try:
        latency = median(server.ask(f"{number} plus", max_tokens=1).seconds for number in range(5))
        alone = [server.ask(_opening(number), max_tokens=_LONG) for number in range(2)]
    except NoReplyError as error:
        return Speed(tokens_per_second={}, crowd=unknown(f"It did not answer one request: {error}."))
    with ThreadPoolExecutor(CROWD) as pool:
        began = time.perf_counter()
        together = list(pool.map(lambda number: _answer(server, number), range(CROWD)))
        seconds = time.perf_counter() - began
    answered = [each for each in together if isinstance(each, Attempt)]
    rates = {1: _tokens(alone) / sum(each.seconds for each in alone), CROWD: _tokens(answered) / seconds}
    return Speed(
        latency=latency,
        tokens_per_second=rates if all(rates.values()) else {},
        concurrency=_concurrency(rates, len(answered)),
        crowd=_crowd(server, alone, together),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixCache:
    """Whether the server caches prefixes, and whether it reports cached tokens."""

    works: CheckResult
    reported: CheckResult


def measure_prefix_cache(server: ExaminedServer, context_length: int | None) -> PrefixCache:
    """Measured on prefixes of about 1,000 tokens, or a third of a shorter context; no error is raised."""
    try:
        tokens = min(_PREFIX_TOKENS, (context_length or 3 * _PREFIX_TOKENS) // 3)
        names = [secrets.token_hex(4) for _ in range(3)]  # so that no server has read them before
        short = [server.ask(_line(name, 0), max_tokens=1) for name in names]
        prefixes = [_prefix(name, tokens, each) for name, each in zip(names, short, strict=True)]
        # Each again before the next one, because some servers remember the last prefix only.
        pairs = [[server.ask(prefix + end, max_tokens=1) for end in ("One", "Two")] for prefix in prefixes]
        fresh, known = zip(*pairs, strict=True)
    except NoReplyError as error:
        silent = unknown(f"It did not answer a long prompt: {error}.")
        return PrefixCache(works=silent, reported=silent)
    at_least, before, after = (median(each.seconds for each in replies) for replies in (short, fresh, known))
    speed = f"{before:.3f} s for a new prefix of {tokens} tokens, {after:.3f} s for one read before"
    reading = before - at_least
    counts = [each.at("usage", "prompt_tokens_details", "cached_tokens") for each in known]
    cached = [count for count in counts if isinstance(count, int)]
    if cached and max(cached) >= tokens / 2:
        works = yes(f"It found {max(cached)} tokens in its cache: {speed}.")
    elif reading < max(_NOTICEABLE, 0.2 * at_least):
        works = unknown(f"Reading takes too little time to judge: {speed}.")
    elif after - at_least < _READ_AGAIN * reading:
        works = yes(f"It is faster on a prefix that it has read: {speed}.")
    else:
        works = no(
            f"It is no faster on a prefix that it has read: {speed}.",
            warning="Each request reads the whole prompt again: switch on the server's prefix cache if it has one",
        )
    if cached:
        return PrefixCache(works=works, reported=yes("It reports how many tokens of a prompt were in its cache."))
    return PrefixCache(works=works, reported=no("Not reported (vLLM: --enable-prompt-tokens-details)."))


def _crowd(server: ExaminedServer, alone: Sequence[Attempt], together: Sequence[Attempt | NoReplyError]) -> CheckResult:
    """Whether all requests were answered, the first ones with the same texts as alone."""
    answered = [each for each in together if isinstance(each, Attempt)]
    lost = [each for each in together if isinstance(each, NoReplyError)]
    if lost:
        return no(
            f"Of {CROWD} requests at once it answered {len(answered)}: {lost[0]}.",
            warning=f"{CROWD} requests at once are too many for it: send fewer",
        )
    if [server.read(each) for each in alone] != [server.read(each) for each in answered[: len(alone)]]:
        return no(
            "Among many requests, greedy texts are not the same as alone.",
            warning="Greedy texts depend on what is asked at the same time: a search cannot be repeated exactly",
        )
    return yes(f"It answered {CROWD} requests at once, and each as it does alone.")


def _answer(server: ExaminedServer, number: int) -> Attempt | NoReplyError:
    try:
        return server.ask(_opening(number), max_tokens=_LONG)
    except NoReplyError as error:
        return error


def _opening(number: int) -> str:
    return f"Chapter {number + 1}. It was a cold morning, and"


def _tokens(replies: Sequence[Attempt]) -> int:
    counts = (each.at("usage", "completion_tokens") for each in replies)
    return sum(count for count in counts if isinstance(count, int))


def _concurrency(rates: Mapping[int, float], answered: int) -> int | None:
    """The best number of concurrent requests.

    As many as were answered if some were not; 1 if many are no faster than one; twice as many if each still adds speed.
    """
    if answered < CROWD:
        return max(1, answered)
    if not all(rates.values()):
        return None
    gain = rates[CROWD] / rates[1]
    return 1 if gain < 1.25 else CROWD if gain < CROWD / 2 else 2 * CROWD


def _prefix(name: str, tokens: int, one_line: Attempt) -> str:
    """Text of about this many tokens; `one_line` is the reply to a prompt of one line, for its number of tokens."""
    counted = one_line.at("usage", "prompt_tokens")
    of_a_line = counted if isinstance(counted, int) and counted > 0 else _TOKENS_OF_A_LINE
    return "".join(_line(name, number) for number in range(max(1, tokens // of_a_line)))


def _line(name: str, number: int) -> str:
    return f"{name} {number}: the ship sailed on, and nobody knew where.\n"
