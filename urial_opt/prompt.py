"""The URIAL prompt: system text, exemplars, and the exact bytes that a base model continues.

The layout (Lin et al. 2024, section 4 and appendix; `␤` is one newline):

    system text                     usually ends with one ␤
    K times:  ␤# Query:␤```␤{query}␤```␤␤# Answer:␤```␤{answer}␤```␤
    the query under test:  ␤# Query:␤```␤{query}␤```␤␤# Answer:␤```␤        the model continues here

Text that holds a fence or one of the headings would break that layout, so its block gets a longer fence here.
`UrialPrompt.plain` says whether a prompt has no longer fences, as the public loader requires.

Some public prompts have headings `# User:` and `# Assistant:` and no fences. `Layout` says how the public loader
continues them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal, TypeAlias

from urial_opt.aspects import QueryKind
from urial_opt.content import content_id

_BREAKS_LAYOUT = re.compile(r"```|^# (?:Query|Answer|User)", re.MULTILINE)
_BACKTICKS = re.compile(r"`{3,}")
_OPENS_CODE = re.compile(r"\s*(`{3,})[^`]*$")
_NEXT_TURN = re.compile(r"# (?:Query|User)\s*\d*\s*(?::|$)")
_HEADING = re.compile(r"# (?:Query|User|Answer|Assistant|Instruction)\s*:?\s*$")
READING_VERSION = 2
"""Raise it when the same prompt is written, or the same answer is read, in another way (see `search/versions.py`)."""
PLAIN_FENCE = "```"
PUBLIC_STOPS = ("# User", "# Query")
"""Stop strings of the public runner, in an order of our own: such answers are stored apart from those that end by the
rule of `read_answer`."""
FENCE_STOP = "\n```\n\n# "
"""A stop string for servers, which know no rule: a fence, and a heading after a blank line."""
Layout: TypeAlias = Literal["urial", "v5", "v6"]
"""How the public loader continues a prompt: by fenced blocks, as above, or as prompts called inst_help_v5 or v6."""


def fence_for(text: str) -> str:
    """Three backticks or, if `text` breaks the layout, more than three and more than any fence in it."""
    if not breaks_layout(text):
        return PLAIN_FENCE
    return "`" * (1 + max([len(PLAIN_FENCE), *map(len, _BACKTICKS.findall(text))]))


def breaks_layout(text: str) -> bool:
    """Whether `text` holds a fence or a line starting `# Query`, `# Answer` or `# User`."""
    return _BREAKS_LAYOUT.search(text) is not None


def _block(heading: str, text: str) -> str:
    fence = fence_for(text)
    return f"# {heading}:\n{fence}\n{text}\n{fence}\n"


def _unfenced(texts: Sequence[str], layout: Layout) -> str:
    """Queries and answers in turn, and the heading of the next answer, as the public loader writes them."""
    texts = [text.strip("\n") for text in texts] if layout == "v6" else texts
    before, after, end = ("\n\n", "\n", "\n") if layout == "v6" else ("\n", "\n\n", "\n\n")
    heads = [f"{before}# {('User', 'Assistant')[place % 2]}:{after}" for place in range(len(texts) + 1)]
    return "".join(f"{head}{text}{end}" for head, text in zip(heads, texts, strict=False)) + heads[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """One demonstration: a query and an answer in some style."""

    query: str
    answer: str
    style: str = ""
    """Name of the answer's style in the search space, such as `warm`."""
    tags: tuple[str, ...] = ()
    parent: str | None = None
    """Id of the exemplar that this one was restyled from."""

    @property
    def id(self) -> str:
        """Hash of query and answer, the only parts that a model sees."""
        return content_id([self.query, self.answer])

    @property
    def kind(self) -> QueryKind:
        """The kind of its query, as the tags say."""
        return "safety" if "safety" in self.tags else "regular"

    def render(self) -> str:
        """The exemplar's exact text, with the newline that separates it from the text before it."""
        return f"\n{_block('Query', self.query)}\n{_block('Answer', self.answer)}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UrialPrompt:
    """A system text and K exemplars in order, shown before every query."""

    system: str = ""
    """Ends with one newline, unless empty."""
    exemplars: tuple[Exemplar, ...] = ()
    raw: str | None = None
    """The exact text of an imported prompt that is not in the layout above; it is used for rendering."""
    layout: Layout = "urial"
    """The layout of what follows the prefix."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What could not be read in the prompt's file, one sentence each."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id}: {len(self.exemplars)} exemplars, {len(self.prefix):,} characters)"

    @property
    def id(self) -> str:
        """Hash of the text that a model sees."""
        return content_id(self.prefix)

    @property
    def prefix(self) -> str:
        """The text shared by all queries; also the content of a public URIAL prompt file."""
        if self.raw is not None:
            return self.raw
        return self.system + "".join(exemplar.render() for exemplar in self.exemplars)

    @property
    def plain(self) -> bool:
        """Whether the public loader, which knows only fences of three backticks, reads this prompt correctly."""
        return not any(breaks_layout(text) for exemplar in self.exemplars for text in (exemplar.query, exemplar.answer))

    def suffix(self, query: str, *, history: Sequence[Exemplar] = ()) -> str:
        """The text after the prefix: earlier turns of the conversation, if any, then the query under test."""
        if self.layout != "urial":
            said = [text for turn in history for text in (turn.query, turn.answer)]
            return _unfenced([*said, query], self.layout)
        turns = "".join(turn.render() for turn in history)
        return f"{turns}\n{_block('Query', query)}\n# Answer:\n{PLAIN_FENCE}\n"

    def render(self, query: str, *, history: Sequence[Exemplar] = ()) -> str:
        """The exact text that the base model continues."""
        return self.prefix + self.suffix(query, history=history)


def before_stop(text: str, stop: Sequence[str]) -> str | None:
    """The text before the stop string that is complete first; None if no stop string occurs."""
    found = [(start + len(string), start) for string in stop if string and (start := text.find(string)) >= 0]
    return text[: min(found)[1]] if found else None


def read_answer(text: str, *, layout: Layout = "urial", cut: bool = False) -> str:
    """The answer in what a base model wrote after the prompt, stripped. Code blocks keep their fences.

    The last fence before the next heading of the layout closes the answer. A bare fence may open a code block, too: it
    closes the answer if a blank line, a heading or the end of the text follows it outside a code block, or if the code
    block that it seems to open never ends. Text without fences ends before the next heading, and so does text in a
    layout without fences. `cut`: whether the text was cut off, so that its last code block may be open.
    """
    end = _end(text, layout, whole=not cut)
    return text[:end].strip()


def with_closed_code(text: str) -> str:
    """What was written before `FENCE_STOP`: with the fence, if it closed a code block and not the answer."""
    opened = _end(text, "urial", whole=True)
    return f"{text}\n{PLAIN_FENCE}" if opened is not None and opened != _end(text, "urial", whole=False) else text


def has_ended(text: str, *, layout: Layout = "urial") -> bool:
    """Whether the answer has ended in what was written so far, by the rule of `read_answer`."""
    return _end(text, layout, whole=False, more=True) is not None


def _end(text: str, layout: Layout, *, whole: bool, more: bool = False) -> int | None:
    """Where the answer ends; None if at the end of the text, or not yet.

    `whole`: the text is not cut off. `more`: its last line is not complete yet.
    """
    lines = text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    known = len(lines) - 1 if more else len(lines)
    if layout != "urial":
        return next((starts[at] for at, line in enumerate(lines[:known]) if _NEXT_TURN.match(line)), None)
    code: str | None = None
    opened: int | None = None
    for at, line in enumerate(lines[:known]):
        following = lines[at + 1] if at + 1 < known else None
        bare = line.rstrip() == PLAIN_FENCE
        if _HEADING.match(line) and following is not None and following.rstrip() == PLAIN_FENCE:
            return starts[at] if opened is None else opened
        if code is not None:
            closing = line.strip()
            if closing.startswith(code) and not closing.strip("`"):
                code = opened = None
        elif bare:
            if following is not None and (not following.strip() or _HEADING.match(following)):
                return starts[at]
            code, opened = PLAIN_FENCE, starts[at]
        elif _NEXT_TURN.match(line):
            return starts[at]
        elif opening := _OPENS_CODE.match(line):
            code = opening[1]
    if opened is not None and not more and (whole or not text[opened:].strip("`\n ")):
        return opened
    return None


def read_answer_publicly(text: str) -> str:
    """The answer as the public runner reads it: cut at its stop strings, with every fence deleted, stripped."""
    end = min((found for stop in PUBLIC_STOPS if (found := text.find(stop)) >= 0), default=len(text))
    return text[:end].replace(PLAIN_FENCE, "").replace("<|endoftext|>", " ").strip()
