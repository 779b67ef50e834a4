"""Drafts: the next tokens of an answer, guessed from earlier answers and verified by the model.

The prompts of a search differ little, and so do the answers to one query. A draft is the text that followed an earlier
occurrence of the answer's last tokens (prompt lookup decoding, Saxena 2023): in answers to the same query or in this
one, or else in the latest answers to any query, since a model repeats its phrases. The model reads the drafts of all
rows in one forward pass, which gives its own choice at each drafted token, and the tokens that agree are accepted. So
drafts change the number of passes, not the answer (Leviathan et al. 2023, "Fast inference from transformers via
speculative decoding").
"""

from __future__ import annotations

import sys

LONGEST_DRAFT = 15
"""Tokens."""
_SHORTEST_DRAFT = 2
_TOKENS_A_STEP = {"cpu": 256}
_TOKENS_A_STEP_ELSEWHERE = 512
"""Tokens that a GPU reads in the time of one (an H100, a model of 7B; see experiments/performance)."""

_TAILS = (16, 8, 4, 2)
"""How many of the last tokens an earlier occurrence must match; the longest match is tried first."""
_BEGIN = chr(sys.maxunicode)
"""Marks the start of each answer, so that its first tokens can be guessed too."""
_TEXTS = 4096
_TOKENS_A_TEXT = 4096
_LATEST_TOKENS = 65_536


class EarlierAnswers:
    """The latest answers to each of the latest texts. Tokens are stored as characters of a string."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}
        """By text, the most recently used last."""
        self.latest = ""
        """The latest answers to any text, concatenated."""

    def of(self, text: str) -> str:
        """The answers to a text, concatenated."""
        return self._answers.get(text, "")

    def drafter(self, text: str, *, max_tokens: int) -> Drafter:
        """Guesses the next answer to a text."""
        return Drafter(self.of(text), max_tokens=max_tokens, latest=self.latest)

    def add(self, text: str, answer: tuple[int, ...]) -> None:
        """Store an answer's tokens."""
        new = _BEGIN + "".join(map(chr, answer))
        self._answers[text] = (self._answers.pop(text, "") + new)[-_TOKENS_A_TEXT:]
        self.latest = (self.latest + new)[-_LATEST_TOKENS:]
        if len(self._answers) > _TEXTS:
            del self._answers[next(iter(self._answers))]


class Drafter:
    """Guesses the next tokens of one answer; drafts get shorter when a guess is wrong and longer when one is right."""

    def __init__(self, earlier: str, *, max_tokens: int, latest: str = "") -> None:
        """`earlier` as returned by `EarlierAnswers.of`, `latest` as there; the answer has at most `max_tokens`."""
        self._known = earlier + _BEGIN
        self._latest = latest
        self._begin = len(earlier)
        self._left = max_tokens
        self._length = LONGEST_DRAFT

    def draft(self, room: int) -> list[int]:
        """A guess of up to `room` next tokens. The last token allowed is never drafted, since nothing follows it."""
        room = min(room, self._length, self._left - 1)
        if room < 1:
            return []
        # The answer itself is searched too, since it may repeat itself.
        return self._after(self._known, len(self._known) - 1, room) or self._after(self._latest, None, room)

    def take(self, tokens: list[int], *, drafted: int) -> None:
        """Append `tokens`, all of which but the last were drafted; `drafted` is how many were drafted in all."""
        self._known += "".join(map(chr, tokens))
        self._left -= len(tokens)
        if drafted:
            right = len(tokens) - 1
            if right == drafted:
                self._length = min(LONGEST_DRAFT, 2 * self._length)
            else:
                self._length = max(_SHORTEST_DRAFT, self._length // 2, right)

    def _after(self, text: str, end: int | None, room: int) -> list[int]:
        """The tokens that followed the latest place before `end` where the answer's last tokens stand in `text`."""
        for tail in _TAILS:
            if len(self._known) - self._begin >= tail or tail == _TAILS[-1]:
                last = self._known[max(self._begin, len(self._known) - tail) :]
                place = text.rfind(last, 0, end)
                if place >= 0:
                    start = place + len(last)
                    return [ord(letter) for letter in text[start : start + room].partition(_BEGIN)[0]]
        return []


def room_for_drafts(rows: int, device: str) -> int:
    """The number of tokens that each of `rows` rows may draft in one step on a device of this type."""
    return _TOKENS_A_STEP.get(device, _TOKENS_A_STEP_ELSEWHERE) // rows - 1
