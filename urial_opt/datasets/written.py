"""Written forms: the rows and fields of files, validated, with errors that name file, line and field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from reprlib import Repr
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from urial_opt.errors import SpaceError


def _trimmed(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; write some text")
    return text.strip("\n").rstrip()


Words: TypeAlias = Annotated[str, AfterValidator(_trimmed)]
"""Text that is not blank, without newlines at its ends; indentation of the first line is kept, as in code."""


Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")]
"""Name of a row in keys such as `tea/warm`."""


def _as_text(value: object) -> object:
    return str(value) if type(value) is int else value


AnyId: TypeAlias = Annotated[Words | None, BeforeValidator(_as_text)]
"""The id of a row; public files may write it as a number."""


class Written(BaseModel):
    """Base of everything read from a file: no extra fields, no type coercion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


WrittenT = TypeVar("WrittenT", bound=Written)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file, or one line of it, for errors that name file, line and field."""

    path: Path
    lines: Mapping[tuple[str, ...], int] = field(default_factory=lambda: {(): 1})
    """The line on which each field starts; `()` stands for the whole."""

    def error(self, where: str, says: str) -> SpaceError:
        """The error for the field `where`, such as `k.max`; `says` names what is wrong and what to write instead."""
        parts = tuple(where.split(".")) if where else ()
        while parts not in self.lines:
            parts = parts[:-1]
        return SpaceError(f"{self.path}:{self.lines[parts]}: {where + ': ' if where else ''}{says}")

    def fields(self, data: object) -> Mapping[str, Any]:
        """The row unchanged; SpaceError unless it holds named fields."""
        if isinstance(data, Mapping):
            return data
        raise self.error("", f"should hold named fields, not {shown(data)}")

    def read(self, data: object, form: type[WrittenT]) -> WrittenT:
        """`data` validated as a `form`; SpaceError for the first wrong field."""
        try:
            return form.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            parts = [str(part) for part in first["loc"] if part != "[key]"]
            raise self.error(".".join(parts), _advice(first, form)) from error


_SHORT = Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxlong, _SHORT.maxother = 3, 60, 60, 60


def shown(value: object) -> str:
    """`value` as an error names it: in at most 60 characters, however large or deep it is."""
    found = _SHORT.repr(value)
    return found if len(found) <= 60 else f"{found[:57]}..."


def _advice(error: Mapping[str, Any], form: type[BaseModel]) -> str:
    """What is wrong with a field and what to write instead. It replaces pydantic's texts that name Python types."""
    *parents, last = [str(part) for part in error["loc"]] or [""]
    for parent in parents:
        inner = form.model_fields[parent].annotation if parent in form.model_fields else None
        form = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else form
    found = shown(error["input"])
    match error["type"]:
        case "missing":
            return f"is missing; write a field {last!r}"
        case "extra_forbidden":
            near = get_close_matches(last, form.model_fields, n=1)
            known = f"did you mean {near[0]!r}?" if near else f"the fields are {', '.join(form.model_fields)}"
            return f"is no field; {known}"
        case "model_type" | "dict_type":
            return f"should hold named fields, not {found}"
        case "string_too_short" | "too_short":
            return "is empty; write at least one character or entry"
        case "string_pattern_mismatch":
            return f"{found} may hold only letters, digits, `_`, `.` and `-`"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            return f"{error['msg'].removeprefix('Input ')}, not {found}"


def refuse_two(source: Source, row: Mapping[str, Any], names: Sequence[str]) -> None:
    """SpaceError if two of these fields, which mean the same, are filled and differ."""
    first, *others = [name for name in names if row.get(name)] or [""]
    for other in others:
        if row[other] != row[first]:
            raise source.error(other, f"stands beside {first!r}, and the two differ; keep one")
