"""Plugins: finds generators, judges, proposers and exporters by name among the entry points of the installed packages.

A name is `NAME` or `NAME:ARGUMENT`, as in `hf:mistralai/Mistral-7B-v0.1`; the text after the first colon is passed to
the plugin's opener as one string. Options, such as `url` or `device`, are the opener's keyword-only parameters, which
are strings too. The adapters of this package are found in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from inspect import Parameter, signature
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from urial_opt.errors import AdapterError, InputError, UnknownNameError
from urial_opt.protocols import ChatGenerator, Exporter, Generator, Judge, Proposer

Kind: TypeAlias = Literal["generator", "judge", "proposer", "exporter"]
Options: TypeAlias = Mapping[str, str]
NO_OPTIONS: Options = MappingProxyType({})


@runtime_checkable
class _Generator(Generator, Protocol):
    """`Generator` for isinstance: base models and aligned models share a group of entry points."""


@runtime_checkable
class _ChatGenerator(ChatGenerator, Protocol):
    """`ChatGenerator` for isinstance."""


@runtime_checkable
class _Judge(Judge, Protocol):
    """`Judge` for isinstance."""


@runtime_checkable
class _Proposer(Proposer, Protocol):
    """`Proposer` for isinstance."""


@runtime_checkable
class _Exporter(Exporter, Protocol):
    """`Exporter` for isinstance."""


def open_generator(name: str, options: Options = NO_OPTIONS) -> Generator:
    """Open the base model that `name` stands for. Errors: see `open_judge`."""
    opened = _open("generator", name, options)
    if not isinstance(opened, _Generator):
        raise InputError(
            f"{name!r} answers in a chat layout and continues no text; give it as the aligned model instead"
        )
    return opened


def open_chat_generator(name: str, options: Options = NO_OPTIONS) -> ChatGenerator:
    """Open the aligned model that `name` stands for. Errors: see `open_judge`."""
    opened = _open("generator", name, options)
    if not isinstance(opened, _ChatGenerator):
        raise InputError(f"{name!r} is a base model and has no chat layout; give it as the base model instead")
    return opened


def open_judge(name: str, options: Options = NO_OPTIONS) -> Judge:
    """Open the judge that `name` stands for.

    UnknownNameError if no plugin has this name, or the plugin lacks one of the options. InputError if the plugin is of
    another kind, or its argument or the value of an option is wrong. AdapterError if a package that it needs is missing
    or broken.
    """
    opened = _open("judge", name, options)
    if not isinstance(opened, _Judge):
        raise InputError(
            f"the plugin {name!r} is not a judge: it does not have `identity` and `judge`; report it to its author"
        )
    return opened


def open_proposer(name: str, options: Options = NO_OPTIONS) -> Proposer:
    """Open the proposer that `name` stands for. Errors: see `open_judge`."""
    opened = _open("proposer", name, options)
    if not isinstance(opened, _Proposer):
        raise InputError(
            f"the plugin {name!r} is not a proposer: it does not have `identity`, `diagnose` and `write`; "
            "report it to its author"
        )
    return opened


def open_exporter(name: str) -> Exporter:
    """Open the exporter that `name` stands for. Errors: see `open_judge`."""
    opened = _open("exporter", name)
    if not isinstance(opened, _Exporter):
        raise InputError(
            f"the plugin {name!r} is not an exporter: it does not have `suffix` and `export`; report it to its author"
        )
    return opened


def is_generator(model: object) -> bool:
    """Whether it has what a base model needs."""
    return isinstance(model, _Generator)


def is_chat_generator(model: object) -> bool:
    """Whether it has what an aligned model needs."""
    return isinstance(model, _ChatGenerator)


def is_judge(model: object) -> bool:
    """Whether it has what a judge needs."""
    return isinstance(model, _Judge)


def is_proposer(model: object) -> bool:
    """Whether it has what a proposer needs."""
    return isinstance(model, _Proposer)


def names(kind: Kind) -> list[str]:
    """Names of the built-in and installed plugins, without arguments, sorted."""
    return sorted(_found(kind))


def _found(kind: Kind) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=f"urial_opt.{kind}s"):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise InputError(
                f"two installed packages each bring a {kind} {entry.name!r} ({other.value} and {entry.value}); "
                "uninstall one of them"
            )
    return found


def _unknown(kind: Kind, name: str, found: Mapping[str, object]) -> UnknownNameError:
    """The error for a name that no plugin has; it may be that of a model, without the word for where the model is."""
    called = name.partition(":")[0]
    known = UnknownNameError.of(kind, called, found)
    if kind == "exporter" or get_close_matches(called, found, n=1) or (":" in name and "/" not in called):
        return known
    here = "/" in called or Path(name).exists()  # as on the Hugging Face hub, or a folder
    if kind == "proposer":
        advice = f"a language model that writes is dspy:{name}"
    elif kind == "judge":
        advice = f"a judge behind a server is llm:{name}, and a reward model is reward:{name}"
    else:
        base, aligned = ("hf", "hf-chat") if here else ("openai", "openai-chat")
        advice = f"a base model {'of the hub or a folder' if here else 'behind a server'} is {base}:{name}, and an "
        advice += f"aligned one {aligned}:{name}"
    return UnknownNameError(f"{known}; {advice}")


def _open(kind: Kind, name: str, options: Options = NO_OPTIONS) -> object:
    called, _, argument = name.partition(":")
    found = _found(kind)
    if called not in found:
        raise _unknown(kind, name, found)
    try:
        opener = found[called].load()
        known = [each.name for each in signature(opener).parameters.values() if each.kind is Parameter.KEYWORD_ONLY]
        for option in options:
            if not known:
                raise UnknownNameError(f"the {kind} {called!r} takes no options; leave {option!r} out")
            if option not in known:
                raise UnknownNameError.of(f"option of the {kind} {called!r}", option, known)
        return opener(argument, **options)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name:
            package = error.name.partition(".")[0]
            advice = f"needs the package {package!r}, which is not installed; type: pip install {package}"
        else:
            package = found[called].module.partition(".")[0]
            advice = f"cannot be loaded ({' '.join(str(error).split())}); type: pip install --force-reinstall {package}"
        raise AdapterError(f"the {kind} {called!r} {advice}") from error
