"""What the command line prints fits the terminal: at each width the same figures, none of them cut or wrapped."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import click
import pytest

from tests.command_line import Run
from tests.made_up_reading import reading
from urial_opt.aspects import Aspect
from urial_opt.cli.commands import doctor, inspect, judge_check
from urial_opt.cli.live import Display
from urial_opt.cli.shift_tables import show_explanation, show_shift
from urial_opt.cli.tables import show_assessment, show_bill, show_duel, show_plan, show_result
from urial_opt.doctor import Diagnosis
from urial_opt.doctor.patient import Finding, Verdict
from urial_opt.evaluation.judge_check import JudgeCheck, PositionBias, Repeated
from urial_opt.evaluation.pairwise import Duel, Tally
from urial_opt.evaluation.scorecard import Scorecard, Verdicts
from urial_opt.records import Estimate, ProbeShift, Role, TrialState, Usage
from urial_opt.search.planning import Plan
from urial_opt.search.progress import Best, Phase, Progress
from urial_opt.search.result import ShiftOutcome
from urial_opt.shift.explanation import explain_shift
from urial_opt.shift.summary import summarise_shift
from urial_opt.spending import Bill, Spent
from urial_opt.statistics.agreement import Agreement
from urial_opt.store import SearchStatus, SearchSummary, Store

WIDTHS = (80, 100, 140)
NAME = "a-search-with-a-name-of-30-let"
PATH = "/home/somebody/projects/alignment/prompts/found-in-the-second-week.txt"
STORE = "postgresql://somebody@database.example.org:5432/searches"
SCORE = Estimate(mean=4.91, low=4.86, high=4.95)
GAIN = Estimate(mean=0.48, low=-0.021, high=0.951)
SHARE = Estimate(mean=0.931, low=0.904, high=0.958)
ALL = Estimate(mean=1.0, low=0.57, high=1.0)

Printed = Callable[..., str]


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


@pytest.fixture
def printed(width: int, capsys: pytest.CaptureFixture[str]) -> Printed:
    """What a function prints, whose every line fits."""

    def call(show: Callable[..., None], *values: Any, **named: Any) -> str:
        show(*values, **named)
        text = fitting(capsys.readouterr().out, width)
        assert not re.search(" $", text, re.MULTILINE)
        return text

    return call


def fitting(text: str, width: int) -> str:
    """The text, once it is known that nothing in it is too wide or cut."""
    for line in text.splitlines():
        assert len(line) <= width, line
    assert "…" not in text
    opened = [line for line in text.splitlines() if re.search(r"\[[^\]]*$|^[^\[]*\d\]", line)]
    assert not opened, "an interval is broken over two lines"
    return text


def words_of(text: str) -> str:
    return " ".join(text.split())


def card(n: int = 240) -> Scorecard:
    return Scorecard(
        average=SCORE,
        aspects=dict.fromkeys(Aspect, SCORE),
        verdicts=dict.fromkeys(Aspect, Verdicts(n=n, missing=3)),
        missing=18,
        queries=n,
    )


def bill() -> Bill:
    usage = Usage(prompt_tokens=1_234_567, completion_tokens=2_345_678, saved_tokens=98_765_432)
    return Bill(spent=dict.fromkeys(Role, Spent(calls=12_345, usage=usage)), prices={})


def probe_shift() -> ProbeShift:
    shares = {"unshifted": 0.931, "marginal": 0.041, "shifted": 0.028}
    return ProbeShift(
        positions=1535, surprise=0.123, kl_base_aligned=None, kl_aligned_base=None, by_query=(), usage=Usage(), **shares
    )


def searched(*roles: str, prompt_tokens: int = 12_345) -> Any:
    measured = SimpleNamespace(card=card(), prompt_tokens=prompt_tokens)
    shift = ShiftOutcome(
        queries=8,
        by_trial=dict.fromkeys(range(40), probe_shift()),
        found=probe_shift(),
        start=probe_shift(),
        correlation=GAIN,
        usage=Usage(),
    )
    return SimpleNamespace(
        name=NAME,
        contexts=dict.fromkeys(roles, measured),
        found=measured,
        found_trial=123,
        gain=GAIN,
        significant=False,
        bill=bill(),
        shift=shift,
    )


def test_the_result_of_a_search(printed: Printed, width: int) -> None:
    roles = ("zero_shot", "plain_icl", "hand_written", "found", "aligned")
    text = printed(show_result, searched(*roles), store_url=STORE)
    for name in ("zero-shot", "plain ICL", "hand-written", "found", "aligned model"):
        (row,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
        assert row.split(name)[1].split() == [*["4.91"] * 7, "[4.86,", "4.95]", "12,345"]
    heads = ("help", "clear", "fact", "depth", "engage", "safe") if width < 140 else tuple(Aspect)
    assert re.search(r"context +" + " +".join(heads) + r" ", text)
    for word in (NAME, "average", "[95 %]", "prompt", "calls", "12,345", "1,234,567", "2,345,678", "98,765,432"):
        assert word in text
    assert "+0.48 [-0.02, +0.95]" in text
    assert text.count("price?") == len(Role)


def test_commands_to_type_can_be_pasted(printed: Printed) -> None:
    text = printed(show_result, searched("hand_written", "found"), store_url=STORE)
    typed = words_of(text.partition("Next:")[2].replace(" \\\n", " "))
    assert typed == (
        f"urial-opt inspect {NAME} --store {STORE} "
        f"urial-opt export {NAME} --store {STORE} --format urial --output found.txt"
    )


@pytest.mark.parametrize("width", [40], indirect=True)
def test_a_very_narrow_terminal_shows_all_in_several_tables(printed: Printed) -> None:
    found = searched("hand_written", "found", prompt_tokens=1_234_567)
    found.name = "short"
    text = printed(show_result, found, store_url="sqlite:///a.db")
    for word in ("4.91 [4.86, 4.95]", "1,234,567", "help", "engage", "98,765,432"):
        assert word in text
    assert text.count("4.91") == 2 * 7


def test_a_plan_and_a_bill(printed: Printed) -> None:
    both = Plan(name=NAME, expected=bill(), at_most=bill(), seconds=12_345.0, seconds_at_most=None)
    text = printed(show_plan, both) + printed(show_bill, bill())
    assert text.count("98,765,432") == 3 * len(Role)
    assert "3 h 25 min" in text
    assert "--price judge=2.5/10" in text


@pytest.mark.parametrize("panel", [False, True])
def test_an_assessment(printed: Printed, panel: bool) -> None:
    assessment = SimpleNamespace(
        card=card(1_234),
        prompt=None,
        base="a-provider/a-base-model-of-a-long-name@0123456789",
        judge="panel(llm:gpt-4o, llm:a-judge-with-a-name-of-its-own, reward:another)",
        spreads=dict.fromkeys(Aspect, SCORE) if panel else {},
        scoring=SimpleNamespace(na_as_five=True),
        answered_in_prompt=[f"a-query-with-a-long-name-{number}" for number in range(9)],
    )
    text = printed(show_assessment, assessment)
    for aspect in Aspect:
        assert re.search(rf"^{aspect} +4.91 \[4.86, 4.95\] +1234 +3", text, re.MULTILINE)
    assert re.search(r"^average +4.91 \[4.86, 4.95\] +1234 +18", text, re.MULTILINE)
    assert text.count("4.91 [4.86, 4.95]") == 7 + 6 * panel
    assert ("judges apart by" in text) is panel


def test_a_comparison(printed: Printed) -> None:
    tally = Tally(wins=1_234, ties=567, losses=890, unread=12, won=SHARE)
    duel = Duel(judge="j", queries=2_703, overall=tally, aspects=dict.fromkeys(Aspect, tally), consistent=SHARE)
    text = printed(show_duel, duel, against=PATH)
    assert text.count("93 % [90, 96]") == 1 + 7
    assert PATH in text
    for word in ("overall", "wins", "ties", "losses", "not readable", "won [95 %]", *Aspect):
        assert word in text


@pytest.mark.parametrize("contexts", [("zero-shot", "hand-written"), ("zero-shot", "hand-written", PATH, "found")])
def test_token_shift(printed: Printed, width: int, contexts: tuple[str, ...]) -> None:
    read = reading(contexts=contexts, base="a-provider/a-base-model-of-a-long-name@0123456789")
    shift = summarise_shift(read)
    text = printed(show_shift, shift)
    for word in ("unshifted", "marginal", "KL(base ||", "aligned), nats", "KL(aligned ||", "base), nats", "2 to 5"):
        assert word in text
    for context in shift.contexts.values():
        for share in (context.unshifted, context.marginal, context.shifted):
            assert share is not None
            assert f"{100 * share.mean:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]" in text
        for number in (context.probability, context.kl_base_aligned, context.kl_aligned_base):
            assert number is not None
            assert f"{number.mean:.3f} [{number.low:.3f}, {number.high:.3f}]" in text
    for name in contexts[1:]:
        assert f"{name} against zero-shot:" in words_of(text)
        explained = printed(show_explanation, explain_shift(read, name))
        assert max(map(len, explained.splitlines())) > 0.6 * width or len(explained.splitlines()) < 4


def test_a_divergence_that_is_at_least_so_much_stays_whole(printed: Printed) -> None:
    shift = summarise_shift(reading(contexts=("zero-shot", "hand-written", "found")))
    least = {
        name: replace(each, kl_base_aligned=None, kl_base_aligned_least=SCORE) for name, each in shift.contexts.items()
    }
    assert printed(show_shift, replace(shift, contexts=least)).count("≥ 4.910 [4.860, 4.950]") == 3


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
        record=record,
        estimate=SCORE,
        card=card(),
        shift=probe_shift(),
        gains=dict.fromkeys(Aspect, GAIN),
        best=[example],
        worst=[example],
        won=[example],
    )
    text = printed(inspect._show, inspected)
    assert text.count("4.91 [4.86, 4.95]") == 2 + 6
    assert text.count("+0.48 [-0.02, +0.95]") == 6
    assert "gain on the starting prompt" in text
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
            name: Finding(verdict=Verdict.UNKNOWN, says=says, warning=f"{name}: {says}")
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
def test_the_list_of_searches(run: Run, width: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    each = SearchSummary(
        name=name,
        created_at="2026-11-27T07:19:00",
        trials=12_345,
        budget=None,
        status=SearchStatus.FINISHED,
        best=SCORE,
        shifted=0.0123,
    )
    store = SimpleNamespace(searches=lambda: [each])
    monkeypatch.setattr(Store, "open", lambda *_, **__: Opened(store))
    text = fitting(run("list")[0], width)
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
    width: int, terminal: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    progress = Progress(
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
    fitting(text, width)
    for word in ("choosing on validation", "123/1000", "4.91 [4.86, 4.95]", "3 failed", "98.8M saved", STORE):
        assert word in text
