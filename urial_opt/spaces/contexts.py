"""Contexts: the candidate that a prompt, a prompt file or the name of a space's own prompt stands for."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from urial_opt.errors import InputError
from urial_opt.prompt import UrialPrompt
from urial_opt.prompt_file import DecodedPrompt, read_decoding, read_prompt_file
from urial_opt.records import Candidate, Sampling
from urial_opt.spaces.space import SearchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A candidate, and where its sampling comes from."""

    candidate: Candidate
    decoding_from: str
    """In words: `the space's`, or the file that holds it."""


def context_of(given: str | os.PathLike[str], space: SearchSpace) -> Context:
    """One of `space.contexts` by its name, or the prompt in a file, with the file's sampling or else the space's.

    InputError if there is no prompt of that name, PromptError if the file, or the decoding beside it, cannot be read.
    """
    if str(given) in space.contexts:
        return Context(candidate=space.contexts[str(given)], decoding_from="the space's")
    path = Path(given)
    if not path.exists() and not path.suffix:
        known = ", ".join(space.contexts)
        raise InputError(f"{str(given)!r} is neither a prompt file nor one of {known}; give one of these")
    prompt = read_prompt_file(path)
    if decoding := read_decoding(path):
        candidate = Candidate(prompt=prompt, sampling=decoding.sampling, params={})
        return Context(candidate=candidate, decoding_from=f"from {str(decoding.file)!r}")
    candidate = Candidate(prompt=prompt, sampling=space.hand_written.sampling, params={})
    return Context(candidate=candidate, decoding_from=f"the space's, since {str(path)!r} comes with none")


def candidate_of(
    given: UrialPrompt | Candidate | str | os.PathLike[str], space: SearchSpace, *, sampling: Sampling | None = None
) -> Candidate:
    """A prompt and how to decode under it; `given` may name one of `space.contexts`, or a prompt file.

    `sampling`: by default the candidate's, the prompt's or the file's, else that of the space's hand-written prompt.
    Errors as in `context_of`.
    """
    if isinstance(given, UrialPrompt):
        known = given.sampling if isinstance(given, DecodedPrompt) else None
        return Candidate(prompt=given, sampling=sampling or known or space.hand_written.sampling, params={})
    candidate = given if isinstance(given, Candidate) else context_of(given, space).candidate
    return candidate if sampling is None else replace(candidate, sampling=sampling)
