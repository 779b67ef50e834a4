"""The command `judge-check`: its table, its sentence, its JSON and its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import Run
from tests.scripted_judges import ROWS, Comparing, Scripted
from urial_opt.aspects import Aspect


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "rated.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    return tmp_path / "rated.jsonl"


def test_the_command_prints_a_table_and_a_sentence(run: Run, file: Path) -> None:
    out, err = run("judge-check", file, "--judge", "nano", "--self-consistency", 1)
    assert "nano-judge/1 on 5 answers, 5 of them judged now" in out
    for word in ("helpfulness", "safety", "all", "Spearman", "Kendall", "kappa", "bias", "0, 0", "2 verdicts on each"):
        assert word in out
    *_, sentence = out.splitlines()
    assert sentence.startswith("The judge is within one point of the given scores in 100 % [57, 100] of 13 verdicts")
    assert "neither more lenient nor harsher on average (-0.08 [" in sentence
    assert "[judging] 5/5" in err
    out, _ = run("judge-check", file, "--judge", "nano", "--limit", 1)
    assert "on 1 answers, 0 of them judged now" in out


def test_the_command_prints_json_alone(run: Run, file: Path) -> None:
    told = json.loads(run("judge-check", file, "--judge", "nano", "--json")[0])
    assert set(told) == {
        *("judge", "answers", "asked", "missing", "left_out", "overall", "aspects"),
        *("self_consistency", "position_bias"),
    }
    assert set(told["aspects"]) == set(Aspect)
    assert set(told["overall"]) == {
        *("n", "missing_given", "missing_judged", "exact", "within_one", "spearman", "kendall", "kappa", "bias"),
    }
    assert told["overall"]["within_one"] == {"mean": 1.0, "interval": [pytest.approx(0.57, abs=0.01), 1.0]}
    assert told["aspects"]["factuality"]["spearman"] is None
    assert told["self_consistency"] is None
    again = json.loads(run("judge-check", file, "--judge", "nano", "--self-consistency", 3, "--json")[0])
    assert again["asked"] == 0
    assert again["self_consistency"]["repeats"] == 3
    assert set(again["self_consistency"]["aspects"]["depth"]) == {"answers", "equal", "deviation"}


@pytest.mark.parametrize(("given", "says"), [(2, "and 2.00 points more lenient."), (5, "and 1.00 points harsher.")])
def test_the_sentence_says_which_way_the_judge_leans(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch, given: int, says: str
) -> None:
    monkeypatch.setattr("urial_opt.plugins.open_judge", lambda name, options: Scripted(lambda *_: 4))
    rows = [{"query": f"Q{n}", "answer": "A", "scores": {"clarity": given}} for n in range(9)]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert says in run("judge-check", file, "--judge", "any")[0].splitlines()[-1]


def test_the_command_tells_of_position_bias(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urial_opt.plugins.open_judge", lambda name, options: Comparing({("2", "3"): ("tie", False)}))
    rows = [{"query": "Q", "answer": str(number), "scores": {"clarity": 3}} for number in range(1, 5)]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    out, _ = run("judge-check", file, "--judge", "any", "--position-bias")
    assert "Shown two answers in both orders, the judge gives the same verdict in 67 % [21, 94] of 3 pairs." in out
    told = json.loads(run("judge-check", file, "--judge", "any", "--position-bias", "--json")[0])["position_bias"]
    assert set(told) == {"pairs", "unread", "consistent", "ordered", "follows_given"}
    assert (told["pairs"], told["ordered"], told["follows_given"]) == (3, 0, None)


def test_the_command_says_no_in_one_line(run: Run, file: Path) -> None:
    assert "--judge" in run.refused("judge-check", file)
    assert "did you mean 'nano'?" in run.refused("judge-check", file, "--judge", "nanno")
    assert "there is no such file" in run.refused("judge-check", "none.csv", "--judge", "nano")
    assert "give one that can, such as --judge llm:MODEL" in run.refused(
        "judge-check", file, "--judge", "nano", "--position-bias"
    )
