"""How well a search fills a server: requests under way, wall time and processor time of `urial-opt search`.

    python -m experiments.performance.in_flight [--parallel 1 16 128] [--against] [--seconds 1] [--budget 200]

The server (`slow_server.py`) answers anything in a second, and so does its judge; each has room for 128 requests. The
search is a process of its own on a fresh SQLite file: the space `urial`, no aligned model, no proposer. Each value of
`--parallel` is one search. `--against` also runs `--parallel 1`, which takes long, so give a smaller `--seconds` for
both. What stands behind `--` is handed on to `urial-opt search`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.request import urlopen

from experiments.performance.made_up_models import BASE, JUDGE
from experiments.performance.slow_server import environment, slow_models
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store

_SPACE = "urial"
_PHASES = {"dev": "trials", "validation": "measuring", "test": "measuring"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """How full the server was in one phase of a search."""

    seconds: float
    """From the beginning of the first request to the end of the last one."""
    base: float
    """Requests under way, on average over that time."""
    judge: float
    most: int
    """Requests under way at the same time, base model and judge together."""
    requests: int
    twice: int
    """Requests that equal an earlier one of the search."""
    cached: float
    """Share of the base model's requests with a prefix that the server had read before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """One search."""

    way: str
    wall_seconds: float
    processor_seconds: float
    told: Mapping[str, Any]
    """Its `--json`."""
    trials: str
    """Hash of the trials with all their scores; the same for two searches that took the same path."""
    phases: Mapping[str, Filling]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--parallel", nargs="+", default=[], metavar="N", help="trials in flight (the search's default)"
    )
    parser.add_argument("--against", action="store_true", help="compare with --parallel 1")
    parser.add_argument("--deterministic", action="store_true", help="handed on to the search")
    parser.add_argument("--budget", type=int, default=200, help="trials (200)")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long the base model takes (1)")
    parser.add_argument("--judge-seconds", type=float, help="how long the judge takes (as the base model)")
    parser.add_argument("--jitter", type=float, default=0.0, help="how much that varies, 0 to 1 (0)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the jitter; one search for each (0)")
    parser.add_argument("--room", type=int, default=128, help="requests of each model that are served at once (128)")
    parser.add_argument("--full", choices=("wait", "refuse"), default="wait", help="what others do (wait)")
    parser.add_argument(
        "--concurrency", type=int, default=128, help="requests of each model that are sent at once (128)"
    )
    parser.add_argument("more", nargs="*", help="more options of the search, behind --")
    given = parser.parse_args()
    print(
        f"{_SPACE}, {given.budget} trials; {given.seconds:g} s a reply, the judge "
        f"{_judge_seconds(given):g} s; room for {given.room} requests of each"
    )
    ways = [*["1"][: given.against], *given.parallel] or [""]
    searched = [_search(way, seed, given) for way in ways for seed in given.seeds]
    for number, each in enumerate(searched):
        _show(each, against=searched[0] if number and given.against else None)


def _judge_seconds(given: argparse.Namespace) -> float:
    return float(given.seconds if given.judge_seconds is None else given.judge_seconds)


def _search(way: str, seed: int, given: argparse.Namespace) -> Searched:
    command = [sys.executable, "-m", "urial_opt", "search", "--json", "--name", "it", "--store", "it.db"]
    command += ["--space", _SPACE, "--budget", str(given.budget), "--aligned", "none", "--proposer", "none"]
    command += ["--base-option", f"concurrency={given.concurrency}"]
    command += ["--judge-option", f"concurrency={given.concurrency}"]
    command += [*(["--parallel", way] if way else []), *["--deterministic"][: given.deterministic], *given.more]
    with tempfile.TemporaryDirectory() as folder, slow_models(*_words(given, seed)) as address:
        models = ["--base", f"openai:{BASE}", "--judge", f"llm:{JUDGE}"]
        urls = ["--base-url", f"{address}/v1", "--judge-url", f"{address}/v1"]
        began, used = time.monotonic(), _used()
        done = subprocess.run(command + models + urls, cwd=folder, capture_output=True, text=True, env=environment())
        wall, processor = time.monotonic() - began, _used() - used
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
        with urlopen(f"{address}/log") as log:
            phases = _phases(json.load(log))
        with Store.open(f"{folder}/it.db") as store:
            trials = [
                (each.candidate.prompt.id, each.candidate.sampling.id, each.state, each.query_scores)
                for each in store.trials("it")
            ]
    return Searched(
        way=f"--parallel {way}" if way else "as it is",
        wall_seconds=wall,
        processor_seconds=processor,
        told=json.loads(done.stdout),
        trials=blake2b(repr(trials).encode(), digest_size=3).hexdigest(),
        phases=phases,
    )


def _words(given: argparse.Namespace, seed: int) -> list[object]:
    """How the server is to be begun."""
    words = ["--seed", seed, "--judge-seconds", _judge_seconds(given), "--full", given.full]
    return words + [word for name in ("seconds", "jitter", "room") for word in (f"--{name}", getattr(given, name))]


def _used() -> float:
    """Processor seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _phases(log: Sequence[Mapping[str, Any]]) -> dict[str, Filling]:
    """How full the server was before the trials, in the trials, after them, and over all."""
    split_of = {query.text: query.split for query in load_space(_SPACE).queries.queries}
    phases: dict[str, list[Mapping[str, Any]]] = {}
    bodies: Counter[str] = Counter()
    again: Counter[str] = Counter()
    for served in log:
        if not served["refused"]:
            phase = _PHASES.get(split_of.get(served["query"], ""), "before")
            phases.setdefault(phase, []).append(served)
            bodies[served["body"]] += 1
            again[phase] += bodies[served["body"]] > 1
    phases["all"] = [served for some in phases.values() for served in some]
    again["all"] = again.total()
    return {phase: _filling(served, again[phase]) for phase, served in phases.items()}


def _filling(log: Sequence[Mapping[str, Any]], twice: int) -> Filling:
    seconds = max(served["ended"] for served in log) - min(served["began"] for served in log)
    base = [served for served in log if served["path"] == "/v1/completions"]
    busy = [sum(served["ended"] - served["began"] for served in some) for some in (log, base)]
    changes = sorted([(served["began"], 1) for served in log] + [(served["ended"], -1) for served in log])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return Filling(
        seconds=seconds,
        base=busy[1] / seconds,
        judge=(busy[0] - busy[1]) / seconds,
        most=most,
        requests=len(log),
        twice=twice,
        cached=sum(served["cached"] for served in base) / max(1, len(base)),
    )


def _show(searched: Searched, *, against: Searched | None) -> None:
    requests = searched.phases["all"].requests
    trials, processor = searched.told["trials"], searched.processor_seconds
    print(f"\n{searched.way}: {trials}, path {searched.trials}")
    print(
        f"{searched.wall_seconds:.1f} s on the clock, {processor:.1f} of the processor: "
        f"{1000 * processor / trials['total']:.0f} ms a trial, {1000 * processor / requests:.1f} ms a request"
    )
    if against:
        ratio = searched.wall_seconds / against.wall_seconds
        print(f"{ratio:.3f} times the wall time of {against.way}")
    print(f"{'':10}{'under way, on average':>26}{'at':>12}")
    heads = ("seconds", "base", "judge", "both", "most", "requests", "twice", "cached")
    print("{:10}{:>9}{:>9}{:>9}{:>8}{:>7}{:>10}{:>7}{:>8}".format("", *heads))
    for phase, each in searched.phases.items():
        print(
            f"{phase:10}{each.seconds:9.1f}{each.base:9.1f}{each.judge:9.1f}{each.base + each.judge:8.1f}"
            f"{each.most:7}{each.requests:10,}{each.twice:7}{each.cached:8.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
