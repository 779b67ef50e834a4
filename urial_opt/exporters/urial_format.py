"""The exporter `urial`: the text file that the public URIAL loader reads from `urial_prompts/NAME.txt`.

Write its content as UTF-8, newlines untouched; `prompt_file.check_public_name` tells which NAMEs that loader takes.
"""

from __future__ import annotations

from urial_opt.errors import InputError, PromptError
from urial_opt.prompt import UrialPrompt, breaks_layout
from urial_opt.records import Sampling


class UrialFormat:
    """The prefix, as it is. The file cannot carry the sampling: the public runner takes it from its command line."""

    suffix = ".txt"

    def export(self, prompt: UrialPrompt, sampling: Sampling) -> str:  # noqa: ARG002
        """PromptError for text that the public loader, or the model under it, would take for part of the layout."""
        if not prompt.prefix:
            raise PromptError("the zero-shot prompt has no text to export; choose one with a system text or exemplars")
        if prompt.raw is not None:  # it was such a file already
            return prompt.raw
        for position, exemplar in enumerate(prompt.exemplars, start=1):
            which = f"exemplar {position} ({' '.join(exemplar.query.split())[:40]!r})"
            if breaks_layout(exemplar.query) or breaks_layout(exemplar.answer):
                raise PromptError(
                    f"{which} holds a fence or a line that starts like a heading, for which the urial format has no "
                    "escape; export as json, or leave it out"
                )
            if not exemplar.query.strip():  # the public loader takes it for the place of the query under test
                raise PromptError(f"{which} has an empty query; export as json, or leave it out")
        return prompt.prefix


def open_exporter(argument: str) -> UrialFormat:
    """The exporter; takes no argument."""
    if argument:
        raise InputError(f"the exporter 'urial' takes no argument, not {argument!r}; type urial alone")
    return UrialFormat()
