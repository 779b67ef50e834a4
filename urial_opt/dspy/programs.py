"""Programs: runs a DSPy program on examples under candidate demos and instructions, as a generator of our protocol.

A candidate is a prompt: instructions are its system text, demos its exemplars. `ProgramGenerator` finds the demos again
in the prompt's text, gives them to one predictor of the program, and runs the program on the example that each suffix
stands for. What it hands on as a completion is JSON in one line: the outputs, or why there are none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

import dspy  # type: ignore[import-untyped]
from dspy.utils.exceptions import (  # type: ignore[import-untyped]
    ContextWindowExceededError,
    LMError,
    is_retryable_lm_error,
)

from urial_opt.content import mended
from urial_opt.dspy.identities import named_program, plain
from urial_opt.dspy.program_model import ProgramModel
from urial_opt.errors import AdapterError, ContextError
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import Completion, Sampling, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a program on an example."""

    outputs: Mapping[str, Any] | None
    """None if the program failed."""
    failed: str = ""
    """Why: an answer that could not be read, or an error of the program's own code."""
    prediction: Any = None
    """What the program returned; None if it failed."""
    trace: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = ()
    """Each call of a predictor: its name, inputs and outputs."""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A demo as an exemplar of a prompt."""

    exemplar: Exemplar
    demo: Mapping[str, Any]


class ProgramGenerator:
    """Runs one program with other demos and instructions in one of its predictors."""

    def __init__(
        self,
        program: Any,
        predictor: str,
        *,
        model: ProgramModel,
        examples: Mapping[str, Any],
        pool: Sequence[Shown],
        systems: Sequence[str],
    ) -> None:
        """`examples`: by the text of their query. `pool` and `systems`: all that a candidate may consist of."""
        self._program, self._predictor, self._model = program, predictor, model
        self._examples = {UrialPrompt().suffix(text): example for text, example in examples.items()}
        self._pool = {each.exemplar.render(): each.demo for each in pool}
        self._systems = ("", *systems)
        self._heard: Callable[[Mapping[int, Completion]], None] | None = None
        others = [model.system_of(each.signature) for each in program.predictors()]
        self._adapter = model.with_texts([*systems, *others])
        self.identity = f"program {named_program(program, but=predictor)}, {model.identity}"

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:  # noqa: ARG002
        """As `protocols.Generator`; the language model decodes as it is set to, whatever `sampling` is.

        ContextError or AdapterError if the language model fails; where the program fails, the completion says so.
        """
        program = self._program.deepcopy()
        give(program, self._predictor, *self.parts(prefix))
        examples = [self._examples[suffix] for suffix in suffixes]
        completions: dict[int, Completion] = {}
        for place, run in runs_of(program, examples, self._model, self._adapter):
            completions[place] = Completion(text=run_text(run), finish_reason="stop", usage=run.usage)
            if self._heard is not None:
                self._heard({place: completions[place]})
        return [completions[place] for place in range(len(suffixes))]

    def hand_on(self, heard: Callable[[Mapping[int, Completion]], None] | None) -> None:
        """As `protocols.Gradual`."""
        self._heard = heard

    def parts(self, prefix: str) -> tuple[str, list[Mapping[str, Any]]]:
        """The system text and the demos of which a prompt consists. ValueError if it has others."""
        for system in self._systems:
            if prefix.startswith(system) and (demos := self._demos(prefix[len(system) :])) is not None:
                return system, demos
        raise ValueError("the prompt is none of this search")

    def _demos(self, text: str) -> list[Mapping[str, Any]] | None:
        demos: list[Mapping[str, Any]] = []
        while text:
            shown = next((each for each in self._pool if text.startswith(each)), None)
            if shown is None:
                return None
            demos.append(self._pool[shown])
            text = text[len(shown) :]
        return demos


def give(program: Any, predictor: str, system: str, demos: Sequence[Mapping[str, Any]]) -> None:
    """Give instructions and demos to a predictor of a program."""
    chosen = dict(program.named_predictors())[predictor]
    chosen.demos = [dspy.Example(**demo) for demo in demos]
    chosen.signature = chosen.signature.with_instructions(system)


def runs_of(program: Any, examples: Sequence[Any], model: ProgramModel, adapter: Any) -> Iterator[tuple[int, Run]]:
    """Each run of the program, with the place of its example, as it ends; several run at once.

    Errors as in `ProgramGenerator.generate`, once the runs that were under way have been handed on.
    """
    if model.num_threads == 1 or len(examples) == 1:
        yield from ((place, _run(program, each, model, adapter)) for place, each in enumerate(examples))
        return
    with ThreadPoolExecutor(model.num_threads) as pool:
        places = {
            pool.submit(copy_context().run, _run, program, each, model, adapter): place
            for place, each in enumerate(examples)
        }
        failed: BaseException | None = None
        for task in as_completed(places):
            if task.cancelled():
                continue
            if (error := task.exception()) is None:
                yield places[task], task.result()
            elif failed is None:
                failed = error
                for other in places:
                    other.cancel()
        if failed is not None:
            raise failed


def _run(program: Any, example: Any, model: ProgramModel, adapter: Any) -> Run:
    names = {id(each): name for name, each in program.named_predictors()}
    with dspy.context(lm=model.lm, adapter=adapter, trace=[]), dspy.track_usage() as tracker:
        try:
            prediction = program(**example.inputs())
            failed = "" if hasattr(prediction, "toDict") else f"the program returned a {type(prediction).__name__}"
        except ContextWindowExceededError as error:
            raise ContextError(str(error)) from error
        except LMError as error:
            raise AdapterError(str(error), retryable=is_retryable_lm_error(error)) from error
        except Exception as error:  # of the program's own code, or an answer that cannot be read
            prediction, failed = None, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        usage = _usage(tracker.get_total_tokens().values())
        if failed:
            return Run(outputs=None, failed=failed, usage=usage)
        steps = [(names.get(id(step[0]), ""), step[1], step[2]) for step in dspy.settings.trace or []]
    return Run(
        outputs=plain(prediction.toDict()),
        prediction=prediction,
        trace=tuple((name, plain(given), plain(found.toDict())) for name, given, found in steps if name),
        usage=usage,
    )


def run_text(run: Run) -> str:
    """The run as one line of JSON, without its trace."""
    content = {"failed": run.failed} if run.outputs is None else {"outputs": run.outputs}
    return mended(json.dumps(content, ensure_ascii=False, sort_keys=True))


def read_run(text: str) -> Run:
    """The run in such a line."""
    content = json.loads(text)
    return Run(outputs=content.get("outputs"), failed=content.get("failed", ""))


def _usage(counted: Any) -> Usage:
    total = Usage()
    for each in counted:
        saved = int((each.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
        prompt, written = int(each.get("prompt_tokens") or 0), int(each.get("completion_tokens") or 0)
        total += Usage(prompt_tokens=max(prompt - saved, 0), completion_tokens=written, saved_tokens=saved)
    return total
