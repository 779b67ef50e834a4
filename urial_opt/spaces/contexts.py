"""Contexts: the candidate that a prompt, a prompt file or the name of a space's own prompt stands for."""

from __future__ import annotations

import os
from pathlib import Path

from urial_opt.errors import InputError
from urial_opt.prompt import UrialPrompt
from urial_opt.prompt_file import read_prompt_file, read_sampling
from urial_opt.records import Candidate, Sampling
from urial_opt.spaces.space import SearchSpace


def candidate_of(
    given: UrialPrompt | Candidate | str | os.PathLike[str], space: SearchSpace, *, sampling: Sampling | None = None
) -> Candidate:
    """A prompt and how to decode under it; `given` may name one of `space.contexts`, or a prompt file.

    `sampling`: by default the candidate's or the file's, else that of the space's hand-written prompt. InputError if
    there is no prompt of that name, PromptError if the file cannot be read.
    """
    if isinstance(given, Candidate):
        return Candidate(prompt=given.prompt, sampling=sampling or given.sampling, params=given.params)
    if isinstance(given, UrialPrompt):
        return Candidate(prompt=given, sampling=sampling or space.hand_written.sampling, params={})
    if str(given) in space.contexts:
        return candidate_of(space.contexts[str(given)], space, sampling=sampling)
    path = Path(given)
    if not path.exists() and not path.suffix:
        known = ", ".join(space.contexts)
        raise InputError(f"{str(given)!r} is neither a prompt file nor one of {known}; give one of these")
    decoding = sampling or read_sampling(path) or space.hand_written.sampling
    return Candidate(prompt=read_prompt_file(path), sampling=decoding, params={})
