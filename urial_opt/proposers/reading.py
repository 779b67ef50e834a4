"""Reading: the fields of a reply, whether or not the model kept to the layout that DSPy asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import dspy  # type: ignore[import-untyped]
from dspy.adapters.utils import apply_output_field_defaults, parse_value  # type: ignore[import-untyped]
from dspy.utils.exceptions import AdapterParseError  # type: ignore[import-untyped]

_COMPLETED = "completed"
_THOUGHTS = re.compile(r"\s*<(think|thinking|thought|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_END_OF_THOUGHTS = re.compile(r".*</(?:think|thinking|thought|reasoning)>", re.DOTALL | re.IGNORECASE)
_ONLY_THOUGHTS = re.compile(r"\s*<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_MARKER = re.compile(r"[ \t>*]*\[\[[ \t]*#*[ \t]*(\w+)[ \t]*#*[ \t]*\]\]:?[ \t]*", re.IGNORECASE)
_LABEL = re.compile(r"[ \t]*(?:#+[ \t]*|[*_]{1,3})?([a-z][a-z_ ]{2,30}?)[*_]{0,3}:[*_]{0,3}(?:[ \t]+|$)", re.IGNORECASE)
_WRAPPED = re.compile(r"(`{3,})(?:text|txt|markdown|md|plaintext|json)?[ \t]*\n(.*)\n\1", re.DOTALL)
_BARE_JSON = re.compile(r"(?:`{3,}(?:json)?\s*)?(?=\{)")
_BARE_LIST = re.compile(r"(?:`{3,}(?:json)?\s*)?\[\s*[\"{\]]")
_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]+(\S.*)$", re.MULTILINE)


class Reading(dspy.ChatAdapter):  # type: ignore[misc]
    """DSPy's chat layout, read leniently.

    Thoughts are left out, and fences around a reply or a field. Markers count whatever their blanks and case, and where
    there are none, JSON does, or labels such as `System text:`. Only then is a reply an AdapterParseError.
    """

    def parse(self, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:
        """The fields of a reply, with the types of the signature."""
        said = without_thoughts(completion)
        found = _marked(said, signature) or _in_json(said, signature) or _labelled(said, list(signature.output_fields))
        try:
            fields = {name: _typed(value, signature.output_fields[name].annotation) for name, value in found.items()}
        except (ValueError, RecursionError) as error:  # pydantic's are ValueErrors
            raise _unreadable(signature, completion) from error
        fields = dict(apply_output_field_defaults(signature, fields))
        if fields.keys() != signature.output_fields.keys():
            raise _unreadable(signature, completion)
        return fields


def without_thoughts(reply: str) -> str:
    """What a reply says after the thoughts that it begins with; nothing if they do not end."""
    while found := _THOUGHTS.match(reply):
        reply = reply[found.end() :]
    if found := _END_OF_THOUGHTS.match(reply):  # the opening tag stood in the prompt
        reply = reply[found.end() :]
    return "" if _ONLY_THOUGHTS.match(reply) else reply


def is_complete(reply: str, signature: type[dspy.Signature]) -> bool:
    """Whether the output fields of a reply have come to their end, whatever comes after them."""
    names = [name for name, _ in _sections(without_thoughts(reply), {*signature.fields, _COMPLETED})]
    required = {name for name, field in signature.output_fields.items() if field.is_required()}
    return _COMPLETED in names or required <= set(names[:-1])


def _marked(said: str, signature: type[dspy.Signature]) -> dict[str, Any]:
    """The first value under the marker of each output field that is no placeholder."""
    found: dict[str, Any] = {}
    for name, value in _sections(said, {*signature.fields, _COMPLETED}):
        if name in signature.output_fields and name not in found and value not in ("", f"{{{name}}}"):
            found[name] = _unwrapped(value)
    return found


def _sections(said: str, known: set[str]) -> Iterator[tuple[str, str]]:
    """Name and text of each section; it begins with a marker that has one of the names, at the start of a line."""
    name, lines = "", list[str]()
    for line in said.splitlines():
        marker = _MARKER.match(line)
        if marker and marker[1].lower() in known:
            yield name, "\n".join(lines).strip()
            name, lines = marker[1].lower(), [line[marker.end() :]]
        else:
            lines.append(line)
    yield name, "\n".join(lines).strip()


def _in_json(said: str, signature: type[dspy.Signature]) -> dict[str, Any]:
    """The fields of a reply that is one JSON object, or the value of the only field."""
    if len(signature.output_fields) == 1 and _BARE_LIST.match(said.strip()):
        return dict.fromkeys(signature.output_fields, _unwrapped(said.strip()))
    if not _BARE_JSON.match(said.strip()):
        return {}
    try:
        read = dspy.JSONAdapter().parse(signature, said)
    except (AdapterParseError, ValueError, RecursionError):
        return {}
    return {name: value for name, value in read.items() if name in signature.output_fields}


def _labelled(said: str, wanted: list[str]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in said.splitlines():
        label = _LABEL.match(line)
        called = label[1].strip().lower().replace(" ", "_") if label else ""
        if label and called in wanted and called not in found:
            name, line = called, line[label.end() :]
        if name:
            found.setdefault(name, []).append(line)
    return {name: _unwrapped("\n".join(lines).strip()) for name, lines in found.items()}


def _unwrapped(value: str) -> str:
    """The value without a fence around all of it, and without one that closes the fence around the reply."""
    if wrapped := _WRAPPED.fullmatch(value):
        return value if wrapped[1] in wrapped[2] else wrapped[2].strip("\n")
    lines = value.splitlines()
    fences = [line for line in lines if line.lstrip().startswith("```")]
    return "\n".join(lines[:-1]).rstrip() if len(fences) == 1 and lines[-1].strip() == "```" else value


def _typed(value: object, annotation: object) -> Any:  # noqa: ANN401 - of the type that the annotation says
    if annotation is str or not isinstance(value, str):
        return parse_value(value, annotation)
    try:
        return parse_value(value, annotation)
    except ValueError:
        if items := _ITEM.findall(value):  # a list in Markdown
            return parse_value(items, annotation)
        raise


def _unreadable(signature: type[dspy.Signature], completion: str) -> AdapterParseError:
    return AdapterParseError(adapter_name="Reading", signature=signature, lm_response=completion)


def without_markers(value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    """The value with no text in it that reads as a marker of the layout."""
    if isinstance(value, str):
        return re.sub(r"\[\[(\s*#)", r"[\1", value)
    if isinstance(value, Mapping):
        return {key: without_markers(each) for key, each in value.items()}
    return [without_markers(each) for each in value] if isinstance(value, list | tuple) else value
