"""JSON form: the prompt in a file of the exporter `json`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ValidationError

from urial_opt.errors import PromptError
from urial_opt.prompt import Exemplar, Layout, UrialPrompt
from urial_opt.prompt_file.decoding import DECODING_FORMAT, SamplingForm, first_mistake
from urial_opt.prompt_file.plain_text import BYTE_ORDER_MARK
from urial_opt.records import Sampling

JSON_FORMAT: Literal["urial-opt prompt 1"] = "urial-opt prompt 1"
"""Value of `format` in the JSON form of a prompt."""


class _JsonExemplar(BaseModel):
    query: str
    answer: str
    style: str = ""


class _JsonPrompt(BaseModel):
    format: Literal["urial-opt prompt 1"]
    system: str
    exemplars: tuple[_JsonExemplar, ...]
    raw: str | None = None
    layout: Layout = "urial"
    prefix: str | None = None
    sampling: SamplingForm | None = None


def parse_json(text: str, source: str) -> UrialPrompt:
    """The prompt in such a file, which the messages call `source`. PromptError if the file is damaged."""
    read = _read(text, source)
    exemplars = tuple(Exemplar(query=e.query, answer=e.answer, style=e.style) for e in read.exemplars)
    prompt = UrialPrompt(system=read.system, exemplars=exemplars, raw=read.raw, layout=read.layout)
    if read.prefix not in (None, prompt.prefix):
        raise PromptError(f"in {source} the prefix is not what system and exemplars render to; remove the key 'prefix'")
    return prompt


def parse_json_sampling(text: str, source: str) -> Sampling | None:
    """The sampling in such a file; None if it holds none. PromptError as in `parse_json`."""
    sampling = _read(text, source).sampling
    return None if sampling is None else sampling.read()


def _read(text: str, source: str) -> _JsonPrompt:
    try:
        return _JsonPrompt.model_validate_json(text.removeprefix(BYTE_ORDER_MARK))
    except ValidationError as error:
        if DECODING_FORMAT in text:
            raise PromptError(f"{source} holds the decoding of a prompt; give the prompt file beside it") from error
        raise PromptError(
            f"{source} is not a prompt that the exporter 'json' wrote: {first_mistake(error)}; export it again"
        ) from error
