"""The plugin keeps the contracts of urial-opt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from urial_opt import plugins
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.protocols import ChatGenerator, Exporter, Generator, Judge
from urial_opt.testing.contracts import ChatGeneratorContract, ExporterContract, GeneratorContract, JudgeContract


class TestEcho(GeneratorContract):
    @pytest.fixture
    def generator(self) -> Generator:
        return plugins.open_generator("echo", {"times": "3"})


class TestEchoChat(ChatGeneratorContract):
    @pytest.fixture
    def chat_generator(self) -> ChatGenerator:
        return plugins.open_chat_generator("echo-chat")


class TestWordCount(JudgeContract):
    @pytest.fixture
    def judge(self) -> Judge:
        return plugins.open_judge("word-count")


class TestLines(ExporterContract):
    @pytest.fixture
    def exporter(self) -> Exporter:
        return plugins.open_exporter("lines")

    def read_back(self, file: Path) -> UrialPrompt:
        head, *rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        exemplars = tuple(Exemplar(query=row["query"], answer=row["answer"]) for row in rows)
        return UrialPrompt(system=head["system"], exemplars=exemplars, raw=head["raw"])
