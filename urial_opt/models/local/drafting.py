"""Drafts: the next tokens of an answer, guessed from earlier answers to the same query, which the model only checks.

The prompts of a search differ little, and so do the answers to one query. A draft is what followed when an answer's
last tokens stood there before (prompt lookup decoding, Saxena 2023); the model reads the drafts of all rows in one
pass, which tells what it would have written at each of their tokens, and what agrees is taken. So drafts change how
many passes an answer takes, not the answer (Leviathan et al. 2023, "Fast inference from transformers via speculative
decoding").
"""

from __future__ import annotations

import sys

LONGEST_DRAFT = 15
"""Tokens."""
_FIRST_DRAFT = 4
_TOKENS_A_STEP = {"cpu": 128}
_TOKENS_A_STEP_ELSEWHERE = 512
"""Tokens that a graphics processor reads in the time of one (an H100, a model of 7B; experiments/performance)."""

_TAILS = (8, 4, 2)
"""How many last tokens have to have stood there before: rather more than fewer."""
_BEGIN = chr(sys.maxunicode)
"""Stands before each answer, so that its first tokens can be guessed too."""
_TEXTS = 4096
_TOKENS_A_TEXT = 4096


class EarlierAnswers:
    """What was answered to some texts: the last ones to each of the texts asked last. A token is kept as one letter."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}
        """By text, the one asked last at the end."""

    def of(self, text: str) -> str:
        """The answers to a text, one behind the other."""
        return self._answers.get(text, "")

    def add(self, text: str, answer: tuple[int, ...]) -> None:
        """Remember an answer's tokens."""
        answers = self._answers.pop(text, "") + _BEGIN + "".join(map(chr, answer))
        self._answers[text] = answers[-_TOKENS_A_TEXT:]
        if len(self._answers) > _TEXTS:
            del self._answers[next(iter(self._answers))]


class Drafter:
    """Guesses the next tokens of one answer, more of them the better it guessed before."""

    def __init__(self, earlier: str, *, max_tokens: int) -> None:
        """`earlier` as `EarlierAnswers.of` tells them; the answer ends at `max_tokens`."""
        self._known = earlier + _BEGIN
        self._begin = len(earlier)
        self._left = max_tokens
        self._length = _FIRST_DRAFT

    def draft(self, room: int) -> list[int]:
        """What may come next, up to `room` tokens; the answer's last token is never drafted, for none follows it."""
        room = min(room, self._length, self._left - 1)
        if room < 1:
            return []
        end = len(self._known)
        for tail in _TAILS:
            # Also in the answer itself, which may repeat what it said.
            if end - self._begin >= tail or tail == _TAILS[-1]:
                last = self._known[max(self._begin, end - tail) :]
                place = self._known.rfind(last, 0, end - 1)
                if place >= 0:
                    start = place + len(last)
                    return [ord(letter) for letter in self._known[start : start + room].partition(_BEGIN)[0]]
        return []

    def take(self, tokens: list[int], *, drafted: int) -> None:
        """The answer goes on with `tokens`, of which all but the last agreed with the `drafted` ones."""
        self._known += "".join(map(chr, tokens))
        self._left -= len(tokens)
        if drafted:
            agreed = len(tokens) > drafted
            self._length = min(LONGEST_DRAFT, 2 * self._length) if agreed else max(1, self._length // 2)


def room_for_drafts(rows: int, device: str) -> int:
    """How many tokens each of `rows` rows may draft in one step on a device of this type."""
    return _TOKENS_A_STEP.get(device, _TOKENS_A_STEP_ELSEWHERE) // rows - 1
