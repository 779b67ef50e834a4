"""Every built-in judge keeps its contract."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from tests.tiny_models import SHAPE, tiny_tokenizer
from urial_opt import plugins
from urial_opt.nano.json_server import listening
from urial_opt.protocols import Judge, PairwiseJudge
from urial_opt.testing.contracts import JudgeContract, PairwiseJudgeContract

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"


def longest_wins(_: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reply of a model that scores an answer by its words, and prefers the longer of two or the one shown first."""
    prompt = body["messages"][0]["content"]
    answers = re.findall(r"^\[\w+ (?:\w+ )?answer begins\]\n(.*?)\n\[", prompt, re.DOTALL | re.MULTILINE)
    lengths = [len(answer.split()) for answer in answers]
    properties = body["response_format"]["json_schema"]["schema"]["properties"]
    (key,) = {each["required"][-1] for each in properties.values()}
    said = str(min(5, 1 + lengths[0]))
    if key == "verdict":
        said = "second" if lengths[1] > lengths[0] else "first"
    reply = json.dumps({name: {"reason": "So it is.", key: said} for name in properties})
    return {
        "choices": [{"message": {"content": reply}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    }


@pytest.fixture(scope="module")
def _server() -> Iterator[str]:
    with listening(longest_wins) as url:
        yield url


@pytest.fixture
def url(_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return _server


class TestNano(JudgeContract):
    @pytest.fixture
    def judge(self) -> Judge:
        return plugins.open_judge("nano")


class TestLLM(JudgeContract):
    @pytest.fixture(params=["scores", "aspects"])
    def judge(self, url: str, request: pytest.FixtureRequest) -> Judge:
        return plugins.open_judge("llm:wise", {"url": url, "mode": request.param})


class TestLLMOfPairs(PairwiseJudgeContract):
    @pytest.fixture
    def judge(self, url: str) -> PairwiseJudge:
        judge = plugins.open_judge("llm:wise", {"url": url})
        assert isinstance(judge, PairwiseJudge)
        return judge


class TestPanel(JudgeContract):
    @pytest.fixture
    def judge(self, url: str) -> Judge:
        return plugins.open_judge("panel:llm:wise+nano", {"url": url})


@pytest.fixture(scope="module")
def reward(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """A tiny random reward model."""
    folder: Path = tmp_path_factory.mktemp("reward")
    torch.manual_seed(2)
    config = AutoConfig.for_model("llama", **SHAPE, num_labels=1)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    tiny_tokenizer().save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    return plugins.open_judge(f"reward:{folder}", {"device": "cpu"})


class TestReward(JudgeContract):
    @pytest.fixture
    def judge(self, reward: Judge) -> Judge:
        return reward
