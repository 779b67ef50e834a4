"""The exporter `urial`: the text file that the public URIAL loader reads from `urial_prompts/NAME.txt`.

Write its content as UTF-8 without newline conversion; `prompt_file.check_public_name` checks that the loader accepts
NAME.
"""

from __future__ import annotations

from urial_opt.errors import InputError, PromptError
from urial_opt.prompt import UrialPrompt, breaks_layout
from urial_opt.records import Sampling


class UrialFormat:
    """The exact prefix. The file cannot hold the sampling, which the public runner takes from its command line."""

    suffix = ".txt"

    def export(self, prompt: UrialPrompt, sampling: Sampling) -> str:  # noqa: ARG002
        """The prefix. PromptError if it is empty, or if loader or model would mistake part of a text for layout."""
        if not prompt.prefix:
            raise PromptError("the zero-shot prompt has no text to export; choose one with a system text or exemplars")
        if prompt.raw is not None:  # imported from such a file
            return prompt.raw
        for position, exemplar in enumerate(prompt.exemplars, start=1):
            which = f"exemplar {position} ({' '.join(exemplar.query.split())[:40]!r})"
            if breaks_layout(exemplar.query) or breaks_layout(exemplar.answer):
                raise PromptError(
                    f"{which} holds a fence or a line that starts like a heading, for which the urial format has no "
                    "escape; export as json, or leave it out"
                )
            if (
                not exemplar.query.strip()
            ):  # the public loader takes an empty query for the place of the query under test
                raise PromptError(f"{which} has an empty query; export as json, or leave it out")
        return prompt.prefix


def open_exporter(argument: str) -> UrialFormat:
    """The exporter, which takes no argument; InputError if it is given one."""
    if argument:
        raise InputError(f"the exporter 'urial' takes no argument, not {argument!r}; type urial alone")
    return UrialFormat()
