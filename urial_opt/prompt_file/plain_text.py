"""Plain text: parses URIAL prompts written by this package, by the public URIAL code, or by hand.

A prompt in the layout of `urial_opt.prompt` is read back exactly. Other layouts that a person would still recognise
keep their exact text for rendering, and their exemplars are parsed as well: fences on the same line as the text, blanks
at fences, no fences, headings `# User:` and `# Assistant:` or the same without `#`, no system text, no final newline,
CRLF, a byte order mark.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from urial_opt.errors import PromptError
from urial_opt.prompt import Exemplar, Layout, UrialPrompt, fence_for

BYTE_ORDER_MARK = "\ufeff"
_START = "\n# Query:\n"
_FENCE_LINE = re.compile(r"^(`{3,})$", re.MULTILINE)
_HEADING = re.compile(r"^# ?(Query|User|Answer|Assistant)(?::|[ \t]*$)", re.MULTILINE)
_BARE_HEADING = re.compile(r"^(User|Assistant):", re.MULTILINE)
"""A heading in files that have none with `#`; elsewhere such a line may be part of a text."""
_OPENING = re.compile(r"\s*(`{3,})")
_LOOSE_FENCE = re.compile(r"^`{3,}|(?<!`)`{3,}+$")
_INSTRUCTION = re.compile(r"^# ?Instruction", re.MULTILINE)


def parse_prompt(text: str, *, source: str = "the prompt") -> UrialPrompt:
    """The prompt whose `prefix` is `text`; `raw` is set if `text` is not in the canonical layout.

    Whole exemplars inside a system text become exemplars of the prompt. A query without an answer, or an answer without
    a query, between exemplars stays in the text, and `notes` name it. PromptError if one is missing in the first or the
    last exemplar, or if there is neither an exemplar nor `# Instruction`; its message calls the text `source`.
    """
    exact = _read_exactly(text)
    if exact.exemplars and not _HEADING.search(exact.system) and not text.startswith(BYTE_ORDER_MARK):
        return exact
    unmarked = text.removeprefix(BYTE_ORDER_MARK)
    unified = unmarked.replace("\r\n", "\n")
    heading = next((each for each in (_HEADING, _BARE_HEADING) if each.search(unified)), None)
    if heading is not None:
        try:
            return replace(_read_tolerantly(unified, heading, source), raw=text)
        except PromptError as error:
            if exact.exemplars:
                return replace(exact, notes=(f"{str(error).rpartition('; ')[0]}: it counts as system text.",))
            if heading is _HEADING or not _INSTRUCTION.search(unified):
                raise
    if not _INSTRUCTION.search(unified):
        raise PromptError(
            f"{source} holds no URIAL prompt; it should have blocks headed '# Query:' and '# Answer:', "
            "or a text headed '# Instruction'"
        )
    return UrialPrompt(system=unmarked, raw=text if unmarked != text else None)


def _read_exactly(text: str) -> UrialPrompt:
    """The shortest system text that only canonical exemplars follow; if there is none, the whole text.

    Each block is read once, so the time is linear in the text.
    """
    fences = _Places.of(_FENCE_LINE, text)
    starts = _every(_START, text)
    found = {start: read for start in starts if (read := _canonical(text, start, fences)) is not None}
    whole: set[int] = set()
    for start in reversed(starts):
        if start in found and (found[start][1] == len(text) or found[start][1] in whole):
            whole.add(start)
    if not whole:
        return UrialPrompt(system=text)
    start = end = min(whole)
    exemplars: list[Exemplar] = []
    while end < len(text):
        exemplar, end = found[end]
        exemplars.append(exemplar)
    return UrialPrompt(system=text[:start], exemplars=tuple(exemplars))


def _canonical(text: str, start: int, fences: _Places) -> tuple[Exemplar, int] | None:
    """The canonical exemplar that starts there, and its end; None if there is none."""
    texts: list[str] = []
    end = start
    for head in (_START, "\n# Answer:\n"):
        opening = end + len(head)
        if not text.startswith(head, end) or (fence := fences.at(opening)) is None:
            return None
        content = opening + len(fence) + 1
        closing = fences.after(fence, content)
        # A canonical fence is longer than all in its text, so that the first line that equals it closes it.
        if closing is None or text[closing + len(fence) : closing + len(fence) + 1] != "\n" or closing <= content:
            return None
        texts.append(text[content : closing - 1])
        if fence != fence_for(texts[-1]):
            return None
        end = closing + len(fence) + 1
    return Exemplar(query=texts[0], answer=texts[1]), end


def _every(part: str, text: str) -> list[int]:
    places: list[int] = []
    place = text.find(part)
    while place >= 0:
        places.append(place)
        place = text.find(part, place + 1)
    return places


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where fences stand in a text, so that the next one of a kind is found without reading the text again."""

    by_place: Mapping[int, str]
    by_fence: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, fence: re.Pattern[str], text: str) -> _Places:
        """The places of a pattern whose first group is the fence."""
        by_place = {found.start(1): found[1] for found in fence.finditer(text)}
        by_fence: dict[str, list[int]] = {}
        for place, each in by_place.items():
            by_fence.setdefault(each, []).append(place)
        return cls(by_place=by_place, by_fence=by_fence)

    def at(self, place: int) -> str | None:
        """The fence that starts there."""
        return self.by_place.get(place)

    def after(self, fence: str, place: int) -> int | None:
        """The first place of an equal fence at `place` or after it."""
        places = self.by_fence.get(fence, ())
        next_one = bisect_left(places, place)
        return places[next_one] if next_one < len(places) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    heading: str
    asks: bool
    text: str
    fenced: bool
    spaced: bool
    """Whether a blank line follows the heading."""


def _read_tolerantly(text: str, heading: re.Pattern[str], source: str) -> UrialPrompt:
    """Queries and answers under any of the headings; all texts are stripped."""
    blocks = _blocks(text, heading, source)
    exemplars: list[Exemplar] = []
    notes: list[str] = []
    place = 0
    while place < len(blocks):
        block, after = blocks[place], blocks[place + 1] if place + 1 < len(blocks) else None
        if block.asks and after is not None and not after.asks:
            exemplars.append(Exemplar(query=block.text, answer=after.text))
            place += 2
            continue
        missing = "Answer" if block.asks else "Query"
        if not exemplars or after is None:
            raise PromptError(
                f"exemplar {len(exemplars) + 1} of {source} ({_opening(block.text)}) has no {missing.lower()}; "
                f"add a block headed '# {missing}:'"
            )
        notes.append(
            f"A block {block.heading!r} of {source} ({_opening(block.text)}) has no {missing.lower()}: "
            "it stays in the text, but it is no exemplar."
        )
        place += 1
    system = text[: found.start()].strip() if (found := heading.search(text)) else ""
    return UrialPrompt(
        system=f"{system}\n" if system else "",
        exemplars=tuple(exemplars),
        layout=_layout_of(blocks[-1]),
        notes=tuple(notes),
    )


def _blocks(text: str, heading: re.Pattern[str], source: str) -> list[_Block]:
    """The blocks in order. A fence closes a block if a heading or the end of the text follows it."""
    ends = re.compile(rf"(?<!`)(`{{3,}}+)(?=\s*(?:{heading.pattern}|\Z))", re.MULTILINE)
    fences = _Places.of(ends, text)
    headings = list(heading.finditer(text))
    starts = [found.start() for found in headings]
    blocks: list[_Block] = []
    place = 0
    while place < len(headings):
        found = headings[place]
        following = starts[place + 1] if place + 1 < len(headings) else len(text)
        opening = _OPENING.match(text, found.end())
        closing = fences.after(opening[1], opening.end()) if opening else None
        if opening and closing is not None:
            content, following = text[opening.end() : closing].strip(), closing
        else:
            content = _LOOSE_FENCE.sub("", text[found.end() : following].strip()).strip()
            if not content:
                raise PromptError(f"a block {found[0]!r} of {source} is empty; write its text, or remove it")
        blocks.append(
            _Block(
                heading=found[0],
                asks=found[1] in ("Query", "User"),
                text=content,
                fenced=opening is not None,
                spaced=text.startswith("\n\n", found.end()),
            )
        )
        place = bisect_left(starts, following)
    return blocks


def _layout_of(last: _Block) -> Layout:
    """The layout of a file whose name does not tell, from its last answer."""
    if last.fenced or not last.heading.startswith("#") or "Assistant" not in last.heading:
        return "urial"
    return "v5" if last.spaced else "v6"


def _opening(text: str) -> str:
    words = " ".join(text.split())
    return repr(words if len(words) <= 40 else f"{words[:40]}…")
