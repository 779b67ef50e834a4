"""Every built-in generator keeps its contract: local models, models behind a server, the embedded ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from urial_opt import plugins
from urial_opt.nano.models import WEIGHTS
from urial_opt.nano.server import serving
from urial_opt.protocols import ChatGenerator, Generator
from urial_opt.testing.contracts import ChatGeneratorContract, GeneratorContract


@pytest.fixture(scope="module")
def base() -> Generator:
    return plugins.open_generator("nano")


@pytest.fixture(scope="module")
def aligned() -> ChatGenerator:
    return plugins.open_chat_generator("nano-aligned")


@pytest.fixture(scope="module")
def url(base: Generator, aligned: ChatGenerator) -> Iterator[str]:
    with serving(base=base, aligned=aligned) as url:
        yield url


class TestNano(GeneratorContract):
    @pytest.fixture
    def generator(self, base: Generator) -> Generator:
        return base


class TestNanoAligned(ChatGeneratorContract):
    @pytest.fixture
    def chat_generator(self, aligned: ChatGenerator) -> ChatGenerator:
        return aligned


@pytest.fixture(scope="module")
def local_base() -> Generator:
    return plugins.open_generator(f"hf:{WEIGHTS / 'base'}", {"device": "cpu", "rows": "2"})


@pytest.fixture(scope="module")
def local_aligned() -> ChatGenerator:
    return plugins.open_chat_generator(f"hf-chat:{WEIGHTS / 'aligned'}", {"device": "cpu", "system": "Be brief."})


class TestLocal(GeneratorContract):
    @pytest.fixture
    def generator(self, local_base: Generator) -> Generator:
        return local_base


class TestLocalAligned(ChatGeneratorContract):
    @pytest.fixture
    def chat_generator(self, local_aligned: ChatGenerator) -> ChatGenerator:
        return local_aligned


class TestServer(GeneratorContract):
    @pytest.fixture
    def generator(self, url: str, monkeypatch: pytest.MonkeyPatch) -> Generator:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        return plugins.open_generator("openai:nano", {"url": url})


class TestServerAligned(ChatGeneratorContract):
    @pytest.fixture
    def chat_generator(self, url: str, monkeypatch: pytest.MonkeyPatch) -> ChatGenerator:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        return plugins.open_chat_generator("openai-chat:nano-aligned", {"url": url})
