"""Marking: the kind of each token of an answer, by rules over its text (see `kinds`)."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice, pairwise

from urial_opt.shift import lexicon
from urial_opt.shift.kinds import MarkedToken, TokenKind, Word
from urial_opt.token_scores import AlignedAnswer


def kinds_of(answer: AlignedAnswer) -> tuple[TokenKind, ...]:
    """The kind of each position of the answer: its tokens and, if it ended, the end of the turn."""
    return tuple(token.kind for token in mark_answer(answer))


def mark_answer(answer: AlignedAnswer) -> tuple[MarkedToken, ...]:
    """As `kinds_of`, with the words that decide."""
    end = (MarkedToken(kind=TokenKind.END, word="", opens=True),) if answer.ended else ()
    return (*mark_tokens(answer.pieces), *end)


def mark_tokens(pieces: Sequence[str]) -> tuple[MarkedToken, ...]:
    """The marked tokens of a text; `pieces` are their texts, which join to it."""
    text = "".join(pieces)
    words = words_of(text)
    starts = [word.start for word in words]
    seen: set[int] = set()
    marked = []
    offset = 0
    for piece in pieces:
        place = _deciding(piece, offset, text, words, starts)
        offset += len(piece)
        if place is None:
            marked.append(MarkedToken(kind=TokenKind.UNKNOWN, word="", opens=True))
        else:
            marked.append(MarkedToken(kind=words[place].kind, word=words[place].text, opens=place not in seen))
            seen.add(place)
    return tuple(marked)


def _deciding(piece: str, offset: int, text: str, words: Sequence[Word], starts: Sequence[int]) -> int | None:
    """The index of the word that decides the kind of a token; None if there is none."""
    if not piece:
        within = offset < len(text) and ord(text[offset]) > 127 and not text[offset].isspace()
        return bisect_right(starts, offset) - 1 if within else None
    first = bisect_right(starts, offset) - 1  # a word that began before the token may reach into it
    if first < 0 or words[first].start + len(words[first].text) <= offset:
        first += 1
    touched = range(first, bisect_left(starts, offset + len(piece)))
    meant = (place for place in touched if words[place].kind is not TokenKind.PUNCTUATION)
    return next(meant, first if first < len(words) else len(words) - 1 if words else None)


def words_of(text: str) -> list[Word]:
    """Every word and mark of a text, in order, with its kind; all other characters are whitespace."""
    page = _Text(text)
    page.mark_code()
    page.mark_lines()
    refuses = page.mark_phrases()
    page.mark_words(refuses=refuses)
    return [Word(text=text[a:b], start=a, kind=kind) for (a, b), kind in zip(page.spans, page.kinds, strict=True)]


def refuses(text: str) -> bool:
    """Whether the answer refuses, wholly or in part."""
    return _Text(text).mark_phrases()


_ATOMS = re.compile(
    r"""
      \r\n | \n | \r
    | https?://[^\s<>)\]]+
    | (?:[^\W\d_]\.){2,}                                                # e.g., U.S.
    | [$€£¥]?\d+(?:[.,:/]\d+)*(?:[%°]|st|nd|rd|th)?(?![^\W_])           # $3.50, 10:30, 1st
    | (?:[^\W_][\u0300-\u036f]*)+(?:['’_-](?:[^\W_][\u0300-\u036f]*)+)*   # don't, well-known, H2O
    | \S
    """,
    re.VERBOSE,
)
_FENCED = re.compile(r"(```[^\n`]*)(.*?)(```|\Z)", re.DOTALL)
_INLINE = re.compile(r"(`+)([^`\n]+)(\1)")
_QUOTED = re.compile(r'"[^"\n]+"|“[^”\n]+”')
_LINE_START = re.compile(r"^[ \t]*((?:[-*+•–]|\d{1,3}[.)]|\(\d{1,3}\)|[a-z]\)|\#{1,6}|>+)(?=[ \t]|$))?", re.MULTILINE)
_RULER = re.compile(r"^[ \t]*[-*_=|:][-*_=|: \t]{2,}$", re.MULTILINE)
_TABLE_ROW = re.compile(r"^[ \t]*\|.*$", re.MULTILINE)
_COLON = re.compile(r":(?=[*_ \t]*[\r\n])")
_SENTENCE_END = re.compile(r"[.!?…]+[\"”')\]]*(?=\s|$)|:(?=\s)|[\r\n]+")
_SIGNATURE = re.compile(r",[ \t]*\n+((?:[A-Z\[][\w.'\]]*[ \t]*){1,3})\s*\Z")
_CLAUSE = re.compile(r"(?:[,;:–—-]|\b(?:and|but|so|or))[ \t]+(?:and|but|so|or)?[ \t]*")
_BETWEEN = re.compile(r"[^\w\"“”`]*")
_OPENING = 3
"""Sentences."""
_TRAILING = frozenset(",.!?;:…")


@cache
def _phrases(patterns: tuple[str, ...], after: str = "") -> re.Pattern[str]:
    """One expression for several phrases; at each position, the first of the list that matches wins."""
    blanks = {" ": r"[ \t]+", " ?": r"[ \t]*"}
    joined = re.sub(r" \??", lambda match: blanks[match[0]], "|".join(f"(?:{pattern})" for pattern in patterns))
    return re.compile(rf"(?<![\w'])(?:{joined})(?![\w'-]){after}")


class _Text:
    """A text whose words are marked rule by rule; the first rule that marks a word decides."""

    def __init__(self, text: str) -> None:
        self.text = text
        # Of the same length, so that offsets agree: lower case makes some letters longer.
        self.plain = "".join(low if len(low := c.lower()) == 1 else c for c in text).replace("’", "'").replace("*", " ")
        self.spans = [match.span() for match in _ATOMS.finditer(text)]
        self._starts = [start for start, _ in self.spans]
        self._found: list[TokenKind | None] = [None] * len(self.spans)
        self._quoted = [match.span() for match in _QUOTED.finditer(text)]

    @property
    def kinds(self) -> list[TokenKind]:
        return [kind if kind is not None else TokenKind.UNKNOWN for kind in self._found]

    def _mark(self, start: int, end: int, kind: TokenKind) -> None:
        """Mark all unmarked words that lie wholly between `start` and `end`."""
        for place in range(bisect_left(self._starts, start), bisect_left(self._starts, end)):
            if self._found[place] is None and self.spans[place][1] <= end:
                self._found[place] = kind

    def _mark_phrase(self, start: int, end: int, kind: TokenKind) -> int:
        """As `_mark`, with the punctuation directly after; returns where that ends."""
        while end < len(self.text) and self.text[end] in _TRAILING:
            end += 1
        self._mark(start, end, kind)
        return end

    def mark_code(self) -> None:
        for code in (_FENCED, _INLINE):
            for match in code.finditer(self.text):
                self._mark(*match.span(1), TokenKind.STRUCTURE)
                self._mark(*match.span(3), TokenKind.STRUCTURE)
                self._mark(*match.span(2), TokenKind.CONTENT)
        self._mark_each("`", TokenKind.STRUCTURE)

    def mark_lines(self) -> None:
        for place, (start, _) in enumerate(self.spans):
            if self.text[start] in "\r\n" and self._found[place] is None:
                self._found[place] = TokenKind.STRUCTURE
        for match in _LINE_START.finditer(self.text):
            if match[1]:
                self._mark(*match.span(1), TokenKind.STRUCTURE)
        for match in _RULER.finditer(self.text):
            self._mark(*match.span(), TokenKind.STRUCTURE)
        for row in _TABLE_ROW.finditer(self.text):
            self._mark_each("|", TokenKind.STRUCTURE, row.start(), row.end())
        for match in re.finditer(r"(?<!\d)\*|\*(?!\d)|" + _COLON.pattern, self.text):
            self._mark(*match.span(), TokenKind.STRUCTURE)

    def mark_phrases(self) -> bool:
        """Mark greetings, safety, closings, announcements and connectives; returns whether the answer refuses."""
        lines = [match.end() for match in _LINE_START.finditer(self.text)]
        breaks = [0, *lines, *(match.end() for match in _SENTENCE_END.finditer(self.text))]
        sentences = sorted({start for at in breaks if (start := self._word_at(at)) is not None})
        self._mark_at(map(self._word_at, lines), (lexicon.WARNING_LABELS,), TokenKind.SAFETY, after="(?=[ \t]*:)")
        refuses = self._mark_anywhere(lexicon.REFUSALS, TokenKind.SAFETY)
        refuses |= self._mark_anywhere(lexicon.OBJECTIONS, TokenKind.SAFETY, end=_opening(self.text))
        self._mark_anywhere(lexicon.DISCLAIMERS, TokenKind.SAFETY)
        self._mark_greetings()
        self._mark_closings(sentences)
        self._mark_at(map(self._word_at, lines), (lexicon.LABELS,), TokenKind.STRUCTURE, after="(?=[ \t]*:)")
        self._mark_at(sentences, lexicon.LEADS, TokenKind.STRUCTURE)
        self._mark_anywhere(lexicon.CONNECTIVES, TokenKind.CONNECTIVE)
        self._mark_at(sentences, lexicon.SENTENCE_CONNECTIVES, TokenKind.CONNECTIVE)
        self._mark_at(sentences, (lexicon.COMMA_CONNECTIVES,), TokenKind.CONNECTIVE, after="(?=[ \t]*,)")
        self._mark_anywhere(lexicon.ADDRESS_PHRASES, TokenKind.ADDRESS)
        return refuses

    def _mark_anywhere(self, patterns: tuple[str, ...], kind: TokenKind, *, end: int | None = None) -> bool:
        found = False
        for match in _phrases(patterns).finditer(self.plain, 0, len(self.plain) if end is None else end):
            if not self._is_quoted(match.start()):
                self._mark_phrase(*match.span(), kind)
                found = True
        return found

    def _mark_at(
        self, places: Iterable[int | None], patterns: tuple[str, ...], kind: TokenKind, *, after: str = ""
    ) -> None:
        for place in places:
            if place is not None and (match := _phrases(patterns, after).match(self.plain, place)):
                self._mark_phrase(*match.span(), kind)

    def _mark_greetings(self) -> None:
        place = _skip(_BETWEEN, self.plain, 0)
        before_a_mark = _phrases(lexicon.INTERJECTIONS, r"(?=[ \t]*[,.!:;…\n–—-])")
        while match := _phrases(lexicon.GREETINGS).match(self.plain, place) or before_a_mark.match(self.plain, place):
            place = _skip(_BETWEEN, self.plain, self._mark_phrase(*match.span(), TokenKind.GREETING))

    def _mark_closings(self, sentences: Sequence[int]) -> None:
        offers, farewells = _phrases(lexicon.OFFERS), _phrases(lexicon.FAREWELLS)
        last = True
        signature = _SIGNATURE.search(self.text)
        body = signature.start(1) if signature else len(self.text)
        for start, end in reversed(list(pairwise([*(at for at in sentences if at < body), body]))):
            clauses = [start, *(match.end() for match in _CLAUSE.finditer(self.plain, start, end))]
            offer = next((at for at in clauses if offers.match(self.plain, at) and not self._is_quoted(at)), None)
            whole = last and farewells.match(self.plain, start) is not None
            last = whole or (last and offer is not None and offers.match(self.plain, start) is not None)
            if whole or offer is not None:
                self._mark(start if whole or offer is None else offer, end, TokenKind.CLOSING)

    def mark_words(self, *, refuses: bool) -> None:
        for place, (start, end) in enumerate(self.spans):
            if self._found[place] is None:
                self._found[place] = self._kind_of_word(place, self.plain[start:end], refuses=refuses)

    def _kind_of_word(self, place: int, word: str, *, refuses: bool) -> TokenKind:
        start, end = self.spans[place]
        if not word[0].isalnum() and not any(map(str.isalnum, word)):
            return TokenKind.PUNCTUATION if unicodedata.category(word[0])[0] == "P" else TokenKind.UNKNOWN
        if not all(map(_is_latin, word)):
            return TokenKind.UNKNOWN
        written = self.text[start:end]
        if len(written) > 1 and written.isupper() and "'" not in word and not self._shouts(place):
            return TokenKind.CONTENT  # US, IT, WHO
        if word in lexicon.ADDRESS and not (word == "i" and self._is_numeral(place)):
            return TokenKind.ADDRESS
        if word in lexicon.SAFETY_WORDS or (refuses and word in lexicon.REFUSAL_REASONS):
            return TokenKind.SAFETY
        return TokenKind.FUNCTION if word in lexicon.FUNCTION else TokenKind.CONTENT

    def _shouts(self, place: int) -> bool:
        """Whether a neighbouring word is in capitals too, so that capitals do not mean an abbreviation."""
        sides = (self.spans[other] for other in (place - 1, place + 1) if 0 <= other < len(self.spans))
        near = [self.text[start:end] for start, end in sides]
        return any(len(word) > 1 and word.isalpha() and word.isupper() for word in near)

    def _is_numeral(self, place: int) -> bool:
        """Whether an `I` is a numeral, as of wars or kings: after a name within a sentence."""
        before = self.text[slice(*self.spans[place - 1])] if place else ""
        apart = self.text[self.spans[place - 1][1] : self.spans[place][0]] if place else ""
        named = before[:1].isupper() and before.lower() not in lexicon.FUNCTION | lexicon.ADDRESS
        opens = place < 2 or self.text[slice(*self.spans[place - 2])] in {".", "!", "?", "\n"}
        return named and apart == " " and not opens

    def _mark_each(self, mark: str, kind: TokenKind, start: int = 0, end: int | None = None) -> None:
        for match in re.finditer(re.escape(mark), self.text[start:end]):
            self._mark(start + match.start(), start + match.end(), kind)

    def _word_at(self, place: int) -> int | None:
        """Where the next word begins, past whitespace, asterisks and brackets; None if none or quoted."""
        at = _skip(re.compile(r"[\s(\[_]*"), self.plain, place)
        return at if at < len(self.plain) and self.plain[at].isalnum() and not self._is_quoted(at) else None

    def _is_quoted(self, place: int) -> bool:
        return any(start <= place < end for start, end in self._quoted)


def _opening(text: str) -> int:
    """Where the first sentences of an answer end; a greeting counts as a sentence."""
    ends = [match.end() for match in islice(_SENTENCE_END.finditer(text), _OPENING)]
    return ends[-1] if len(ends) == _OPENING else len(text)


def _skip(pattern: re.Pattern[str], text: str, place: int) -> int:
    match = pattern.match(text, place)
    return match.end() if match else place


@cache
def _is_latin(character: str) -> bool:
    """Whether the character is a Latin letter, or not a letter at all."""
    return character.isascii() or not character.isalpha() or unicodedata.name(character, "").startswith("LATIN")
