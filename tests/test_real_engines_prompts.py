"""Real engines: an answer ends at its closing fence while it is written, so that nothing after it is paid for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from tests.command_line import Run
from urial_opt.evaluation.evaluator import Answerer
from urial_opt.memory import NoMemory
from urial_opt.models.server.endpoint import open_endpoint
from urial_opt.models.server.generator import ServerGenerator, _completion
from urial_opt.models.server.replies import Reply
from urial_opt.nano.models import open_base
from urial_opt.prompt import FENCE_STOP, UrialPrompt, has_ended, read_answer
from urial_opt.records import Candidate, Completion, Query, Sampling, Usage
from urial_opt.spaces.space_file import load_space

LONG = Sampling(max_tokens=96, stop=())


def test_a_local_model_ends_each_row_at_its_closing_fence_with_drafts_and_without() -> None:
    space = load_space("nano")
    prompt = space.hand_written.prompt
    suffixes = [prompt.suffix(query.text) for query in space.queries.split("dev")[:6]]
    model = open_base("")
    whole = model.generate(prompt.prefix, suffixes, LONG)
    model.end_when(has_ended)
    fresh = open_base("")
    fresh.end_when(has_ended)
    for ended in (model.generate(prompt.prefix, suffixes, LONG), fresh.generate(prompt.prefix, suffixes, LONG)):
        assert any(len(short.text) < len(long.text) for short, long in zip(ended, whole, strict=True))
        for short, long in zip(ended, whole, strict=True):
            assert long.text.startswith(short.text)
            assert read_answer(short.text) == read_answer(long.text)
            if len(short.text) < len(long.text):
                assert short.finish_reason == "stop"
                assert short.text.endswith("\n```\n\n")
                assert short.usage.completion_tokens < long.usage.completion_tokens
    model.end_when(None)
    again = model.generate(prompt.prefix, suffixes, LONG)
    assert [each.text for each in again] == [each.text for each in whole]


def test_a_server_gets_a_stop_string_and_a_code_block_keeps_its_fence() -> None:
    generator = ServerGenerator(open_endpoint("m", url="http://127.0.0.1:9/v1"))
    assert not generator._ends.value
    generator.end_when(has_ended)
    assert generator._ends.value
    sampling = Sampling(stop=("# Query", FENCE_STOP))

    def read(text: str) -> str:
        return read_answer(_completion(Reply(text=text, finish_reason="stop", usage=Usage()), sampling).text)

    assert read("Hi.") == "Hi."
    assert read("Look:\n```\nls") == "Look:\n```\nls\n```"
    assert read("Look:\n```\nls\n```\nSo.") == "Look:\n```\nls\n```\nSo."


@dataclass
class Talkative:
    """A base model that writes the same, whatever it is asked, and can end it."""

    text: str
    identity: str = "talkative"
    ends: list[bool] = field(default_factory=list)
    _ended: Callable[[str], bool] | None = None

    def end_when(self, ended: Callable[[str], bool] | None) -> None:
        self._ended = ended

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        self.ends.append(self._ended is not None)
        return [Completion(text=self.text, finish_reason="stop") for _ in suffixes]


@pytest.mark.parametrize(
    ("layout", "as_public", "answer", "ends"),
    [
        ("urial", False, "Look:\n```\nls\n```\nSo.", True),
        ("urial", True, "Look:\n\nls\n\nSo.", False),
        ("v5", False, "Look:\n```\nls\n```\nSo.\n```", False),
    ],
)
def test_the_rule_fits_the_layout_and_the_reading(layout: str, as_public: bool, answer: str, ends: bool) -> None:
    model = Talkative(text="Look:\n```\nls\n```\nSo.\n```\n\n# User:\n")
    candidate = Candidate(prompt=UrialPrompt(layout=layout), sampling=Sampling(), params={})  # type: ignore[arg-type]
    answerer = Answerer(generator=model, memory=NoMemory(), as_public=as_public)
    (found,) = answerer.answer(candidate, [Query(id="q", text="How?", kind="regular", split="dev")])
    assert (found.text, model.ends) == (answer, [ends])
    assert model._ended is None


def test_the_public_reading_is_an_option_and_is_said(run: Run, small_space: object) -> None:
    words = ("evaluate", "--zero-shot", "--space", small_space, "--sample", 1, "--max-new-tokens", 9)
    out, err = run(*words, "--answers", "as-public", "--json")
    told: Mapping[str, object] = json.loads(out)
    assert told["answers"] == "as-public"
    assert "answers are read as-public" in err
    assert json.loads(run(*words, "--json")[0])["answers"] == "as-written"
