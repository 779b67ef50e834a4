"""Demos: those that a search may show to a predictor, taken from labelled examples or from runs that the metric passes.

Examples that are demos are not asked in the search, so that no prompt holds the answers to its own queries.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urial_opt.content import content_id, mended
from urial_opt.datasets.queries import draw, made_id, same_words
from urial_opt.dspy.identities import plain
from urial_opt.dspy.metrics import MetricJudge
from urial_opt.dspy.program_model import ProgramModel
from urial_opt.dspy.programs import Run, Shown, runs_of
from urial_opt.errors import InputError
from urial_opt.memory import Memory, fill_gaps
from urial_opt.prompt import Exemplar
from urial_opt.prompt_file.fields import value_text, write_fields
from urial_opt.records import Completion, Query, Split

LABELLED, BOOTSTRAPPED, GIVEN = "labelled", "bootstrapped", "given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The examples of a training and a validation set, each with the text of its query."""

    examples: Mapping[str, Any]
    """By the text of their inputs."""
    demos: tuple[str, ...]
    """Those that may become demos."""
    queries: tuple[Query, ...]
    """The others, of the training set (`dev`) and of the validation set."""
    repeated: int
    """How many were left out, since their inputs are those of another one."""


def divide(trainset: Sequence[Any], valset: Sequence[Any] | None, *, pool: int, seed: int) -> Parts:
    """Draw up to `pool` examples, at most half of the training set, for demos; `dev` queries are the rest.

    Without a validation set, half of the rest is one. InputError if there are too few examples.
    """
    examples: dict[str, Any] = {}
    for each in (*(valset or ()), *trainset):
        examples.setdefault(_text(each), each)
    held = list(dict.fromkeys(map(_text, valset or ())))
    trained = sorted(examples.keys() - set(held), key=lambda text: (draw(seed, text), text))
    number = min(pool, len(trained) // 2)
    demos, asked = trained[:number], trained[number:]
    if not held:
        held, asked = asked[: len(asked) // 2], asked[len(asked) // 2 :]
    if not demos or not held or not asked:
        raise InputError(
            f"{len(trained)} different training examples are too few for demos and queries; give at least "
            f"{2 if valset else 4}, and better some dozens"
        )
    splits: list[tuple[Split, str]] = [*(("dev", text) for text in asked), *(("validation", text) for text in held)]
    queries = [Query(id=f"{split}-{made_id(text)}", text=text, kind="regular", split=split) for split, text in splits]
    return Parts(
        examples=examples,
        demos=tuple(demos),
        queries=tuple(queries),
        repeated=len(trainset) + len(valset or ()) - len(examples),
    )


def _text(example: Any) -> str:
    try:
        inputs = dict(example.inputs())
    except ValueError as error:
        raise InputError(
            f"the example {example!r:.80} does not say which of its fields are inputs; add .with_inputs('query')"
        ) from error
    values = plain(inputs)
    return write_fields({name: value_text(value) for name, value in values.items()}, list(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What demos are made from."""

    labelled: Sequence[Any]
    """Examples with their labels."""
    traces: Sequence[Mapping[str, list[Mapping[str, Any]]]]
    """For each run that passed, the demos of each predictor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """Runs a program on the examples for demos; its runs are stored, so that they are paid once."""

    program: Any
    """The teacher."""
    model: ProgramModel
    judge: MetricJudge
    memory: Memory
    threshold: float | None = None
    """What the metric must reach; None: anything but 0 or false."""
    before: Callable[[], None] = lambda: None
    """Called before each example; what it raises ends the run."""

    def traces(self, parts: Parts, shown: Mapping[str, Sequence[Shown]]) -> list[dict[str, list[Mapping[str, Any]]]]:
        """For each example that passes, the demos of each predictor that was called.

        The teacher tries as it is and, where that fails, with the labelled demos `shown`, by predictor, if it has none
        of its own: but not with that of the example itself.
        """
        passed = self._passed(parts, parts.demos, {})
        failed = [text for text in parts.demos if text not in passed]
        if any(shown.get(name) and not each.demos for name, each in self.program.named_predictors()):
            passed |= self._passed(parts, failed, shown)
        return [passed[text] for text in parts.demos if text in passed]

    def _passed(
        self, parts: Parts, texts: Sequence[str], shown: Mapping[str, Sequence[Shown]]
    ) -> dict[str, dict[str, list[Mapping[str, Any]]]]:
        """The demos of each run that passes, by the text of its example."""
        kept = [
            [name, str(each.signature.dump_state()), [plain(dict(demo)) for demo in each.demos]]
            for name, each in self.program.named_predictors()
        ]
        lent = [[name, [dict(each.demo) for each in some]] for name, some in shown.items()]
        identity = (
            f"bootstrap {type(self.program).__qualname__} {content_id([kept, lent, self.threshold])[:8]}, "
            f"{self.judge.identity}, {self.model.identity}"
        )
        sampling = self.model.sampling

        def ask(missing: list[int]) -> list[Completion]:
            found = []
            for place in missing:
                self.before()
                written = self._written(texts[place], parts.examples[texts[place]], shown)
                self.memory.add_completions(identity, sampling, [texts[place]], [written])
                found.append(written)
            return found

        written = fill_gaps(self.memory.find_completions(identity, sampling, texts), ask)
        steps = {text: _steps_of(each.text) for text, each in zip(texts, written, strict=True)}
        return {text: each for text, each in steps.items() if each is not None}

    def _written(self, text: str, example: Any, shown: Mapping[str, Sequence[Shown]]) -> Completion:
        """The run on one example: whether it passed, and its trace, as JSON."""
        program = self.program.deepcopy()
        for name, predictor in program.named_predictors():
            if not predictor.demos:
                own = same_words(text)
                predictor.demos = [dict(s.demo) for s in shown.get(name, ()) if same_words(s.exemplar.query) != own]
        texts = [self.model.system_of(each.signature) for each in program.predictors()]
        ((_, run),) = runs_of(program, [example], self.model, self.model.with_texts(texts))
        content = {"passed": self._passes(text, run), "trace": run.trace}
        line = mended(json.dumps(content, ensure_ascii=False, sort_keys=True))
        return Completion(text=line, finish_reason="stop", usage=run.usage)

    def _passes(self, text: str, run: Run) -> bool:
        if run.outputs is None:
            return False
        value, _ = self.judge.value(text, run, trace=list(run.trace))
        return value is not None and is_enough(value, self.threshold)


def is_enough(value: float, threshold: float | None) -> bool:
    """Whether a value of the metric makes a demo: without a threshold, anything but 0."""
    return bool(value) if threshold is None else value >= threshold


def worth_showing(parts: Parts, judge: MetricJudge, threshold: float | None) -> list[Any]:
    """The examples for demos whose own labels the metric passes, or cannot judge; all of them if it passes none."""
    values = {}
    for text in parts.demos:
        labels = plain(dict(parts.examples[text].labels()))
        values[text], _ = judge.value(text, Run(outputs=labels)) if labels else (None, "")
    kept = [text for text, value in values.items() if value is None or is_enough(value, threshold)]
    return [parts.examples[text] for text in kept or parts.demos]


def _steps_of(text: str) -> dict[str, list[Mapping[str, Any]]] | None:
    content = json.loads(text)
    if not content["passed"]:
        return None
    steps: dict[str, list[Mapping[str, Any]]] = {}
    for name, inputs, outputs in content["trace"]:
        steps.setdefault(name, []).append({**inputs, **outputs})
    return steps


def shown_demos(
    demos: Sequence[Mapping[str, Any]],
    signature: Any,
    model: ProgramModel,
    *,
    style: str,
) -> list[Shown]:
    """The demos that a predictor can be shown, as exemplars: those with all fields that it needs, each once."""
    found: dict[str, Shown] = {}
    for each in demos:
        demo = {name: value for name, value in plain(dict(each)).items() if name in signature.fields}
        if model.writer.lacking(signature, demo):
            continue
        (exemplar,) = model.writer.prompt(signature, [demo]).exemplars
        exemplar = Exemplar(query=exemplar.query, answer=exemplar.answer, style=style, tags=("regular", style))
        found.setdefault(exemplar.id, Shown(exemplar=exemplar, demo=demo))
    return list(found.values())
