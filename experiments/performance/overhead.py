"""The cost of search and store beyond Optuna's own ask and tell, with a generator and a judge that take no time.

    python experiments/performance/overhead.py        200 trials of 64 queries each

One search on a fresh SQLite file. What it spends in Optuna's `ask`, `suggest_…` and `tell`, our sampler included, and
in that generator and judge is timed apart; the rest is ours. Bar: at most 20 ms a trial.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import optuna
from optuna import Study, Trial

from urial_opt.aspects import ASPECTS_OF
from urial_opt.records import Completion, Judgment, Query, Sampling, Usage
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.progress import Phase, Progress
from urial_opt.search.run import search_space
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store


class InstantGenerator:
    """Answers immediately, with a different answer for each prompt and query."""

    identity = "instant"

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:  # noqa: ARG002
        start = crc32(prefix.encode())
        usage = Usage(prompt_tokens=30, completion_tokens=60, saved_tokens=400)
        texts = [f"answer {crc32(suffix.encode(), start)} " for suffix in suffixes]
        return [Completion(text=text * 16, finish_reason="stop", usage=usage) for text in texts]


class InstantJudge:
    """Scores immediately, by the answer's hash, so that prompts differ little and every trial sees all queries."""

    identity = "instant"

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        return [self._judged(query, answer) for query, answer in zip(queries, completions, strict=True)]

    def _judged(self, query: Query, answer: Completion) -> Judgment:
        score = 1.0 + crc32(answer.text.encode()) % 5
        scores = dict.fromkeys(ASPECTS_OF[query.kind], score)
        reasons = {aspect.value: "a reason of ordinary length" for aspect in scores}
        return Judgment(query_id=query.id, judge=self.identity, scores=scores, reasons=reasons)


@dataclass
class Clock:
    """Total seconds spent in the watched methods."""

    seconds: float = 0.0

    def watch(self, owner: type, name: str) -> None:
        """Count the time spent in this method from now on."""
        method = getattr(owner, name)

        def timed(*args: object, **named: object) -> object:
            started = time.perf_counter()
            try:
                return method(*args, **named)
            finally:
                self.seconds += time.perf_counter() - started

        setattr(owner, name, timed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    trials = parser.parse_args().trials
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = load_space("nano")
    space = replace(space, block=64, exemplar_floor={})  # no racing: every trial gets all 64 queries
    optunas, models = Clock(), Clock()
    for owner, names in ((Study, ["ask", "tell"]), (Trial, ["suggest_int", "suggest_categorical"])):
        for name in names:
            optunas.watch(owner, name)
    models.watch(InstantGenerator, "generate")
    models.watch(InstantJudge, "judge")
    ends: list[tuple[float, float]] = []

    def watch(progress: Progress) -> None:
        if progress.phase is Phase.VALIDATION and not ends:
            ends.append((time.perf_counter(), models.seconds))

    with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/search.db") as store:
        models_here = Models(base=InstantGenerator(), judge=InstantJudge())
        started = time.perf_counter()
        result = search_space(space, models_here, store, options=SearchOptions(budget=trials), watch=watch)
        ended = time.perf_counter()
    print({state.value: number for state, number in result.states.items()})
    end, models_took = ends[0]
    total, optuna_took, models_took = (1e3 * each / trials for each in (end - started, optunas.seconds, models_took))
    print(f"a trial takes {total:.1f} ms, of which Optuna {optuna_took:.1f}, generator and judge {models_took:.2f}")
    print(f"search and store: {total - optuna_took - models_took:.1f} ms a trial (bar: 20)")
    print(f"validation and test, once: {ended - end:.2f} s")


if __name__ == "__main__":
    main()
