"""Measures a store of a million completions: the time to open it and to list its best, and the size of a row.

    python experiments/performance/store_size.py [--completions 1000000] [--folder FOLDER]

A million completions are the work of about 15,000 trials of 64 queries in 78 searches; 1 GB of disk is needed. Prints
the bytes of a completion, the time to open the store and list its searches and its best trials in a fresh process, to
read all trials of one search, and what recording a trial takes in a store of that size.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from urial_opt.aspects import ASPECTS_OF
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import (
    Candidate,
    Completion,
    Estimate,
    Evaluation,
    Judgment,
    Query,
    Sampling,
    TrialRecord,
    TrialState,
    Usage,
)
from urial_opt.store import Store

TRIALS, QUERIES = 200, 64
SAMPLING = Sampling()
ASKED = [
    Query(id=f"dev-{i}", text=f"What is the {i}th thing to know about rivers?", kind="regular", split="dev")
    for i in range(QUERIES)
]
LIST = """
from time import perf_counter
import sys
begun = perf_counter()
from urial_opt.store import Store
loaded = perf_counter()
with Store.open(sys.argv[1]) as store:
    listed = store.searches()
    best = store.best(listed[-1].name, 10)
ended = perf_counter()
with Store.open(sys.argv[1]) as store:
    trials = store.trials(listed[0].name)
print(f"open and list {len(listed)} searches and the best {len(best)} trials: {ended - loaded:.3f} s "
      f"(import {loaded - begun:.3f} s); all {len(trials)} trials of one search: {perf_counter() - ended:.3f} s")
"""


def prompt(search: int, number: int) -> UrialPrompt:
    shown = [Exemplar(query=f"Who is {k}?", answer=f"{search}/{number}/{k} is a friend. " * 12) for k in range(4)]
    return UrialPrompt(system=f"# Instruction\n\nAnswer well, as in {search}/{number}.\n", exemplars=tuple(shown))


def record_trial(store: Store, search: int, number: int) -> float:
    """Record one trial as a search does; returns the processor seconds."""
    shown = prompt(search, number)
    prefix = shown.prefix
    texts = [prefix + shown.suffix(query.text) for query in ASKED]
    written = [
        Completion(text=f"Answer {search}/{number}/{i}. " + "Rivers are long. " * 20, finish_reason="stop")
        for i in range(QUERIES)
    ]
    judged = [
        Judgment(
            query_id=query.id,
            judge="judge/v1",
            scores=dict.fromkeys(ASPECTS_OF[query.kind], 4.0),
            reasons={aspect.value: "It says what is due." for aspect in ASPECTS_OF[query.kind]},
            raw="{}",
        )
        for query in ASKED
    ]
    trial = TrialRecord(
        number=number,
        optuna_number=number,
        candidate=Candidate(prompt=shown, sampling=SAMPLING, params={"k": 4}),
        query_scores={query.id: 4.0 for query in ASKED},
        state=TrialState.COMPLETE,
        seconds=1.0,
        usage=Usage(),
    )
    begun = process_time()
    store.find_completions("base", SAMPLING, texts)
    store.add_completions("base", SAMPLING, texts, written)
    store.find_judgments("judge/v1", ASKED, written)
    store.add_judgments(judged, ASKED, written)
    store.add_trial(f"search-{search}", trial, Evaluation(queries=ASKED, completions=written, judgments=judged))
    return process_time() - begun


def measure(file: Path, *, completions: int) -> None:
    per_search = TRIALS * QUERIES
    begun = perf_counter()
    with Store.open(str(file)) as store:
        for search in range(max(1, round(completions / per_search))):
            store.open_search(f"search-{search}", {"budget": TRIALS})
            seconds = sorted(record_trial(store, search, number) for number in range(TRIALS))
            estimates = {n: Estimate(mean=3 + n / TRIALS, low=2.5, high=4.5) for n in range(TRIALS)}
            store.set_estimates(f"search-{search}", estimates)
            if search == 0:
                print(
                    f"a trial in an empty store: {1000 * seconds[TRIALS // 2]:.1f} ms (processor, median)", flush=True
                )
        print(f"a trial in a full store: {1000 * seconds[TRIALS // 2]:.1f} ms (processor, median)")
    rows = (search + 1) * per_search
    print(
        f"{rows:,} completions written in {perf_counter() - begun:.0f} s; {file.stat().st_size / rows:.0f} bytes each"
    )
    print("(with its judgment, its place in a trial, and a text of 360 characters)")
    for _ in range(3):
        subprocess.run([sys.executable, "-c", LIST, str(file)], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--completions", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to make the store; a temporary folder otherwise")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        measure(Path(folder) / "store.db", completions=chosen.completions)
