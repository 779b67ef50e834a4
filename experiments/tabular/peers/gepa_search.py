"""GEPA: the package `gepa` (Agrawal et al. 2025) run as itself, with a stand-in for its reflection model.

Its adapter looks up scores. A candidate has two components, the system prompt and the exemplars, as numbers in texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from gepa.api import optimize
from gepa.core.adapter import EvaluationBatch

from experiments.tabular.peers.judged import JudgedAnswers
from experiments.tabular.peers.writers import BlindWriter, ScriptedWriter, Writer

_IDLE = 100
"""Proposals in a row that ask nothing new, after which it ends."""
_HIGHEST = 5.0


def gepa_blind(answers: JudgedAnswers, seed: int) -> None:
    """With a reflection model that draws from the lists at random."""
    _run(answers, seed, BlindWriter)


def gepa_scripted(answers: JudgedAnswers, seed: int) -> None:
    """With a reflection model that reads all scores so far, its best case."""
    _run(answers, seed, ScriptedWriter)


class _Adapter:
    def __init__(self, answers: JudgedAnswers, writer: Writer) -> None:
        self.answers = answers
        self.writer = writer

    def number(self, candidate: Mapping[str, str]) -> int:
        chosen = [int(one) for one in candidate["exemplars"].split()]
        return self.answers.bench.prompt(int(candidate["system"]), chosen)

    def evaluate(
        self,
        batch: list[int],
        candidate: dict[str, str],
        capture_traces: bool = False,  # noqa: FBT001, FBT002 - as GEPA calls it
    ) -> EvaluationBatch[float, float]:
        scores = (self.answers.ask(self.number(candidate), batch) / _HIGHEST).tolist()
        return EvaluationBatch(outputs=scores, scores=scores, trajectories=scores if capture_traces else None)

    def make_reflective_dataset(
        self,
        candidate: dict[str, str],  # noqa: ARG002
        eval_batch: EvaluationBatch[float, float],
        components_to_update: list[str],
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {component: [{"score": score} for score in eval_batch.scores] for component in components_to_update}

    def propose_new_texts(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],  # noqa: ARG002
        components_to_update: list[str],
    ) -> dict[str, str]:
        prompt = self.number(candidate)
        return {
            component: str(self.writer.system(prompt))
            if component == "system"
            else " ".join(str(one) for one in self.writer.exemplars(prompt))
            for component in components_to_update
        }


class _Watch:
    """Recommends GEPA's best candidate after each evaluation on all queries, and stops rounds that cost nothing."""

    def __init__(self, adapter: _Adapter) -> None:
        self.adapter = adapter
        self.idle, self.judged = 0, 0

    def on_valset_evaluated(self, event: Any) -> None:  # noqa: ANN401
        if event["is_best_program"]:
            self.adapter.answers.recommend(self.adapter.number(event["candidate"]))

    def on_iteration_start(self, event: Any) -> None:  # noqa: ANN401, ARG002
        judged = self.adapter.answers.judged
        self.idle = self.idle + 1 if judged == self.judged else 0
        self.judged = judged

    def __call__(self, state: Any) -> bool:  # noqa: ANN401, ARG002 - GEPA asks whether to stop
        return self.idle > _IDLE


class _Silent:
    def log(self, message: str) -> None:
        """GEPA says much."""


def _run(answers: JudgedAnswers, seed: int, writer: Callable[[JudgedAnswers, int], Writer]) -> None:
    bench = answers.bench
    start, adapter = bench.prompts[bench.start], _Adapter(answers, writer(answers, seed))
    watch, queries = _Watch(adapter), list(range(bench.queries))
    optimize(
        seed_candidate={"system": str(start.system), "exemplars": " ".join(str(one) for one in start.exemplars)},
        trainset=queries,
        valset=queries,
        adapter=cast(Any, adapter),  # it has `evaluate` and the like, and nothing optional
        skip_perfect_score=False,
        use_merge=True,  # as dspy.GEPA does
        stop_callbacks=cast(Any, watch),
        callbacks=[cast(Any, watch)],
        logger=_Silent(),
        seed=seed,
    )
