"""Fields: several named values as one text, as a DSPy program has them in its queries and answers.

One value stands alone. Of several, each begins a line with its name, or follows on the next line if it opens a code
block, since a fence stands at the start of a line:

    reasoning: Two and two is four.
    answer: 4

A line of a value that would be taken for the beginning of a field is indented by one blank more than it was. Blanks at
the ends of a value are lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from urial_opt.prompt import PLAIN_FENCE


def write_fields(values: Mapping[str, str], names: Sequence[str]) -> str:
    """The values as one text; `names` are all fields there may be, in order, of which some may have no value."""
    if len(names) == 1:
        return values.get(names[0], "")
    looks = re.compile(rf"(?<=\n)(?= *(?:{_any(names)}):)")
    opened = {name: "\n" if values[name].lstrip().startswith(PLAIN_FENCE) else " " for name in names if name in values}
    return "\n".join(f"{name}:{between}{looks.sub(' ', values[name])}" for name, between in opened.items())


def read_fields(text: str, names: Sequence[str]) -> dict[str, str]:
    """The values in a text of `write_fields`, by name; if a name is repeated, the first. What precedes them is lost."""
    if len(names) == 1:
        return {names[0]: text.strip()}
    begins = list(re.finditer(rf"^({_any(names)}):", text, re.MULTILINE))
    ends = [*(found.start() for found in begins), len(text)][1:]
    indented = re.compile(rf"(?<=\n) (?= *(?:{_any(names)}):)")
    values: dict[str, str] = {}
    for found, end in zip(begins, ends, strict=True):
        values.setdefault(found[1], indented.sub("", text[found.end() : end]).strip())
    return values


def value_text(value: object) -> str:
    """A value of JSON as it is written: lists and objects as JSON, all others as they print."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def _any(names: Sequence[str]) -> str:
    return "|".join(map(re.escape, names))
