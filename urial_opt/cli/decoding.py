"""Decoding: the options that change it, and how a command says which decoding it uses and where that comes from."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from urial_opt.cli.former_names import answer_length_option

if TYPE_CHECKING:
    from urial_opt.records import Candidate, Sampling
    from urial_opt.spaces.space import SearchSpace

_F = TypeVar("_F", bound=Callable[..., Any])
_CHOSEN = "urial_opt.cli.decoding"
"""Key of the chosen settings in the metadata of a click context."""
_READING = "urial_opt.cli.decoding.answers"


def decoding_options(function: _F) -> _F:
    """Add `--temperature`, `--repetition-penalty`, `--answers`, and `--max-new-tokens`, for `choose_decoding`."""
    options = [
        ("--temperature", click.FloatRange(0), "[default: as the prompt was found, or the space's]"),
        ("--repetition-penalty", click.FloatRange(0, min_open=True), "[default: likewise]"),
    ]
    function = click.option(
        "--answers",
        type=click.Choice(["as-written", "as-public"]),
        default="as-written",
        show_default=True,
        expose_value=False,
        callback=_keep_reading,
        help="Read answers with their code blocks, or as URIAL's public code does: up to its stop strings, without any "
        "fence.",
    )(function)
    function = answer_length_option("likewise")(function)
    for name, kind, says in reversed(options):
        function = click.option(name, type=kind, expose_value=False, callback=_keep, help=says)(function)
    return function


def _keep(_: click.Context, parameter: click.Parameter, given: float | None) -> None:
    choose_decoding(**{str(parameter.name): given})


def _keep_reading(ctx: click.Context, _: click.Parameter, given: str) -> None:
    from urial_opt.prompt import PUBLIC_STOPS

    ctx.meta[_READING] = given
    if given == "as-public":
        ctx.meta.setdefault(_CHOSEN, {})["stop"] = PUBLIC_STOPS


def chosen_reading() -> str:
    """How answers are read: `as-written` or `as-public`."""
    return str(click.get_current_context().meta.get(_READING, "as-written"))


def choose_decoding(**settings: float | None) -> None:
    """Let `decoded` set these fields of a sampling; None leaves a field alone."""
    chosen = click.get_current_context().meta.setdefault(_CHOSEN, {})
    chosen.update({name: value for name, value in settings.items() if value is not None})


def _chosen() -> dict[str, Any]:
    chosen: dict[str, Any] = click.get_current_context().meta.get(_CHOSEN, {})
    return chosen


def decoded(candidate: Candidate, seed: int | None = None) -> Candidate:
    """The candidate, decoded as the options of `decoding_options` say where they are given.

    Greedy decoding gets no seed, so that stored answers are reused.
    """
    sampling = replace(candidate.sampling, **_chosen())
    if seed is not None and sampling.temperature:
        sampling = replace(sampling, seed=seed)
    return replace(candidate, sampling=sampling)


def decoding_line(sampling: Sampling, origin: str, fixed: Collection[str] = ()) -> str:
    """One line for the header of a command: the decoding, and where it comes from.

    `fixed` names settings that come from elsewhere, beside those that the options of `decoding_options` give.
    """
    names = [name.replace("_", " ") for name in (*_chosen(), *fixed)]
    if chosen_reading() == "as-public":
        origin = f"answers are read as-public; {origin}"
    changed = f", except {' and '.join(names)}" if names else ""
    return f"decoding {in_words(sampling)} ({origin}{changed})"


def in_words(sampling: Sampling) -> str:
    """For example: greedy, repetition penalty 1.1, at most 96 new tokens, stop "# Query"."""
    how = f"at temperature {sampling.temperature:g}" if sampling.temperature else "greedy"
    if sampling.temperature and sampling.top_p != 1:
        how += f", top-p {sampling.top_p:g}"
    penalty = sampling.repetition_penalty
    penalised = "no repetition penalty" if penalty == 1 else f"repetition penalty {penalty:g}"
    return f"{how}, {penalised}, at most {sampling.max_tokens:,} new tokens, stop {_stops(sampling)}"


def start_decoding(sampling: Sampling, space: SearchSpace, fixed: Mapping[str, float]) -> Sampling:
    """How a search on the space decodes a prompt that comes with this sampling: stop strings are the space's."""
    own = {name: fixed.get(name, getattr(sampling, name)) for name in space.decoding}
    return replace(space.sampling, **own)


def choices_in_words(space: SearchSpace) -> str:
    """The decoding that a search chooses from."""
    choices = {name: " or ".join(f"{value:g}" for value in values) for name, values in space.decoding.items()}
    return (
        f"at temperature {choices['temperature']}, repetition penalty {choices['repetition_penalty']}, "
        f"at most {choices['max_tokens']} new tokens, stop {_stops(space.sampling)}"
    )


def _stops(sampling: Sampling) -> str:
    return ", ".join(json.dumps(text, ensure_ascii=False) for text in sampling.stop) or "none"
