"""Decoding: the options that change it, and how a command says which decoding it uses and where that comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urial_opt.records import Sampling
    from urial_opt.spaces.space import SearchSpace


def decoded(sampling: Sampling, chosen: Mapping[str, Any], seed: int | None = None) -> Sampling:
    """The sampling with the chosen settings; greedy decoding gets no seed, so that stored answers are reused."""
    sampling = replace(sampling, **{name: value for name, value in chosen.items() if value is not None})
    return sampling if seed is None or not sampling.temperature else replace(sampling, seed=seed)


def decoding_line(sampling: Sampling, origin: str, chosen: Mapping[str, Any] | None = None) -> str:
    """One line for the header of a command; `chosen` as in `decoded`."""
    return f"decoding {in_words(sampling)} ({_origin(origin, chosen or {})})"


def in_words(sampling: Sampling) -> str:
    """For example: greedy, repetition penalty 1.1, at most 96 new tokens, stop "# Query"."""
    how = f"at temperature {sampling.temperature:g}" if sampling.temperature else "greedy"
    if sampling.temperature and sampling.top_p != 1:
        how += f", top-p {sampling.top_p:g}"
    penalty = sampling.repetition_penalty
    penalised = "no repetition penalty" if penalty == 1 else f"repetition penalty {penalty:g}"
    stops = ", ".join(json.dumps(text, ensure_ascii=False) for text in sampling.stop) or "none"
    return f"{how}, {penalised}, at most {sampling.max_tokens:,} new tokens, stop {stops}"


def start_decoding(sampling: Sampling, space: SearchSpace, fixed: Mapping[str, float]) -> Sampling:
    """How a search on the space decodes a prompt that comes with this sampling: stop strings are the space's."""
    own = {name: fixed.get(name, getattr(sampling, name)) for name in space.decoding}
    return replace(space.sampling, **own)


def choices_in_words(space: SearchSpace) -> str:
    """The decoding that a search chooses from."""
    choices = {name: " or ".join(f"{value:g}" for value in values) for name, values in space.decoding.items()}
    stops = ", ".join(json.dumps(text, ensure_ascii=False) for text in space.sampling.stop) or "none"
    return (
        f"at temperature {choices['temperature']}, repetition penalty {choices['repetition_penalty']}, "
        f"at most {choices['max_tokens']} new tokens, stop {stops}"
    )


def _origin(origin: str, chosen: Mapping[str, Any]) -> str:
    names = [name.replace("_", " ") for name, value in chosen.items() if value is not None]
    return f"{origin}, except {' and '.join(names)}" if names else origin
