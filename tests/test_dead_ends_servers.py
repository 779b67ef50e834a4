"""Tests of servers that are no dead ends: models behind an alias, and what the doctor says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from tests.quirky_server import diagnosis
from tests.scripted_server import ASKED, COMPLETION, REPLY, Script
from urial_opt.errors import AdapterError
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.nano.json_server import listening
from urial_opt.store import Store

pytestmark = pytest.mark.usefixtures("pauses", "no_key")
ASPECTS = ("helpfulness", "clarity", "factuality", "depth", "engagement")
VERDICT = json.dumps({aspect: {"reason": "It is right.", "score": "5"} for aspect in ASPECTS})


def says(model: str) -> dict[str, Any]:
    return {"model": model, "choices": [{"message": {"content": VERDICT}, "finish_reason": "stop"}]}


def test_a_judge_behind_an_alias_judges(run: Run, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.jsonl"
    outputs.write_text(json.dumps({"instruction": "Which river is long?", "output": "The Nile."}))
    words = ("evaluate", "--outputs", outputs, "--judge", "llm:our-judge", "--store", tmp_path / "s.db", "--json")
    script = Script(says("weights-2026"))
    with listening(script) as url:
        told, _ = run(*words, "--judge-url", url)
        assert json.loads(told)["aspects"]["depth"]["mean"] == 5
        run(*words, "--judge-url", url)
    assert len(script.asked) == 3


def test_the_doctor_says_the_name_and_pins_it_in_its_command() -> None:
    found = diagnosis("alias")
    assert found.findings["name"].says == "Asked as m, it answers as weights-2026."
    assert "--base-option model_replies=weights-2026" in found.command


def test_a_name_that_was_seen_in_an_earlier_run_is_known_at_once(store: Store) -> None:
    script = Script({**COMPLETION, "model": "weights-2026"})
    with listening(script) as url:
        for _ in range(2):
            endpoint = Endpoint("m", url=url)
            endpoint.keep_pace(store, identity="openai:m")
            assert endpoint.complete([ASKED]) == [REPLY]
    assert len(script.asked) == 4


def test_a_name_that_changed_since_an_earlier_run_asks_for_an_option(store: Store) -> None:
    for number, model in enumerate(["m-2025", "m-2026"]):
        with listening(Script({**COMPLETION, "model": model})) as url:
            endpoint = Endpoint("m", url=url)
            endpoint.keep_pace(store, identity="openai:m")
            if number == 0:
                endpoint.complete([ASKED])
            else:
                with pytest.raises(AdapterError) as caught:
                    endpoint.complete([ASKED])
            pinned = Endpoint("m", url=url, model_replies=model)
            pinned.keep_pace(store, identity=f"openai:{pinned.identity}")
            assert pinned.complete([ASKED]) == [REPLY]
            assert pinned.identity == f"m answering as {model}"
    assert "answers as 'm-2026' now, and answered as 'm-2025' when its stored replies" in str(caught.value)
    assert str(caught.value).endswith("give model_replies=m-2026 to keep their replies apart")
