"""Facts: the numbers, names and code blocks of an answer, which a restyled version must keep."""

from __future__ import annotations

import re

_FENCED = re.compile(r"^[ \t]*(`{3,})[^\n]*\n(.*?)^[ \t]*\1`*[ \t]*$", re.DOTALL | re.MULTILINE)
_ENUMERATOR = re.compile(r"^[ \t]*(?:[-*+•–]|\(?\d{1,3}[.)])[ \t]+", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:[.,'’:\u00a0\u202f]\d+)*")
_GROUPED = re.compile(r"(?<=\d)[,'’\u00a0\u202f](?=\d{3}(?!\d))")
_WORD = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?")
_AT_START = re.compile(r"(?:^|[.!?:…\n])[\s\"“”'‘’(\[*_>-]*$")
_FIRST_PERSON = re.compile(r"I(?:['’]\w+)?$")
_POSSESSIVE = re.compile(r"['’]s?$")


def missing_numbers(original: str, text: str) -> list[str]:
    """The distinct numbers of `original` that `text` lacks, without enumerators of lists and the grouping of digits."""
    there = set(_numbers(text))
    return [number for number in dict.fromkeys(_numbers(_ENUMERATOR.sub("", original))) if number not in there]


def missing_names(original: str, text: str) -> list[str]:
    """The distinct names of `original` that `text` lacks: words that are capitalised inside a sentence."""
    there = {_key(found[0]) for found in _WORD.finditer(text)}
    return [name for name in dict.fromkeys(_names(original)) if _key(name) not in there]


def missing_code(original: str, text: str) -> list[str]:
    """The fenced code blocks of `original` that `text` lacks; whitespace at the ends of lines is ignored."""
    there = set(_code(text))
    return [code for code in _code(original) if code not in there]


def _numbers(text: str) -> list[str]:
    return _NUMBER.findall(_GROUPED.sub("", text))


def _names(text: str) -> list[str]:
    prose = _ENUMERATOR.sub("", _FENCED.sub("", text))
    inside = [found[0] for found in _WORD.finditer(prose) if not _AT_START.search(prose, 0, found.start())]
    names = [word for word in inside if word[0].isupper() and not _FIRST_PERSON.fullmatch(word)]
    return [_POSSESSIVE.sub("", name) for name in names]


def _key(word: str) -> str:
    return _POSSESSIVE.sub("", word).casefold()


def _code(text: str) -> list[str]:
    return ["\n".join(map(str.rstrip, block.splitlines())) for _, block in _FENCED.findall(text)]
