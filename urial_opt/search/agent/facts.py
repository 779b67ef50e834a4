"""Facts: the numbers, names, addresses and code of an answer, which a restyled version must keep."""

from __future__ import annotations

import re

from urial_opt.search.agent.form import FENCED

_ENUMERATOR = re.compile(r"^[ \t]*(?:[-*+•–]|\(?\d{1,3}[.)])[ \t]+", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:[.,'’:\u00a0\u202f]\d+)*")
_GROUPED = re.compile(r"(?<=\d)[,'’\u00a0\u202f](?=\d{3}(?!\d))")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_ORDINALS = ("third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_VALUES = {word: value for value, word in enumerate((*_UNITS, *_TEENS), start=1)}
_VALUES |= {word: 10 * value for value, word in enumerate(_TENS, start=2)}
_VALUES |= {word: value for value, word in enumerate(_ORDINALS, start=3)}
_IN_WORDS = re.compile(
    rf"\b(?:({'|'.join(_TENS)})(?:[- ]({'|'.join(_UNITS)}))?|({'|'.join((*_UNITS[1:], *_TEENS, *_ORDINALS))}))\b"
)
"""`one`, `first` and `second` are rarely numbers."""
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]`]+|[\w.+-]+@[\w-]+\.[\w.-]+")
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_WORD = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?")
_AT_START = re.compile(r"(?:^|[.!?:…\n])[\s\"“”'‘’(\[*_>-]*$")
_FIRST_PERSON = re.compile(r"I(?:['’]\w+)?$")
_POSSESSIVE = re.compile(r"['’]s?$")


def missing_numbers(original: str, text: str) -> list[str]:
    """The distinct numbers of `original` that `text` lacks, without enumerators of lists and the grouping of digits.

    English words for numbers are numbers, too.
    """
    there = {*_numbers(text), *_numbers_in_words(text)}
    wanted = _numbers(_ENUMERATOR.sub("", original)) + [each for each in _numbers_in_words(original) if each != "2"]
    return [number for number in dict.fromkeys(wanted) if number not in there]


def missing_addresses(original: str, text: str) -> list[str]:
    """The distinct addresses of `original`, of pages and of mail, that `text` lacks."""
    found = (address.rstrip(".,;:!?") for address in _ADDRESS.findall(original))
    return [address for address in dict.fromkeys(found) if address not in text]


def missing_names(original: str, text: str) -> list[str]:
    """The distinct names of `original` that `text` lacks: words that are capitalised inside a sentence."""
    there = {_key(found[0]) for found in _WORD.finditer(text)}
    return [name for name in dict.fromkeys(_names(original)) if _key(name) not in there]


def missing_code(original: str, text: str) -> list[str]:
    """The code of `original` that `text` lacks, in fences and in lines; whitespace at the ends of lines is ignored."""
    there = set(_code(text))
    inline = dict.fromkeys(_INLINE.findall(FENCED.sub("", original)))
    return [code for code in _code(original) if code not in there] + [code for code in inline if code not in text]


def _numbers(text: str) -> list[str]:
    return _NUMBER.findall(_DECIMAL_COMMA.sub(".", _GROUPED.sub("", text)))


def _numbers_in_words(text: str) -> list[str]:
    found = (match.groups(default="") for match in _IN_WORDS.finditer(text.lower()))
    return [str(sum(_VALUES[word] for word in words if word)) for words in found]


def _names(text: str) -> list[str]:
    prose = _ENUMERATOR.sub("", FENCED.sub("", text))
    inside = [found[0] for found in _WORD.finditer(prose) if not _AT_START.search(prose, 0, found.start())]
    names = [word for word in inside if word[0].isupper() and not _FIRST_PERSON.fullmatch(word)]
    return [_POSSESSIVE.sub("", name) for name in names]


def _key(word: str) -> str:
    return _POSSESSIVE.sub("", word).casefold()


def _code(text: str) -> list[str]:
    return ["\n".join(map(str.rstrip, block.splitlines())) for _, block in FENCED.findall(text)]
