"""The exporter `dspy`: the state of a DSPy predictor, which `dspy.Predict("query -> answer").load(FILE)` reads.

Instructions are the exact system text, demos are the exemplars. What DSPy has no place for stands where it leaves it
alone, under `metadata.urial_opt`: the decoding, and the text of a prompt imported in another layout.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from urial_opt.errors import InputError
from urial_opt.prompt import UrialPrompt
from urial_opt.prompt_file.dspy_form import DSPY_FORMAT
from urial_opt.records import Sampling

_FIELDS = ("query", "answer")


class DspyFormat:
    """Exports any prompt. DSPy shows it in another layout, unless it is told otherwise."""

    suffix = ".json"
    notes = (
        "DSPy's own adapters show this prompt in a chat layout; for the bytes that were found, set "
        "adapter=urial_opt.dspy.UrialAdapter.load(FILE).",
        "DSPy dedents instructions, and its predictors hold no decoding: metadata.urial_opt of the file keeps it.",
    )

    def export(self, prompt: UrialPrompt, sampling: Sampling) -> str:
        """The state described above, which `prompt_file.read_prompt_file` reads back."""
        ours: dict[str, object] = {"format": DSPY_FORMAT, "sampling": asdict(sampling)}
        if any(styles := [exemplar.style for exemplar in prompt.exemplars]):
            ours["styles"] = styles
        if prompt.raw is not None:
            ours["raw"] = prompt.raw
        if prompt.layout != "urial":
            ours["layout"] = prompt.layout
        document = {
            "traces": [],
            "train": [],
            "demos": [dict(zip(_FIELDS, (e.query, e.answer), strict=True)) for e in prompt.exemplars],
            "signature": {
                "instructions": prompt.system,
                "fields": [{"prefix": f"{name.title()}:", "description": f"${{{name}}}"} for name in _FIELDS],
            },
            "lm": None,
            "metadata": {"dependency_versions": {}, "urial_opt": ours},
        }
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def open_exporter(argument: str) -> DspyFormat:
    """The exporter, which takes no argument; InputError if it is given one."""
    if argument:
        raise InputError(f"the exporter 'dspy' takes no argument, not {argument!r}; type dspy alone")
    return DspyFormat()
