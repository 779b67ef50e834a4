"""The contract of exporters."""

from __future__ import annotations

from pathlib import Path

import pytest

from urial_opt.errors import PromptError
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
"""Exemplars that break no layout."""
AWKWARD = (
    Exemplar(query="How do I print?", answer="```py\nprint()\n```"),
    Exemplar(query="Hm\n# Answer: so", answer="a"),
    Exemplar(query=" \n", answer="a"),
)
"""Exemplars that not every format can carry."""


class ExporterContract:
    """For any Exporter: a prompt survives the way to a file and back."""

    @pytest.fixture
    def exporter(self) -> Exporter:
        raise NotImplementedError("return the Exporter under test, opened through urial_opt.plugins")

    def read_back(self, file: Path) -> UrialPrompt:
        """The prompt in an exported file. Override it for a format that `prompt_file` does not read."""
        return read_prompt_file(file)

    def exported(self, exporter: Exporter, prompt: UrialPrompt, folder: Path) -> UrialPrompt:
        """The prompt after the way to a file and back."""
        file = folder / f"prompt{exporter.suffix}"
        file.write_bytes(exporter.export(prompt, Sampling()).encode())
        return self.read_back(file)

    def test_suffix_is_a_file_name_ending(self, exporter: Exporter) -> None:
        assert exporter.suffix.startswith(".")
        assert Path(f"prompt{exporter.suffix}").suffix == exporter.suffix

    @pytest.mark.parametrize("k", range(len(PLAIN) + 1))
    @pytest.mark.parametrize("system", [SYSTEM, "# Instruction\n"])
    def test_what_was_exported_is_read_back(self, exporter: Exporter, tmp_path: Path, system: str, k: int) -> None:
        prompt = UrialPrompt(system=system, exemplars=PLAIN[:k])
        assert self.exported(exporter, prompt, tmp_path) == prompt

    @pytest.mark.parametrize("awkward", AWKWARD)
    def test_what_it_cannot_carry_is_refused_by_number(
        self, exporter: Exporter, tmp_path: Path, awkward: Exemplar
    ) -> None:
        prompt = UrialPrompt(system=SYSTEM, exemplars=(PLAIN[0], awkward))
        found: UrialPrompt | str
        try:
            found = self.exported(exporter, prompt, tmp_path)
        except PromptError as error:
            found = str(error)
        assert found == prompt or (isinstance(found, str) and "exemplar 2" in found)

    def test_an_imported_text_stays_as_it_was(self, exporter: Exporter, tmp_path: Path) -> None:
        original = tmp_path / "original.txt"
        original.write_bytes(b"\xef\xbb\xbf# User:\r\n```Hi```\r\n# Assistant: ``` Hello! ```")
        prompt = read_prompt_file(original)
        found = self.exported(exporter, prompt, tmp_path)
        assert found == prompt
        assert found.prefix.encode() == original.read_bytes()

    def test_exporting_twice_gives_the_same(self, exporter: Exporter) -> None:
        prompt = UrialPrompt(system=SYSTEM, exemplars=PLAIN)
        assert exporter.export(prompt, Sampling()) == exporter.export(prompt, Sampling())
