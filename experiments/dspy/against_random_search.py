"""`UrialOptimizer` against DSPy's own `BootstrapFewShotWithRandomSearch`, on the embedded world, at equal calls.

    python experiments/dspy/against_random_search.py [--seeds 8] [--candidates 8]

Both get the same program, `dspy.Predict("query -> answer")` in the URIAL layout, one system text, the same 24 training
examples in styles drawn at random, 16 validation queries, at most 4 demos and the embedded judge as metric (a run
passes from 4 of 5 points on). A quarter of each set are harmful requests. DSPy's optimizer runs to its end. Ours gets
as many trials as take no more different texts of the base model. Prints what each found scores on 96 test queries, from
0 to 1; appends rows to against_random_search.csv beside this script, and prints the mean difference over all rows with
its 95 % t interval.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import logging
import math
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import dspy  # type: ignore[import-untyped]
import dspy.teleprompt  # type: ignore[import-untyped]
from scipy.stats import t  # type: ignore[import-untyped]

from urial_opt.content import content_folder
from urial_opt.dspy import UrialAdapter, UrialEngine, UrialOptimizer
from urial_opt.nano.judge import judge_answer
from urial_opt.objective import Objective
from urial_opt.records import Completion, Query, Sampling
from urial_opt.roles import open_base
from urial_opt.spaces.space_file import load_space

PASSES = 0.75
MOST_DEMOS = 4


class Counted:
    """The embedded base model, which remembers its answers; `asked` are the different texts that it was asked."""

    def __init__(self) -> None:
        self._model = open_base("nano")
        self._known: dict[str, Completion] = {}
        self.identity = self._model.identity
        self.asked: set[str] = set()

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        texts = [f"{sampling.id} {prefix}{suffix}" for suffix in suffixes]
        self.asked.update(texts)
        new = [place for place, text in enumerate(texts) if text not in self._known]
        written = self._model.generate(prefix, [suffixes[place] for place in new], sampling)
        self._known |= zip((texts[place] for place in new), written, strict=True)
        return [self._known[text] for text in texts]


def score(example: Any, found: Any, trace: object = None) -> float:  # noqa: ARG001
    """The embedded judge's verdict, from 0 to 1."""
    query = Query(id="q", text=example.query, kind=example.kind, split="dev")
    given = Objective().query_score(judge_answer(query, found.answer), query.kind)
    return ((given or 1.0) - 1) / 4


def examples(seed: int) -> tuple[list[Any], list[Any], list[Any]]:
    """24 training examples, 16 validation and 96 test queries; a quarter of each are harmful requests."""
    draw = random.Random(seed)
    folder = content_folder("search_spaces")
    pool = [json.loads(line) for line in (folder / "exemplars" / "nano.jsonl").read_text("utf-8").splitlines()]
    queries = load_space("nano").queries
    sources = [
        ([(row["query"], row["kind"], draw.choice(sorted(row["answers"].values()))) for row in pool], 24),
        ([(query.text, query.kind, "") for query in queries.split("dev")], 16),
        ([(query.text, query.kind, "") for query in queries.split("test")], 96),
    ]
    drawn = []
    for rows, number in sources:
        harmful = draw.sample([row for row in rows if row[1] == "safety"], number // 4)
        others = draw.sample([row for row in rows if row[1] != "safety"], number - number // 4)
        both = draw.sample([*harmful, *others], number)
        made = [dspy.Example(query=text, kind=kind, answer=answer) for text, kind, answer in both]
        drawn.append([each.with_inputs("query") for each in made])
    train, val, test = drawn
    return train, val, test


def interval(differences: list[float]) -> str:
    """Mean and 95 % interval of paired differences over seeds."""
    reach = float(t.ppf(0.975, len(differences) - 1)) * stdev(differences) / math.sqrt(len(differences))
    return f"{mean(differences):+.3f} [{mean(differences) - reach:+.3f}, {mean(differences) + reach:+.3f}]"


def theirs(train: list[Any], val: list[Any], *, candidates: int) -> Any:
    """What DSPy's optimizer finds."""
    search = dspy.teleprompt.BootstrapFewShotWithRandomSearch(
        score,
        max_bootstrapped_demos=MOST_DEMOS,
        max_labeled_demos=MOST_DEMOS,
        num_candidate_programs=candidates,
        num_threads=1,
        metric_threshold=PASSES,
    )
    return search.compile(dspy.Predict("query -> answer"), trainset=train, valset=val)


def ours(train: list[Any], val: list[Any], *, calls: int, model: Counted, folder: Path, seed: int) -> tuple[Any, int]:
    """What our optimizer finds with the most trials that take at most so many calls, and the number of trials."""
    program, trials = None, 0
    for budget in range(4, 400, 2):
        model.asked.clear()
        search = UrialOptimizer(
            score,
            budget=budget,
            max_demos=MOST_DEMOS,
            pool=len(train) // 2,
            threshold=PASSES,
            store=folder / f"{seed}-{budget}.db",
            seed=seed,
            num_threads=1,
        )
        found = search.compile(dspy.Predict("query -> answer"), trainset=train, valset=val)
        if program is not None and len(model.asked) > calls:
            break
        program, trials = found, budget
    return program, trials


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--candidates", type=int, default=8)
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    model = Counted()
    adapter = UrialAdapter(load_space("nano").hand_written.prompt.system)
    table = Path(__file__).parent / "against_random_search.csv"
    fresh = not table.exists()
    with (
        tempfile.TemporaryDirectory() as folder,
        table.open("a") as file,
        dspy.context(lm=UrialEngine(model).lm(max_tokens=96), adapter=adapter),
    ):
        rows = csv.writer(file)
        if fresh:
            rows.writerow(["seed", "candidates", "calls", "trials", "zero-shot", "theirs", "ours"])
        for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
            train, val, test = examples(seed)

            def measured(program: Any, test: list[Any] = test) -> float:
                return mean(score(each, program(**each.inputs())) for each in test)

            model.asked.clear()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                one = theirs(train, val, candidates=chosen.candidates)
            calls = len(model.asked)
            other, trials = ours(train, val, calls=calls, model=model, folder=Path(folder), seed=seed)
            values = [measured(dspy.Predict("query -> answer")), measured(one), measured(other)]
            rows.writerow([seed, chosen.candidates, calls, trials, *(f"{value:.4f}" for value in values)])
            file.flush()
            print(
                f"seed {seed}: {calls} calls, {trials} trials; zero-shot, theirs, ours:", *(f"{v:.3f}" for v in values)
            )
    with table.open() as file:
        told = [row for row in csv.DictReader(file) if int(row["candidates"]) == chosen.candidates]
    if len(told) > 1:
        print(f"{len(told)} seeds, ours less theirs:", interval([float(r["ours"]) - float(r["theirs"]) for r in told]))


if __name__ == "__main__":
    main()
