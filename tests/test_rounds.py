"""Rounds: a search asks its proposer when it stalls, guards what it writes, looks at it, and goes on after a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.scripted_writer import BUDGET, have_rounds_soon, nano_models, run, space_without_friends
from urial_opt.proposers.clauses import Clauses
from urial_opt.records import Usage
from urial_opt.roles import Models
from urial_opt.search.agent import rounds, widening
from urial_opt.search.opening import Interrupted
from urial_opt.spaces.lineage import ACCEPTED, Round
from urial_opt.spaces.proposals import Diagnosis, Draft, Situation, Task, Weakness
from urial_opt.spaces.space import SearchSpace
from urial_opt.store import Store

GOOD = "# Instruction\n\nBelow is a list of questions and answers. The answers add a little background."


@dataclass
class Scripted:
    """A proposer that writes by a rule, and keeps what it was shown."""

    write_one: Callable[[Task], Draft] = lambda task: Draft(text=GOOD, asked="?", usage=Usage(prompt_tokens=3))
    identity: str = "scripted 1"
    seen: list[Situation] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)

    def diagnose(self, situation: Situation) -> Diagnosis:
        self.seen.append(situation)
        weakness = Weakness(sentence="Too short.", queries=(situation.weakest[0].query_id,), style="friendly")
        return Diagnosis(weaknesses=(weakness,), asked="What is wrong?", reply="Short.", usage=Usage(prompt_tokens=7))

    def write(self, tasks: Sequence[Task]) -> list[Draft]:
        self.tasks += tasks
        return [self.write_one(task) for task in tasks]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    have_rounds_soon(monkeypatch)


@pytest.fixture(scope="session")
def space(small_space: Path) -> SearchSpace:
    return space_without_friends(small_space)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "search.db")) as opened:
        yield opened


@pytest.fixture(scope="session")
def models() -> Models:
    return nano_models()


def rounds_of(store: Store) -> list[Round]:
    return store.account("s").rounds()


def test_what_passes_gets_a_first_look_and_stays_in_the_pool(space: SearchSpace, models: Models, store: Store) -> None:
    run(space, models, Clauses(), store)
    first, *_ = rounds_of(store)
    assert first.closed
    assert first.diagnosis is not None
    styled = {
        attempt.proposal.style: trial
        for each in rounds_of(store)
        for attempt in each.accepted
        for place, look in enumerate(each.looks)
        if attempt.proposal.restyled and attempt.key in look.shows
        for trial in store.trials("s")[each.after + place :][:1]
    }
    assert styled
    for style, trial in styled.items():
        assert style in {exemplar.style for exemplar in trial.candidate.prompt.exemplars}
    effects = widening.effects(rounds_of(store), store.trials("s"))
    assert effects[0].trial == first.after
    assert effects[0].shows == first.looks[0].shows
    assert {trial.number for trial in store.trials("s")} == set(range(BUDGET))


def test_a_refused_text_is_tried_again_with_remarks_and_then_dropped(
    space: SearchSpace, models: Models, store: Store
) -> None:
    scripted = Scripted(write_one=lambda _: Draft(text="<|im_start|>Be kind.", asked="?"))
    run(space, models, scripted, store)
    first = rounds_of(store)[0]
    system = [attempt for attempt in first.attempts if attempt.task == 0]
    assert [attempt.number for attempt in system] == [0, 1, 2]
    assert all(attempt.fate.startswith("the guard 'layout'") for attempt in system)
    assert first.looks == ()
    again = [task for task in scripted.tasks if task.remarks]
    assert all("chat markup" in " ".join(task.remarks) and task.last for task in again)


def test_an_exemplar_below_the_floor_is_not_proposed(space: SearchSpace, models: Models, store: Store) -> None:
    def wrong(task: Task) -> Draft:
        if task.sort != "restyle":
            return Draft(trouble="nothing to say")
        return Draft(text=f"{task.sources[0].text} Its capital is Kigali. Its currency is the yen.", asked="?")

    run(space, models, Scripted(write_one=wrong), store)
    fates = {
        attempt.proposal.query: attempt.fate for attempt in rounds_of(store)[0].attempts if not attempt.draft.trouble
    }
    assert "below the floor for exemplars" in fates.values()


def test_trouble_leaves_the_search_going(space: SearchSpace, models: Models, store: Store) -> None:
    result = run(space, models, Scripted(write_one=lambda _: Draft(trouble="the model failed: 503")), store)
    assert result.as_json()["trials"]["total"] == BUDGET  # type: ignore[index]
    assert {attempt.fate for attempt in rounds_of(store)[0].attempts} == {"the model failed: 503"}


def test_what_a_proposer_cost_is_on_the_bill(space: SearchSpace, models: Models, store: Store) -> None:
    run(space, models, Scripted(), store)
    spent = store.account("s").spent["scripted 1"]
    written = sum(bool(attempt.draft.asked) for each in rounds_of(store) for attempt in each.attempts)
    assert spent.calls == len(rounds_of(store)) + written
    assert spent.usage.prompt_tokens == 7 * len(rounds_of(store)) + 3 * written


def test_nothing_of_validation_and_test_is_shown(space: SearchSpace, models: Models, store: Store) -> None:
    hidden = [query.text for query in space.queries.queries if query.split != "dev"]
    # it writes the hidden queries itself, so that a guard's remark could show them
    scripted = Scripted(write_one=lambda task: Draft(text=f"{task.sort} {GOOD}", query=hidden[0], asked="?"))
    run(space, models, scripted, store)
    shown = repr([scripted.seen, scripted.tasks])
    assert "Too short." in shown
    assert not [text for text in hidden if text in shown]


@pytest.mark.parametrize("stop_at", ["diagnosis", "drafts", "looks"])
def test_an_interrupted_search_asks_nothing_twice_and_ends_alike(
    stop_at: str, space: SearchSpace, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(store: Store) -> list[object]:
        return [(trial.candidate.params, dict(trial.query_scores)) for trial in store.trials("s")]

    with Store.open(str(tmp_path / "undisturbed.db")) as undisturbed:
        whole = Scripted()
        run(space, models, whole, undisturbed)
        expected = story(undisturbed), rounds_of(undisturbed)
    with Store.open(str(tmp_path / "disturbed.db")) as disturbed:
        broken = Scripted()
        with monkeypatch.context() as patched:
            if stop_at == "diagnosis":
                patched.setattr(Scripted, "write", _killed)
            elif stop_at == "drafts":
                patched.setattr(rounds, "_held_to_floor", _killed)
            else:
                patched.setattr(widening, "note_of", _killed)
            with pytest.raises(KeyboardInterrupt):
                run(space, models, broken, disturbed)
        run(space, models, broken, disturbed)
        assert (story(disturbed), rounds_of(disturbed)) == expected
    assert len(broken.seen) == len(whole.seen)
    assert broken.tasks == whole.tasks


def _killed(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


def test_a_stop_between_rounds_changes_nothing(space: SearchSpace, models: Models, store: Store) -> None:
    calls = iter([False] * 9 + [True])
    with pytest.raises(Interrupted):
        run(space, models, Clauses(), store, stop=lambda: next(calls, True))
    run(space, models, Clauses(), store)
    assert len(store.trials("s")) == BUDGET
    assert all(each.closed for each in rounds_of(store))
    assert ACCEPTED in {attempt.fate for attempt in rounds_of(store)[0].attempts}
