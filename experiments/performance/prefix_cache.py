"""How much of its prompts a real engine finds in its prefix cache, as trials are in flight side by side.

    python -m experiments.performance.prefix_cache [--parallel 1 8 32] [--prompts 64 16] [--budget 64]

The engine is `transformers serve` with continuous batching (`paged_server.py`), over HTTP, a process of its own with
an empty cache for each search. The search is `urial-opt search` on the space `nano` with the embedded base model and
judge, no aligned model, no proposer, no repetition penalty, and few queries for choosing and measuring at the end,
which are not counted. `--prompts` says how many prompts of the average length the cache has room for. What stands
behind `--` is handed on to `urial-opt search`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import yaml

from experiments.performance.made_up_models import Question, question_in
from experiments.performance.paged_server import write_model
from urial_opt.spaces.space_file import load_space

_ROOT = Path(__file__).parents[2]
_SPACE = _ROOT / "search_spaces" / "nano.yaml"
_AT_THE_END = 4
"""Queries of each kind of `validation`, and of `test`."""
_TOKENS = 384
"""Of a prompt of average length, with the answers of those who read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """One search, up to the end of its trials."""

    requests: int
    prompts: int
    tokens: int
    """Of the prompts of all requests."""
    cached: int
    """How many of these came from the cache of the engine."""
    first: int
    """Requests of which less than half of the prefix was cached, that are the first of their prompt."""
    later: int
    """Those that are not."""
    dropped: int
    """How often the engine dropped all that was not in use, until the end of the search."""
    seconds: float
    """Of the whole search, by the clock."""

    @property
    def rate(self) -> float:
        return self.cached / self.tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parallel", type=int, nargs="+", default=[1, 8, 32], metavar="N", help="trials in flight")
    parser.add_argument("--prompts", type=int, nargs="+", default=[64, 16], help="for which the cache has room")
    parser.add_argument("--budget", type=int, default=64, help="trials (64)")
    parser.add_argument("--concurrency", type=int, default=16, help="requests that are sent at once (16)")
    parser.add_argument("more", nargs="*", help="more options of the search, behind --")
    given = parser.parse_args()
    print(f"nano, {given.budget} trials")
    heads = ("prompts", "parallel", "seconds", "requests", "prompts", "tokens", "cached", "of first", "read: first")
    print("{:>8}{:>9}{:>8}{:>9}{:>8}{:>9}{:>8}{:>10}{:>12}{:>7}{:>8}".format(*heads, "later", "dropped"))
    for prompts in given.prompts:
        against = None
        for parallel in given.parallel:
            searched = _search(parallel, prompts, given)
            against = against or searched.rate
            print(
                f"{prompts:8}{parallel:9}{searched.seconds:8.0f}{searched.requests:9,}{searched.prompts:8}"
                f"{searched.tokens:9,}{searched.rate:8.1%}{searched.rate / against:10.1%}"
                f"{searched.first:12}{searched.later:7}{searched.dropped:8}",
                flush=True,
            )


def _search(parallel: int, prompts: int, given: argparse.Namespace) -> Searched:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder / "model")
        _write_space(folder)
        command = [sys.executable, "-m", "urial_opt", "search", "--json", "--name", "it", "--store", "it.db"]
        command += ["--space", "space.yaml", "--judge", "nano", "--aligned", "none", "--proposer", "none"]
        command += ["--base", f"openai:{folder / 'model'}", "--decoding", "repetition_penalty=1"]
        command += ["--base-option", f"concurrency={given.concurrency}"]
        command += ["--budget", str(given.budget), "--parallel", str(parallel), *given.more]
        with _server(folder, tokens=prompts * _TOKENS) as address:
            command += ["--base-url", f"{address}/v1"]
            began = time.monotonic()
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=_environment(folder))
            seconds = time.monotonic() - began
            if done.returncode:
                raise SystemExit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
            with urlopen(f"{address}/log") as log:
                told = json.load(log)
    return _searched(told, seconds)


def _write_space(folder: Path) -> None:
    """The space `nano`, with few queries for the end."""
    space = yaml.safe_load(_SPACE.read_text())
    rows = [json.loads(line) for line in (_SPACE.parent / space["queries"]).read_text().splitlines()]
    kept = [row for row in rows if row["split"] == "dev"]
    for split, kind in itertools.product(("validation", "test"), ("regular", "safety")):
        kept += [row for row in rows if (row["split"], row["kind"]) == (split, kind)][:_AT_THE_END]
    (folder / "queries.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in kept))
    for part in ("exemplars", "system_prompts"):
        space[part] = str(_SPACE.parent / space[part])
    (folder / "space.yaml").write_text(yaml.safe_dump(space | {"queries": "queries.jsonl"}, sort_keys=False))


@contextmanager
def _server(folder: Path, *, tokens: int) -> Iterator[str]:
    """The address of the engine, a process of its own, which ends with the context."""
    command = [sys.executable, "-m", "experiments.performance.paged_server", str(folder / "model")]
    command += ["--tokens", str(tokens)]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=_environment(folder)
    )
    try:
        yield server.stdout.readline().strip() if server.stdout else ""
    finally:
        server.kill()
        server.communicate()


def _environment(folder: Path) -> dict[str, str]:
    """This project, wherever the process runs, no proxy in between, and no models from elsewhere."""
    path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    apart = {"NO_PROXY": "127.0.0.1", "OPENAI_API_KEY": "none", "HF_HUB_CACHE": str(folder / "hub")}
    return os.environ | {"PYTHONPATH": path, **apart}


def _searched(told: Mapping[str, Any], seconds: float) -> Searched:
    dev = {query.text for query in load_space("nano").queries.queries if query.split == "dev"}
    asked = [(question_in("/v1/completions", each), each) for each in told["requests"]]
    trials = [(question, each) for question, each in asked if question.query in dev]
    first, later = _read_again(trials)
    return Searched(
        requests=len(trials),
        prompts=len({question.prefix for question, _ in trials}),
        tokens=sum(each["tokens"] for _, each in trials),
        cached=sum(each["cached"] for _, each in trials),
        first=first,
        later=later,
        dropped=told["dropped"],
        seconds=seconds,
    )


def _read_again(trials: Sequence[tuple[Question, Mapping[str, Any]]]) -> tuple[int, int]:
    """How many requests had less than half of their prompt in the cache: the first of each prompt, and later ones."""
    seen: set[str] = set()
    counts = [0, 0]
    for question, each in trials:
        if each["cached"] < each["tokens"] / 2:
            counts[question.prefix in seen] += 1
        seen.add(question.prefix)
    return counts[0], counts[1]


if __name__ == "__main__":
    main()
