"""What the embedded world promises, measured on its 240 test queries.

    python experiments/nano/bars.py [--seeds 1] [--store FILE] [--budget 200]

Zero-shot, plain ICL, the hand-written URIAL prompt, the aligned twin, 200 random prompts of the space (each on 24 test
queries, in turn, so that each query is asked 20 times), and what a search finds. Writes bars.csv beside this script.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from dataclasses import replace
from pathlib import Path

import optuna

from urial_opt import plugins
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.evaluation.scorecard import query_scores, strata_of, summed_up
from urial_opt.records import Estimate, Evaluation
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space
from urial_opt.statistics.bootstrap import bootstrap_difference
from urial_opt.store import Store

RANDOM_PROMPTS = 200
QUERIES_EACH = 24


def random_prompts(space: SearchSpace, evaluator: Evaluator, yardstick: Evaluation) -> Estimate:
    """Mean score of random prompts minus that of the yardstick on the same queries."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    blocks = space.queries.blocks("test", QUERIES_EACH, seed=1)
    ours: dict[str, list[float]] = {}
    for number in range(RANDOM_PROMPTS):
        candidate = space.suggest(study.ask())
        evaluation = evaluator.evaluate(candidate, blocks[number % len(blocks)])
        for query, score in query_scores(evaluation, space.objective).items():
            if score is not None:
                ours.setdefault(query, []).append(score)
    means = {query: sum(scores) / len(scores) for query, scores in ours.items()}
    strata = strata_of(space.queries.split("test"), space.objective)
    return bootstrap_difference(means, query_scores(yardstick, space.objective), strata)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1, help="searches to run, with the seeds 0, 1, …")
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--store", default="", help="SQLite file to keep; default: a temporary one")
    chosen = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = load_space("nano")
    test = space.queries.split("test")
    strata = strata_of(test, space.objective)
    rows: list[list[object]] = []

    def row(name: str, evaluation: Evaluation, gain: Estimate | None = None) -> None:
        card = summed_up(evaluation, space.objective)
        means = [f"{card.aspects[aspect].mean:.2f}" for aspect in card.aspects]
        average = f"{card.average.mean:.3f} [{card.average.low:.2f}, {card.average.high:.2f}]"
        told = f"{gain.mean:+.3f} [{gain.low:+.2f}, {gain.high:+.2f}]" if gain else ""
        rows.append([name, *means, average, told])
        print("\t".join(map(str, rows[-1])), flush=True)

    with tempfile.TemporaryDirectory() as folder, Store.open(chosen.store or f"{folder}/bars.db") as store:
        evaluator = Evaluator(generator=plugins.open_generator("nano"), judge=plugins.open_judge("nano"), memory=store)
        twin = plugins.open_chat_generator("nano-aligned")
        hand = evaluator.evaluate(space.hand_written, test)

        def against_hand(evaluation: Evaluation) -> Estimate:
            scores = [query_scores(each, space.objective) for each in (evaluation, hand)]
            return bootstrap_difference(scores[0], scores[1], strata)

        for name, candidate in (("zero-shot", space.zero_shot), ("plain ICL", space.plain_icl)):
            evaluation = evaluator.evaluate(candidate, test)
            row(name, evaluation, against_hand(evaluation))
        row("hand-written URIAL", hand)
        aligned = evaluator.evaluate_aligned(twin, replace(space.hand_written.sampling, stop=()), test)
        row("aligned twin", aligned, against_hand(aligned))
        difference = random_prompts(space, evaluator, hand)
        print(
            f"mean of {RANDOM_PROMPTS} random prompts: {difference.mean:+.3f} against the hand-written one", flush=True
        )
        rows.append([f"{RANDOM_PROMPTS} random prompts", *[""] * 7, f"{difference.mean:+.3f}"])
        for seed in range(chosen.seeds):
            models = Models(base=evaluator.generator, judge=evaluator.judge, aligned=twin)
            options = SearchOptions(budget=chosen.budget, seed=seed)
            result = search_space(space, models, store, options=options)
            row(f"found, seed {seed}, {result.seconds:.0f} s", result.found.evaluation, result.gain)
    header = ["context", "helpfulness", "clarity", "factuality", "depth", "engagement", "safety", "average", "gain"]
    with (Path(__file__).parent / "bars.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


if __name__ == "__main__":
    main()
