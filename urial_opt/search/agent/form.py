"""Form: markup, headings, characters and remarks that do not belong in a text of a document."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

FENCED = re.compile(r"^[ \t]*(`{3,})[^\n]*\n(.*?)^[ \t]*\1`*[ \t]*$", re.DOTALL | re.MULTILINE)
_SPEAKERS = "query|answer|response|user|human|assistant|system"
_CHAT_MARKUP = re.compile(r"<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>|\[\[[ \t]*##|</?s>", re.IGNORECASE)
_SPEAKER = re.compile(
    rf"^(?:#+[ \t]*(?:{_SPEAKERS}|instruction)\b|(?:{_SPEAKERS})[ \t]*:)", re.IGNORECASE | re.MULTILINE
)
_TITLE = re.compile(r"\A\s*# Instruction[ \t]*$", re.MULTILINE)
_TAG = re.compile(r"</?[a-z][a-z0-9_]*(?:\s+[a-z-]+=(?:\"[^\"]*\"|'[^']*'))*\s*/?>", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"(?<!\{)\{[a-z]+(?:_[a-z]+)*\}(?!\})|\[insert\b[^\]\n]{0,40}\]", re.IGNORECASE)
_ABOUT_ITSELF = re.compile(
    r"\A\W*(?:(?:sure|certainly|of course|okay|ok|yes)\b\W*)?(?:here(?:'s|’s| is| are)|this is|below is)\s+"
    r"(?:the|a|an|your|my)\s+(?:new|revised|rewritten|improved|updated|restyled|modified|better|merged)\b"
    r"[^\n.!?]{0,40}\b(?:text|answer|version|prompt|example|response|instruction)s?\b",
    re.IGNORECASE,
)
_ALLOWED_CONTROLS = "\n\t"
_HIDDEN = frozenset("\ufffd\u200b\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Half of a character, blanks without width, and overrides of the direction of writing."""


def markup_in(text: str, like: str = "") -> str | None:
    """Chat markup, a speaker's name or heading, a tag or a placeholder; None if there is none that `like` lacks.

    Tags and placeholders may stand in code blocks, and `# Instruction` at the head of a text.
    """
    prose = FENCED.sub("", text)
    headless = _TITLE.sub("", text)
    for pattern, searched in ((_CHAT_MARKUP, text), (_SPEAKER, headless), (_TAG, prose), (_PLACEHOLDER, prose)):
        known = {found[0] for found in pattern.finditer(like)}
        for found in pattern.finditer(searched):
            if found[0] not in known:
                return found[0]
    return None


def strange_character(text: str, like: str = "") -> str | None:
    """The name of a control or hidden character that `like` lacks; None if there is none."""
    for character in dict.fromkeys(text):
        unseen = unicodedata.category(character) in ("Cc", "Co", "Cs") and character not in _ALLOWED_CONTROLS
        if (unseen or character in _HIDDEN) and character not in like:
            return unicodedata.name(character, f"U+{ord(character):04X}")
    return None


def talks_about_itself(text: str) -> bool:
    """Whether it begins by saying what it is: `Here is the rewritten answer`."""
    return _ABOUT_ITSELF.search(text) is not None


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(character.isalnum() for character in text)


def script_of(text: str) -> str | None:
    """The script of most letters, such as LATIN or CJK; None if no script has two thirds of them."""
    scripts = Counter(unicodedata.name(character, "").partition(" ")[0] for character in text if character.isalpha())
    [(script, times)] = scripts.most_common(1) or [("", 0)]
    return script if times and times * 3 >= scripts.total() * 2 else None
