"""MIPROv2: DSPy's optimizer (Opsahl-Ong et al. 2024) run as itself on a program that looks its scores up.

Its instructions are the system prompts of the table, and its demo sets are ordered sets of exemplars, so neither the
model that writes instructions nor the one that answers is asked.
"""

from __future__ import annotations

import logging
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import dspy  # type: ignore[import-untyped]
import numpy as np
from dspy.teleprompt import MIPROv2  # type: ignore[import-untyped]

from experiments.tabular.peers.judged import JudgedAnswers

_SETS = 18
"""The number of demo sets of MIPROv2's mode `heavy`."""
_MINIBATCH = 35
"""Its default."""
_TRIALS = 2
"""At most so many times as many trials as the budget pays, since it asks some questions again."""


def mipro_all(answers: JudgedAnswers, seed: int) -> None:
    """Every ordered set of exemplars is a candidate."""
    _run(answers, seed, answers.bench.sets)


def mipro_drawn(answers: JudgedAnswers, seed: int) -> None:
    """As many demo sets, drawn at random, as its mode `heavy` makes, and the hand-written one."""
    _run(answers, seed, answers.bench.drawn_sets(np.random.default_rng(seed), _SETS))


def mipro_many(answers: JudgedAnswers, seed: int) -> None:
    """Ten times as many, where there are too many sets to list."""
    _run(answers, seed, answers.bench.drawn_sets(np.random.default_rng(seed), 10 * _SETS))


class _Program(dspy.Module):  # type: ignore[misc]
    """One predictor, whose instructions and demos are numbers of the table's parts."""

    def __init__(self, answers: JudgedAnswers) -> None:
        super().__init__()
        self.answer = dspy.Predict("query -> answer")
        self.answers = [answers]  # a list, so that copies of the program share it

    def deepcopy(self) -> _Program:
        copy = _Program(self.answers[0])
        copy.answer.signature, copy.answer.demos = self.answer.signature, self.answer.demos
        return copy

    def number(self) -> int:
        chosen = [demo["number"] for demo in self.answer.demos]
        return self.answers[0].bench.prompt(int(self.answer.signature.instructions), chosen)

    def forward(self, query: int) -> Any:  # noqa: ANN401
        return dspy.Prediction(answer=float(self.answers[0].ask(self.number(), [query])[0]))


class _Mipro(MIPROv2):  # type: ignore[misc]
    """MIPROv2 with candidates that are given, and with a word when its best program changes."""

    def __init__(self, answers: JudgedAnswers, sets: list[tuple[int, ...]], **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self.judged = answers
        self.sets = sets

    def _bootstrap_fewshot_examples(self, *_: Any, **__: Any) -> list[Any]:  # noqa: ANN401
        return [[[{"number": one} for one in chosen] for chosen in self.sets]]

    def _propose_instructions(self, *_: Any, **__: Any) -> dict[int, list[str]]:  # noqa: ANN401
        first = self.judged.bench.prompts[self.judged.bench.start].system
        others = [system for system in range(self.judged.bench.systems) if system != first]
        return {0: [str(system) for system in (first, *others)]}

    def _perform_full_evaluation(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        best_score, best_program, calls = super()._perform_full_evaluation(*arguments, **named)
        self.judged.recommend(best_program.number())
        return best_score, best_program, calls


def _metric(_example: Any, prediction: Any, _trace: object = None) -> float:  # noqa: ANN401
    return float(prediction.answer)


def _run(answers: JudgedAnswers, seed: int, sets: list[tuple[int, ...]]) -> None:
    logging.getLogger("dspy").setLevel(logging.CRITICAL)
    bench = answers.bench
    start = bench.prompts[bench.start]
    ordered = [start.exemplars, *(each for each in sets if each != start.exemplars)]
    program = _Program(answers)
    program.answer.signature = program.answer.signature.with_instructions(str(start.system))
    program.answer.demos = [{"number": one} for one in start.exemplars]
    queries = [dspy.Example(query=query).with_inputs("query") for query in range(bench.queries)]
    optimizer = _Mipro(
        answers,
        ordered,
        metric=_metric,
        prompt_model=dspy.LM("none/none"),
        task_model=dspy.LM("none/none"),
        auto=None,
        num_candidates=len(ordered),
        num_threads=1,
        max_errors=1,
        seed=seed,
    )
    minibatch = min(_MINIBATCH, bench.queries)
    with redirect_stdout(StringIO()):  # bars of progress
        optimizer.compile(
            program,
            trainset=queries,
            valset=queries,
            num_trials=_TRIALS * answers.budget // minibatch,
            minibatch_size=minibatch,
            seed=seed,
        )
