"""Looping: whether a text says the same thing over and over, as a small model does when it finds no end."""

from __future__ import annotations

import re
from collections import Counter

from urial_opt.spaces.restyling import sentences_of

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
_STUTTER = re.compile(r"(\w{1,12}?)\1{11,}")
_SENTENCES = 3
"""A sentence that comes so often, and has at least `_WORDS` words, is a loop."""
_WORDS = 4
_IN_A_ROW = 4
"""Up to `_LONGEST` words that come so often in a row are a loop."""
_LONGEST = 12
_GRAM = 5
_GRAMS = 5
"""So many words that come so often, and make up `_SHARE` of the text, are a loop."""
_SHARE = 0.6
_SHOWN = 60


def loop_in(text: str) -> str | None:
    """What the text repeats, shortened; None if it does not loop."""
    if found := _STUTTER.search(text):
        return _short(found[0])
    sentences = Counter(sentence.casefold() for sentence in sentences_of(text))
    for sentence, times in sentences.most_common(3):
        if times >= _SENTENCES and len(_TOKEN.findall(sentence)) >= _WORDS:
            return _short(sentence)
    words = [word.casefold() for word in _TOKEN.findall(text)]
    return _in_a_row(words) or _frequent(words)


def _in_a_row(words: list[str]) -> str | None:
    for length in range(1, _LONGEST + 1):
        same = 0
        for place in range(length, len(words)):
            same = same + 1 if words[place] == words[place - length] else 0
            if same == length * (_IN_A_ROW - 1) and (length > 1 or not words[place].isdigit()):
                return _short(" ".join(words[place - length + 1 : place + 1]))
    return None


def _frequent(words: list[str]) -> str | None:
    grams = Counter(zip(*(words[start:] for start in range(_GRAM)), strict=False))
    [(gram, times)] = grams.most_common(1) or [((), 0)]
    return _short(" ".join(gram)) if times >= _GRAMS and times * _GRAM >= _SHARE * len(words) else None


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
