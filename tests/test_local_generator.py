"""Local generators: the tokens are those of greedy `generate` of transformers, for every batch shape."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.tiny_models import GREEDY, PREFIX, SUFFIXES, assert_plain, plain_tokens, tiny_llama, tiny_tokenizer
from urial_opt.errors import AdapterError, InputError
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator, open_aligned, open_base
from urial_opt.models.local.shared_prefix import Rows
from urial_opt.records import Completion

SAMPLED = replace(GREEDY, temperature=0.9, seed=3)


@pytest.fixture(scope="module")
def llama() -> TransformersGenerator:
    return TransformersGenerator(tiny_llama(), tiny_tokenizer(), identity="llama")


@pytest.mark.parametrize(
    ("prefix", "suffixes"),
    [
        ("", SUFFIXES),
        ("", SUFFIXES[:1]),
        (PREFIX, SUFFIXES[1:2]),
        (PREFIX, [SUFFIXES[1]] * 3),
        (PREFIX, ["", *SUFFIXES]),
        (PREFIX.rstrip("\n"), SUFFIXES),
        (PREFIX[:-7], [PREFIX[-7:] + suffix for suffix in SUFFIXES]),
    ],
    ids=[
        "no prefix",
        "one row, no prefix",
        "one row",
        "equal rows",
        "an empty suffix",
        "newlines at the cut",
        "in a word",
    ],
)
def test_equals_plain_generate_in_every_shape(llama: TransformersGenerator, prefix: str, suffixes: list[str]) -> None:
    assert_plain(llama, prefix, suffixes, replace(GREEDY, repetition_penalty=1.1))


def test_more_rows_than_a_batch_keep_their_order(llama: TransformersGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama.batches, "rows", 2)
    assert_plain(llama, PREFIX, SUFFIXES, GREEDY)


def test_rows_are_handed_on_as_their_batch_ends(llama: TransformersGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = llama.generate(PREFIX, SUFFIXES, GREEDY)
    monkeypatch.setattr(llama.batches, "rows", 2)
    heard: list[Mapping[int, Completion]] = []

    def stop_after_two(new: Mapping[int, Completion]) -> None:
        heard.append(new)
        if len(heard) == 2:
            raise KeyboardInterrupt

    llama.hand_on(stop_after_two)
    try:
        with pytest.raises(KeyboardInterrupt):
            llama.generate(PREFIX, SUFFIXES, GREEDY)
        assert [len(new) for new in heard] == [2, 2]
        completions = llama.generate(PREFIX, SUFFIXES, GREEDY)
    finally:
        llama.hand_on(None)
    assert [len(new) for new in heard[2:]] == [2, 2, 1]
    assert {row: each for new in heard[2:] for row, each in new.items()} == dict(enumerate(completions))
    assert all(each.text == expected[row].text for new in heard for row, each in new.items())


def _remember_rows(monkeypatch: pytest.MonkeyPatch, *, at_most: int, at_step: int = 1) -> list[int]:
    """Runs out of memory when more than `at_most` rows write token number `at_step`; returns the rows of every step."""
    write, seen = Rows.write, list[int]()

    def limited(rows: Rows, ids: torch.Tensor) -> torch.Tensor:
        seen.append(len(ids))
        if len(ids) > at_most and len(seen) >= at_step:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return write(rows, ids)

    monkeypatch.setattr(Rows, "write", limited)
    return seen


def test_rows_that_do_not_fit_are_halved_and_the_size_remembered(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    generator = TransformersGenerator(tiny_llama(), tiny_tokenizer(), identity="llama")
    expected = [generator.generate(PREFIX, SUFFIXES, sampling) for sampling in (GREEDY, SAMPLED)]
    seen = _remember_rows(monkeypatch, at_most=2)
    with caplog.at_level(logging.WARNING, "urial_opt"):
        answers = [generator.generate(PREFIX, SUFFIXES, sampling) for sampling in (GREEDY, SAMPLED)]
    assert [[c.text for c in each] for each in answers] == [[c.text for c in each] for each in expected]
    assert [record.getMessage() for record in caplog.records] == [
        "'llama': a batch of 5 rows does not fit in memory; continuing with 2"
    ]
    assert seen.count(5) == 1
    assert max(seen[1:]) == 2


def test_answers_finished_before_memory_ran_out_are_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = TransformersGenerator(tiny_llama(), tiny_tokenizer(), identity="llama", drafts=False)
    whole = generator.generate(PREFIX, SUFFIXES, GREEDY)
    sampling = replace(GREEDY, stop=(whole[0].text[1:4],))
    expected = generator.generate(PREFIX, SUFFIXES, sampling)
    assert expected[0].usage.completion_tokens < GREEDY.max_tokens
    ended_early = sum(c.usage.completion_tokens < 8 for c in expected)
    seen = _remember_rows(monkeypatch, at_most=2, at_step=8)
    heard: list[tuple[int, Completion]] = []
    generator.hand_on(lambda new: heard.extend(new.items()))
    answers = generator.generate(PREFIX, SUFFIXES, sampling)
    assert sorted(heard, key=lambda each: each[0]) == list(enumerate(answers))
    assert [(c.text, c.finish_reason) for c in answers] == [(c.text, c.finish_reason) for c in expected]
    # Reading the prompt gives the first token of each answer.
    assert sum(seen[8:]) == sum(c.usage.completion_tokens - 1 for c in expected if c.usage.completion_tokens >= 8)
    assert ended_early


def test_a_single_row_that_does_not_fit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = TransformersGenerator(tiny_llama(), tiny_tokenizer(), identity="llama")
    seen = _remember_rows(monkeypatch, at_most=0)
    with pytest.raises(
        AdapterError, match="'llama' has no memory left for a single row; use shorter prompts"
    ) as caught:
        generator.generate(PREFIX, SUFFIXES, GREEDY)
    assert not caught.value.retryable
    assert seen == [5, 2, 1]


def test_another_failure_is_not_taken_for_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = TransformersGenerator(tiny_llama(), tiny_tokenizer(), identity="llama")

    def broken(rows: Rows, ids: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("device-side assert triggered")

    monkeypatch.setattr(Rows, "write", broken)
    with pytest.raises(RuntimeError, match="device-side assert"):
        generator.generate(PREFIX, SUFFIXES, GREEDY)


def test_a_prefix_is_read_once_and_its_beginning_reused(llama: TransformersGenerator) -> None:
    prefix = "One thing.\n" + PREFIX
    tokens = llama.count_tokens(prefix)
    first = llama.generate(prefix, SUFFIXES, GREEDY)
    again = llama.generate(prefix, SUFFIXES, GREEDY)
    branch = assert_plain(llama, prefix[:-4] + "and more.\n```\n", SUFFIXES, GREEDY)

    def read_and_saved(completions: list[Completion], row: int) -> tuple[int, int]:
        usage = completions[row].usage
        return usage.prompt_tokens, usage.saved_tokens

    own = read_and_saved(first, 1)[0]
    shared = read_and_saved(first, 1)[1]
    assert tokens - 2 <= shared <= tokens
    shortest = 4
    assert read_and_saved(first, shortest)[1] == 0, (
        "the first call reads the prefix, and the row written first pays for it"
    )
    assert read_and_saved(again, 1) == (own, shared)
    assert read_and_saved(again, shortest)[1] == shared
    assert 0 < read_and_saved(branch, shortest)[0] - read_and_saved(again, shortest)[0] < 20
    assert [c.text for c in first] == [c.text for c in again]
    for suffix, completion in zip(SUFFIXES, first, strict=True):
        usage = completion.usage
        assert usage.prompt_tokens + usage.saved_tokens == llama.count_tokens(prefix + suffix)


def test_ends_at_the_end_token() -> None:
    tokenizer = tiny_tokenizer()
    free = TransformersGenerator(tiny_llama(), tokenizer, identity="free")
    tokens = plain_tokens(free, PREFIX + SUFFIXES[0], GREEDY)
    model = tiny_llama()
    assert model.generation_config is not None
    model.generation_config.eos_token_id = [tokens[7]]
    ended, other = TransformersGenerator(model, tokenizer, identity="ended").generate(PREFIX, SUFFIXES[:2], GREEDY)
    length = tokens.index(tokens[7])
    assert (ended.text, ended.finish_reason) == (tokenizer.decode(tokens[:length]), "stop")
    assert ended.usage.completion_tokens == length + 1
    expected = plain_tokens(free, PREFIX + SUFFIXES[1], GREEDY)
    if tokens[7] not in expected:
        assert other.text == tokenizer.decode(expected)


def test_one_token_and_no_rows(llama: TransformersGenerator) -> None:
    assert_plain(llama, PREFIX, SUFFIXES, replace(GREEDY, max_tokens=1))
    assert llama.generate(PREFIX, [], GREEDY) == []


def test_a_narrow_nucleus_or_a_cold_draw_is_greedy(llama: TransformersGenerator) -> None:
    greedy = [c.text for c in llama.generate(PREFIX, SUFFIXES, GREEDY)]
    for sampling in (replace(GREEDY, temperature=1.0, top_p=1e-9), replace(GREEDY, temperature=1e-4)):
        assert [c.text for c in llama.generate(PREFIX, SUFFIXES, sampling)] == greedy


def test_prompts_that_do_not_fit(llama: TransformersGenerator) -> None:
    with pytest.raises(AdapterError, match="'llama' reads 1024; use fewer exemplars"):
        llama.generate(PREFIX * 20, SUFFIXES, GREEDY)
    with pytest.raises(AdapterError, match="has no token"):
        llama.generate("", [""], GREEDY)


TEMPLATE = "<sys>Be kind.</sys>{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}<assistant>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_llama().save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    return tmp_path


def test_opens_a_base_model_from_a_folder(folder: Path) -> None:
    opened = open_base(str(folder), device="cpu")
    assert opened.notes == ()
    assert opened.identity == open_base(str(folder), device="cpu").identity
    assert opened.how == "shared prefix"
    assert_plain(opened, PREFIX, SUFFIXES[:2], GREEDY)


def test_opens_an_aligned_model_with_its_own_template(folder: Path) -> None:
    with pytest.raises(InputError, match="no chat template"):
        open_aligned(str(folder), device="cpu")
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    aligned, base = open_aligned(str(folder), device="cpu"), open_base(str(folder), device="cpu")
    assert isinstance(aligned, TransformersChatGenerator)
    queries = ["What is the capital?", "Hi", "🌊"]
    answers = aligned.answer(queries, GREEDY)
    rendered = [f"<sys>Be kind.</sys><user>{query}</><assistant>" for query in queries]
    assert [a.text for a in answers] == [c.text for c in base.generate("", rendered, GREEDY)]
    assert answers[0].usage.saved_tokens > 0, "the template's beginning is shared"


SYSTEM_TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}<assistant>"
REFUSING = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}</>{% endfor %}<assistant>"
)
DROPPING = "{% for m in messages if m.role == 'user' %}<user>{{ m.content }}</>{% endfor %}<assistant>"


def test_a_system_text_goes_through_the_template_and_into_the_identity(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text(SYSTEM_TEMPLATE, encoding="utf-8")
    aligned = open_aligned(str(folder), device="cpu", system="Be brief. ")
    plain, other = open_aligned(str(folder), device="cpu"), open_aligned(str(folder), device="cpu", system="Be long.")
    assert len({aligned.identity, plain.identity, other.identity}) == 3
    (answer,) = aligned.answer(["Hi"], GREEDY)
    base = open_base(str(folder), device="cpu")
    (expected,) = base.generate("", ["<system>Be brief. </><user>Hi</><assistant>"], GREEDY)
    assert answer.text == expected.text


@pytest.mark.parametrize(("template", "complaint"), [(REFUSING, "refuses"), (DROPPING, "drops")])
def test_a_template_without_a_system_text_is_said(folder: Path, template: str, complaint: str) -> None:
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    open_aligned(str(folder), device="cpu")
    with pytest.raises(InputError, match=f"{complaint} the system text 'Be brief.'.*leave out the option system"):
        open_aligned(str(folder), device="cpu", system="Be brief.")


def test_rows_side_by_side_may_be_chosen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_base(str(folder), device="cpu", rows="2")
    seen = _remember_rows(monkeypatch, at_most=2)
    assert_plain(opened, PREFIX, SUFFIXES, GREEDY)
    assert max(seen) == 2
    for wrong in ("0", "-1", "many", "1.5"):
        with pytest.raises(InputError, match=f"'{wrong}' is not a number of rows; give a number, such as rows=16"):
            open_base(str(folder), rows=wrong)


def test_drafts_may_be_left_out(folder: Path) -> None:
    assert open_base(str(folder), device="cpu").drafts
    assert not open_base(str(folder), device="cpu", drafts="no").drafts
    with pytest.raises(InputError, match="drafts is yes or no, not 'some'; give drafts=no for the base model"):
        open_base(str(folder), drafts="some")
