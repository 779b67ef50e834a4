"""Finds the claims in a judge's reply: the names in it, and the words given for each.

JSON that parses is read as it is. Text that does not parse is searched for marks: names and keys in the places where
JSON has them. In both cases nothing is accepted unless the order of names and keys is possible throughout, because an
apparent verdict may be a quotation with unescaped quotes. A reply without braces is read as a Markdown table or line by
line. A value counts only if its end is visible, so a reply that is cut off inside 4.5 is not read as 4.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import TypeAlias, TypeVar

from urial_opt.judges.forms import Claim, Form, bare, is_withheld
from urial_opt.judges.markdown_tables import NAMING, claims_in_tables

T = TypeVar("T")


def find_claims(text: str, form: Form[T], wanted: Sequence[str], *, judged: str) -> list[Claim]:
    """The claims under the wanted names.

    A claim that also appears word for word in `judged`, the text under judgement, is a quotation and is left out.
    """
    quotable = _squashed(judged)
    return [claim for claim in _by_strictest(text, form, wanted, quotable) if _squashed(claim.source) not in quotable]


def _by_strictest(text: str, form: Form[T], wanted: Sequence[str], quotable: str) -> list[Claim]:
    """The claims found by the strictest way of reading that finds any."""
    alone = wanted[0] if len(wanted) == 1 else None  # a name that the reply may leave out
    in_tables, outside = claims_in_tables(text, form, wanted)
    if "{" not in outside and "}" not in outside:
        return _in_lines(text, form, alone) if in_tables is None else in_tables
    objects = _objects(text)
    own = [(value, source) for value, source in objects or () if _squashed(source) not in quotable]
    # {"helpfulness": …}, or {"scores": {"helpfulness": …}}, or {"scores": [{"aspect": "helpfulness", …}, …]}
    wrapped = [
        (inner, source)
        for value, source in own
        for _, content in value
        for inner in (content if isinstance(content, list) else [content])
        if isinstance(inner, tuple)
    ]
    by_object = [_in_object(value, form, wanted, source) for value, source in own + wrapped]
    if None in by_object:
        return []
    if found := [claim for claims in by_object for claim in claims or ()]:
        return found
    plain = text.translate(_STRAIGHT)
    by_quote = [_in_broken_json(plain, form, quote, wanted) for quote in ('"', "'", "")]
    if None in by_quote or sum(map(bool, by_quote)) > 1:
        return []
    found = [claim for claims in by_quote for claim in claims or ()]
    if found or not alone:
        return found
    if any(named["name"].lower() != alone for named in _naming_fields(form.names).finditer(plain)):
        return []
    if objects is not None:
        return [claim for value, source in own for claim in _under(alone, value, form.key, source)]
    keys = [key for quote in ('"', "'") for key in _json_marks(form.names, form.key, quote).finditer(plain)]
    return [] if any(key["lead"] is None for key in keys) else [_claim(alone, plain, key, key, _VALUE) for key in keys]


# JSON that parses. Objects become tuples of pairs, to detect repeated keys, and numbers stay as they are written.

_Object: TypeAlias = tuple[tuple[str, object], ...]
_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=str, strict=False)


def _objects(text: str) -> list[tuple[_Object, str]] | None:
    """The outermost objects of a text, each with its source; None if any text in braces does not parse."""
    found: list[tuple[_Object, str]] = []
    start = text.find("{")
    while start >= 0:
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            return None
        found.append((value, text[start:end]))
        start = text.find("{", end)
    return found


def _in_object(pairs: _Object, form: Form[T], wanted: Sequence[str], source: str) -> list[Claim] | None:
    """The claims of an object; None if a name occurs twice or was not requested."""
    named: list[tuple[str, object]] = [(name, value) for key, value in pairs if (name := _key(key)) in form.names]
    # {"aspect": "helpfulness", "score": …}
    named += [(name, pairs) for key, value in pairs if _key(key) in NAMING and (name := _key(value)) in form.names]
    names = [name for name, _ in named]
    if len({*names}) < len(names) or not {*names} <= {*wanted}:
        return None
    return [claim for name, value in named for claim in _under(name, value, form.key, source)]


def _under(name: str, value: object, key: str, source: str) -> list[Claim]:
    if not isinstance(value, tuple):
        return [Claim(name=name, words=_words(value), reason="", source=source)]
    said = [(_key(field), _words(content)) for field, content in value]
    reason = " ".join(words for field, words in said if field == "reason")
    verdicts = [words for field, words in said if field == key] or [""]
    return [Claim(name=name, words=words, reason=reason, source=source) for words in verdicts]


def _words(value: object) -> str:
    return "" if isinstance(value, (tuple, list)) else str(value)


def _key(value: object) -> str:
    return bare(value).lower() if isinstance(value, str) else ""


# Text that does not parse is searched for marks.

_STRAIGHT = str.maketrans("“”‘’", "\"\"''")
_VALUE = re.compile(
    r"""\s*(?:
        (?:"(?P<double>[^"{}\n]{0,40})"|'(?P<single>[^'{}\n]{0,40})')[ \t]*(?:[}\n]|,\s*(?:["'}]|\w+\s*:)|\Z)
      | (?P<plain>[^\s"'{},][^"'{},\n]{0,40}?)[ \t]*(?:[}\n]|,\s*(?:["'}]|\w+\s*:))
    )""",
    re.VERBOSE,
)
"""A value with a visible end. A comma after an unquoted value may be a decimal comma, so the next field must follow."""
_LINE_VALUE = re.compile(r"[ \t*_]*+(?P<plain>[^\n]{0,40}?)[ \t*_]*+\n")
_REASON = re.compile(r"""["']?reason["']?\s*:\s*["'](.*)["']\s*\Z""", re.IGNORECASE | re.DOTALL)
_CLOSED = re.compile(r"\}\s*,\Z|\}(?:.*[^,])?\Z", re.DOTALL)


@cache
def _json_marks(names: tuple[str, ...], key: str, quote: str) -> re.Pattern[str]:
    """Finds names (in group `name`) and keys; group `lead` is the JSON syntax that should precede them, if present."""
    before, behind = (rf"?{quote}\s*", rf"\s*{quote}\s*:") if quote else ("", r"\s*:")
    braced = "" if quote else r"(?=\s*\{)"  # without quotes, `, clarity:` may be part of a sentence
    return re.compile(
        rf"(?P<lead>[{{}},\"']\s*|\A\s*){before}(?:(?P<name>{'|'.join(names)}){behind}{braced}|{key}{behind})",
        re.IGNORECASE,
    )


@cache
def _naming_fields(names: tuple[str, ...]) -> re.Pattern[str]:
    """Finds `"aspect": "helpfulness"`."""
    return re.compile(
        rf"""(?:{"|".join(sorted(NAMING))})["']?\s*:\s*["']?(?P<name>{"|".join(names)})\b""", re.IGNORECASE
    )


def _in_broken_json(text: str, form: Form[T], quote: str, wanted: Sequence[str]) -> list[Claim] | None:
    """The claims whose names and keys are in quotes of this kind; None if one is in an impossible place."""
    claims: list[Claim] = []
    seen: set[str] = set()  # in one object
    opened: re.Match[str] | None = None  # the name whose key must come next
    closed_from: int | None = None  # the position after which the brace of the last name must close
    marks = list(_json_marks(form.names, form.key, quote).finditer(text))
    for mark in marks if any(mark["name"] for mark in marks) else ():
        if mark["lead"] is None or (mark["name"] is None) != (opened is not None):
            return None
        if opened is not None:
            if text.count("}", opened.end(), mark.end()) >= text.count("{", opened.end(), mark.end()):
                return None
            claims.append(_claim(opened["name"], text, opened, mark, _VALUE))
            opened, closed_from = None, mark.end()
            continue
        name = mark["name"].lower()
        seen = set() if mark["lead"].startswith("{") else seen
        if name in seen or name not in wanted:
            return None
        if closed_from is not None and not _CLOSED.search(text, closed_from, mark.start() + 1):
            return None
        seen.add(name)
        closed_from = None
        if text[mark.end() :].lstrip().startswith("{"):
            opened = mark
        else:
            claims.append(_claim(name, text, mark, mark, _VALUE))
    if opened is not None:
        claims.append(Claim(name=opened["name"].lower(), words="", reason="", source=text[opened.start() :]))
    return claims


# A reply without braces has a line for each name; the verdict is on that line, or on a later line with the key.


@cache
def _line_marks(names: tuple[str, ...], key: str) -> re.Pattern[str]:
    return re.compile(
        r"^[ \t*_#>•-]*+(?:\d[.)][ \t]*+)?[*_]*+"
        rf"(?:(?P<name>{'|'.join(names)})[ \t*_]*+(?:[:：=–-]|(?=\n))|{key}[ \t*_]*+[:：=])",
        re.IGNORECASE | re.MULTILINE,
    )


def _in_lines(text: str, form: Form[T], alone: str | None) -> list[Claim]:
    """The claims of a reply in lines; none if a key does not follow a name, or follows another key."""
    marks = list(_line_marks(form.names, form.key).finditer(text))
    if not any(mark["name"] for mark in marks):
        return [_claim(alone, text, mark, mark, _LINE_VALUE) for mark in marks] if alone else []
    claims: list[Claim] = []
    opened: re.Match[str] | None = None
    for mark in marks:
        if mark["name"] is not None:
            opened = mark
            claim = _claim(mark["name"], text, mark, mark, _LINE_VALUE)
            if form.meaning(claim.name, claim.words) is not None or is_withheld(claim.words):
                claims.append(claim)
        elif opened is None:
            return []
        else:
            claims.append(_claim(opened["name"], text, opened, mark, _LINE_VALUE))
            opened = None
    return claims


def _claim(name: str, text: str, start: re.Match[str], mark: re.Match[str], pattern: re.Pattern[str]) -> Claim:
    """The claim that begins at `start` and whose value follows `mark`."""
    value = pattern.match(text, mark.end())
    end = value.end(value.lastgroup or 0) if value else mark.end()
    reason = _REASON.search(text, start.end(), mark.start())
    return Claim(
        name=name.lower(),
        words=value[value.lastgroup or 0] if value else "",
        reason=reason[1] if reason else "",
        source=text[start.start() : end],
    )


def _squashed(text: str) -> str:
    """The text without the characters that a quotation may lose or gain."""
    return re.sub(r"[\s\\\"'“”‘’*_`]+", "", text).strip("{},").casefold()
