"""Drafts: the next tokens of an answer, guessed from earlier answers to the same query and verified by the model.

The prompts of a search differ little, and so do the answers to one query. A draft is the text that followed an earlier
occurrence of the answer's last tokens (prompt lookup decoding, Saxena 2023). The model reads the drafts of all rows in
one forward pass, which gives its own choice at each drafted token, and the tokens that agree are accepted. So drafts
change the number of passes, not the answer (Leviathan et al. 2023, "Fast inference from transformers via speculative
decoding").
"""

from __future__ import annotations

import sys

LONGEST_DRAFT = 15
"""Tokens."""
_FIRST_DRAFT = 4
_TOKENS_A_STEP = {"cpu": 128}
_TOKENS_A_STEP_ELSEWHERE = 512
"""Tokens that a GPU reads in the time of one (an H100, a model of 7B; see experiments/performance)."""

_TAILS = (8, 4, 2)
"""How many of the last tokens an earlier occurrence must match; the longest match is tried first."""
_BEGIN = chr(sys.maxunicode)
"""Marks the start of each answer, so that its first tokens can be guessed too."""
_TEXTS = 4096
_TOKENS_A_TEXT = 4096


class EarlierAnswers:
    """The latest answers to each of the latest texts. Tokens are stored as characters of a string."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}
        """By text, the most recently used last."""

    def of(self, text: str) -> str:
        """The answers to a text, concatenated."""
        return self._answers.get(text, "")

    def add(self, text: str, answer: tuple[int, ...]) -> None:
        """Store an answer's tokens."""
        answers = self._answers.pop(text, "") + _BEGIN + "".join(map(chr, answer))
        self._answers[text] = answers[-_TOKENS_A_TEXT:]
        if len(self._answers) > _TEXTS:
            del self._answers[next(iter(self._answers))]


class Drafter:
    """Guesses the next tokens of one answer; drafts get longer while the guesses are right and shorter when wrong."""

    def __init__(self, earlier: str, *, max_tokens: int) -> None:
        """`earlier` as returned by `EarlierAnswers.of`; the answer has at most `max_tokens`."""
        self._known = earlier + _BEGIN
        self._begin = len(earlier)
        self._left = max_tokens
        self._length = _FIRST_DRAFT

    def draft(self, room: int) -> list[int]:
        """A guess of up to `room` next tokens. The last token allowed is never drafted, since nothing follows it."""
        room = min(room, self._length, self._left - 1)
        if room < 1:
            return []
        end = len(self._known)
        for tail in _TAILS:
            # The answer itself is searched too, since it may repeat itself.
            if end - self._begin >= tail or tail == _TAILS[-1]:
                last = self._known[max(self._begin, end - tail) :]
                place = self._known.rfind(last, 0, end - 1)
                if place >= 0:
                    start = place + len(last)
                    return [ord(letter) for letter in self._known[start : start + room].partition(_BEGIN)[0]]
        return []

    def take(self, tokens: list[int], *, drafted: int) -> None:
        """Append `tokens`, all of which but the last were drafted; `drafted` is how many were drafted in all."""
        self._known += "".join(map(chr, tokens))
        self._left -= len(tokens)
        if drafted:
            agreed = len(tokens) > drafted
            self._length = min(LONGEST_DRAFT, 2 * self._length) if agreed else max(1, self._length // 2)


def room_for_drafts(rows: int, device: str) -> int:
    """The number of tokens that each of `rows` rows may draft in one step on a device of this type."""
    return _TOKENS_A_STEP.get(device, _TOKENS_A_STEP_ELSEWHERE) // rows - 1
