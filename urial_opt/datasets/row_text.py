"""Row text: the whole question of a row, from the fields over which public formats spread it.

What a query asks may stand in several fields. The known formats are combined into one text; a part that is not read is
an error, since the query would be asked without it.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from urial_opt.datasets.written import Source, refuse_two, shown
from urial_opt.errors import UrialOptWarning

TEXTS = ("text", "instruction", "query", "question", "prompt")
"""Names of the field that holds a query."""

_BESIDE = ("input", "context")
"""Fields of Alpaca, Dolly and self-instruct; AlpacaEval appends them to the instruction after a blank line."""
_TALKS = ("conversations", "conversation", "messages")
_USERS = ("user", "human", "prompter")
_NOTHING = ("", "<noinput>", "<nooutput>", "n/a")
_PARTS = {
    *(*_BESIDE, *_TALKS, "conversation_input", "history", "turns", "instances", "dialogue", "few_shot", "examples"),
    *("system", "system_prompt", "system_message", "tools", "functions"),
    *(
        "passage",
        "passages",
        "paragraph",
        "document",
        "documents",
        "article",
        "story",
        "background",
        "evidence",
        "facts",
    ),
    *("choices", "options", "table", "tables", "code", "files", "attachments"),
    *("image", "images", "audio", "video"),
}
"""Fields that hold a part of what a query asks."""
_ASIDE = {
    *(
        "source",
        "source_id",
        "dataset",
        "datasplit",
        "author",
        "authors",
        "license",
        "url",
        "version",
        "motivation_app",
    ),
    *("difficulty", "language", "lang", "label", "labels", "is_classification", "tokens", "max_words", "comment"),
    *("generator", "generator_cand", "model", "model_id", "model_name", "annotator", "annotators", "comments"),
    *("output", "outputs", "response", "responses", "answer", "answers", "completion", "raw_output", "target"),
    *("reference", "references", "reference_answer", "reference_output", "targets"),
    *("scores", "result", "parsed_result", "eval_config"),
    *("date", "created", "created_at", "timestamp", "tstamp", "index", "idx"),
}
"""Fields that say something about a query and are no part of it."""


def whole_question(source: Source, row: Mapping[str, Any], *, text: Sequence[str] = TEXTS) -> dict[str, Any]:
    """The row with its whole question in one of the fields `text`, and later turns of the user in `turns`.

    Null fields are left out. SpaceError if two fields differ that mean the same, or if a part cannot be read.
    """
    whole = {name: value for name, value in row.items() if value is not None}
    for name in (*_TALKS, "prompt"):
        if name in whole and (name in _TALKS or (name in text and isinstance(whole[name], list))):
            first, *later = _said(source, name, whole.pop(name))
            whole |= {text[0] if name in _TALKS else name: first} if not _among(whole, text, first) else {}
            whole |= {"turns": later} if later else {}
    if isinstance(whole.get("turns"), list) and whole["turns"] and not any(whole.get(name) for name in text):
        whole[text[0]], *later = whole["turns"]
        whole["turns"] = later
    refuse_two(source, whole, text)
    if "instances" in whole and "instruction" in whole:
        whole["input"] = _only_input(source, whole.pop("instances"))
    for name in _BESIDE:
        if name in whole and name not in text and "instruction" in text and isinstance(whole.get("instruction"), str):
            more = whole.pop(name)
            if not (_is_nothing(more) or more == whole["instruction"]):
                if not isinstance(more, str):
                    raise source.error(name, f"should be text, not {shown(more)}")
                whole["instruction"] = f"{whole['instruction'].rstrip()}\n\n{more}"
    for name, value in whole.items():
        if name.casefold() in _PARTS and name not in (*text, "turns") and not _is_nothing(value):
            raise source.error(
                name, f"is part of what is asked, and is not read; write it into {text[0]!r}, or remove it"
            )
    return whole


def note_unread(rows: Sequence[tuple[Source, Mapping[str, Any]]], known: Collection[str], *, text: str) -> None:
    """Warn once of the fields of a file that nothing here knows."""
    names = dict.fromkeys(name for _, row in rows for name, value in row.items() if not _is_nothing(value))
    unread = [name for name in names if name not in known and name.casefold() not in _PARTS | _ASIDE]
    if unread:
        shown = ", ".join(repr(name[:40]) for name in unread[:8]) + (" and others" if len(unread) > 8 else "")
        says = f"{rows[0][0].path}: not read: {shown}; if a query needs one of them, write it into {text!r}"
        warnings.warn(says, UrialOptWarning, stacklevel=2)


def refuse_misspelt(rows: Sequence[tuple[Source, Mapping[str, Any]]], fields: Sequence[str]) -> None:
    """SpaceError for the first field that is not known and looks like a misspelling of one of `fields`."""
    known = {*fields, *_PARTS, *_ASIDE}
    seen: set[str] = set()
    for source, row in rows:
        for name in row.keys() - known - seen:
            seen.add(name)
            if near := get_close_matches(name[:60], fields, n=1, cutoff=0.8):
                raise source.error(name, f"is no field; did you mean {near[0]!r}?")


def _among(row: Mapping[str, Any], names: Sequence[str], said: str) -> bool:
    return any(row.get(name) == said for name in names)


def _is_nothing(value: object) -> bool:
    return value.strip().casefold() in _NOTHING if isinstance(value, str) else not value


def _only_input(source: Source, instances: object) -> object:
    """The input of self-instruct's only instance."""
    match instances:
        case [Mapping() as only]:
            return only.get("input")
        case [] | "":
            return None
        case _:
            raise source.error("instances", "should be a list of one instance; write each into a row of its own")


def _said(source: Source, name: str, talk: object) -> list[str]:
    """The user's turns in a list of messages, which may end in an answer."""
    if not isinstance(talk, list) or not talk:
        raise source.error(name, "should be a list of messages that begins with the user's")
    if all(isinstance(each, str) for each in talk):  # LIMA: the turns of user and assistant alternate
        if name != "prompt" and len(talk) > 2:
            raise source.error(name, _answers_between(name))
        return talk if name == "prompt" else talk[:1]
    users: list[str] = []
    answered = False
    for number, each in enumerate(talk):
        where = f"{name}.{number}"
        role, content = _message(source, where, each)
        if role in _USERS:
            if answered:
                raise source.error(where, _answers_between(name))
            users.append(content)
        elif role in ("assistant", "gpt", "model", "chatgpt", "bot"):
            answered = True
        elif content.strip():
            raise source.error(
                where, f"a message of {role[:40]!r} is part of what is asked, and is not read; remove it"
            )
    if not users:
        raise source.error(name, "holds no message of a user; write one")
    return users


def _answers_between(name: str) -> str:
    return (
        "holds answers between the user's turns, which are not read; write the user's turns alone, as a list 'turns' "
        f"in place of {name!r}"
    )


def _message(source: Source, where: str, message: object) -> tuple[str, str]:
    if isinstance(message, Mapping):
        role = message.get("role") or message.get("from")
        content = message.get("content") or message.get("value") or ""
        if isinstance(content, list):  # in pieces, of which images and others have no text
            texts = [piece.get("text") for piece in content if isinstance(piece, Mapping)]
            whole = len(texts) == len(content) and all(isinstance(text, str) for text in texts)
            content = "".join(map(str, texts)) if whole else None
        if isinstance(role, str) and isinstance(content, str):
            return role.casefold(), content
    raise source.error(where, "should be a message with role and content, both text")
