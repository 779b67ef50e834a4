"""Decoding of a prompt file: `found.decoding.json` beside `found.txt`, since plain text cannot hold it.

format    "urial-opt decoding 1"
prompt    id of the prompt that it belongs to, a hash of its text
sampling  temperature, top_p, max_tokens, stop, seed, repetition_penalty
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from urial_opt.content import content_id
from urial_opt.errors import PromptError
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Sampling

DECODING_FORMAT: Literal["urial-opt decoding 1"] = "urial-opt decoding 1"
"""Value of `format` in such a file."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DecodedPrompt(UrialPrompt):
    """A prompt with the sampling that it is decoded with."""

    sampling: Sampling | None = None
    """None where it is not known, as after loading a plain URIAL file that came without."""


class SamplingForm(BaseModel):
    """A sampling as it stands in a file; what is left out is as in `Sampling()`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    temperature: Annotated[float, Field(ge=0)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=1)] = Sampling().max_tokens
    stop: tuple[str, ...] = Sampling().stop
    seed: int = 0
    repetition_penalty: Annotated[float, Field(gt=0)] = 1.0

    def read(self) -> Sampling:
        """The sampling."""
        return Sampling(**self.model_dump())


class _DecodingForm(BaseModel):
    format: Literal["urial-opt decoding 1"]
    prompt: str | None = None
    sampling: SamplingForm


def decoding_file(prompt_file: Path) -> Path:
    """The file beside a prompt file that holds its decoding."""
    return prompt_file.with_name(f"{prompt_file.stem}.decoding.json")


def render_decoding(prompt: UrialPrompt, sampling: Sampling) -> str:
    """The content of that file."""
    document = {"format": DECODING_FORMAT, "prompt": prompt.id, "sampling": asdict(sampling)}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def parse_decoding(text: str, *, prompt_text: str, source: str) -> Sampling:
    """The sampling in such a file, which the messages call `source`.

    PromptError if the file is damaged, or belongs to another prompt than one with that text.
    """
    try:
        read = _DecodingForm.model_validate_json(text)
    except ValidationError as error:
        raise PromptError(
            f"{source} is not the decoding of a prompt, as an export writes it: {first_mistake(error)}; "
            "export the prompt again, or remove this file"
        ) from error
    if read.prompt not in (None, content_id(prompt_text)):
        raise PromptError(
            f"{source} belongs to another text than that of the prompt file beside it; export the prompt again, or "
            "remove the key 'prompt' if the decoding is right for it"
        )
    return read.sampling.read()


def first_mistake(error: ValidationError) -> str:
    """The first mistake in a file: its field, and what is wrong."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole file"
    return f"{where}: {first['msg']}"
