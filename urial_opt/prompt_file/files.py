"""Files: opens a prompt file, and finds the decoding and the layout that belong to it."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

from urial_opt.content import READ_AS, mended, mended_json
from urial_opt.errors import InputError, PromptError, UrialOptWarning
from urial_opt.prompt import Layout, UrialPrompt
from urial_opt.prompt_file.decoding import decoding_file, parse_decoding
from urial_opt.prompt_file.dspy_form import is_dspy_state, parse_dspy, parse_dspy_sampling
from urial_opt.prompt_file.json_form import parse_json, parse_json_sampling
from urial_opt.prompt_file.plain_text import parse_prompt
from urial_opt.records import Sampling

_NAMED_LAYOUTS: dict[str, Layout] = {"inst_help_v5": "v5", "inst_help_v6": "v6"}
"""The layouts that the public loader takes from a part of a file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """A sampling that belongs to a prompt file."""

    sampling: Sampling
    file: Path
    """The file that holds it."""


def check_public_name(name: str, layout: Layout = "urial") -> None:
    """InputError unless the public loader takes `name`, as in `urial_prompts/NAME.txt`, for a prompt of this layout."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise InputError(
            f"the public loader takes no prompt called {name!r}; use letters, digits, '.', '_' and '-' only"
        )
    if (named := _layout_named(name) or "urial") == layout:
        return
    if layout == "urial":
        raise InputError(f"the public loader reads {name!r} in another layout; leave inst_help_{named} out")
    raise InputError(f"the public loader reads {name!r} in another layout; put inst_help_{layout} into the name")


def _layout_named(name: str) -> Layout | None:
    return next((layout for part, layout in _NAMED_LAYOUTS.items() if part in name), None)


def read_prompt_file(path: Path) -> UrialPrompt:
    """The prompt in a file: plain text or, if its name ends in `.json`, of the exporter `json` or of a DSPy program.

    A name with `inst_help_v5` or `inst_help_v6` decides the layout, as for the public loader. PromptError if the file
    cannot be opened, is not UTF-8, or holds no prompt.
    """
    text = _read(path)
    if _is_json(path):
        return (parse_dspy if is_dspy_state(text) else parse_json)(text, repr(str(path)))
    prompt = parse_prompt(text, source=repr(str(path)))
    named = _layout_named(path.stem)
    return prompt if named is None else replace(prompt, layout=named)


def read_decoding(path: Path) -> Decoding | None:
    """The sampling that belongs to a prompt file: in it if it is JSON, else in the file beside it; None if unknown.

    PromptError as in `read_prompt_file`, also for the file beside it.
    """
    if _is_json(path):
        text = _read(path)
        sampling = (parse_dspy_sampling if is_dspy_state(text) else parse_json_sampling)(text, repr(str(path)))
        return None if sampling is None else Decoding(sampling=sampling, file=path)
    beside = decoding_file(path)
    if not beside.is_file():
        return None
    sampling = parse_decoding(_read(beside), prompt_text=_read(path), source=repr(str(beside)))
    return Decoding(sampling=sampling, file=beside)


def read_sampling(path: Path) -> Sampling | None:
    """As `read_decoding`, without the file."""
    found = read_decoding(path)
    return None if found is None else found.sampling


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def _read(path: Path) -> str:
    if path.suffix.lower() in (".pkl", ".pickle"):  # reading it could run any code
        raise PromptError(f"{str(path)!r} is a pickle; save the DSPy program as JSON: program.save('program.json')")
    try:
        text = path.read_bytes().decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise PromptError(f"{str(path)!r} is not UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
    except FileNotFoundError as error:
        raise PromptError(f"there is no prompt file {str(path)!r}; give the path of one") from error
    except IsADirectoryError as error:
        raise PromptError(f"{str(path)!r} is a folder; give the path of a prompt file in it") from error
    except (OSError, ValueError) as error:
        raise PromptError(f"{str(path)!r} cannot be read ({error}); give the path of a prompt file") from error
    whole = mended_json(mended(text)) if _is_json(path) else mended(text)
    if whole != text:
        says = f"{str(path)!r} contains half a character, such as half an emoji: {READ_AS}"
        warnings.warn(says, UrialOptWarning, stacklevel=3)
    return whole
