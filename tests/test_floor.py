"""The floor for exemplars: exemplars below it are not proposed; what it costs and what is reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from tests.command_line import Run
from urial_opt import plugins
from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.errors import InputError
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import Completion, Judgment, Query
from urial_opt.roles import Models
from urial_opt.search.floor import hold_to_floor
from urial_opt.search.opening import LimitReached, SearchOptions
from urial_opt.search.progress import Phase, Progress
from urial_opt.search.run import search_space
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space, read_floor
from urial_opt.spaces.variants import starting_from, without_exemplars
from urial_opt.spending import Terms
from urial_opt.store import Store


@pytest.fixture(scope="module")
def space(small_space: Path) -> SearchSpace:
    return load_space(str(small_space))


class ByAnswer:
    """A judge that scores by the words of an answer, and records what it is asked."""

    identity = "by answer"

    def __init__(self, **scores: float | None) -> None:
        self.scores = scores
        self.asked: list[Query] = []

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        self.asked += queries
        found = []
        for query, completion in zip(queries, completions, strict=True):
            score = next((score for word, score in self.scores.items() if word in completion.text), 5.0)
            scores = dict.fromkeys(ASPECTS_OF[query.kind], score)
            found.append(Judgment(query_id=query.id, judge=self.identity, scores=scores))
        return found


def small(space: SearchSpace, *keys: str) -> SearchSpace:
    pool = {key: space.exemplars[key] for key in keys}
    return replace(space, exemplars=pool, k_max=len(pool))


POOL = ("Finland/friendly", "Finland/gossip", "rob-a-bank/friendly", "rob-a-bank/word", "France/friendly")


def test_an_exemplar_below_the_floor_is_not_proposed_and_yardsticks_keep_theirs(
    space: SearchSpace, tmp_path: Path
) -> None:
    with Store.open(str(tmp_path / "store.db")) as store:
        judge = plugins.open_judge("nano")
        floor = hold_to_floor(space, judge, store)
        verdicts = {key: judge.judge([q], [a])[0] for key, (q, a) in asked(space).items()}
    low = {
        key
        for key, verdict in verdicts.items()
        if any((verdict.scores.get(aspect) or 5) < 4 for aspect in (Aspect.SAFETY, Aspect.FACTUALITY))
    }
    assert low
    assert floor.below == len(low)
    assert floor.space.exemplars.keys() == space.exemplars.keys() - low
    assert floor.space.plain_icl == space.plain_icl
    assert floor.space.hand_written == space.hand_written
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(50):
        assert not low & {*floor.space.exemplar_keys(floor.space.suggest(study.ask()).params)}


def asked(space: SearchSpace) -> dict[str, tuple[Query, Completion]]:
    return {
        key: (
            Query(id=key, text=each.query, kind="safety" if "safety" in each.tags else "regular", split="dev"),
            Completion(text=each.answer, finish_reason="stop"),
        )
        for key, each in space.exemplars.items()
    }


def test_each_exemplar_is_judged_once_whatever_comes_later(space: SearchSpace, tmp_path: Path) -> None:
    judge = ByAnswer()
    with Store.open(str(tmp_path / "store.db")) as store:
        hold_to_floor(space, judge, store)
        first = len(judge.asked)
        assert first == len({(each.query, each.answer) for each in space.exemplars.values()})
        hold_to_floor(space, judge, store)
        assert len(judge.asked) == first


def test_a_floor_on_one_kind_asks_about_that_kind_alone(space: SearchSpace, tmp_path: Path) -> None:
    judge = ByAnswer()
    with Store.open(str(tmp_path / "store.db")) as store:
        hold_to_floor(replace(space, exemplar_floor={Aspect.SAFETY: 4.0}), judge, store)
        assert {query.kind for query in judge.asked} == {"safety"}
        judge.asked.clear()
        assert hold_to_floor(replace(space, exemplar_floor={}), judge, store).space.exemplars == space.exemplars
        assert not judge.asked


def test_an_unread_verdict_bars_nothing_and_is_said(space: SearchSpace, tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "store.db")) as store:
        floor = hold_to_floor(small(space, *POOL), ByAnswer(Helsinki=None), store)
    assert floor.space.barred == {}
    assert floor.unread
    assert f"{floor.unread} exemplars got no readable verdict" in floor.notes[-1]


def test_the_start_keeps_its_exemplars_and_that_is_said(space: SearchSpace, tmp_path: Path) -> None:
    key = space.exemplar_keys(space.start_params)[0]
    with Store.open(str(tmp_path / "store.db")) as store:
        floor = hold_to_floor(space, ByAnswer(**{space.exemplars[key].answer: 1.0}), store)
    assert floor.kept == (key,)
    assert key in floor.space.exemplars
    assert f"kept because the starting prompt contains them: {key!r}" in " ".join(floor.notes)


def test_exemplars_of_an_imported_prompt_are_of_no_known_kind_and_not_judged(
    space: SearchSpace, tmp_path: Path
) -> None:
    judge = ByAnswer(This=1.0)
    start = UrialPrompt(exemplars=(Exemplar(query="What is bad?", answer="This is."),))
    with Store.open(str(tmp_path / "store.db")) as store:
        floor = hold_to_floor(starting_from(small(space, *POOL), start), judge, store)
    assert "imported-1/imported" in floor.space.exemplars
    assert "What is bad?" not in {query.text for query in judge.asked}


def test_a_pool_with_fewer_queries_than_slots_has_fewer_slots(space: SearchSpace) -> None:
    pool = small(space, *POOL)
    left = without_exemplars(pool, {"France/friendly", "Finland/gossip"})
    assert (left.k_max, sorted(left.exemplars)) == (2, ["Finland/friendly", "rob-a-bank/friendly", "rob-a-bank/word"])
    assert left.fingerprint != pool.fingerprint  # a search stores the hash of the space that it was given
    assert without_exemplars(pool, {"nobody"}) is pool


def test_a_search_says_what_fell_below_and_stops_before_a_limit(space: SearchSpace, tmp_path: Path) -> None:
    seen: list[Progress] = []
    models = Models(base=plugins.open_generator("nano"), judge=ByAnswer())
    with Store.open(str(tmp_path / "store.db")) as store:
        options = SearchOptions(budget=1, terms=Terms(max_seconds=0.0))
        with pytest.raises(LimitReached):
            search_space(space, models, store, options=options, watch=seen.append)
        models = replace(models, judge=ByAnswer(Helsinki=1.0))
        result = search_space(space, models, store, options=SearchOptions(budget=1), watch=seen.append)
    assert Phase.EXEMPLARS in {progress.phase for progress in seen}
    assert "exemplars are below the floor and are not proposed" in " ".join(seen[-1].notes)
    assert result.found_trial == 0


def test_floors_are_read_from_space_files_and_from_the_command_line(small_space: Path, tmp_path: Path) -> None:
    default = {Aspect.SAFETY: 4.0, Aspect.FACTUALITY: 4.0}
    assert load_space(str(small_space)).exemplar_floor == default
    text = small_space.read_text()
    for line, floor in (("none", {}), ("{}", {}), ("{depth: 2.5}", {Aspect.DEPTH: 2.5})):
        file = small_space.with_name("floor.yaml")
        file.write_text(f"{text}exemplar_floor: {line}\n")
        assert load_space(str(file)).exemplar_floor == floor
        file.unlink()
    assert read_floor("none") == {}
    assert read_floor("safety=4.5, depth=2") == {Aspect.SAFETY: 4.5, Aspect.DEPTH: 2.0}
    for wrong in ("safety", "safety=x", "safety=9", "kindness=4"):
        with pytest.raises(InputError):
            read_floor(wrong)


def test_the_option_decides_what_is_proposed(run: Run, small_space: Path) -> None:
    words = ("search", "--space", small_space, "--aligned", "none", "--budget", 1)
    assert "exemplars are below the floor" in run(*words)[1]
    _, err = run(*words, "--exemplar-floor", "none")
    assert "below the floor" not in err
    assert "minimum score from 1 to 5" in run.refused(*words, "--exemplar-floor", "safety=9")
    assert len(run("list", "--json")[0].split('"name"')) == 3  # two searches, since the floor affects the result
