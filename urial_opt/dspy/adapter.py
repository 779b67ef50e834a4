"""Adapter: renders a DSPy signature, its demos and inputs as a URIAL prompt for a base model, and reads its answer.

The instructions of the signature are the system text, demos are exemplars, inputs are the query. One field is its value
alone; several are lines `name: value` (`prompt_file/fields.py`). Values are written and read as DSPy does. A base model
need not know that form: a name that it does not write is written for it, and it is asked to go on from there.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import warnings
from collections.abc import Generator, Iterable, Mapping, Sequence
from enum import EnumMeta
from pathlib import Path
from typing import Any, TypeAlias

import dspy  # type: ignore[import-untyped]
from dspy.adapters.base import Adapter  # type: ignore[import-untyped]
from dspy.adapters.types.base_type import CUSTOM_TYPE_START_IDENTIFIER  # type: ignore[import-untyped]
from dspy.adapters.utils import (  # type: ignore[import-untyped]
    annotation_allows_none,
    apply_output_field_defaults,
    format_field_value,
    parse_value,
)
from dspy.clients._deprecation import adapter_message_call  # type: ignore[import-untyped]
from dspy.clients.capabilities import with_capability_planning  # type: ignore[import-untyped]
from dspy.utils.exceptions import AdapterParseError, LMUnsupportedFeatureError  # type: ignore[import-untyped]

from urial_opt.errors import InputError, PromptError, UrialOptWarning
from urial_opt.prompt import Exemplar, UrialPrompt, read_answer
from urial_opt.prompt_file.dspy_form import is_dspy_state, parse_dspy
from urial_opt.prompt_file.fields import read_fields, write_fields

_Request: TypeAlias = tuple[list[dict[str, str]], dict[str, Any]]
"""Messages and settings of one call of a language model."""
_ADAPTER_FORMAT = "urial-opt dspy adapter 1"
_NO_INSTRUCTIONS = re.compile(r"Given the fields (?:`\w+`(?:, )?)*, produce the fields (?:`\w+`(?:, )?)*\.")
"""What DSPy writes for a signature without instructions; nobody meant it as a system text."""


class UrialAdapter(Adapter):  # type: ignore[misc]
    """The URIAL layout for completion models, byte for byte as `UrialPrompt.render` writes it.

    A signature's instructions lose bytes: DSPy dedents them, and cuts blank lines at their ends. The adapter therefore
    holds the exact texts, and finds the one that a signature's instructions were made from. Instructions that it has no
    exact text of get one final newline.
    """

    def __init__(self, system: str = "", *, systems: Iterable[str] = (), callbacks: list[Any] | None = None) -> None:
        """`system`: the text for signatures without instructions of their own. `systems`: the exact texts of others.

        InputError if DSPy makes the same instructions of two of the texts.
        """
        super().__init__(callbacks=callbacks)
        self.system = system
        self.systems = tuple(dict.fromkeys(systems))
        self._exact: dict[str, str] = {}
        for text in filter(None, (system, *self.systems)):
            if (other := self._exact.setdefault(_as_kept(text), text)) != text:
                raise InputError(
                    f"DSPy cannot tell two system texts apart, which differ in blanks only: {other[:40]!r}… and "
                    f"{text[:40]!r}…; give one of them other words"
                )
        self._warned: set[tuple[str, ...]] = set()

    @with_capability_planning  # type: ignore[untyped-decorator]
    def __call__(self, lm: Any, lm_kwargs: dict[str, Any], signature: Any, demos: Any, inputs: Any) -> Any:
        """The outputs of each completion, as dictionaries.

        The model is asked once, and once more for every field whose name it did not write. Errors as in `format` and
        `parse`, and those of the model.
        """
        asking = self._asking(lm, lm_kwargs, signature, demos, inputs)
        outputs = None
        try:
            while True:
                messages, settings = asking.send(outputs)
                with adapter_message_call(lm, messages):
                    outputs = lm(messages=messages, **settings)
        except StopIteration as end:
            return end.value

    @with_capability_planning  # type: ignore[untyped-decorator]
    async def acall(self, lm: Any, lm_kwargs: dict[str, Any], signature: Any, demos: Any, inputs: Any) -> Any:
        """As `__call__`."""
        asking = self._asking(lm, lm_kwargs, signature, demos, inputs)
        outputs = None
        try:
            while True:
                messages, settings = asking.send(outputs)
                with adapter_message_call(lm, messages):
                    outputs = await lm.acall(messages=messages, **settings)
        except StopIteration as end:
            return end.value

    def format(self, signature: Any, demos: Sequence[Any], inputs: Mapping[str, Any]) -> list[dict[str, str]]:
        """One user message with the whole text that a base model continues.

        Earlier turns in a field of type `dspy.History` stand before the query. LMUnsupportedFeatureError for values
        that are no text, such as images.
        """
        history = self._get_history_field_name(signature)
        turns: Sequence[Any] = ()
        if history:
            turns = inputs[history].messages if inputs.get(history) else ()
            signature = signature.delete(history)
        said = [self._exemplar(signature, turn) for turn in turns]
        text = self.prompt(signature, demos).render(self.query(signature, inputs), history=said)
        return [{"role": "user", "content": text}]

    def prompt(self, signature: Any, demos: Sequence[Any] = ()) -> UrialPrompt:
        """The prompt that all inputs share. Demos without an input, or without an output that must be there, are left
        out with a warning: the model would copy them, and its answers could not be read."""
        complete = [demo for demo in demos if not (lacking := self.lacking(signature, demo)) or self._warn(lacking)]
        exemplars = tuple(self._exemplar(signature, demo) for demo in complete)
        return UrialPrompt(system=self._system_text(signature), exemplars=exemplars)

    def query(self, signature: Any, inputs: Mapping[str, Any]) -> str:
        """The inputs as the text of a query."""
        return _written(signature.input_fields, inputs)

    def lacking(self, signature: Any, demo: Any) -> tuple[str, ...]:
        """The fields that a demo would need to be shown: any input if it has none, and outputs without a default."""
        inputs = tuple(signature.input_fields)
        lost = () if not inputs or any(name in demo for name in inputs) else inputs
        return lost + tuple(
            name
            for name, field in signature.output_fields.items()
            if (name not in demo and _must_be_there(field))
            or (name in demo and demo[name] is None and not annotation_allows_none(field.annotation))
        )

    def parse(self, signature: Any, completion: str) -> dict[str, Any]:
        """The outputs in what a base model wrote. AdapterParseError if one is missing, or not of its type."""
        texts = read_fields(read_answer(completion), list(signature.output_fields))
        found: dict[str, Any] = {}
        for name, text in texts.items():
            try:
                found[name] = read_value(text, signature.output_fields[name].annotation)
            except Exception as error:  # of pydantic, json_repair, or a validator of the user's own type
                raise AdapterParseError(
                    adapter_name=type(self).__name__,
                    signature=signature,
                    lm_response=completion,
                    message=f"The field {name!r} cannot be read from {text!r}: {error}",
                    parsed_result=found,
                ) from error
        complete: dict[str, Any] = apply_output_field_defaults(signature, found)
        if complete.keys() != signature.output_fields.keys():
            raise AdapterParseError(
                adapter_name=type(self).__name__, signature=signature, lm_response=completion, parsed_result=complete
            )
        return complete

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the exact system texts to a JSON file, which belongs beside the saved state of a program."""
        state = {"format": _ADAPTER_FORMAT, "system": self.system, "systems": list(self.systems)}
        Path(path).write_text(json.dumps(state, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> UrialAdapter:
        """The adapter that `save` wrote, or one for a file of `urial-opt export --format dspy`.

        PromptError if the file is another one.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
            if is_dspy_state(text):
                return cls(systems=filter(None, [parse_dspy(text, repr(str(path))).system]))
            state = json.loads(text)
            if state["format"] != _ADAPTER_FORMAT:
                raise ValueError(f"its format is {state['format']!r}")
            return cls(str(state["system"]), systems=map(str, state["systems"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PromptError(
                f"{str(path)!r} does not hold the system texts of an adapter ({error}); give a file that "
                "UrialAdapter.save wrote"
            ) from error

    def _asking(
        self, lm: Any, lm_kwargs: dict[str, Any], signature: Any, demos: Any, inputs: Any
    ) -> Generator[_Request, Any, list[dict[str, Any]]]:
        """Yields what to ask the model, and is sent its outputs; returns what is read in them."""
        shape = self._call_preprocess(lm, lm_kwargs, signature, inputs)
        [message] = self.format(shape, demos, inputs)
        outputs = yield [message], lm_kwargs
        whole: list[Any] = []
        for output in outputs:
            written = output
            for _ in shape.output_fields:
                if (begun := _begun(shape, _text_of(written))) is None:
                    break
                longer = {**message, "content": message["content"] + begun}
                [more] = yield [longer], {**lm_kwargs, "n": 1}
                written = begun + _text_of(more)
            whole.append({**output, "text": written} if isinstance(output, dict) and written is not output else written)
        found: list[dict[str, Any]] = self._call_postprocess(shape, signature, whole, lm, lm_kwargs)
        return found

    def _system_text(self, signature: Any) -> str:
        kept = _as_kept(signature.instructions)
        if not kept or _NO_INSTRUCTIONS.fullmatch(kept):
            return self.system
        return self._exact.get(kept, f"{signature.instructions}\n")

    def _exemplar(self, signature: Any, demo: Any) -> Exemplar:
        return Exemplar(query=self.query(signature, demo), answer=_written(signature.output_fields, demo))

    def _warn(self, lacking: tuple[str, ...]) -> bool:
        if lacking not in self._warned:
            self._warned.add(lacking)
            names = ", ".join(map(repr, lacking))
            says = f"demos without {names} are left out, since the model would copy them; give demos with all fields"
            warnings.warn(says, UrialOptWarning, stacklevel=3)
        return False


def _as_kept(text: str) -> str:
    """What DSPy makes of instructions when a program is saved and loaded any number of times."""
    while (cleaned := inspect.cleandoc(text)) != text:
        text = cleaned
    return text


def _must_be_there(field: Any) -> bool:
    return bool(field.is_required()) and not annotation_allows_none(field.annotation)


def _text_of(output: Any) -> str:
    return str((output.get("text") if isinstance(output, dict) else output) or "")


def _begun(signature: Any, completion: str) -> str | None:
    """What was written, up to the first missing field, and the name of that field; None if no field is missing.

    If no name was written at all, the text is the value of the first field.
    """
    fields, said = signature.output_fields, read_answer(completion)
    names = list(fields)
    texts = read_fields(said, names)
    if not texts and said.strip():
        texts = {names[0]: said.strip()}
    missing = next((name for name, field in fields.items() if name not in texts and _must_be_there(field)), None)
    if missing is None:
        return None
    there = write_fields({name: texts[name] for name in names[: names.index(missing)] if name in texts}, names)
    return f"{there}\n{missing}:" if there else f"{missing}:"


def _written(fields: Mapping[str, Any], values: Any) -> str:
    texts: dict[str, str] = {}
    for name, field in fields.items():
        if name not in values:
            continue
        texts[name] = format_field_value(field, values[name])
        if CUSTOM_TYPE_START_IDENTIFIER in texts[name]:
            raise LMUnsupportedFeatureError(
                f"the field {name!r} holds a {type(values[name]).__name__}, and a base model reads text only; "
                "give it as text",
                feature=name,
            )
    return write_fields(texts, list(fields))


def read_value(text: Any, annotation: Any) -> Any:
    """A value from its text, or from JSON, in the type of a field; what it raises depends on the type."""
    if text in ("None", "null") and annotation_allows_none(annotation):
        return None
    if isinstance(annotation, EnumMeta):  # of numbers, too, which stand there as text
        members: list[Any] = list(annotation)
        for member in members:
            if str(dspy.adapters.utils.serialize_for_json(member)) == text:
                return member
    return parse_value(text, annotation)
