"""Served prompts: a prompt with the sampling that it is served with, saved to a file and loaded again."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

from urial_opt import plugins
from urial_opt.errors import InputError, UrialOptWarning
from urial_opt.prompt import Exemplar
from urial_opt.prompt_file import (
    DecodedPrompt,
    check_public_name,
    decoding_file,
    read_prompt_file,
    read_sampling,
    render_decoding,
)
from urial_opt.records import Candidate, Sampling

_EXPORTERS = {".json": "json", ".txt": "urial"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ServedPrompt(DecodedPrompt):
    """A prompt with the sampling that it is served with, which can be saved."""

    @classmethod
    def of(cls, candidate: Candidate) -> ServedPrompt:
        """The prompt and the sampling of a candidate; its exemplars lose what only a search space needs."""
        prompt = candidate.prompt
        exemplars = tuple(Exemplar(query=e.query, answer=e.answer, style=e.style) for e in prompt.exemplars)
        return cls(
            system=prompt.system,
            exemplars=exemplars,
            raw=prompt.raw,
            layout=prompt.layout,
            notes=prompt.notes,
            sampling=candidate.sampling,
        )

    def save(self, path: str | os.PathLike[str], *, exporter: str | None = None) -> None:
        """Write the prompt to a file, which is replaced if it exists.

        By default a path that ends in `.json` is written by the exporter `json`, which keeps everything but the tags of
        exemplars, and one that ends in `.txt` by the exporter `urial`: the text alone, as the public URIAL loader reads
        it, and the sampling, if known, in a file beside it: `found.decoding.json` for `found.txt`. `exporter` names
        another one. JSON holds the paper's sampling, `Sampling()`, if none is known. InputError if no exporter fits or
        a file cannot be written, PromptError if the format cannot carry the prompt.
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
        files = {file: text}
        if name == "urial":
            check_public_name(file.stem, self.layout)
            if self.sampling is not None:
                files[decoding_file(file)] = render_decoding(self, self.sampling)
        for each, content in files.items():
            try:
                each.write_bytes(content.encode())
            except OSError as error:
                why = f"{str(each)!r} cannot be written ({error.strerror})"
                raise InputError(f"{why}; give another `path=FILE`") from error


def load_prompt(path: str | os.PathLike[str]) -> ServedPrompt:
    """The prompt in the file `path`: as `ServedPrompt.save` wrote it, or any URIAL prompt in plain text.

    `sampling` is None for plain text without a file of its decoding beside it. What could not be read in the text is in
    `notes`, and becomes a warning. PromptError if a file cannot be read or holds no prompt.
    """
    file = Path(path)
    prompt = read_prompt_file(file)
    for note in prompt.notes:
        warnings.warn(note, UrialOptWarning, stacklevel=2)
    return ServedPrompt(
        system=prompt.system,
        exemplars=prompt.exemplars,
        raw=prompt.raw,
        layout=prompt.layout,
        notes=prompt.notes,
        sampling=read_sampling(file),
    )
