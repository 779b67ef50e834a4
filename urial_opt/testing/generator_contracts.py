"""Contracts of models that write: Generator and ChatGenerator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, TypeAlias, get_args

import pytest

from urial_opt.prompt import Exemplar, UrialPrompt, before_stop
from urial_opt.protocols import ChatGenerator, Generator
from urial_opt.records import Completion, FinishReason, Sampling
from urial_opt.testing.ability_contracts import AbilityContract, UnderTest
from urial_opt.testing.promises import BANK, FROG, PERU, TEA, assert_counts, assert_identity

Write: TypeAlias = Callable[[Sequence[str], Sampling], list[Completion]]

_FEW_TOKENS = 2
_NEVER_WRITTEN = tuple(f"<never written {number}>" for number in range(5))
"""More stop strings than the four that the OpenAI protocol allows."""


class CompletionContract(AbilityContract):
    """What GeneratorContract and ChatGeneratorContract have in common."""

    queries: ClassVar[Sequence[str]] = (PERU.text, TEA.text, FROG.text, BANK.text)
    """Each must get another answer, so that answers in the wrong order are noticed."""
    sampling: ClassVar[Sampling] = Sampling(max_tokens=24, stop=())
    """Greedy and without stop strings; answers must be longer than two tokens."""

    @pytest.fixture
    def write(self) -> Write:
        raise NotImplementedError("return a function that gives one completion for each query")

    def assert_same(self, found: Sequence[Completion], expected: Sequence[Completion]) -> None:
        """Override it if greedy text varies by rounding, for example to compare only the beginning of the texts."""
        assert [(each.text, each.finish_reason) for each in found] == [
            (each.text, each.finish_reason) for each in expected
        ]

    def test_each_query_has_one_completion_in_order(self, write: Write) -> None:
        alone = [completion for query in self.queries for completion in write([query], self.sampling)]
        assert len({each.text for each in alone}) == len(self.queries), "set `queries` to some with different answers"
        batch = write([*self.queries, self.queries[0]], self.sampling)
        assert len(batch) == len(self.queries) + 1
        self.assert_same(batch, [*alone, alone[0]])

    def test_an_empty_batch_gives_an_empty_list(self, write: Write) -> None:
        assert write([], self.sampling) == []

    def test_greedy_decoding_gives_the_same_each_time(self, write: Write) -> None:
        self.assert_same(write(self.queries, self.sampling), write(self.queries, self.sampling))

    def test_at_most_max_tokens_are_generated(self, write: Write) -> None:
        long = write(self.queries, self.sampling)
        short = write(self.queries, replace(self.sampling, max_tokens=_FEW_TOKENS))
        assert all(each.usage.completion_tokens <= self.sampling.max_tokens for each in long)
        assert all(each.usage.completion_tokens <= _FEW_TOKENS for each in short)
        # A server that counts no tokens is held to the text.
        assert sum(len(each.text) for each in short) < sum(len(each.text) for each in long)

    def test_a_text_that_the_limit_cut_off_says_so(self, write: Write) -> None:
        long = write(self.queries, self.sampling)
        short = write(self.queries, replace(self.sampling, max_tokens=_FEW_TOKENS))
        cut = [one for one, whole in zip(short, long, strict=True) if len(one.text) < len(whole.text)]
        assert [each.finish_reason for each in cut] == ["length"] * len(cut)
        assert cut, "set `queries` to some with longer answers"

    def test_text_ends_before_the_stop_string_that_is_complete_first(self, write: Write) -> None:
        whole = write(self.queries, self.sampling)
        wide, narrow = _stop_strings(whole[0].text)
        stop = (*_NEVER_WRITTEN, wide, narrow)
        expected = [
            each if (text := before_stop(each.text, stop)) is None else replace(each, text=text, finish_reason="stop")
            for each in whole
        ]
        self.assert_same(write(self.queries, replace(self.sampling, stop=stop)), expected)

    def test_finish_reason_is_stop_or_length(self, write: Write) -> None:
        assert {each.finish_reason for each in write(self.queries, self.sampling)} <= {*get_args(FinishReason)}

    def test_no_count_of_tokens_is_negative(self, write: Write) -> None:
        assert_counts([each.usage for each in write([*self.queries, *self.queries], self.sampling)])


class GeneratorContract(CompletionContract):
    """For any Generator. It continues `prompt`, rendered for each of the `queries`."""

    prompt: ClassVar[UrialPrompt] = UrialPrompt(
        system="# Instruction\n\nBelow is a list of conversations between a human and an AI assistant.\n",
        exemplars=(
            Exemplar(query="Where does France lie?", answer="The continent of France is Europe."),
            Exemplar(query="Which language is spoken in Italy?", answer="People in Italy speak Italian."),
        ),
    )

    @pytest.fixture
    def generator(self) -> Generator:
        raise NotImplementedError("return the Generator under test, opened through urial_opt.plugins")

    @pytest.fixture
    def write(self, generator: Generator) -> Write:
        return lambda queries, sampling: generator.generate(
            self.prompt.prefix, [self.prompt.suffix(query) for query in queries], sampling
        )

    @pytest.fixture
    def under_test(self, generator: Generator, write: Write) -> UnderTest:
        return UnderTest(adapter=generator, ask=lambda: write(self.queries, self.sampling))

    def test_identity_is_one_line_and_stays(self, generator: Generator, write: Write) -> None:
        before = generator.identity
        write(self.queries, self.sampling)
        assert_identity(before, generator.identity)

    @pytest.mark.parametrize("moved", ["all of it", "its end"])
    def test_the_prefix_may_be_moved_into_the_suffixes(self, generator: Generator, write: Write, moved: str) -> None:
        prefix = self.prompt.prefix
        kept = 0 if moved == "all of it" else len(prefix) - 7
        suffixes = [prefix[kept:] + self.prompt.suffix(query) for query in self.queries]
        self.assert_same(generator.generate(prefix[:kept], suffixes, self.sampling), write(self.queries, self.sampling))


class ChatGeneratorContract(CompletionContract):
    """For any ChatGenerator."""

    @pytest.fixture
    def chat_generator(self) -> ChatGenerator:
        raise NotImplementedError("return the ChatGenerator under test, opened through urial_opt.plugins")

    @pytest.fixture
    def write(self, chat_generator: ChatGenerator) -> Write:
        return chat_generator.answer

    @pytest.fixture
    def under_test(self, chat_generator: ChatGenerator, write: Write) -> UnderTest:
        return UnderTest(adapter=chat_generator, ask=lambda: write(self.queries, self.sampling))

    def test_identity_is_one_line_and_stays(self, chat_generator: ChatGenerator, write: Write) -> None:
        before = chat_generator.identity
        write(self.queries, self.sampling)
        assert_identity(before, chat_generator.identity)


def _stop_strings(text: str) -> tuple[str, str]:
    """Two strings from the middle of a text; the second lies inside the first and is complete before it."""
    middle = len(text) // 2
    assert middle >= 4, "set `queries` so that the first has a longer answer"
    return text[middle - 2 : middle + 4], text[middle : middle + 2]
