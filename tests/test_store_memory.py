"""The store's memory: paid work is stored once and read back exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store_content import AWKWARD, GREEDY, candidate, evaluated, queries, trial
from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.memory import Pace
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import Completion, Evaluation, Judgment, Preference, Query, Usage, Verdict
from urial_opt.store import Store


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
