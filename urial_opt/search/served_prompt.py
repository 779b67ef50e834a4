"""Served prompts: a prompt with the sampling that it is served with, saved to a file and loaded again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from urial_opt import plugins
from urial_opt.errors import InputError
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.prompt_file import check_public_name, read_prompt_file, read_sampling
from urial_opt.records import Candidate, Sampling

_EXPORTERS = {".json": "json", ".txt": "urial"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ServedPrompt(UrialPrompt):
    """A prompt with the sampling that it is served with."""

    sampling: Sampling | None = None
    """None where it is not known, as after loading a plain URIAL file."""

    @classmethod
    def of(cls, candidate: Candidate) -> ServedPrompt:
        """The prompt and the sampling of a candidate; its exemplars lose what only a search space needs."""
        prompt = candidate.prompt
        exemplars = tuple(Exemplar(query=e.query, answer=e.answer, style=e.style) for e in prompt.exemplars)
        return cls(system=prompt.system, exemplars=exemplars, raw=prompt.raw, sampling=candidate.sampling)

    def save(self, path: str | os.PathLike[str], *, exporter: str | None = None) -> None:
        """Write the prompt to a file, which is replaced if it exists.

        By default a path that ends in `.json` is written by the exporter `json`, which keeps everything but the tags of
        exemplars, and one that ends in `.txt` by the exporter `urial`: the text alone, as the public URIAL loader reads
        it. `exporter` names another one. A sampling that is not known is written as the paper's, `Sampling()`.
        InputError if no exporter fits or the file cannot be written, PromptError if the format cannot carry the prompt.
        """
        file = Path(path)
        name = exporter or _EXPORTERS.get(file.suffix.lower())
        if name is None:
            known = ", ".join(plugins.names("exporter"))
            raise InputError(
                f"the format of {str(file)!r} is not known; end the name in .json or .txt, or give `exporter=NAME`, "
                f"one of: {known}"
            )
        text = plugins.open_exporter(name).export(self, self.sampling or Sampling())
        if name == "urial":
            check_public_name(file.stem)
        try:
            file.write_bytes(text.encode())
        except OSError as error:
            raise InputError(f"{str(file)!r} cannot be written ({error.strerror}); give another `path=FILE`") from error


def load_prompt(path: str | os.PathLike[str]) -> ServedPrompt:
    """The prompt in the file `path`: as `ServedPrompt.save` wrote it, or any URIAL prompt in plain text.

    `sampling` is None for plain text. PromptError if the file cannot be read or holds no prompt.
    """
    file = Path(path)
    prompt = read_prompt_file(file)
    return ServedPrompt(system=prompt.system, exemplars=prompt.exemplars, raw=prompt.raw, sampling=read_sampling(file))
