"""The store gives back exactly what it was given, once each, and its content folder says what it is."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.content import content_folder
from urial_opt.errors import StoreError, UnknownNameError
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import (
    Candidate,
    Completion,
    Estimate,
    Evaluation,
    Judgment,
    Pace,
    Preference,
    Query,
    Sampling,
    Split,
    TrialRecord,
    TrialState,
    Usage,
    Verdict,
)
from urial_opt.store import SearchStatus, Store
from urial_opt.store.schema import schema_sql
from urial_opt.store.tables import SCHEMA_VERSION, metadata

GREEDY = Sampling(max_tokens=64)
AWKWARD = "nul \0, escape \x1b0041, lone \ud83d and \udfff, pair 😀, CRLF\r\n, quote ' \" ; trailing space "


def queries(count: int, *, split: Split = "dev") -> list[Query]:
    return [
        Query(
            id=f"q{i}",
            text=f"What is {i}?",
            kind="safety" if i % 4 == 3 else "regular",
            split=split,
            tags=("task:math", f"n{i}"),
        )
        for i in range(count)
    ]


def evaluated(asked: list[Query], *, word: str) -> Evaluation:
    return Evaluation(
        queries=tuple(asked),
        completions=tuple(
            Completion(
                text=f"{word} answers {query.id}",
                finish_reason="length" if query.id == "q1" else "stop",
                usage=Usage(prompt_tokens=i, completion_tokens=7, saved_tokens=100 + i),
            )
            for i, query in enumerate(asked)
        ),
        judgments=tuple(
            Judgment(
                query_id=query.id,
                judge="judge/v1",
                scores={aspect: None if aspect is Aspect.DEPTH else 3.1 + i for aspect in ASPECTS_OF[query.kind]},
                reasons={"helpfulness": f"because {i}"},
                raw=f'{{"n": {i}}}',
                usage=Usage(prompt_tokens=5),
            )
            for i, query in enumerate(asked)
        ),
    )


def candidate(number: int, *, style: str = "warm") -> Candidate:
    shown = tuple(
        Exemplar(query=f"Who is {k}?", answer=f"Friend {k}.", style=style, tags=("kind",), parent="0" * 16)
        for k in (2, 0, 1)
    )
    prompt = UrialPrompt(system=f"# Instruction\n\nNumber {number}.\n", exemplars=shown)
    return Candidate(prompt=prompt, sampling=GREEDY, params={"k": 3, "system": f"s{number}", "warm": True, "t": 0.1})


def trial(number: int, evaluation: Evaluation, *, score: float | None = 4.0) -> TrialRecord:
    return TrialRecord(
        number=number,
        optuna_number=number + 2,
        candidate=candidate(number),
        query_scores={query.id: None if query.id == "q2" else score for query in evaluation.queries},
        state=TrialState.COMPLETE,
        seconds=0.25,
        usage=Usage(prompt_tokens=10, completion_tokens=20, saved_tokens=30),
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a folder? 100%25 @home" / "store.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    file.parent.mkdir()
    with Store.open(str(file)) as store:
        store.open_search("first", {"budget": 3, "seed": 0})
        yield store


def test_completions_come_back_in_order_and_the_first_stands(store: Store) -> None:
    texts = [f"prompt {i}" for i in range(2500)]
    made = [Completion(text=f"answer {i % 100}", finish_reason="stop") for i in range(2500)]
    store.add_completions("base", GREEDY, texts, made)
    store.add_completions("base", GREEDY, texts[:2], [replace(made[0], text="another")] * 2)
    assert store.find_completions("base", GREEDY, [*reversed(texts), "unseen", texts[5]]) == [
        *reversed(made),
        None,
        made[5],
    ]
    assert store.find_completions("other", GREEDY, texts[:1]) == [None]
    assert store.find_completions("base", replace(GREEDY, seed=1), texts[:1]) == [None]
    store.add_completions("base", GREEDY, [], [])
    assert store.find_completions("base", GREEDY, []) == []


def test_judgments_are_kept_by_judge_query_and_answer(store: Store) -> None:
    asked = queries(8)
    evaluation = evaluated(asked, word="base")
    store.add_judgments(evaluation.judgments, asked, evaluation.completions)
    store.add_judgments([replace(evaluation.judgments[0], raw="later")], asked[:1], evaluation.completions[:1])
    assert store.find_judgments("judge/v1", asked, evaluation.completions) == list(evaluation.judgments)
    assert store.find_judgments("judge/v2", asked[:1], evaluation.completions[:1]) == [None]
    with pytest.raises(ValueError, match="parallel"):
        store.find_judgments("judge/v1", asked, evaluation.completions[1:])
    shifted = store.find_judgments("judge/v1", asked[:2], evaluation.completions[1:3])
    assert shifted == [None, None]
    moved = [replace(query, split="test") for query in asked]
    assert store.find_judgments("judge/v1", moved, evaluation.completions) == list(evaluation.judgments)
    retagged = [replace(asked[0], tags=("task:other",))]
    assert store.find_judgments("judge/v1", retagged, evaluation.completions[:1]) == [None]


def test_an_unread_verdict_stays_unread_and_an_undue_score_is_kept(store: Store) -> None:
    asked, answer = queries(1), [Completion(text="", finish_reason="stop")]
    scores = {**dict.fromkeys(ASPECTS_OF["regular"]), Aspect.SAFETY: 1.0}
    store.add_judgments([Judgment(query_id="q0", judge="j", scores=scores)], asked, answer)
    found = store.find_judgments("j", asked, answer)
    assert found[0] is not None
    assert found[0].scores == scores


def test_every_character_survives(store: Store) -> None:
    asked = [Query(id="é", text=AWKWARD, kind="regular", split="dev", tags=(AWKWARD,))]
    answer = [Completion(text=AWKWARD, finish_reason="stop")]
    scores = dict.fromkeys(ASPECTS_OF["regular"], 4.5)
    verdict = Judgment(query_id="é", judge=AWKWARD, scores=scores, reasons={"depth": AWKWARD}, raw=AWKWARD)
    store.add_completions("base", GREEDY, [AWKWARD], answer)
    store.add_judgments([verdict], asked, answer)
    assert store.find_completions("base", GREEDY, [AWKWARD]) == answer
    assert store.find_judgments(AWKWARD, asked, answer) == [verdict]
    evaluation = Evaluation(queries=tuple(asked), completions=tuple(answer), judgments=(verdict,))
    exemplar = Exemplar(query=AWKWARD, answer=AWKWARD, style=AWKWARD)
    prompt = UrialPrompt(system=AWKWARD, exemplars=(exemplar, exemplar), raw=AWKWARD)
    record = replace(trial(0, evaluation), candidate=replace(candidate(0), prompt=prompt, params={AWKWARD: AWKWARD}))
    store.add_trial("first", record, evaluation)
    assert store.trials("first") == [record]
    assert store.evaluation("first", 0) == evaluation


def test_trials_come_back_as_they_were(store: Store) -> None:
    evaluations = [evaluated(list(reversed(queries(6))), word=f"trial {n}") for n in range(3)]
    records = [trial(n, evaluations[n]) for n in range(3)]
    records[1] = replace(records[1], state=TrialState.PRUNED, candidate=candidate(0, style="terse"))
    records[2] = replace(records[2], state=TrialState.FAILED, candidate=replace(candidate(0), prompt=UrialPrompt()))
    for record, evaluation in zip(records, evaluations, strict=True):
        store.add_trial("first", record, evaluation)
    store.close()
    with Store.open(store.url) as again:
        found = again.trials("first")
        assert found == records
        assert [list(record.query_scores) for record in found] == [["q5", "q4", "q3", "q2", "q1", "q0"]] * 3
        assert [again.evaluation("first", n) for n in range(3)] == evaluations
        with pytest.raises(UnknownNameError, match=r"no trial 3; choose one of 0 to 2"):
            again.evaluation("first", 3)


def test_a_trial_is_recorded_once(store: Store) -> None:
    evaluation = evaluated(queries(4), word="base")
    record = trial(0, evaluation)
    store.add_trial("first", record, evaluation)
    store.add_trial("first", replace(record, seconds=9.0), evaluation)
    assert store.trials("first") == [record]
    with pytest.raises(StoreError, match=r"trial 0 of the search 'first' is recorded with another outcome; .* type"):
        store.add_trial("first", trial(0, evaluation, score=1.0), evaluation)
    with pytest.raises(ValueError, match="same queries"):
        store.add_trial("first", replace(record, number=1, query_scores={}), evaluation)
    assert store.trials("first") == [record]


def test_a_prompt_tried_often_is_one_row(store: Store) -> None:
    evaluation = evaluated(queries(4), word="base")
    for number in range(5):
        store.add_trial("first", replace(trial(number, evaluation), candidate=candidate(0)), evaluation)
    counts = {"prompts": 1, "prompt_exemplars": 3, "exemplars": 3, "answers": 4, "judgments": 4, "queries": 4}
    with sa.create_engine(store.url).connect() as connection:
        for table, count in counts.items():
            assert connection.scalar(sa.text(f"SELECT COUNT(*) FROM urial_{table}")) == count, table
        connection.engine.dispose()


def test_best_is_by_estimate(store: Store) -> None:
    evaluation = evaluated(queries(4), word="base")
    for number in range(4):
        store.add_trial("first", trial(number, evaluation), evaluation)
    assert store.best("first", 2) == []
    assert store.searches()[0].best is None
    estimates = {n: Estimate(mean=mean, low=mean - 1, high=mean + 1) for n, mean in [(0, 3.0), (1, 4.5), (2, 4.0)]}
    store.set_estimates("first", dict.fromkeys(range(4), Estimate(mean=9.0, low=9.0, high=9.0)))
    store.set_estimates("first", {**estimates, 3: Estimate(mean=1.0, low=0.0, high=2.0)})
    store.set_estimates("first", {})
    best = store.best("first", 2)
    assert [(one.trial.number, one.estimate) for one in best] == [(1, estimates[1]), (2, estimates[2])]
    assert best[0].trial == trial(1, evaluation)
    assert len(store.best("first", 100)) == 4
    assert store.searches()[0].best == estimates[1]


def test_a_search_is_resumed_with_the_same_settings_only(store: Store) -> None:
    settings = {"budget": 200, "space": "nano", "weights": {"depth": 1.0}, "stop": ("a", "b")}
    begun = store.open_search("second", settings)
    assert begun.status is SearchStatus.RUNNING
    assert begun.summary is None
    assert store.open_search("second", dict(reversed(settings.items()))) == begun
    assert store.search("second") == begun
    with pytest.raises(StoreError) as refused:
        store.open_search("second", {**settings, "budget": 100, "weights": None, "seed": None})
    assert str(refused.value) == (
        "the search 'second' was begun with other options (budget: 200 then, 100 now; seed: not given then, null now; "
        'weights: {"depth": 1.0} then, null now); type the options it was begun with, or another --name'
    )
    store.finish("second", {"found": {"average": 4.0}})
    assert store.open_search("second", settings).summary == {"found": {"average": 4.0}}
    listed = store.searches()
    assert [(one.name, one.status, one.trials) for one in listed] == [
        ("first", SearchStatus.RUNNING, 0),
        ("second", SearchStatus.FINISHED, 0),
    ]


def test_an_unknown_search_names_the_known_ones(store: Store) -> None:
    with pytest.raises(UnknownNameError, match="no search is called 'fisrt'; did you mean 'first'"):
        store.search("fisrt")
    for use in (store.trials, store.results, lambda name: store.best(name, 1), lambda name: store.finish(name, {})):
        with pytest.raises(UnknownNameError, match="choose one of: first"):
            use("zzz")


def test_results_keep_role_split_and_candidate(store: Store) -> None:
    asked = queries(6, split="test")
    store.add_result("first", "aligned", "test", None, evaluated(asked, word="twin"))
    for number in range(2):
        store.add_result("first", "finalist", "validation", candidate(number), evaluated(asked, word=f"f{number}"))
    store.add_result("first", "finalist", "validation", candidate(1), evaluated(asked, word="again"))
    store.add_result("first", "aligned", "test", None, evaluated(asked, word="again"))
    store.add_result("first", "found", "test", candidate(1), evaluated(asked, word="f1"))
    found = store.results("first")
    assert [(one.role, one.split, one.candidate) for one in found] == [
        ("aligned", "test", None),
        ("finalist", "validation", candidate(0)),
        ("finalist", "validation", candidate(1)),
        ("found", "test", candidate(1)),
    ]
    assert found[0].evaluation == evaluated(asked, word="twin")
    assert found[2].evaluation == found[3].evaluation == evaluated(asked, word="f1")


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("first", ["optuna", "urial"])
def test_optuna_lives_in_the_same_database(tmp_path: Path, first: str) -> None:
    path = str(tmp_path / "store.db")
    if first == "urial":
        Store.open(path).close()
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    optuna.create_study(storage=storage, study_name="s").ask().suggest_float("x", 0, 1)
    with Store.open(path) as store:
        store.open_search("s", {})
        study = optuna.load_study(storage=store.url, study_name="s")
        assert len(study.trials) == 1
        study._storage.remove_session()
    storage.remove_session()
    storage.engine.dispose()


def test_opening_an_up_to_date_store_needs_no_alembic(store: Store, file: Path) -> None:
    code = (
        "import sys; from urial_opt.store import Store; Store.open(sys.argv[1]).searches(); "
        "assert not {'alembic', 'sqlalchemy.orm'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True)


def test_four_processes_open_a_new_store_at_once(tmp_path: Path) -> None:
    code = "import sys; from urial_opt.store import Store; Store.open(sys.argv[1]).open_search('one', {'budget': 1})"
    command = [sys.executable, "-c", code, str(tmp_path / "store.db")]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4


def test_schema_sql_is_fresh() -> None:
    text = content_folder("store").joinpath("schema.sql").read_text("utf-8")
    assert text == schema_sql(), "type: python -m urial_opt.store.schema"


def test_migrations_make_the_tables_of_the_metadata(store: Store) -> None:
    engine = sa.create_engine(store.url)
    with engine.connect() as connection:
        ours = {"include_name": lambda name, type_, _: type_ != "table" or name in metadata.tables}
        assert compare_metadata(MigrationContext.configure(connection, opts=ours), metadata) == []
        rowless = "SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%' ORDER BY name"
        without = [
            table.name for table in metadata.tables.values() if not table.dialect_options["sqlite"]["with_rowid"]
        ]
        assert connection.scalars(sa.text(rowless)).all() == sorted(without)
    engine.dispose()
    assert ScriptDirectory(str(content_folder("store") / "migrations")).get_heads() == [SCHEMA_VERSION]


def test_the_dictionary_names_every_table_and_its_five_queries_run(store: Store) -> None:
    evaluation = evaluated(queries(8), word="base")
    store.add_completions("base", GREEDY, ["a"], evaluation.completions[:1])
    store.add_trial("first", trial(0, evaluation), evaluation)
    store.set_estimates("first", {0: Estimate(mean=4.0, low=3.0, high=5.0)})
    store.add_result("first", "found", "test", candidate(1), evaluated(queries(8, split="test"), word="found"))
    readme = content_folder("store").joinpath("README.md").read_text("utf-8")
    found = re.findall(r"```sql\n(.*?);\n```", readme, re.DOTALL)
    assert len(found) == 5
    engine = sa.create_engine(store.url)
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        explained = re.findall(r"^\| `(urial_\w+)` \|", readme, re.MULTILINE)
        assert sorted(explained) == sorted([*inspector.get_table_names(), *inspector.get_view_names()])
        answers = [connection.execute(sa.text(statement)).mappings().all() for statement in found]
        means = connection.execute(sa.text("SELECT * FROM urial_aspect_means WHERE role = 'trial'")).mappings().one()
        cost = connection.execute(sa.text("SELECT * FROM urial_cost")).mappings().one()
    engine.dispose()
    assert [len(rows) for rows in answers] == [1, 1, 3, 7, 2]
    assert (answers[0][0]["estimate"], answers[0][0]["queries"], answers[0][0]["exemplars"]) == (4.0, 8, 3)
    assert means["depth"] is None
    assert means["safety"] == pytest.approx((6.1 + 10.1) / 2)
    assert (cost["trials"], cost["saved_tokens"]) == (1, 30)


def test_preferences_are_kept_by_judge_query_and_both_answers(store: Store) -> None:
    asked = queries(3)
    firsts, seconds = (
        [Completion(text=f"{word} {query.id}", finish_reason="stop") for query in asked] for word in ("one", AWKWARD)
    )
    verdicts: list[tuple[Verdict | None, bool | None]] = [("first", True), ("tie", False), (None, None)]
    preferred = [
        Preference(
            query_id=query.id,
            judge="pairs/v1",
            overall=overall,
            aspects={Aspect.DEPTH: overall, Aspect.CLARITY: "tie"},
            consistent=consistent,
            raw=AWKWARD,
            usage=Usage(prompt_tokens=9),
        )
        for query, (overall, consistent) in zip(asked, verdicts, strict=True)
    ]
    store.add_preferences(preferred[:2], asked[:2], firsts[:2], seconds[:2])
    store.add_preferences(preferred, asked, firsts, seconds)
    assert store.find_preferences("pairs/v1", asked, firsts, seconds) == preferred
    assert store.find_preferences("pairs/v1", asked, seconds, firsts) == [None] * 3
    assert store.find_preferences("pairs/v2", asked, firsts, seconds) == [None] * 3


def test_of_a_server_the_last_pace_is_known(store: Store) -> None:
    assert store.find_pace("m at http://a/v1") is None
    for at_once in (8, 4):
        store.add_pace("m at http://a/v1", pace := Pace(at_once=at_once, not_before=1.5e9 + at_once))
        assert store.find_pace("m at http://a/v1") == pace
    assert store.find_pace("m at http://b/v1") is None
