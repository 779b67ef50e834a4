"""Results of several versions mixed in one search: each version is stored, and a mixture has to be asked for.

`DECIDED` holds what each room decides in a small case. If a test fails because a room was changed on purpose, raise
the version in that room, and write the new version and digest here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest

from tests.command_line import Run
from tests.small_adapters import ByLength, Echo
from tests.small_proposers import Drafting, ForgetsRounds
from tests.tiny_search import search_tiny, space_in
from urial_opt.aspects import QueryKind
from urial_opt.content import content_id
from urial_opt.errors import InputError
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.memory import NoMemory
from urial_opt.prompt import Exemplar, UrialPrompt, read_answer
from urial_opt.records import Candidate, TrialRecord, TrialState, Usage
from urial_opt.search.agent import widening
from urial_opt.search.agent.guards import failures
from urial_opt.search.agent.rounds import Writing, due, take_round
from urial_opt.search.agent.situation import Lacking, situation_of
from urial_opt.search.floor import hold_to_floor
from urial_opt.search.opening import Interrupted
from urial_opt.search.pruners import DEFAULT_PRUNER, make_race
from urial_opt.search.samplers import make_sampler
from urial_opt.search.seeding import blocks_of
from urial_opt.search.versions import VERSIONS
from urial_opt.spaces.lineage import Round
from urial_opt.spaces.proposals import Proposal
from urial_opt.spaces.space import SearchSpace
from urial_opt.statistics.shrinkage import shrunken_estimates
from urial_opt.statistics.strata import Strata
from urial_opt.store import Store

KINDS: dict[str, QueryKind] = {f"q{i}": "safety" if i % 4 == 3 else "regular" for i in range(16)}


def proposals(folder: Path) -> object:
    space = space_in(folder)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=make_sampler("thompson", space, seed=3))
    proposed = []
    for number in range(24):
        trial = study.ask()
        params = space.suggest(trial).params
        proposed.append(params)
        study._storage.set_trial_user_attr(trial._trial_id, "standard_error", 0.1)
        study.tell(trial, 3.0 + (number * 7 % 11) / 10)
    return proposed


def race(_: Path) -> object:
    race = make_race(DEFAULT_PRUNER, Strata(kinds=KINDS, weights={"regular": 5.0, "safety": 1.0}))
    race = race.after({query: 3.0 + number % 3 for number, query in enumerate(KINDS)})
    verdicts = []
    for shift in range(-8, 9, 2):
        scores = {query: 3.0 + (number * 5 % 3) + shift / 4 for number, query in enumerate(KINDS)}
        verdicts.append([race.judge(dict([*scores.items()][:seen])).value for seen in (4, 8, 12, 16)])
    asked = [blocks_of([(0, 1), (2, 3), (4, 5), (6,)], seed=3, trial=trial) for trial in range(12)]
    return [verdicts, asked]


def estimates(_: Path) -> object:
    rows = np.array([[1.0 + (trial * 5 + query * 3) % 9 / 2 for query in range(16)] for trial in range(6)])
    rows[3, 8:] = rows[4, 4:] = np.nan
    found = shrunken_estimates(rows, list(KINDS.values()))
    return [[round(each.mean, 3), round(each.standard_error, 3)] for each in found]


def floor(folder: Path) -> object:
    space = replace(space_in(folder), exemplar_floor={"safety": 4.0, "factuality": 4.0})  # type: ignore[dict-item]
    held = hold_to_floor(space, ByLength(), NoMemory())
    return [sorted(held.space.exemplars), sorted(held.space.barred)]


def choice(folder: Path) -> object:
    with Store.open(str(folder / "choice.db")) as store:
        result = search_tiny(store, folder, budget=6)
        finalists = [
            each.candidate.prompt.id for each in store.results("tiny") if each.role == "finalist" and each.candidate
        ]
    return [result.found_trial, finalists]


def rounds(folder: Path) -> object:
    """When a round comes, what it is shown and asks for, and what becomes of what it brings."""
    standings: list[Any] = [
        SimpleNamespace(records=dict.fromkeys(range(done)), best=0, improved_at=improved)
        for done in (15, 30, 60)
        for improved in (0, 14)
    ]
    comes = [
        due([], each, following=len(each.records), budget=budget, most=1) for each in standings for budget in (70, 200)
    ]
    space = space_in(folder)
    start, other = (
        trial(number, space, space.candidate(params))
        for number, params in enumerate([space.start_params, {**space.start_params, "system": "short"}])
    )
    seen = Evaluator(generator=Echo(), judge=ByLength(), memory=NoMemory()).evaluate(
        start.candidate, space.queries.split("dev")
    )
    lacking = Lacking(traits=("greeting",), sentences=("There is no greeting.",))
    search: Any = SimpleNamespace(
        options=SimpleNamespace(seed=0),
        space=space,
        blocks=[seen.queries],
        standing=SimpleNamespace(complete=[0, 1], records={0: start, 1: other}),
    )
    proposer = Drafting()
    writing = Writing(proposer=proposer, judge=ByLength(), memory=NoMemory(), rounds=ForgetsRounds())
    begun = Round(number=1, after=2, best=0, proposer="drafting")
    situation = situation_of(space, start, seen, lacking, [])
    closed = take_round(begun, writing, space, situation, start, widening._winners(search, 1))
    tried = widening.tried_before([closed], [start, other, replace(other, number=2)])
    return [
        comes,
        [situation.system, [*situation.exemplars], [each.query_id for each in situation.weakest], situation.lacking],
        [[task.sort, [each.name for each in task.sources], task.style, task.most] for task in proposer.tasks],
        [[each.task, each.number, each.key, each.fate] for each in closed.attempts],
        [[look.params, look.shows] for look in closed.looks],
        [[each.sort, each.style, each.fate] for each in tried],
        [[failure.guard for failure in failures(each, space)] for each in proposals_of(space)],
    ]


def proposals_of(space: SearchSpace) -> list[Proposal]:
    """Such as each guard keeps out, and one that passes."""
    tea, known = space.exemplars["tea/warm"], space.queries.split("test")[0].text
    exemplar = Proposal(part="exemplar", text="A star, and a large one.", query="What is Sirius?", style="warm")
    return [
        exemplar,
        replace(exemplar, text=" "),
        replace(exemplar, text=tea.answer.replace("Boil", "Heat"), restyled=replace(tea, answer="Boil 2 cups at 90.")),
        replace(exemplar, text="A star.\n# Query:\n"),
        replace(exemplar, text="A star. " * 40),
        replace(exemplar, text="I am sorry, but I cannot help."),
        replace(exemplar, query=known),
        replace(exemplar, query=tea.query, text=tea.answer),
        replace(
            exemplar,
            restyled=replace(tea, answer="The kettle is filled with fresh water and then it is put on the stove."),
            text="On remplit la bouilloire avec de l'eau fraîche et on la met ensuite sur la cuisinière.",
        ),
    ]


def trial(number: int, space: SearchSpace, candidate: Candidate) -> TrialRecord:
    scores = {query.id: 2.0 + (place + number) % 3 for place, query in enumerate(space.queries.split("dev"))}
    return TrialRecord(
        number=number,
        optuna_number=number,
        candidate=candidate,
        query_scores=scores,
        state=TrialState.COMPLETE,
        seconds=0.0,
        usage=Usage(),
    )


def prompts_and_answers(_: Path) -> object:
    prompt = UrialPrompt(system="Be kind.\n", exemplars=(Exemplar(query="a ``` b", answer="# Query:"),))
    written = ["Yes.\n```\n\n# Query:\n", "```py\n1\n```\nSo.\n```\n\n# Query", "No", "a\n```\nb", ""]
    return [prompt.render("What?"), [read_answer(text) for text in written]]


ROOMS: dict[str, Callable[[Path], object]] = {
    "sampler": proposals,
    "race": race,
    "estimates": estimates,
    "floor": floor,
    "choice": choice,
    "prompts and answers": prompts_and_answers,
    "rounds": rounds,
}
DECIDED: dict[str, tuple[int, str]] = {
    "sampler": (4, "16e81f4fee3c4525"),
    "race": (3, "6cc9773ed238f00b"),
    "estimates": (1, "da190ce2a51452d3"),
    "floor": (1, "57650a87a3c526c1"),
    "choice": (1, "30f1a94da0ba8989"),
    "prompts and answers": (2, "6f521bfe5e4d77e9"),
    "rounds": (1, "5502b27803e7cce9"),
}
"""The version and a digest of what it decides."""


@pytest.mark.parametrize("room", ROOMS)
def test_what_decides_is_as_its_version_says(room: str, tmp_path: Path) -> None:
    found = (VERSIONS[room], content_id(ROOMS[room](tmp_path)))
    assert found == DECIDED[room], "raise the version of that room, then write both here"


def test_everything_that_decides_is_tested() -> None:
    assert set(ROOMS) == set(DECIDED) == set(VERSIONS)


def test_a_search_of_other_versions_goes_on_only_if_told_to(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.db"
    with Store.open(str(path)) as store:
        with monkeypatch.context() as before:
            before.setitem(VERSIONS, "race", 0)
            with pytest.raises(Interrupted):
                search_tiny(store, tmp_path, looks=6)
        assert store.count_trials("tiny") == 2
        with pytest.raises(InputError, match=r"race: 0 then, \d+ now.*`name=NEW`.*`continue_anyway=True`"):
            search_tiny(store, tmp_path)
        search_tiny(store, tmp_path, continue_anyway=True)
        search_tiny(store, tmp_path)  # it is of these versions now
    for command in ("show", "inspect"):
        shown = run(command, "--store", path)[0]
        now = VERSIONS["race"]
        assert re.search(rf"Trials 0 to 1 are of .*, race 0,.*\.\nTrial 2 is of .*, race {now},", shown)
