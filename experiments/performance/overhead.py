"""What search and store cost beyond Optuna's own ask and tell, with a generator and a judge that take no time.

    python experiments/performance/overhead.py        200 trials of 64 queries each

Two runs in one process on fresh SQLite files: the search, and the same number of asks, suggestions and tells by Optuna
alone with the same sampler. Bar: at most 20 ms a trial of difference.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace

import optuna
from optuna.storages import RDBStorage

from urial_opt.aspects import ASPECTS_OF
from urial_opt.content import content_id
from urial_opt.evaluation import Evaluator
from urial_opt.records import Completion, Judgment, Query, Sampling, Usage
from urial_opt.sampler import make_sampler
from urial_opt.search import SearchOptions, search
from urial_opt.space import SearchSpace
from urial_opt.space_file import load_space
from urial_opt.store import Store


class InstantGenerator:
    """Answers at once: each prompt and query gets an answer of its own."""

    identity = "instant"

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:  # noqa: ARG002
        usage = Usage(prompt_tokens=30, completion_tokens=60, saved_tokens=400)
        texts = [f"answer {content_id([prefix, suffix])}" for suffix in suffixes]
        return [Completion(text=f"{text} " * 12, finish_reason="stop", usage=usage) for text in texts]


class InstantJudge:
    """Scores at once: by the answer's hash, so that prompts differ but little and every trial sees all queries."""

    identity = "instant"

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        return [self._judged(query, answer) for query, answer in zip(queries, completions, strict=True)]

    def _judged(self, query: Query, answer: Completion) -> Judgment:
        score = 1.0 + int(content_id([query.id, answer.text])[:4], 16) % 5
        scores = dict.fromkeys(ASPECTS_OF[query.kind], score)
        reasons = {aspect.value: "a reason of ordinary length" for aspect in scores}
        return Judgment(query_id=query.id, judge=self.identity, scores=scores, reasons=reasons)


def seconds_of_search(space: SearchSpace, folder: str, trials: int) -> float:
    with Store.open(f"{folder}/search.db") as store:
        evaluator = Evaluator(generator=InstantGenerator(), judge=InstantJudge(), memory=store)
        started = time.perf_counter()
        result = search(space, evaluator, store, options=SearchOptions(budget=trials))
        seconds = time.perf_counter() - started
        print({state.value: number for state, number in result.states.items()})
    return seconds


def seconds_of_optuna(space: SearchSpace, folder: str, trials: int) -> float:
    with Store.open(f"{folder}/optuna.db") as store:  # Optuna's tables beside ours, committing as in a search
        ledger = RDBStorage(store.url)
        store.tune(ledger.engine)
    study = optuna.create_study(storage=ledger, sampler=make_sampler("thompson", space, seed=0))
    started = time.perf_counter()
    for number in range(trials):
        trial = study.ask()
        space.suggest(trial)
        trial.set_user_attr("queries", 64)
        trial.set_user_attr("estimate", 3.0 + (number * 37 % 100) / 100)
        trial.set_user_attr("standard_error", 0.1)
        study.tell(trial, 3.0)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    trials = parser.parse_args().trials
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = load_space("nano")
    space = replace(space, block=64)  # no racing: every trial is asked all 64 queries
    with tempfile.TemporaryDirectory() as folder:
        alone = seconds_of_optuna(space, folder, trials)
        ours = seconds_of_search(space, folder, trials)
    print(f"Optuna alone {1e3 * alone / trials:.1f} ms a trial, search and store {1e3 * ours / trials:.1f} ms a trial")
    print(f"beyond Optuna: {1e3 * (ours - alone) / trials:.1f} ms a trial (bar: 20)")


if __name__ == "__main__":
    main()
