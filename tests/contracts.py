"""Contracts: what every implementation of a socket must do; its test inherits the class and says how to open it."""

from __future__ import annotations

from pathlib import Path

import pytest

from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.prompt_file import read_prompt_file
from urial_opt.protocols import Exporter
from urial_opt.records import Sampling

SYSTEM = "# Instruction\n\nBelow are conversations – in any language.\n\n"
PLAIN = tuple(
    Exemplar(query=query, answer=answer)
    for query, answer in [
        ("What is tea?", "Hi! Tea is a drink.\n\n1. Boil water.\n2. Wait.\n\nEnjoy! 🍵"),
        ("Say `x` twice\n", "\n `x` `x` "),
        ("Où?", ""),
    ]
)


class ExporterContract:
    """For any exporter: a plain prompt of any K survives the way to a file and back."""

    @pytest.fixture
    def exporter(self) -> Exporter:
        raise NotImplementedError

    def test_suffix_is_a_file_name_ending(self, exporter: Exporter) -> None:
        assert exporter.suffix.startswith(".")
        assert Path(f"prompt{exporter.suffix}").suffix == exporter.suffix

    @pytest.mark.parametrize("k", range(len(PLAIN) + 1))
    @pytest.mark.parametrize("system", [SYSTEM, "# Instruction\n"])
    def test_what_was_exported_is_read_back(self, exporter: Exporter, tmp_path: Path, system: str, k: int) -> None:
        prompt = UrialPrompt(system=system, exemplars=PLAIN[:k])
        file = tmp_path / f"prompt{exporter.suffix}"
        file.write_bytes(exporter.export(prompt, Sampling()).encode())
        assert read_prompt_file(file) == prompt

    def test_an_imported_text_stays_as_it_was(self, exporter: Exporter, tmp_path: Path) -> None:
        original = tmp_path / "original.txt"
        original.write_bytes(b"\xef\xbb\xbf# User:\r\n```Hi```\r\n# Assistant: ``` Hello! ```")
        prompt = read_prompt_file(original)
        file = tmp_path / f"prompt{exporter.suffix}"
        file.write_bytes(exporter.export(prompt, Sampling()).encode())
        assert read_prompt_file(file) == prompt
        assert read_prompt_file(file).prefix.encode() == original.read_bytes()

    def test_exporting_twice_gives_the_same(self, exporter: Exporter) -> None:
        prompt = UrialPrompt(system=SYSTEM, exemplars=PLAIN)
        assert exporter.export(prompt, Sampling()) == exporter.export(prompt, Sampling())
