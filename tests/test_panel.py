"""Tests of the panel: means of several judges, and their disagreement."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from urial_opt import plugins
from urial_opt.aspects import Aspect, AspectScores
from urial_opt.datasets.just_eval import Output
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.evaluation.assessment import assess_outputs
from urial_opt.judges.panel import PaidPanel, Panel, open_judge
from urial_opt.nano.judge import open_judge as open_nano
from urial_opt.protocols import Divided, Judge, Metered, Noted
from urial_opt.records import Completion, Judgment, Query, Usage
from urial_opt.store import Store

PERU = Query(id="peru", text="What is the capital of Peru?", kind="regular", split="dev")
LIMA = Completion(text="The capital of Peru is Lima.", finish_reason="stop")


@dataclass(frozen=True)
class Fixed:
    """Always gives the same scores."""

    identity: str
    scores: AspectScores
    reasons: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        return [
            Judgment(
                query_id=query.id,
                judge=self.identity,
                scores=self.scores,
                reasons=self.reasons,
                usage=Usage(prompt_tokens=10, completion_tokens=len(completion.text)),
            )
            for query, completion in zip(queries, completions, strict=True)
        ]


STRICT = Fixed(
    "strict/1",
    {Aspect.CLARITY: 2.0, Aspect.DEPTH: None, Aspect.ENGAGEMENT: None},
    {"clarity": "Long-winded."},
    ("it is slow",),
)
MILD = Fixed("mild/1", {Aspect.CLARITY: 4.5, Aspect.DEPTH: 3.0, Aspect.ENGAGEMENT: None}, {"clarity": "Fine."})


def test_a_panel_means_what_its_members_could_read() -> None:
    (judged,) = Panel({"strict": STRICT, "mild": MILD}).judge([PERU], [LIMA])
    assert judged.scores == {Aspect.CLARITY: 3.25, Aspect.DEPTH: 3.0, Aspect.ENGAGEMENT: None}
    assert judged.query_id == "peru"
    assert judged.usage == Usage(prompt_tokens=20, completion_tokens=2 * len(LIMA.text))


def test_the_disagreement_is_shown_with_the_reasons() -> None:
    (judged,) = Panel({"strict": STRICT, "mild": MILD}).judge([PERU], [LIMA])
    assert judged.reasons == {
        "clarity": "spread 2.5\nstrict 2: Long-winded.\nmild 4.5: Fine.",
        "depth": "one score\nstrict gives no score\nmild 3",
        "engagement": "no score\nstrict gives no score\nmild gives no score",
    }
    assert json.loads(judged.raw) == {
        "strict": {"clarity": 2.0, "depth": None, "engagement": None},
        "mild": {"clarity": 4.5, "depth": 3.0, "engagement": None},
    }


def test_its_members_are_apart_where_two_of_them_gave_a_score() -> None:
    panel = Panel({"strict": STRICT, "mild": MILD})
    (judged,) = panel.judge([PERU], [LIMA])
    assert isinstance(panel, Divided)
    assert panel.spread(judged) == {Aspect.CLARITY: 2.5}


def test_an_assessment_shows_how_far_they_are_apart(tmp_path: Path) -> None:
    given = [Output(query=PERU, text=LIMA.text, generator="elsewhere")]
    with Store.open(str(tmp_path / "store.db")) as store:
        panel = Panel({"strict": STRICT, "mild": MILD})
        for _ in range(2):  # the second time from the store
            told: Any = assess_outputs(given, [PERU], panel, store).as_json()["aspects"]
            assert told["clarity"]["spread"] == {"mean": 2.5, "interval": [2.5, 2.5]}
            assert "spread" not in told["depth"]
        alone: Any = assess_outputs(given, [PERU], MILD, store).as_json()["aspects"]
        assert "spread" not in alone["clarity"]


def test_its_identity_names_all_members() -> None:
    panel = Panel({"strict": STRICT, "mild": MILD})
    assert panel.identity == "panel:strict/1 + mild/1"
    assert panel.judge([PERU], [LIMA])[0].judge == panel.identity
    assert isinstance(panel, Noted)
    assert panel.notes == ("it is slow",)


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution with the judge `echo`, which is the embedded one by another name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "echo_judge.py").write_text(
        "from urial_opt.nano.judge import NanoJudge\n"
        "class Echo(NanoJudge):\n    identity = 'echo'\n"
        "def open_judge(argument):\n    return Echo()\n"
    )
    folder = tmp_path / "echo_judge-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: echo-judge\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[urial_opt.judges]\necho = echo_judge:open_judge\n")


@pytest.mark.usefixtures("others")
def test_members_are_opened_by_name() -> None:
    panel = plugins.open_judge("panel:nano+echo")
    (alone,) = open_nano("").judge([PERU], [LIMA])
    (judged,) = panel.judge([PERU], [LIMA])
    assert judged.scores == alone.scores
    assert panel.identity == "panel:nano-judge/1 + echo"
    assert not isinstance(panel, Metered)


def test_options_go_to_the_members_that_take_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    panel = plugins.open_judge("panel:llm:wise+nano", {"url": "http://127.0.0.1:9/v1", "concurrency": "2"})
    assert panel.identity.startswith("panel:llm:wise, scores v1 ")
    assert panel.identity.endswith(" + nano-judge/1")
    assert isinstance(panel, Metered)
    assert panel.priced_as == "wise"


def test_models_of_several_prices_have_no_price_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    panel = open_judge("llm:wise+llm:mild")
    assert isinstance(panel, PaidPanel)
    assert panel.priced_as == "mild+wise"


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize(
    ("opened", "error", "message"),
    [
        (lambda: open_judge(""), InputError, "two or more different judges"),
        (lambda: open_judge("nano"), InputError, "two or more different judges, not 'nano'"),
        (lambda: open_judge("nano+nano"), InputError, "two or more different judges"),
        (lambda: open_judge("nano+"), InputError, "two or more different judges"),
        (lambda: open_judge("nano+nobody"), UnknownNameError, "no judge is called 'nobody'"),
        (lambda: open_judge("nano+echo", url="http://x/v1"), UnknownNameError, "'nano.echo' takes url; leave it out"),
        (lambda: open_judge("nano+llm:wise", timeout="soon"), InputError, "timeout is a number"),
    ],
)
def test_what_is_said_when_it_cannot_be_opened(
    opened: Callable[[], Judge], error: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(error, match=message):
        opened()
