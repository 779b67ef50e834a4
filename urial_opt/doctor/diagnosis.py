"""The diagnosis: everything found out about a server, and the command for a search on it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from urial_opt.doctor.abilities import ABILITIES, CHAT, COMPLETIONS
from urial_opt.doctor.examined_server import CheckResult, CheckVerdict, ExaminedServer, no, unknown, yes
from urial_opt.doctor.speed import measure_prefix_cache, measure_speed
from urial_opt.errors import AdapterError, InputError
from urial_opt.models.server.endpoint import Endpoint

_CONTEXT_LENGTH = ("max_model_len", "context_length", "context_window", "max_context_length")
"""Field names for the context length in a server's list of models."""
_SHORT_CONTEXT = 2048
_NEUTRAL = {"vllm": "--generation-config vllm", "sglang": "--sampling-defaults openai"}
"""Servers that take defaults from the model's generation_config.json, and the server's option that prevents it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a server can do for a search."""

    server: str
    findings: Mapping[str, CheckResult]
    context_length: int | None
    """Tokens; None if not reported."""
    latency: float | None
    """Median seconds of a request for one token."""
    tokens_per_second: Mapping[int, float]
    """By the number of concurrent requests; empty if the server does not count tokens."""
    command: str
    """The command line for a search on this server."""

    @property
    def warnings(self) -> list[str]:
        """The problems for a search, one sentence each."""
        return [finding.warning for finding in self.findings.values() if finding.warning]

    def as_json(self) -> dict[str, object]:
        """The object that `doctor --json` prints; its help describes every key."""
        return {
            "server": self.server,
            "findings": {
                name: {"verdict": finding.verdict.value, "says": finding.says}
                for name, finding in self.findings.items()
            },
            "context_length": self.context_length,
            "latency": self.latency,
            "tokens_per_second": {str(requests): rate for requests, rate in self.tokens_per_second.items()},
            "warnings": self.warnings,
            "command": self.command,
        }


def examine_server(
    model: str, *, url: str = "", timeout: float = 120.0, watch: Callable[[str], None] = lambda _: None
) -> Diagnosis:
    """Examine a model of the server at `url`; `model` may be empty where the server has only one.

    InputError if the model has to be named or `url` is not a valid address; AdapterError and `watch` as `examine`.
    """
    if not (model or url or os.environ.get("OPENAI_BASE_URL")):
        raise InputError("no server is named; give its address, such as `url=http://localhost:8000/v1`, or a model")
    endpoint = Endpoint(model, url=url, timeout=timeout)
    return examine(endpoint if model else Endpoint(_only_model(endpoint), url=url, timeout=timeout), watch)


def _only_model(endpoint: Endpoint) -> str:
    names = endpoint.models()
    if not names and not (asked := endpoint.try_once("/models")).status:
        raise AdapterError(asked.words)
    if len(names) != 1:
        offers = f"has {_first(names)}" if names else "does not list its models"
        raise InputError(f"{endpoint.url!r} {offers}; name the model")
    return names[0]


def examine(endpoint: Endpoint, watch: Callable[[str], None] = lambda _: None) -> Diagnosis:
    """Run all checks, about sixty short requests; `watch` is called with the name of each check before it runs.

    AdapterError as `Endpoint.complete` if the server answers nothing at all.
    """
    watch("models")
    listed = endpoint.try_once("/models").at("data")
    cards = [card for card in listed if isinstance(card, dict)] if isinstance(listed, list) else []
    named = {str(card["id"]): card for card in cards if "id" in card}
    card = named.get(endpoint.model, {})
    findings = {"models": _listed(card, list(named))}
    for check in (COMPLETIONS, CHAT):
        watch(check.name)
        findings[check.name] = check.of(ExaminedServer(endpoint, completes=check is COMPLETIONS))
    if CheckVerdict.YES not in (findings["completions"].verdict, findings["chat"].verdict):
        endpoint.complete([{"prompt": "The", "temperature": 0.0, "max_tokens": 1}])
        findings["completions"] = yes("It continues text.")
    server = ExaminedServer(endpoint, completes=findings["completions"].verdict is CheckVerdict.YES)
    for check in ABILITIES:
        watch(check.name)
        findings[check.name] = check.of(server)
    context_length = next((card[key] for key in _CONTEXT_LENGTH if isinstance(card.get(key), int)), None)
    findings["context_length"] = _context(context_length)
    watch("prefix_cache")
    cache = measure_prefix_cache(server, context_length)
    findings |= {"prefix_cache": cache.works, "cached_tokens": cache.reported}
    watch("many_at_once")
    speed = measure_speed(server)
    findings["many_at_once"] = speed.crowd
    return Diagnosis(
        server=endpoint.name,
        findings=findings,
        context_length=context_length,
        latency=speed.latency,
        tokens_per_second=speed.tokens_per_second,
        command=_command(server, speed.concurrency, findings),
    )


def _listed(card: Mapping[str, object], names: Sequence[str]) -> CheckResult:
    if not names:
        return unknown("/models names no model.")
    if not card:
        return no(f"/models does not name it, but {_first(names)}.")
    software = str(card.get("owned_by"))
    if software not in _NEUTRAL:
        return yes("/models names it.")
    warning = (
        f"It runs on {software}, which takes what a request leaves out (top_k, a penalty) from the model's "
        f"generation_config.json: start it with {_NEUTRAL[software]} if you have not"
    )
    return CheckResult(
        verdict=CheckVerdict.YES, says=f"/models names it, and {software} as its software.", warning=warning
    )


def _first(names: Sequence[str]) -> str:
    """The first ten names."""
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


def _context(length: int | None) -> CheckResult:
    if length is None:
        return unknown("/models does not report the context length.")
    says = f"/models reports {length} tokens."
    if length >= _SHORT_CONTEXT:
        return yes(says)
    warning = (
        f"{length} tokens are few for a prompt of three exemplars and an answer: check k and max_tokens of the space"
    )
    return CheckResult(verdict=CheckVerdict.YES, says=says, warning=warning)


def _command(server: ExaminedServer, concurrency: int | None, findings: Mapping[str, CheckResult]) -> str:
    model, url = server.endpoint.model, server.endpoint.url
    role, kind = ("base", "openai") if server.completes else ("judge", "llm")
    words = [f"--{role}", f"{kind}:{model}", f"--{role}-url", url]
    if concurrency is not None:
        words += [f"--{role}-option", f"concurrency={concurrency}"]
    if findings["name"].verdict is CheckVerdict.NO:
        words += [f"--{role}-option", f"model_replies={server.answers_as}"]
    if server.completes and findings["repetition_penalty"].verdict in (CheckVerdict.NO, CheckVerdict.IGNORED):
        words += ["--decoding", "repetition_penalty=1"]
    words += ["--judge", "llm:JUDGE"] if server.completes else ["--base", "hf:BASE"]
    return shlex.join(["urial-opt", "search", "--space", "urial", *words])
