"""CAPO: promptolution's optimizer (Zehle et al. 2025) run as itself, with a stand-in for its meta-model.

The package is not among our dependencies; README.md says how to install it aside. CAPO writes system prompts by a
meta-model, and draws exemplars itself.
"""

from __future__ import annotations

import importlib
import logging
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from experiments.tabular.peers.judged import JudgedAnswers
from experiments.tabular.peers.writers import BlindWriter, ScriptedWriter, Writer

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
    """With a meta-model that reads all scores so far, its best case: it writes the best system for the exemplars."""
    _run(answers, seed, ScriptedWriter)


def _number(answers: JudgedAnswers, text: str) -> int:
    """The prompt that a text of CAPO's stands for: its instruction and its few-shot examples, in order."""
    system = re.search(r"<system (\d+)>", text)
    assert system is not None, text
    return answers.bench.prompt(int(system[1]), [int(one) for one in re.findall(r"<exemplar (\d+)>", text)])


def _run(answers: JudgedAnswers, seed: int, writer: Callable[[JudgedAnswers, int], Writer]) -> None:
    # promptolution has no types and is not always there
    module: Callable[[str], Any] = importlib.import_module
    logging.getLogger("promptolution").setLevel(logging.CRITICAL)
    pandas, llms = module("pandas"), module("promptolution.llms.base_llm")
    tasks, predictors = module("promptolution.tasks.reward_tasks"), module("promptolution.predictors.base_predictor")
    bench, rewrites = answers.bench, writer(answers, seed)

    class Scores(llms.BaseLLM):  # type: ignore[misc]
        """Answers with the score of the answer."""

        def _get_response(self, prompts: list[str], system_prompts: list[str]) -> list[str]:  # noqa: ARG002
            lines = [text.rsplit("\n", 1) for text in prompts]
            return [repr(float(answers.ask(_number(answers, text), [int(query)])[0])) for text, query in lines]

    class MetaModel(llms.BaseLLM):  # type: ignore[misc]
        """Writes an instruction for the last one that stands in what it is asked."""

        def _get_response(self, prompts: list[str], system_prompts: list[str]) -> list[str]:  # noqa: ARG002
            named = [re.findall(r"<system \d+>", text)[-1] for text in prompts]
            numbers = [_number(answers, name + _few_shots(best)) for name in named]
            return [f"<prompt><system {rewrites.system(number)}></prompt>" for number in numbers]

    class Predictor(predictors.BasePredictor):  # type: ignore[misc]
        def _extract_preds(self, preds: list[str]) -> list[str]:
            return preds

    best: list[int] = [bench.start]

    def _few_shots(prompts: Sequence[int]) -> str:
        return "".join(f"<exemplar {one}>" for one in bench.prompts[prompts[0]].exemplars)

    class Watch:
        """Recommends the first of the population after each generation."""

        idle, judged = 0, 0

        def on_step_end(self, optimizer: Any) -> bool:  # noqa: ANN401
            best[0] = _number(answers, str(optimizer.prompts[0]))
            answers.recommend(best[0])
            self.idle = self.idle + 1 if answers.judged == self.judged else 0
            self.judged = answers.judged
            return self.idle < _IDLE

        def on_train_end(self, optimizer: Any) -> None:  # noqa: ANN401
            """Nothing is left to do."""

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - pandas draws CAPO's examples from it
    queries = [str(query) for query in np.random.default_rng(seed).permutation(bench.queries)]
    task = tasks.RewardTask(
        df=pandas.DataFrame({"x": queries, "y": ["" for _ in queries]}),
        reward_function=float,
        x_column="x",
        y_column="y",
        task_description="",
        n_subsamples=max(1, bench.queries // _BLOCKS),
        eval_strategy="sequential_block",
        seed=seed,
    )
    exemplars = [f"<exemplar {one}>" for one in range(bench.exemplars)]
    first = bench.prompts[bench.start].system
    systems = [(first + place) % bench.systems for place in range(_POPULATION)]
    optimizer = module("promptolution.optimizers.capo").CAPO(
        predictor=Predictor(Scores()),
        task=task,
        meta_llm=MetaModel(),
        initial_prompts=[f"<system {system}>" for system in systems],
        upper_shots=bench.most,
        length_penalty=0.0,  # the objective of our tables has no price for length
        check_fs_accuracy=False,
        create_fs_reasoning=False,
        df_few_shots=pandas.DataFrame({"x": exemplars, "y": ["" for _ in exemplars]}),
        callbacks=[Watch()],
    )
    optimizer.optimize(_STEPS * answers.budget // bench.queries)
