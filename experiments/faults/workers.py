"""Whether several workers share one search: killed with -9, with their PostgreSQL restarted, and on one SQLite file.

    python -m experiments.faults.workers kills [--workers 8] [--kills 2] [--budget 60] [--seed 0]
    python -m experiments.faults.workers rounds [--workers 4] [--rounds 10] [--budget 12]
    python -m experiments.faults.workers speed [--budget 60]

`kills`: workers on PostgreSQL; some are killed at random moments, and the server is restarted as after a power cut.
`rounds`: identical commands on one SQLite file, each round from an empty one. `speed`: trials a second of 1, 2, 4 and
8 workers whose models answer at once. The models are a server of their own that remembers every request. Exits 1 if
anything was paid twice or lost, if the budget is not exact, or if a worker that was not killed fails.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from experiments.performance.made_up_models import BASE, JUDGE
from experiments.performance.slow_server import slow_models
from tests.delayed_server import racing_space
from tests.postgresql_server import PostgresqlServer, serve_postgresql
from urial_opt.store import Store

PATIENCE = 240.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kills", "rounds", "speed"))
    parser.add_argument("--workers", type=int)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--budget", type=int)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    given = parser.parse_args()
    faults: list[str] = []
    if given.what == "kills":
        faults = searched(given.workers or 8, given.budget or 60, kills=given.kills, seed=given.seed)
    elif given.what == "rounds":
        for number in range(given.rounds):
            faults += [
                f"round {number}: {each}" for each in searched(given.workers or 4, given.budget or 12, file=True)
            ]
    else:
        for workers in (1, 2, 4, 8):
            faults += searched(workers, given.budget or 60, seconds=0.0)
    for fault in faults:
        print("FAULT:", fault)
    return 1 if faults else 0


def searched(
    workers: int, budget: int, *, file: bool = False, kills: int = 0, seed: int = 0, seconds: float = 0.05
) -> list[str]:
    """Let so many workers make one search; what went wrong, in words."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = None if file else stack.enter_context(serve_postgresql())
        url = server() if server else str(folder / "store.db")
        models = stack.enter_context(slow_models("--jitter", 0.9, "--seconds", seconds, "--judge-seconds", seconds))
        command = [sys.executable, "-m", "urial_opt", "search", "--join", "--json", "--name", "s", "--store", url]
        command += ["--space", racing_space(folder), "--budget", str(budget), "--aligned", "none", "--proposer", "none"]
        command += ["--base", f"openai:{BASE}", "--base-url", f"{models}/v1"]
        command += ["--judge", f"llm:{JUDGE}", "--judge-url", f"{models}/v1"]
        begun = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(workers)
        ]
        try:
            killed = _disturb(server, url, begun, kills, seed) if server and kills else {}
            ended = [each.communicate(timeout=PATIENCE) for each in begun]
        finally:
            for each in begun:
                each.kill()
        faults = [
            f"worker {number} ended with {each.returncode}: {ended[number][1].strip().splitlines()[-1:]}"
            for number, each in enumerate(begun)
            if each.returncode and number not in killed
        ]
        told = [json.loads(out) for number, (out, _) in enumerate(ended) if out and number not in killed]
        with urlopen(f"{models}/log") as log:
            requests = [each for each in json.load(log) if each["query"]]
        return faults + _checked(url, told, requests, budget, workers, sorted(killed.values()))


def _disturb(
    server: PostgresqlServer, url: str, begun: Sequence[subprocess.Popen[str]], kills: int, seed: int
) -> dict[int, float]:
    """Kill workers and restart the server once all are at work; when each was killed, by its place."""
    with Store.open(url) as store:
        while not store.searches() or not store.count_trials("s") or _at_work(store) < len(begun):
            time.sleep(0.1)
    moments = random.Random(seed)
    drawn = moments.sample(range(len(begun)), kills)
    deeds = sorted([*((moments.uniform(0.5, 6), each) for each in drawn), (moments.uniform(0.5, 6), -1)])
    began, killed = time.monotonic(), dict[int, float]()
    for moment, number in deeds:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        if number < 0:
            server.stop()
            time.sleep(1)
            server.start()
            print(f"PostgreSQL was restarted after {moment:.1f} s")
        elif begun[number].poll() is None:
            begun[number].kill()
            killed[number] = time.monotonic()
            print(f"worker {number} was killed after {moment:.1f} s")
    return killed


def _at_work(store: Store) -> int:
    return sum(each.is_at_work for each in store.search("s").workers)


def _checked(
    url: str, told: Sequence[Any], requests: Sequence[Any], budget: int, workers: int, kills: Sequence[float]
) -> list[str]:
    asked = Counter((each["path"], each["body"]) for each in requests)
    in_air = sum(any(each["came"] < kill < (each["ended"] or kill + 1) for kill in kills) for each in requests)
    twice = sum(number - 1 for number in asked.values())
    with Store.open(url) as store:
        trials = store.trials("s")
        billed = sum(each.requests for each in store.bill()["s"].values())
    seconds = max(each["ended"] for each in requests) - min(each["came"] for each in requests)
    lost = len(requests) - billed
    print(
        f"{workers} workers: {len(trials)} trials in {seconds:.1f} s ({len(trials) / seconds:.1f} a second), "
        f"{len(requests)} replies, {twice} paid twice, {lost} not counted, {in_air} in the air at a kill; "
        f"found {told[0]['found']['average'] if told else '-'}"
    )
    return [
        *([f"{twice} replies were paid twice"] if twice > in_air else []),
        *([f"{lost} replies were not counted"] if not 0 <= lost <= in_air else []),
        *([f"trials {[each.number for each in trials]}"] if [e.number for e in trials] != list(range(budget)) else []),
        *(["a trial has no scores"] if not all(each.query_scores for each in trials) else []),
        *(["the workers told different results"] if any(each != told[0] for each in told) else []),
    ]


if __name__ == "__main__":
    sys.exit(main())
