"""Measures what it costs to hand on the rows of a local model as each batch ends, over storing them all at the end.

    OMP_NUM_THREADS=1 python experiments/performance/handing_on.py [--repeats 12]

The embedded base model answers the 64 `dev` queries under the hand-written prompt and stores the answers in a new
store, in batches of several sizes. Each repeat does so with and without handing on, in turn. Prints the mean ratio of
CPU times with its 95 % interval, and the median times; first, what a transaction of the store takes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time

from urial_opt.evaluation.evaluator import Answerer
from urial_opt.models.local.generator import TransformersGenerator, open_base
from urial_opt.nano.models import WEIGHTS
from urial_opt.protocols import Generator
from urial_opt.records import Completion, Sampling
from urial_opt.spaces.space_file import load_space
from urial_opt.statistics.bootstrap import bootstrap_mean
from urial_opt.store import Store

SPACE = load_space("nano")
QUERIES = SPACE.queries.split("dev")
ROWS = (128, 16, 4)
"""Sizes of a batch: as usual, and where memory is short."""

_TRANSACTIONS = 40


@dataclass(frozen=True)
class AtTheEnd:
    """The same model without the ability to hand on."""

    model: TransformersGenerator

    @property
    def identity(self) -> str:
        return self.model.identity

    def end_when(self, ended: Callable[[str], bool] | None) -> None:
        self.model.end_when(ended)

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        return self.model.generate(prefix, suffixes, sampling)


def seconds(model: Generator, folder: Path) -> float:
    """CPU time of answering and storing; the store is new."""
    with tempfile.TemporaryDirectory(dir=folder) as place, Store.open(f"{place}/store.db") as store:
        began = process_time()
        Answerer(generator=model, memory=store).answer(SPACE.hand_written, QUERIES)
        return process_time() - began


def milliseconds(store: Store, rows: int) -> float:
    """Median CPU time of storing so many answers in one transaction."""
    answers = [Completion(text="Tea is a drink. " * 6, finish_reason="stop")] * rows
    times = []
    for repeat in range(_TRANSACTIONS):
        texts = [f"{rows} {repeat} {row} " * 50 for row in range(rows)]
        began = process_time()
        store.add_completions("model", SPACE.hand_written.sampling, texts, answers)
        times.append(process_time() - began)
    return 1000 * median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=12)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        with Store.open(f"{folder}/transactions.db") as store:
            for rows in (1, 4, 16, 64):
                print(f"a transaction of {rows} answers: {milliseconds(store, rows):.2f} ms")
        for rows in ROWS:
            model = open_base(str(WEIGHTS / "base"), rows=str(rows), drafts="no")
            ways: list[Generator] = [model, AtTheEnd(model)]
            for way in ways:
                seconds(way, Path(folder))
            times: list[list[float]] = [[], []]
            for repeat in range(repeats):
                for number in (0, 1) if repeat % 2 else (1, 0):
                    times[number].append(seconds(ways[number], Path(folder)))
            ratio = bootstrap_mean([one / other for one, other in zip(*times, strict=True)])
            handed, stored = map(median, times)
            print(f"rows {rows}: {ratio:.3f} times; {handed:.3f} s handed on, {stored:.3f} s stored at the end")


if __name__ == "__main__":
    main()
