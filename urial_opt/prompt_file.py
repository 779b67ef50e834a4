"""Prompt files: reads URIAL prompts written by this package, by the public URIAL code, or by hand.

A prompt in the layout of `urial_opt.prompt` is read back exactly. Other layouts that a person would still recognise
keep their exact text for rendering, and their exemplars are parsed as well: fences on the same line as the text, blanks
at fences, no fences, `# User:` and `# Assistant:` headings, no system text, no final newline, CRLF, a byte order mark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from urial_opt.errors import InputError, PromptError
from urial_opt.prompt import Exemplar, UrialPrompt, fence_for
from urial_opt.records import Sampling

JSON_FORMAT: Literal["urial-opt prompt 1"] = "urial-opt prompt 1"
"""Value of `format` in the JSON form of a prompt."""

_BYTE_ORDER_MARK = "\ufeff"
_EXEMPLAR = re.compile(r"\n# Query:\n(`{3,})\n(.*?)\n\1\n\n# Answer:\n(`{3,})\n(.*?)\n\3\n", re.DOTALL)
_HEADING = re.compile(r"^# ?(Query|User|Answer|Assistant)(?::|[ \t]*$)", re.MULTILINE)
_FENCED = re.compile(rf"\s*(`{{3,}}+)(.*?)(?<!`)\1(?!`)(?=\s*(?:{_HEADING.pattern}|\Z))", re.DOTALL | re.MULTILINE)
_LOOSE_FENCE = re.compile(r"^`{3,}|`{3,}$")
_INSTRUCTION = re.compile(r"^# ?Instruction", re.MULTILINE)


def check_public_name(name: str) -> None:
    """InputError unless the public loader accepts `name`, as in `urial_prompts/NAME.txt`."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise InputError(
            f"the public loader takes no prompt called {name!r}; use letters, digits, '.', '_' and '-' only"
        )
    if "inst_help_v5" in name or "inst_help_v6" in name:
        raise InputError(f"the public loader reads {name!r} in another layout; leave inst_help_v5 and inst_help_v6 out")


def read_prompt_file(path: Path) -> UrialPrompt:
    """The prompt in a file: written by the exporter `json` if its name ends in `.json`, else plain text.

    PromptError if it cannot be opened, is not UTF-8, or holds no prompt.
    """
    text = _read(path)
    if _is_json(path):
        return _parse_json(text, repr(str(path)))
    return parse_prompt(text, source=repr(str(path)))


def read_sampling(path: Path) -> Sampling | None:
    """The sampling in a file of the exporter `json`; None for other files. PromptError as in `read_prompt_file`."""
    return _json_prompt(_read(path), repr(str(path))).sampling if _is_json(path) else None


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise PromptError(f"{str(path)!r} is not UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
    except FileNotFoundError as error:
        raise PromptError(f"there is no prompt file {str(path)!r}; give the path of one") from error
    except IsADirectoryError as error:
        raise PromptError(f"{str(path)!r} is a folder; give the path of a prompt file in it") from error
    except (OSError, ValueError) as error:
        raise PromptError(f"{str(path)!r} cannot be read ({error}); give the path of a prompt file") from error


def parse_prompt(text: str, *, source: str = "the prompt") -> UrialPrompt:
    """The prompt whose `prefix` is `text`; `raw` is set if `text` is not in the canonical layout.

    Whole exemplars inside a system text become exemplars of the prompt. PromptError if a query or an answer is missing,
    or if there is neither an exemplar nor `# Instruction`; its message calls the text `source`.
    """
    exact = _read_exactly(text)
    if exact.exemplars and not _HEADING.search(exact.system) and not text.startswith(_BYTE_ORDER_MARK):
        return exact
    unmarked = text.removeprefix(_BYTE_ORDER_MARK)
    unified = unmarked.replace("\r\n", "\n")
    if _HEADING.search(unified):
        try:
            return replace(_read_tolerantly(unified, source), raw=text)
        except PromptError:
            if exact.exemplars:
                return exact
            raise
    if not _INSTRUCTION.search(unified):
        raise PromptError(
            f"{source} holds no URIAL prompt; it should have blocks headed '# Query:' and '# Answer:', "
            "or a text headed '# Instruction'"
        )
    return UrialPrompt(system=unmarked, raw=text if unmarked != text else None)


def _read_exactly(text: str) -> UrialPrompt:
    """The shortest system text that only canonical exemplars follow; if there is none, the whole text."""
    start = text.find("\n# Query:\n")
    while start >= 0:
        exemplars: list[Exemplar] = []
        end = start
        while match := _EXEMPLAR.match(text, end):
            exemplar = Exemplar(query=match[2], answer=match[4])
            if (match[1], match[3]) != (fence_for(exemplar.query), fence_for(exemplar.answer)):
                break
            exemplars.append(exemplar)
            end = match.end()
        if end == len(text):
            return UrialPrompt(system=text[:start], exemplars=tuple(exemplars))
        start = text.find("\n# Query:\n", start + 1)
    return UrialPrompt(system=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    asks: bool
    text: str


def _read_tolerantly(text: str, source: str) -> UrialPrompt:
    """Alternating queries and answers under any of the headings; all texts are stripped."""
    heading = _HEADING.search(text)
    system = text[: heading.start()].strip() if heading else ""
    blocks: list[_Block] = []
    while heading is not None:
        if fenced := _FENCED.match(text, heading.end()):
            content, end = fenced[2].strip(), fenced.end()
        else:
            following = _HEADING.search(text, heading.end())
            end = following.start() if following else len(text)
            content = _LOOSE_FENCE.sub("", text[heading.end() : end].strip()).strip()
            if not content:
                raise PromptError(f"a block {heading[0]!r} of {source} is empty; write its text, or remove it")
        blocks.append(_Block(asks=heading[1] in ("Query", "User"), text=content))
        heading = _HEADING.search(text, end)
    read = next((place for place, block in enumerate(blocks) if block.asks != (place % 2 == 0)), len(blocks))
    if read < len(blocks) or read % 2:
        missing, beside = ("Answer", blocks[read - 1]) if read % 2 else ("Query", blocks[read])
        raise PromptError(
            f"exemplar {read // 2 + 1} of {source} ({_opening(beside.text)}) has no {missing.lower()}; "
            f"add a block headed '# {missing}:'"
        )
    pairs = zip(blocks[::2], blocks[1::2], strict=True)
    return UrialPrompt(
        system=f"{system}\n" if system else "",
        exemplars=tuple(Exemplar(query=query.text, answer=answer.text) for query, answer in pairs),
    )


def _opening(text: str) -> str:
    words = " ".join(text.split())
    return repr(words if len(words) <= 40 else f"{words[:40]}…")


class _JsonExemplar(BaseModel):
    query: str
    answer: str
    style: str = ""


class _JsonPrompt(BaseModel):
    format: Literal["urial-opt prompt 1"]
    system: str
    exemplars: tuple[_JsonExemplar, ...]
    raw: str | None = None
    prefix: str | None = None
    sampling: Sampling | None = None


def _json_prompt(text: str, source: str) -> _JsonPrompt:
    try:
        return _JsonPrompt.model_validate_json(text.removeprefix(_BYTE_ORDER_MARK))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise PromptError(
            f"{source} is not a prompt that the exporter 'json' wrote: {where}: {first['msg']}; export it again"
        ) from error


def _parse_json(text: str, source: str) -> UrialPrompt:
    read = _json_prompt(text, source)
    exemplars = tuple(Exemplar(query=e.query, answer=e.answer, style=e.style) for e in read.exemplars)
    prompt = UrialPrompt(system=read.system, exemplars=exemplars, raw=read.raw)
    if read.prefix not in (None, prompt.prefix):
        raise PromptError(f"in {source} the prefix is not what system and exemplars render to; remove the key 'prefix'")
    return prompt
