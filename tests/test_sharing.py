"""Sharing: one model in two roles is loaded once, and neither role notices the other."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForSequenceClassification

from tests.tiny_models import GREEDY, PREFIX, SHAPE, SUFFIXES, assert_plain, tiny_llama, tiny_tokenizer
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator, open_aligned, open_base
from urial_opt.models.local.loading import Loading
from urial_opt.models.local.sharing import turn_of
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Completion
from urial_opt.roles import Named, open_models

TEMPLATE = "{% for each in messages %}<{{ each.role }}>\n{{ each.content }}\n{% endfor %}<assistant>\n"
QUERIES = ["Hello", "What is the capital of France?"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that continues text, and answers in the layout of its chat template."""
    folder = tmp_path_factory.mktemp("model")
    tiny_llama().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


@pytest.fixture(scope="module")
def reward_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reward")
    torch.manual_seed(2)
    config = LlamaConfig(**SHAPE | {"num_key_value_heads": 2, "num_labels": 1})
    LlamaForSequenceClassification(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    tiny_tokenizer().save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def _both(folder: Path, **aligned: str) -> tuple[TransformersGenerator, TransformersChatGenerator]:
    return open_base(str(folder), device="cpu"), open_aligned(str(folder), **{"device": "cpu", **aligned})


def _at_once(*work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_base_and_aligned_model_of_one_folder_are_one_model(
    folder: Path, reward_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    models = open_models(
        Named(name=f"hf:{folder}", options={"device": "cpu"}),
        Named(name=f"panel:reward:{reward_folder}+reward:./{reward_folder.name}"),
        Named(name=f"hf-chat:./{folder.name}", options={"device": "cpu"}),
    )
    base, aligned = models.base, models.aligned
    assert isinstance(base, TransformersGenerator)
    assert isinstance(aligned, TransformersChatGenerator)
    assert base.model is aligned.generator.model
    assert base.tokenizer is not aligned.generator.tokenizer, "padding and truncation are set on a tokenizer"
    first, second = (judge._model for judge in models.judge._members.values())  # type: ignore[attr-defined]
    assert first is second


@pytest.mark.parametrize("different", [{"dtype": "bfloat16"}, {"trust_remote_code": "yes"}])
def test_a_model_opened_in_another_way_is_another(folder: Path, different: dict[str, str]) -> None:
    base, aligned = _both(folder, **different)
    assert base.model is not aligned.generator.model


def test_a_folder_that_has_changed_is_another_model(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    before = open_base(str(copy), device="cpu")
    assert before.model is open_base(str(copy), device="cpu").model
    changed = tiny_llama()
    with torch.no_grad():
        changed.lm_head.weight.neg_()
    changed.save_pretrained(copy)
    after = open_base(str(copy), device="cpu")
    assert after.model is not before.model
    assert after.generate(PREFIX, SUFFIXES, GREEDY) != before.generate(PREFIX, SUFFIXES, GREEDY)


def test_a_model_that_nobody_holds_is_freed(folder: Path) -> None:
    base, aligned = _both(folder, dtype="float32")
    model = weakref.ref(base.model)
    del base
    gc.collect()
    assert model() is aligned.generator.model
    del aligned
    gc.collect()
    assert model() is None


def test_answers_and_shift_are_those_of_two_models(folder: Path) -> None:
    base, aligned = _both(folder)
    alone = TransformersGenerator(tiny_llama(), tiny_tokenizer(), identity="alone")
    apart = TransformersChatGenerator(
        TransformersGenerator(tiny_llama(), aligned.generator.tokenizer, identity="apart")
    )
    for _ in range(2):  # with and without what the other has left in its cache
        assert_plain(base, PREFIX, SUFFIXES, GREEDY)
        assert aligned.answer(QUERIES, GREEDY) == apart.answer(QUERIES, GREEDY)
    contexts = [UrialPrompt(system="# Instruction\n\nBe kind.\n"), UrialPrompt()]
    together, separate = base.token_scorer(aligned), alone.token_scorer(apart)
    answers = separate.answer(QUERIES, max_tokens=8)
    assert together.answer(QUERIES, max_tokens=8) == answers
    for ours, theirs in zip(together.score(answers, contexts), separate.score(answers, contexts), strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert one.rank.tolist() == other.rank.tolist()
            assert one.probability == pytest.approx(other.probability, rel=1e-4)


def test_each_role_keeps_its_own_prefixes_and_batch_size(folder: Path) -> None:
    base, aligned = _both(folder, rows="1")
    base.generate(PREFIX, SUFFIXES, GREEDY)
    aligned.answer(QUERIES, GREEDY)
    aligned.generator.forget_prefixes()
    assert base.generate(PREFIX, SUFFIXES, GREEDY)[0].usage.saved_tokens > len(PREFIX) / 4
    assert (base.batches.rows, aligned.generator.batches.rows) == (128, 1)


def test_threads_that_use_one_model_in_two_roles_take_turns(folder: Path) -> None:
    base, aligned = _both(folder)
    expected = {
        "base": [each.text for each in base.generate(PREFIX, SUFFIXES, GREEDY)],
        "aligned": [each.text for each in aligned.answer(QUERIES, GREEDY)],
    }
    found: dict[str, list[list[Completion]]] = {"base": [], "aligned": []}

    def write() -> None:
        found["base"] += [base.generate(PREFIX, SUFFIXES, GREEDY) for _ in range(5)]

    def answer() -> None:
        found["aligned"] += [aligned.answer(QUERIES, GREEDY) for _ in range(5)]

    _at_once(write, answer)
    for role, texts in expected.items():
        assert [[each.text for each in completions] for completions in found[role]] == [texts] * 5


def test_a_thread_waits_while_another_computes(folder: Path) -> None:
    base, aligned = _both(folder)
    answered = threading.Event()

    def answer() -> None:
        aligned.answer(QUERIES, GREEDY)
        answered.set()

    with turn_of(base.model):
        base.generate(PREFIX, SUFFIXES, GREEDY)  # its own turn, again
        thread = threading.Thread(target=answer)
        thread.start()
        assert not answered.wait(0.2)
    thread.join()
    assert answered.is_set()


def test_two_threads_that_open_one_model_load_it_once(folder: Path) -> None:
    opened: list[object] = []
    how = Loading(role="base", device="cpu", dtype="float16")
    _at_once(*[lambda: opened.append(how.load(str(folder), AutoModelForCausalLM).model)] * 3)
    assert len(opened) == 3
    assert len({*map(id, opened)}) == 1
