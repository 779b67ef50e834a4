"""The exporter `json`: one JSON object with everything that a program needs to serve a prompt.

format          "urial-opt prompt 1"
serving         in words: how the texts below go to a model
prefix          the exact text shown before every query
query_template  the exact text after it, with {query} where the query goes
sampling        temperature, top_p, max_tokens, stop, seed, repetition_penalty
system          the system text alone
exemplars       in order, each with query, answer and style
raw             the exact text if the prompt was imported in another layout, else null
layout          "v5" or "v6" if the query follows in one of these public layouts, else left out
"""

from __future__ import annotations

import json
from dataclasses import asdict

from urial_opt.errors import InputError
from urial_opt.prompt import UrialPrompt
from urial_opt.prompt_file import JSON_FORMAT
from urial_opt.records import Sampling

SERVING = (
    "Send prefix + query_template, {query} replaced, as plain text to a base model's completions interface: no chat "
    "template. Stop at the strings in sampling.stop, and cut the answer before the last fence that stands before the "
    "next heading, which is no part of it. Put a query that itself holds ``` between longer fences."
)


class JsonFormat:
    """Exports any prompt, including zero-shot prompts and those with long fences."""

    suffix = ".json"

    def export(self, prompt: UrialPrompt, sampling: Sampling) -> str:
        """The object described above, which `prompt_file.read_prompt_file` reads back."""
        document = {
            "format": JSON_FORMAT,
            "serving": SERVING,
            "prefix": prompt.prefix,
            "query_template": prompt.suffix("{query}"),
            "sampling": asdict(sampling),
            "system": prompt.system,
            "exemplars": [{"query": e.query, "answer": e.answer, "style": e.style} for e in prompt.exemplars],
            "raw": prompt.raw,
            **({} if prompt.layout == "urial" else {"layout": prompt.layout}),
        }
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def open_exporter(argument: str) -> JsonFormat:
    """The exporter, which takes no argument; InputError if it is given one."""
    if argument:
        raise InputError(f"the exporter 'json' takes no argument, not {argument!r}; type json alone")
    return JsonFormat()
