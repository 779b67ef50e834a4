"""Drafts: which tokens are guessed, how many, and that drafts never change an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from tests.tiny_models import GREEDY, PREFIX, SHAPE, SUFFIXES, assert_plain, tiny_llama, tiny_tokenizer
from urial_opt.models.local import drafting
from urial_opt.models.local.decoding import TokenChoice
from urial_opt.models.local.drafting import LONGEST_DRAFT, Drafter, EarlierAnswers, room_for_drafts
from urial_opt.models.local.generator import TransformersGenerator
from urial_opt.records import Sampling

LONG = replace(GREEDY, max_tokens=40)
LOOSE = replace(LONG, temperature=0.9, top_p=0.9, seed=3)


def _earlier(*answers: tuple[int, ...]) -> str:
    earlier = EarlierAnswers()
    for answer in answers:
        earlier.add("a query", answer)
    return earlier.of("a query")


def test_the_first_tokens_are_those_of_the_latest_answer() -> None:
    drafter = Drafter(_earlier((9, 8, 7, 6, 5), (1, 2, 3, 4, 5)), max_tokens=50)
    assert drafter.draft(3) == [1, 2, 3]
    assert Drafter("", max_tokens=50).draft(3) == []


def test_goes_on_where_the_last_tokens_stood_and_stops_where_the_answer_did() -> None:
    drafter = Drafter(_earlier((1, 2, 3, 4, 5, 6), (1, 9, 3, 4, 7)), max_tokens=50)
    drafter.take([1, 2, 3, 4], drafted=0)
    assert drafter.draft(9) == [5, 6], "four tokens stood in the first answer, two in the second"
    other = Drafter(_earlier((1, 2, 3, 4, 5, 6), (1, 9, 3, 4, 7)), max_tokens=50)
    other.take([8, 8, 3, 4], drafted=0)
    assert other.draft(9) == [7], "the latest of equals"
    other.take([3], drafted=1)
    assert other.draft(9) == [], "one token is too little to go by"


def test_what_no_answer_to_the_query_tells_the_latest_answers_to_any_do() -> None:
    earlier = EarlierAnswers()
    for text, answer in (("one", (1, 2, 3, 4)), ("two", (5, 3, 4, 6)), ("one", (7, 8))):
        earlier.add(text, answer)
    drafter = earlier.drafter("one", max_tokens=50)
    drafter.take([9, 3, 4], drafted=0)
    assert drafter.draft(9) == [6], "after these tokens the answer to this query ended"
    stranger = earlier.drafter("three", max_tokens=50)
    stranger.take([5], drafted=0)
    assert stranger.draft(2) == [3, 4], "it begins like one of them"


def test_an_answer_that_repeats_itself_is_its_own_draft() -> None:
    drafter = Drafter("", max_tokens=50)
    drafter.take([5, 6, 7, 5, 6], drafted=0)
    assert drafter.draft(9) == [7, 5, 6]
    steady = Drafter("", max_tokens=50)
    steady.take([5, 5, 5], drafted=0)
    assert steady.draft(9) == [5]


def test_drafts_grow_with_success_and_end_before_the_last_token() -> None:
    drafter = Drafter(_earlier(tuple(range(100, 200))), max_tokens=60)
    lengths, place = [], 100
    while draft := drafter.draft(1000):
        assert draft == list(range(place, place + len(draft)))
        lengths.append(len(draft))
        drafter.take([*draft, place + len(draft)], drafted=len(draft))
        place += len(draft) + 1
    assert lengths[0] == LONGEST_DRAFT
    assert sum(lengths) + len(lengths) == 60, "of the last token nothing would follow"
    wrong = Drafter(_earlier(tuple(range(100, 200))), max_tokens=60)
    for drafted, right, then in ((LONGEST_DRAFT, 1, 7), (7, 5, 5), (5, 0, 2), (2, 0, 2), (2, 2, 4)):
        assert len(wrong.draft(1000)) == drafted
        wrong.take([*range(100, 100 + right), 99], drafted=drafted)
        wrong = _like(wrong)
        assert len(wrong.draft(1000)) == then


def _like(drafter: Drafter) -> Drafter:
    """A drafter at the start of another answer, with the draft length of this one."""
    other = Drafter(_earlier(tuple(range(100, 200))), max_tokens=60)
    other._length = drafter._length
    return other


def test_room_is_shared_among_the_rows() -> None:
    assert room_for_drafts(1, "cpu") > LONGEST_DRAFT
    assert [room_for_drafts(rows, "cpu") for rows in (16, 64, 100, 128)] == [15, 3, 1, 1]
    assert room_for_drafts(128, "cuda") == 3


def test_memory_keeps_the_texts_asked_last_and_their_last_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafting, "_TEXTS", 2)
    monkeypatch.setattr(drafting, "_TOKENS_A_TEXT", 6)
    earlier = EarlierAnswers()
    for text, answer in (("a", (1, 2, 3)), ("b", (4,)), ("a", (5, 6, 7)), ("c", (8,))):
        earlier.add(text, answer)
    assert earlier.of("b") == ""
    assert Drafter(earlier.of("a"), max_tokens=9).draft(5) == [5, 6, 7]
    assert len(earlier.of("a")) == 6
    assert Drafter(earlier.of("c"), max_tokens=9).draft(5) == [8]


@pytest.mark.parametrize("sampling", [LONG, replace(LONG, repetition_penalty=1.1)], ids=["plain", "penalty"])
def test_answers_equal_plain_generate_whatever_was_answered_before(sampling: Sampling) -> None:
    generator = TransformersGenerator(tiny_llama(), tiny_tokenizer(), identity="llama")
    # The second prompt differs; the third is the first one again, and every draft is right.
    for prefix in (PREFIX, "One more thing.\n" + PREFIX, PREFIX):
        assert_plain(generator, prefix, SUFFIXES, sampling)


@pytest.mark.parametrize("sampling", [LONG, LOOSE, replace(LOOSE, repetition_penalty=1.3)], ids=repr)
def test_drafts_save_passes_and_change_no_answer(sampling: Sampling) -> None:
    passes = {}
    for drafts in (True, False):
        generator = TransformersGenerator(tiny_llama(), tiny_tokenizer(), identity="llama", drafts=drafts)
        first = generator.generate(PREFIX, SUFFIXES, sampling)
        counted = list[int]()
        generator.model.register_forward_hook(lambda *_, counted=counted: counted.append(1))
        passes[drafts] = generator.generate(PREFIX, SUFFIXES, sampling), counted
        assert [each.text for each in passes[drafts][0]] == [each.text for each in first]
    assert passes[True][0] == passes[False][0]
    assert len(passes[False][1]) == sampling.max_tokens
    assert len(passes[True][1]) < sampling.max_tokens / 3


def test_drafts_do_not_reach_beyond_the_window() -> None:
    torch.manual_seed(0)
    # The model's table of positions ends here.
    config = GPT2Config(
        vocab_size=SHAPE["vocab_size"], n_embd=32, n_layer=2, n_head=4, n_positions=192, initializer_range=0.3
    )
    generator = TransformersGenerator(GPT2LMHeadModel(config), tiny_tokenizer(), identity="gpt2")
    assert generator.how == "shared prefix"
    longest = max(generator.count_tokens(PREFIX + suffix) for suffix in SUFFIXES)
    whole = replace(GREEDY, max_tokens=192 - longest)
    assert whole.max_tokens > 8
    for _ in range(2):
        assert_plain(generator, PREFIX, SUFFIXES, whole)


def test_of_tokens_that_are_equally_likely_the_first_is_chosen() -> None:
    choice = TokenChoice(GREEDY, [[1]], shared=0, device=torch.device("cpu"))
    logits = torch.tensor([[[0.0, 2.0, 1.0, 2.0], [3.0, 3.0, -torch.inf, 0.0]]])
    assert choice.choose(logits, torch.zeros(1, 1, dtype=torch.long)).tolist() == [[1, 0]]
    assert choice.choose(logits.bfloat16(), torch.zeros(1, 1, dtype=torch.long)).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    "sampling",
    [replace(GREEDY, repetition_penalty=1.4), replace(LOOSE, repetition_penalty=1.4), LOOSE],
    ids=["greedy", "sampled", "no penalty"],
)
def test_choice_after_drafts_equals_choice_token_by_token(sampling: Sampling) -> None:
    logits = torch.randn(2, 6, 50, generator=torch.Generator().manual_seed(5))
    prompts = [[1, 2, 3, 4], [1, 2, 7]]

    def choice() -> TokenChoice:
        return TokenChoice(sampling, prompts, shared=2, device=torch.device("cpu"))

    slow, nothing = choice(), torch.empty(2, 0, dtype=torch.long)
    single = []
    for place in range(6):
        single.append(slow.choose(logits[:, place : place + 1], nothing))
        slow.take(single[-1], [1, 1])
    expected = torch.cat(single, 1)

    fast = choice()
    torch.testing.assert_close(fast.choose(logits[:, :4], expected[:, :3]), expected[:, :4])
    fast.take(expected[:, :4], [4, 2])
    # From here on the rows are at different positions.
    second = torch.stack([logits[0, 4:6], logits[1, 2:4]])
    draft = torch.stack([expected[0, 4:5], expected[1, 2:3]])
    chosen = fast.choose(second, draft)
    assert chosen.tolist() == [expected[0, 4:6].tolist(), expected[1, 2:4].tolist()]


def test_the_letters_hold_every_token_of_the_largest_vocabularies() -> None:
    tokens = (0, 0xD800, 262_144, 0x10FFFE)
    assert Drafter(_earlier(tokens), max_tokens=50).draft(4) == list(tokens)
