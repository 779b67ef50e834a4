"""DSPy form: the prompt in the saved state of a DSPy program with one predictor, whose demos are exemplars.

A state has `signature` (`instructions` and `fields`), `demos` and more; that of a program has one for each predictor,
by name. DSPy dedents instructions, so that an exact system text is only known from a file of our exporter `dspy`, which
keeps what DSPy has no place for under `metadata.urial_opt`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from urial_opt.errors import PromptError
from urial_opt.prompt import Exemplar, Layout, UrialPrompt
from urial_opt.prompt_file.decoding import SamplingForm, first_mistake
from urial_opt.prompt_file.fields import value_text, write_fields
from urial_opt.prompt_file.plain_text import BYTE_ORDER_MARK
from urial_opt.records import Sampling

DSPY_FORMAT: Literal["urial-opt dspy 1"] = "urial-opt dspy 1"
"""Value of `metadata.urial_opt.format` in a file of the exporter `dspy`."""
_SAID = re.compile(r"Given the fields ((?:`\w+`(?:, )?)*), produce the fields (?:`\w+`(?:, )?)*\.")
"""What DSPy writes where a signature has no instructions."""
_THOUGHTS = "reasoning"
"""The first output of `dspy.ChainOfThought`."""


class _Ours(BaseModel):
    format: Literal["urial-opt dspy 1"]
    raw: str | None = None
    layout: Layout = "urial"
    styles: tuple[str, ...] = ()
    sampling: SamplingForm


class _Metadata(BaseModel):
    urial_opt: _Ours | None = None


class _Field(BaseModel):
    prefix: str
    description: str


class _Signature(BaseModel):
    instructions: str
    fields: tuple[_Field, ...]


class _State(BaseModel):
    demos: tuple[dict[str, Any], ...]
    signature: _Signature
    metadata: _Metadata = _Metadata()


def is_dspy_state(text: str) -> bool:
    """Whether a JSON text is the saved state of a DSPy predictor or program, damaged or not."""
    try:
        document = json.loads(text.removeprefix(BYTE_ORDER_MARK))
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and (_is_state(document) or bool(_states(document)))


def parse_dspy(text: str, source: str) -> UrialPrompt:
    """The prompt in such a text, which the messages call `source`. Demos without one of the fields are left out.

    PromptError if it is damaged, has several predictors, or does not say which fields are outputs.
    """
    state = _read(text, source)
    instructions, demos = state.signature.instructions, state.demos
    names = [_name(field, demos) for field in state.signature.fields]
    inputs = _inputs(instructions, names, source)
    outputs = names[len(inputs) :]
    ours = state.metadata.urial_opt
    exemplars: list[Exemplar] = []
    notes: list[str] = []
    for number, demo in enumerate(demos, start=1):
        texts = {name: value_text(demo[name]) for name in names if demo.get(name) is not None}
        if lacking := [name for name in outputs if name not in texts] + ([] if {*inputs} & {*texts} else inputs):
            notes.append(f"Demo {number} of {source} is left out: it has no {', '.join(map(repr, lacking))}.")
            continue
        style = ours.styles[number - 1] if ours and number <= len(ours.styles) else ""
        query, answer = (write_fields(texts, some) for some in (inputs, outputs))
        exemplars.append(Exemplar(query=query, answer=answer, style=style))
    system = instructions if ours else f"{instructions}\n" if instructions and not _SAID.fullmatch(instructions) else ""
    return UrialPrompt(
        system=system,
        exemplars=tuple(exemplars),
        raw=ours.raw if ours else None,
        layout=ours.layout if ours else "urial",
        notes=tuple(notes),
    )


def parse_dspy_sampling(text: str, source: str) -> Sampling | None:
    """The sampling in such a text; None if it was not written by our exporter. PromptError as in `parse_dspy`."""
    ours = _read(text, source).metadata.urial_opt
    return None if ours is None else ours.sampling.read()


def _is_state(document: dict[str, Any]) -> bool:
    return "signature" in document and "demos" in document


def _states(document: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in document.items() if isinstance(each, dict) and _is_state(each)}


def _read(text: str, source: str) -> _State:
    document = json.loads(text.removeprefix(BYTE_ORDER_MARK))
    if not _is_state(document):
        states = _states(document)
        if len(states) > 1:
            names = ", ".join(map(repr, states))
            raise PromptError(
                f"{source} is a DSPy program with {len(states)} predictors ({names}), and a prompt is one of them; "
                f"save that one: program.{next(iter(states))}.save('one.json')"
            )
        document = {**next(iter(states.values())), "metadata": document.get("metadata") or {}}
    try:
        return _State.model_validate(document)
    except ValidationError as error:
        raise PromptError(
            f"{source} is not the state of a DSPy program, as DSPy saves it: {first_mistake(error)}; save it again"
        ) from error


def _name(field: _Field, demos: Sequence[dict[str, Any]]) -> str:
    """The name of a field: from its default description, or that of a demo's field that DSPy made the prefix from."""
    if found := re.fullmatch(r"\$\{(\w+)\}", field.description):
        return found[1]
    plain = re.sub(r"\W", "", field.prefix).casefold()
    known = (name for demo in demos for name in demo if name.replace("_", "").casefold() == plain)
    return next(known, "_".join(re.findall(r"\w+", field.prefix)).lower())


def _inputs(instructions: str, names: Sequence[str], source: str) -> list[str]:
    """The names of the inputs, which stand before those of the outputs."""
    if said := _SAID.fullmatch(instructions):
        return [name for name in names if name in re.findall(r"\w+", said[1])]
    if _THOUGHTS in names[1:]:
        return list(names[: names.index(_THOUGHTS)])
    if len(names) == 2:
        return list(names[:1])
    raise PromptError(
        f"{source} does not say which of its fields {', '.join(map(repr, names))} are inputs and which outputs; give a "
        "program with one input and one output, or with reasoning"
    )
