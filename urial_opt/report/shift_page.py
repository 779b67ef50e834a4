"""The token-shift page: one HTML file with every token of every answer, which needs only a browser.

It is built from `shift_page.html`, its style sheet, its scripts and `page_data`. Its content security policy forbids it
to load anything, and allows no script and no style but its own, by their hashes, so that queries and answers can never
be more than text.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

from urial_opt.report.shift_page_data import compact_json, page_data
from urial_opt.shift.figures import TokenShift
from urial_opt.token_scores import ShiftReading

_FOLDER = Path(__file__).parent
_SCRIPTS = ("shift_reading.js", "shift_overview.js", "shift_answer.js", "shift_token.js", "shift_page.js")
_IN_A_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def render_shift_page(reading: ShiftReading, shift: TokenShift) -> str:
    """The page of a reading and its figures; the data is ASCII.

    A position takes 50 bytes for each context where the vocabulary is small, 80 where all lists differ: 200 answers of
    300 tokens under four contexts make a file of 12 to 19 MB.
    """
    style = _read("shift_page.css")
    script = "\n".join(map(_read, _SCRIPTS))
    return Template(_read("shift_page.html")).substitute(
        title=_ascii(escape(f"{reading.base} → {reading.aligned}")),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        data=compact_json(page_data(reading, shift)).translate(_IN_A_SCRIPT),
    )


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _ascii(text: str) -> str:
    """The text with character references, which also exist for unencodable characters such as lone surrogates."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
