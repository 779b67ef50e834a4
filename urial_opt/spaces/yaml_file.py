"""YAML file: reads a form from YAML, within bounds, and knows the line on which each field starts."""

from __future__ import annotations

from pathlib import Path

import yaml

from urial_opt.content import mended
from urial_opt.datasets.file_text import noted, read_text
from urial_opt.datasets.written import Source, WrittenT

MOST_BYTES = 4 * 2**20
MOST_NODES = 100_000
"""Values in a file, those behind an alias counted each time: a few lines of aliases may stand for billions."""


def read_yaml(path: Path, form: type[WrittenT]) -> tuple[Source, WrittenT]:
    """The file as a `form`, and its places. SpaceError for the first mistake, or if the file is beyond the bounds."""
    text = read_text(path, most=MOST_BYTES)
    lines: dict[tuple[str, ...], int] = {(): 1}
    source = Source(path=path, lines=lines)
    try:
        loader = yaml.SafeLoader(text)
        if (node := loader.get_single_node()) is None:
            raise source.error("", "the file has no fields; fill it in as search_spaces/README.md describes")
        if _values_in(node, {}) > MOST_NODES:
            says = f"its aliases stand for more than {MOST_NODES:,} values or for themselves; write them out"
            raise source.error("", says)
        _note_lines(node, (), source, lines)
        data = loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = Source(path=path, lines={(): mark.line + 1 if mark else 1})
        says = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise where.error("", f"this is not YAML: {says}; correct this line or the one above") from error
    return source, source.read(data, form)


def _values_in(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node holds once its aliases are written out; more than the bound if it holds itself."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST_NODES + 1  # until it is counted: who meets it now stands within it
    if isinstance(node, yaml.MappingNode):
        within = [each for pair in node.value for each in pair]
    else:
        within = node.value if isinstance(node, yaml.SequenceNode) else []
    known[id(node)] = 1 + sum(_values_in(each, known) for each in within)
    return known[id(node)]


def _note_lines(node: yaml.Node, at: tuple[str, ...], source: Source, lines: dict[tuple[str, ...], int]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*at, str(key.value))
            if here in lines:
                raise source.error(".".join(here), f"is repeated in line {key.start_mark.line + 1}; keep one")
            lines[here] = key.start_mark.line + 1
            _note_lines(value, here, source, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines[*at, str(number)] = item.start_mark.line + 1
            _note_lines(item, (*at, str(number)), source, lines)
    else:
        node.value = noted(source.path, node.value, mended(node.value))
