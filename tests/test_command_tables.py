"""What `inspect`, `judge-check`, `doctor`, `list` and a running search print fits the terminal."""

from __future__ import annotations

from types import SimpleNamespace

import click
import pytest

from tests.command_line import Run
from tests.made_up_results import (
    ALL,
    CONSTRAINTS,
    GAIN,
    NAME,
    SCORE,
    SHARE,
    STORE,
    Printed,
    bill,
    card,
    fitting,
    probe_shift,
    words_of,
)
from urial_opt.aspects import Aspect
from urial_opt.cli.commands import doctor, inspect, judge_check
from urial_opt.cli.live import Display
from urial_opt.doctor import Diagnosis
from urial_opt.doctor.examined_server import CheckResult, CheckVerdict
from urial_opt.evaluation.judge_check import JudgeCheck, PositionBias, Repeated
from urial_opt.records import TrialState, Usage
from urial_opt.search.progress import Best, Phase, Progress
from urial_opt.statistics.agreement import Agreement
from urial_opt.store import SearchStatus, SearchSummary, Store


def test_a_trial_under_inspection(printed: Printed) -> None:
    completion = SimpleNamespace(text="Certainly! " + "It is a long answer, and goes on. " * 9 + "\n- " + "x" * 300)
    example = SimpleNamespace(
        score=4.5,
        before=3.25,
        query=SimpleNamespace(text="Why [/] is the sky blue? " * 9),
        completion=completion,
        judgment=SimpleNamespace(reasons=dict.fromkeys(Aspect, "it is what the query asked for")),
    )
    prompt = SimpleNamespace(prefix="# Instruction\n\n" + "Below is a list of conversations. " * 9 + "\x1bcend")
    params = {f"exemplar_{number}": f"a-name-of-an-exemplar/{number}" for number in range(5)}
    record = SimpleNamespace(
        number=12,
        state=TrialState.COMPLETE,
        query_scores=dict.fromkeys("abc"),
        candidate=SimpleNamespace(params=params, prompt=prompt),
    )
    inspected = SimpleNamespace(
        found=True,
        record=record,
        estimate=SCORE,
        card=card(),
        constraints=CONSTRAINTS,
        shift=probe_shift(),
        gains=dict.fromkeys(Aspect, GAIN),
        best=[example],
        worst=[example],
        won=[example],
    )
    text = printed(inspect._show, inspected, ())
    assert text.count("4.91 [4.86, 4.95]") == 2 + 6
    assert text.count("+0.48 [-0.02, +0.95]") == 6
    assert "gain over the starting prompt" in text
    assert all(f"constraint {each}" in text for each in CONSTRAINTS)
    assert "parameters: exemplar_0=a-name-of-an-exemplar/0" in text
    assert "Why [/] is the sky blue?" in text
    assert "\x1b" not in text


def test_a_check_of_a_judge(printed: Printed) -> None:
    measured = {"spearman": GAIN, "kendall": GAIN, "kappa": GAIN, "bias": GAIN}
    agreement = Agreement(n=1_234, missing_given=12, missing_judged=34, exact=SHARE, within_one=ALL, **measured)
    check = JudgeCheck(
        judge="panel(llm:gpt-4o, llm:a-judge-with-a-name-of-its-own, reward:another)",
        answers=1_234,
        asked=1_234,
        left_out=12,
        overall=agreement,
        aspects=dict.fromkeys(Aspect, agreement),
        repeats=2,
        repeated=dict.fromkeys(Aspect, Repeated(answers=1_234, equal=SHARE, deviation=SCORE)),
        position=PositionBias(pairs=123, unread=4, consistent=SHARE, ordered=100, follows_given=SHARE),
    )
    text = printed(judge_check._show, check)
    assert text.count("100 % [57, 100]") == 7 + 1
    assert text.count("93 % [90, 96]") == 7 + 6 + 2
    assert text.count("0.48 [-0.02, 0.95]") == 7 * 3
    for word in ("exact", "within one", "Spearman", "Kendall", "kappa", "bias", "12, 34", "all", "points apart"):
        assert word in text
    assert text.count("helpfulness") <= 3  # a table, perhaps in two pieces, and that of the repeats


def test_what_a_server_can_do(printed: Printed) -> None:
    says = "the server tells the log-probability of every token of a prompt, [b]as[/c] the search needs it, in 0.12 s"
    diagnosis = Diagnosis(
        server="http://localhost:8000/v1, model a-provider/a-base-model-of-a-long-name, of a long description",
        findings={
            name: CheckResult(verdict=CheckVerdict.UNKNOWN, says=says, warning=f"{name}: {says}")
            for name in ("models", "no_penalty_of_its_own", "repetition_penalty")
        },
        context_length=None,
        latency=0.123,
        tokens_per_second={1: 123.0, 16: 1234.0},
        command="urial-opt search --space urial --base openai:a-provider/a-base-model-of-a-long-name "
        "--base-url http://localhost:8000/v1 --base-option concurrency=16 --judge llm:JUDGE",
    )
    text = printed(doctor._show, diagnosis)
    assert "no penalty of its own" in text
    assert text.count("[b]as[/c]") == 2 * 3
    assert words_of(text.partition("Next:")[2].replace(" \\\n", " ")) == diagnosis.command


@pytest.mark.parametrize("name", [NAME, "run[/1]", "[bold]"])
def test_the_list_of_searches(run: Run, columns: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    each = SearchSummary(
        name=name,
        created_at="2026-11-27T07:19:00",
        trials=12_345,
        status=SearchStatus.FINISHED,
        best=SCORE,
        shifted=0.0123,
    )
    store = SimpleNamespace(searches=lambda: [each])
    monkeypatch.setattr(Store, "open", lambda *_, **__: Opened(store))
    text = fitting(run("list")[0], columns)
    for word in (name, "2026-11-27 07:19", "finished", "12345", "4.91 [4.86, 4.95]", "1.2 %", "started", "trials"):
        assert word in text


class Opened:
    """A store that is open."""

    def __init__(self, store: object) -> None:
        self._store = store

    def __enter__(self) -> object:
        return self._store

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("terminal", ["0", "1"])
def test_progress(
    columns: int, terminal: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    progress = Progress(
        name="mine",
        phase=Phase.VALIDATION,
        done=123,
        total=1_000,
        states={TrialState.COMPLETE: 100, TrialState.PRUNED: 20, TrialState.FAILED: 3},
        best=Best(trial=101, estimate=SCORE),
        improved_at=111,
        usage=Usage(prompt_tokens=1_234_567, completion_tokens=2_345_678, saved_tokens=98_765_432),
        bill=bill(),
    )
    with Display() as display:
        display.heading = f"space nano, base nano, judge nano, store {STORE}"
        display.update(progress)
    text = click.unstyle(capsys.readouterr().err).replace("\r", "\n")
    fitting(text, columns)
    for word in ("choosing on validation", "123/1000", "4.91 [4.86, 4.95]", "3 failed", "98.8M saved", STORE):
        assert word in text
