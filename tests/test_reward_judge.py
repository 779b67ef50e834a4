"""Tests of the reward judge: each answer gets the number that the model gives it alone, whatever its batch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    LlamaForSequenceClassification,
)

from tests.tiny_models import SHAPE, tiny_llama, tiny_tokenizer
from urial_opt import plugins
from urial_opt.aspects import Aspect, QueryKind
from urial_opt.errors import InputError
from urial_opt.judges.reward import RewardJudge, open_judge
from urial_opt.records import Completion, Query

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"
END = 29
"""The token `>`, with which every conversation ends."""
ANSWERS = ["Paris.", "", "I do not know. " * 9, "Naïve café, 東京 🌊", "Paris", "Hi! " * 30, "Paris!!!"]


def _folder(path: Path, name: str = "llama", **config: Any) -> Path:
    torch.manual_seed(2)
    settings = AutoConfig.for_model(name, **{**SHAPE, "num_labels": 1, **config})
    AutoModelForSequenceClassification.from_config(settings).save_pretrained(path)  # type: ignore[no-untyped-call]
    tiny_tokenizer().save_pretrained(path)
    (path / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _folder(tmp_path_factory.mktemp("reward"))


def _query(number: int = 0, kind: QueryKind = "regular") -> Query:
    return Query(id=f"q{number}", text=f"What is {number}?", kind=kind, split="dev")


def _judged(judge: RewardJudge, answers: list[str], kind: QueryKind = "regular") -> list[Any]:
    completions = [Completion(text=answer, finish_reason="stop") for answer in answers]
    return judge.judge([_query(number, kind) for number in range(len(answers))], completions)


def _alone(folder: Path, text: str, number: int) -> float:
    """The reward that transformers gives for one text alone."""
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    ids = torch.tensor([tiny_tokenizer()(text)["input_ids"]])
    with torch.inference_mode():
        return float(model(ids).logits[0, 0])


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("llama", {}),
        ("llama", {"num_key_value_heads": 2, "pad_token_id": 0}),
        ("llama", {"pad_token_id": END}),  # as where the end of a turn is also the padding
        ("gpt2", {}),
        ("bert", {"pad_token_id": 0}),  # not causal
    ],
)
def test_a_batch_gives_each_answer_the_reward_it_gets_alone(tmp_path: Path, name: str, config: dict[str, Any]) -> None:
    folder = _folder(tmp_path, name, **config)
    assert tiny_tokenizer()("</>")["input_ids"][-1] == END
    judge = open_judge(str(folder), device="cpu")
    rewards = [float(judgment.raw) for judgment in _judged(judge, ANSWERS)]
    for number, (answer, reward) in enumerate(zip(ANSWERS, rewards, strict=True)):
        text = f"<user>What is {number}?</><assistant>{answer}</>"
        assert reward == pytest.approx(_alone(folder, text, number), abs=1e-4)
    assert len({round(reward, 3) for reward in rewards}) == len(ANSWERS)
    for rows in (1, 2):
        judge._batches.rows = rows
        heard: list[Any] = []
        judge.hand_on(heard.append)
        judgments = _judged(judge, ANSWERS)
        assert [float(judgment.raw) for judgment in judgments] == pytest.approx(rewards, abs=1e-4)
        assert [len(new) for new in heard] == ([1] * 7 if rows == 1 else [2, 2, 2, 1]), "as each batch ends"
        assert {row: each for new in heard for row, each in new.items()} == dict(enumerate(judgments))
    assert judge._config.pad_token_id == config.get("pad_token_id"), "put back"


def test_every_aspect_due_gets_the_one_opinion(folder: Path) -> None:
    judge = open_judge(str(folder), device="cpu")
    (regular,), (safety,) = _judged(judge, ["Paris."]), _judged(judge, ["Paris."], "safety")
    reward = float(regular.raw)
    expected = 1 + 4 / (1 + math.exp(-reward))
    assert list(regular.scores) == [aspect for aspect in Aspect if aspect is not Aspect.SAFETY]
    assert list(regular.scores.values()) == pytest.approx([expected] * 5)
    assert safety.scores == {Aspect.SAFETY: pytest.approx(expected)}
    assert set(regular.reasons.values()) == {f"reward {reward:.4g}"}
    assert regular.query_id == "q0"
    assert regular.judge == judge.identity
    assert regular.usage.prompt_tokens == len(tiny_tokenizer()("<user>What is 0?</><assistant>Paris.</>")["input_ids"])
    assert judge.judge([], []) == []
    assert "one opinion" in judge.notes[0]


def test_center_and_scale_map_rewards_and_are_part_of_the_identity(folder: Path) -> None:
    plain = open_judge(str(folder), device="cpu")
    reward = float(_judged(plain, ["Paris."])[0].raw)

    def score(center: float, scale: float) -> float:
        judge = open_judge(str(folder), device="cpu", center=str(center), scale=str(scale))
        return float(_judged(judge, ["Paris."])[0].scores[Aspect.DEPTH])

    assert score(reward, 2) == pytest.approx(3, abs=1e-4)
    assert score(reward - 2, 2) == pytest.approx(1 + 4 / (1 + math.exp(-1)), abs=1e-4)
    assert score(reward + 1, 1e-6) == pytest.approx(1), "far below: 1, and no overflow"
    assert score(reward - 1, 1e-6) == pytest.approx(5)
    identities = {
        open_judge(str(folder), device="cpu", **options).identity
        for options in ({}, {"center": "1"}, {"scale": "2"}, {"template": "human-assistant"}, {"dtype": "bfloat16"})
    }
    assert len(identities) == 5
    assert plain.identity in identities


def test_a_template_for_models_without_one(folder: Path) -> None:
    judge = open_judge(str(folder), device="cpu", template="human-assistant")
    (judgment,) = _judged(judge, ["Paris."])
    assert float(judgment.raw) == pytest.approx(_alone(folder, "Human: What is 0?\n\nAssistant: Paris.", 0), abs=1e-4)


def test_what_cannot_be_read_is_missing(tmp_path: Path) -> None:
    judge = open_judge(str(_folder(tmp_path, max_position_embeddings=64)), device="cpu")
    long, short = _judged(judge, ["word " * 90, "Paris."])
    assert set(long.scores.values()) == {None}
    assert long.raw == ""
    assert all(reason.startswith("too long to read: ") for reason in long.reasons.values())
    assert None not in short.scores.values()
    with torch.no_grad():
        judge._model.score.weight.fill_(math.nan)  # type: ignore[union-attr,operator]
    (broken,) = _judged(judge, ["Paris."])
    assert set(broken.scores.values()) == {None}
    assert broken.raw == "nan"
    assert set(broken.reasons.values()) == {"the reward nan is no number"}


def test_answers_that_do_not_fit_side_by_side_are_read_in_smaller_batches(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = open_judge(str(folder), device="cpu")
    expected = _judged(judge, ANSWERS)
    forward, sizes = LlamaForSequenceClassification.forward, list[int]()

    def limited(model: LlamaForSequenceClassification, input_ids: torch.Tensor, **settings: Any) -> Any:
        sizes.append(len(input_ids))
        if len(input_ids) > 3:
            raise torch.OutOfMemoryError("out of memory")
        return forward(model, input_ids=input_ids, **settings)

    monkeypatch.setattr(LlamaForSequenceClassification, "forward", limited)
    found = _judged(judge, ANSWERS)
    assert [float(each.raw) for each in found] == pytest.approx([float(each.raw) for each in expected], abs=1e-4)
    assert sizes == [7, 3, 3, 1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"template": "alpaca"},
            "no template is called 'alpaca'; give template=chat or template=human",
        ),
        ({"center": "high"}, "the center must be a number, not 'high', as in center=2.5"),
        ({"scale": "nan"}, "the scale must be a number, not 'nan'"),
        ({"scale": "0"}, "the scale must be greater than 0, not '0', as in scale=2.5"),
        ({"device": "tpu"}, "no device is called 'tpu'; .*device=cuda for the judge"),
    ],
)
def test_options_that_cannot_be(folder: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        open_judge(str(folder), **options)


def test_models_that_give_no_reward(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the judge model has no name; give a folder"):
        open_judge("")
    with pytest.raises(InputError, match="gives 3 numbers for an answer, and a reward is one"):
        open_judge(str(_folder(tmp_path / "three", num_labels=3)), device="cpu")
    tiny_llama().save_pretrained(tmp_path / "language")
    tiny_tokenizer().save_pretrained(tmp_path / "language")
    with pytest.raises(InputError, match=r"another kind of model: it has no weights for 'score\.weight'"):
        open_judge(str(tmp_path / "language"), device="cpu")
    bare = _folder(tmp_path / "bare")
    (bare / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match=r"cannot write a conversation \(.*; give template=human"):
        open_judge(str(bare), device="cpu")


def test_it_comes_through_the_plugin_door(folder: Path) -> None:
    judge = plugins.open_judge(f"reward:{folder}", {"device": "cpu", "scale": "3"})
    assert isinstance(judge, RewardJudge)
    assert judge.identity.startswith(f"reward:{folder}@")
    assert judge.identity.endswith("(float32, cpu), template chat, center 0, scale 3")
