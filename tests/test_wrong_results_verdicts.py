"""Wrong results from missing verdicts: estimates off the scale, and verdicts counted as what they are not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.command_line import Run
from tests.scripted_judge import Model, reply
from tests.scripted_judges import Comparing
from urial_opt.aspects import Aspect, QueryKind
from urial_opt.evaluation.constraints import Keeping
from urial_opt.evaluation.evaluator import compare_answers
from urial_opt.nano.json_server import listening
from urial_opt.objective import Objective
from urial_opt.prompt import UrialPrompt
from urial_opt.records import (
    Candidate,
    Completion,
    Evaluation,
    Judgment,
    Query,
    Sampling,
    TrialRecord,
    TrialState,
    Usage,
)
from urial_opt.search.racing import Race
from urial_opt.search.standing import Standing
from urial_opt.statistics.strata import Strata, stratified_mean
from urial_opt.store import Store

STORES = Path(__file__).parent / "stores"
KINDS: Mapping[str, QueryKind] = {f"q{i}": "safety" if i % 4 == 3 else "regular" for i in range(12)}
STRATA = Strata(kinds=KINDS, weights=Objective().kind_weights())
Row = Mapping[str, float | None]


def standing_after(*rows: Row) -> Standing:
    standing = Standing(race=Race(strata=STRATA))
    for number, scores in enumerate(rows):
        read = any(score is not None for score in scores.values())
        record = TrialRecord(
            number=number,
            optuna_number=number,
            candidate=Candidate(prompt=UrialPrompt(system="", exemplars=()), sampling=Sampling(), params={}),
            query_scores=scores,
            state=TrialState.COMPLETE if read else TrialState.FAILED,
            seconds=0.0,
            usage=Usage(),
        )
        standing.learn(record, Keeping.KEPT)
    return standing


def without(kind: QueryKind, scores: Row) -> Row:
    return {query: None if KINDS[query] == kind else score for query, score in scores.items()}


@pytest.mark.parametrize("missing", ["safety", "regular"])
def test_a_kind_without_any_verdict_leaves_its_weight_to_the_other(missing: QueryKind) -> None:
    rows = [without(missing, dict.fromkeys(KINDS, 4.0)), without(missing, dict.fromkeys(KINDS, 4.0))]
    assert [each.mean for each in standing_after(*rows).estimates.values()] == pytest.approx([4.0, 4.0])


def test_a_kind_whose_first_verdict_comes_late_counts_from_then_on() -> None:
    full = {query: 4.0 if kind == "regular" else 2.0 for query, kind in KINDS.items()}
    standing = standing_after(without("safety", full), full)
    assert standing.estimates[1].mean == pytest.approx(stratified_mean(full, STRATA).mean, abs=0.01)


rows = st.lists(st.fixed_dictionaries({query: st.none() | st.floats(1, 5) for query in KINDS}), min_size=1, max_size=5)


@given(rows, st.sets(st.sampled_from(["regular", "safety"]), max_size=1))
def test_estimates_never_leave_the_scale(rows: Sequence[Row], missing: set[QueryKind]) -> None:
    for kind in missing:
        rows = [without(kind, row) for row in rows]
    for each in standing_after(*rows).estimates.values():
        assert 1 <= each.interval.low <= each.mean <= each.interval.high <= 5


@given(rows, st.floats(1, 5))
def test_equal_scores_have_their_own_value_as_estimate_whichever_are_missing(rows: Sequence[Row], score: float) -> None:
    equal = [{query: None if each is None else score for query, each in row.items()} for row in rows]
    means = [each.mean for each in standing_after(*equal).estimates.values()]
    assert means == pytest.approx([score] * len(means), abs=0.01)


def test_a_challenger_is_better_only_on_queries_that_both_were_scored_on() -> None:
    incumbent = {query: 4.5 if kind == "regular" else 2.0 for query, kind in KINDS.items()}
    unsafe = without("safety", dict.fromkeys(KINDS, 4.4))
    race = Race(strata=STRATA).after(incumbent)
    assert race.after(unsafe).incumbent == incumbent
    assert race.after(without("safety", dict.fromkeys(KINDS, 4.6))).incumbent != incumbent


def test_an_old_store_learns_why_its_verdicts_are_missing(tmp_path: Path) -> None:
    said = {
        "unread": "No idea.",
        "not_applicable": '```json\n{"safety": {"reason": "A poem.", "score": "N/A"}}\n```',
    }
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript((STORES / "m004.sql").read_text(encoding="utf-8"))
        of_safety = (
            "SELECT j.id FROM urial_judgments j JOIN urial_queries q ON q.id = j.query_id WHERE kind = 'safety' LIMIT 2"
        )
        rows = dict(zip(said, [id_ for (id_,) in database.execute(of_safety)], strict=True))
        for why, id_ in rows.items():
            database.execute("UPDATE urial_judgments SET safety = NULL, raw = ? WHERE id = ?", (said[why], id_))
    Store.open(str(path)).close()
    with closing(sqlite3.connect(path)) as database:
        missing = dict(database.execute("SELECT id, missing FROM urial_judgments WHERE missing <> '{}'"))
        assert {id_: json.loads(each) for id_, each in missing.items()} == {
            id_: {"safety": why} for why, id_ in rows.items()
        }
        assert database.execute("SELECT DISTINCT asked FROM urial_judgments").fetchall() == [(1,)]


@pytest.mark.usefixtures("no_key")
@pytest.mark.parametrize(("said", "average", "code"), [("N/A", 5.0, 0), (None, None, 1)], ids=["n/a", "refused"])
def test_a_judge_that_always_refuses_gets_no_fives(
    run: Run, said: str | None, average: float | None, code: int
) -> None:
    Path("outputs.jsonl").write_text(json.dumps({"instruction": "Name a river.", "output": "The Rhine."}))
    rule = (lambda prompt, _: reply(prompt, said)) if said else (lambda *_: "I'm sorry, but I cannot judge this.")
    with listening(Model(rule)) as url:
        asking = ("--judge", "llm:wise", "--judge-url", url, "--na-as-five", "--store", "s.db", "--json")
        told = json.loads(run("evaluate", "--outputs", "outputs.jsonl", *asking, code=code)[0])
    assert told["average"] == average
    assert (told["not_applicable"], told["refused"], told["unread"]) == ((5, 0, 0) if said else (0, 5, 0))


def test_a_preference_that_could_not_be_read_is_asked_for_again(tmp_path: Path) -> None:
    query = Query(id="q", text="Name a river.", kind="regular", split="test")
    first, second = (Completion(text=text, finish_reason="stop") for text in ("2", "1"))
    judge = Comparing({("2", "1"): (None, None)})
    overall = []
    for _ in range(3):
        with Store.open(str(tmp_path / "s.db")) as store:
            overall += [compare_answers(judge, store, [query], [first], [second])[0].overall for _ in range(2)]
        judge.written.clear()
    assert overall == [None, None, "first", "first", "first", "first"]
    assert len(judge.compared) == 2


def test_inspect_says_why_no_trial_has_a_score(run: Run) -> None:
    query = Query(id="q", text="Name a river.", kind="safety", split="dev")
    unread = Judgment(query_id="q", judge="j", scores={Aspect.SAFETY: None}, raw="Well, well.")
    judged = Evaluation(
        queries=[query], completions=[Completion(text="The Rhine.", finish_reason="stop")], judgments=[unread]
    )
    with Store.open("s.db") as store:
        store.open_search("one", {"weights": {"safety": 1.0}, "base": "b", "aligned": None, "judge": "j"})
        (record,) = standing_after({"q": None}).records.values()
        store.add_trial("one", record, judged)
    out = " ".join(run("inspect", "one", "--store", "s.db")[0].split())
    assert "No trial has a score, 1 failed: none of 1 verdicts of the judge 'j' could be read" in out
    assert "it said 'Well, well.'" in out
