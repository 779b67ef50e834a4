"""CAPO: promptolution's optimizer (Zehle et al. 2025) run as itself, with a stand-in for its meta-model.

The package is not among our dependencies; README.md says how to install it aside. CAPO writes system prompts by a
meta-model, and draws exemplars itself.
"""

from __future__ import annotations

import logging
import math
import random
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-not-found,import-untyped,unused-ignore]
from promptolution.llms.base_llm import BaseLLM  # type: ignore[import-not-found,import-untyped,unused-ignore]
from promptolution.optimizers.capo import CAPO  # type: ignore[import-not-found,import-untyped,unused-ignore]
from promptolution.predictors.base_predictor import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    BasePredictor,
)
from promptolution.tasks.reward_tasks import RewardTask  # type: ignore[import-not-found,import-untyped,unused-ignore]
from promptolution.utils import test_statistics  # type: ignore[import-not-found,import-untyped,unused-ignore]
from scipy.special import stdtr  # type: ignore[import-untyped]

from experiments.tabular.peers.judged import JudgedAnswers
from experiments.tabular.peers.writers import BlindWriter, ScriptedWriter, Writer
from urial_opt.statistics.strata import FloatArray

_POPULATION = 10
_BLOCKS = 3
"""Of the queries in a race: CAPO's blocks of 30 would make only one of 48."""
_STEPS = 4
"""At most so many generations for each full evaluation that the budget pays."""
_IDLE = 10
"""Generations in a row that ask nothing new, after which it ends: its population has converged."""


def capo_blind(answers: JudgedAnswers, seed: int) -> None:
    """With a meta-model that draws a system prompt at random."""
    _run(answers, seed, BlindWriter)


def capo_scripted(answers: JudgedAnswers, seed: int) -> None:
    """With a meta-model that reads all scores so far, its best case; it writes systems alone."""
    _run(answers, seed, partial(ScriptedWriter, again=True))


class _Scores(BaseLLM):  # type: ignore[misc,unused-ignore]
    """Says the score of the answer instead of the answer."""

    def __init__(self, answers: JudgedAnswers) -> None:
        super().__init__()
        self.answers = answers

    def _get_response(self, prompts: list[str], _system_prompts: list[str]) -> list[str]:
        asked = [text.rsplit("\n", 1) for text in prompts]
        return [repr(float(self.answers.ask(_number(self.answers, text), [int(query)])[0])) for text, query in asked]


class _MetaModel(BaseLLM):  # type: ignore[misc,unused-ignore]
    """Writes another instruction for the last one that stands in what it is asked, beside the best exemplars so far."""

    def __init__(self, answers: JudgedAnswers, writer: Writer) -> None:
        super().__init__()
        self.answers = answers
        self.writer = writer
        self.best = answers.bench.start

    def _get_response(self, prompts: list[str], _system_prompts: list[str]) -> list[str]:
        exemplars = self.answers.bench.prompts[self.best].exemplars
        systems = [int(re.findall(r"<system (\d+)>", text)[-1]) for text in prompts]
        numbers = [self.answers.bench.prompt(system, exemplars) for system in systems]
        return [f"<prompt><system {self.writer.system(number)}></prompt>" for number in numbers]


class _Predictor(BasePredictor):  # type: ignore[misc,unused-ignore]
    """Takes a reply as it is."""

    def _extract_preds(self, preds: list[str]) -> list[str]:
        return preds


class _Watch:
    """Recommends the first of the population after each generation."""

    def __init__(self, answers: JudgedAnswers, meta: _MetaModel) -> None:
        self.answers, self.meta = answers, meta
        self.idle, self.judged = 0, 0

    def on_step_end(self, optimizer: Any) -> bool:  # noqa: ANN401
        self.meta.best = _number(self.answers, str(optimizer.prompts[0]))
        self.answers.recommend(self.meta.best)
        self.idle = self.idle + 1 if self.answers.judged == self.judged else 0
        self.judged = self.answers.judged
        return self.idle < _IDLE

    def on_train_end(self, optimizer: Any) -> None:  # noqa: ANN401
        """CAPO calls it."""


def _number(answers: JudgedAnswers, text: str) -> int:
    """The prompt that a text of CAPO's stands for: its instruction and its few-shot examples, in order."""
    system = re.search(r"<system (\d+)>", text)
    assert system is not None, text
    return answers.bench.prompt(int(system[1]), [int(one) for one in re.findall(r"<exemplar (\d+)>", text)])


def paired_t_test(one: FloatArray, other: FloatArray, alternative: str) -> tuple[float, float]:
    """What `scipy.stats.ttest_rel` returns, many times as fast; CAPO calls it two hundred times a block."""
    assert alternative == "greater"
    apart = one - other
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = apart.mean() / (apart.std(ddof=1) / math.sqrt(len(apart)))
    return float(statistic), float(stdtr(len(apart) - 1, -statistic))


def _run(answers: JudgedAnswers, seed: int, writer: Callable[[JudgedAnswers, int], Writer]) -> None:
    logging.disable(logging.WARNING)
    test_statistics.ttest_rel = paired_t_test
    random.seed(seed)
    np.random.seed(seed)
    bench = answers.bench
    queries = [str(query) for query in np.random.default_rng(seed).permutation(bench.queries)]
    exemplars = [f"<exemplar {one}>" for one in range(bench.exemplars)]
    first = bench.prompts[bench.start].system
    meta = _MetaModel(answers, writer(answers, seed))
    optimizer = CAPO(
        predictor=_Predictor(_Scores(answers)),
        task=RewardTask(
            df=pd.DataFrame({"x": queries, "y": ["" for _ in queries]}),
            reward_function=float,
            x_column="x",
            y_column="y",
            task_description="",
            n_subsamples=max(1, bench.queries // _BLOCKS),
            eval_strategy="sequential_block",
            seed=seed,
        ),
        meta_llm=meta,
        initial_prompts=[f"<system {(first + place) % bench.systems}>" for place in range(_POPULATION)],
        upper_shots=bench.most,
        length_penalty=0.0,  # the objective of our tables has no price for length
        check_fs_accuracy=False,
        create_fs_reasoning=False,
        df_few_shots=pd.DataFrame({"x": exemplars, "y": ["" for _ in exemplars]}),
        callbacks=[_Watch(answers, meta)],
    )
    optimizer.optimize(_STEPS * answers.budget // bench.queries)
    logging.disable(logging.NOTSET)
