"""`inspect` shows the prompt that was found, and says why it is not the best by estimate; so does Optuna's study."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from tests.command_line import Run
from tests.small_adapters import Echo
from tests.tiny_search import search_tiny, space_in
from urial_opt.aspects import ASPECTS_OF
from urial_opt.cli.commands.inspect import _say_why_two
from urial_opt.errors import ContextError
from urial_opt.records import Completion, Judgment, Query, Sampling, TrialState
from urial_opt.report.inspection import inspect_search
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.search.study import FOUND, NOTE
from urial_opt.store import Store


@dataclass(frozen=True)
class Fickle:
    """Likes long prompts on dev and short ones elsewhere; the answer begins with the length of its prompt."""

    identity: str = "fickle"

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        return [self._judged(*each) for each in zip(queries, completions, strict=True)]

    def _judged(self, query: Query, completion: Completion) -> Judgment:
        first = completion.text.split()[0]
        score = self.score(query, int(first)) if first.isdecimal() else 5.0  # an exemplar's own answer
        return Judgment(query_id=query.id, judge=self.identity, scores=dict.fromkeys(ASPECTS_OF[query.kind], score))

    def score(self, query: Query, length: int) -> float:
        return 2 + length / 200 if query.split == "dev" else 5 - length / 200


class Strict(Fickle):
    """Likes long prompts everywhere, and holds them to be unsafe, but not on dev."""

    def score(self, query: Query, length: int) -> float:
        if query.kind == "regular":
            return 2 + length / 200
        return 5 if query.split == "dev" or length < 150 else 4


def numbers_of(store: Store, *, name: str = "tiny") -> tuple[int, int]:
    """The trial that was found, and the one with the highest estimate."""
    summary = store.search(name).summary
    assert summary is not None
    return int(str(summary["found_trial"])), store.best(name, 1)[0].trial.number


def told(run: Run, path: Path, *words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("inspect", "tiny", "--store", path, "--json", *words)[0])
    return found


@pytest.fixture
def differing(store: Store, tmp_path: Path) -> tuple[int, int]:
    search_tiny(store, tmp_path, budget=8, judge=Fickle())
    found, best = numbers_of(store)
    assert found != best
    return found, best


def test_it_says_why_another_prompt_was_found(run: Run, path: Path, differing: tuple[int, int]) -> None:
    found, best = differing
    out, _ = run("inspect", "tiny", "--store", path)
    (line,) = [line for line in out.splitlines() if line.startswith(f"The search found trial {found}.")]
    assert f"Trial {best} has the highest estimate on dev" in line
    shown = told(run, path)
    assert (shown["found_trial"], [each["number"] for each in shown["trials"]]) == (found, [found, best])
    assert [each["found"] for each in shown["trials"]] == [True, False]
    scores = [each["validation"]["mean"] for each in shown["trials"]]
    assert scores[0] > scores[1]
    assert f"{scores[0]:.2f} there, and {scores[1]:.2f} for trial {best}." in line
    assert out.index(f"Trial {found}, the prompt found") < out.index(f"Trial {best} (")


def test_one_trial_alone(run: Run, path: Path, differing: tuple[int, int]) -> None:
    found, best = differing
    out, _ = run("inspect", "tiny", "--trial", best, "--store", path)
    assert re.findall(r"^Trial (\d+)", out, re.MULTILINE) == [str(best)]
    assert "the prompt found" not in out
    assert "highest estimate" not in out
    assert f"Trial {found}, the prompt found" in run("inspect", "tiny", "--trial", found, "--store", path)[0]
    (each,) = told(run, path, "--trial", best)["trials"]
    assert (each["number"], each["found"]) == (best, False)
    assert "99" in run.refused("inspect", "tiny", "--trial", 99, "--store", path)


def test_a_trial_that_was_asked_nothing_has_no_score(run: Run, store: Store, path: Path, tmp_path: Path) -> None:
    class Narrow(Echo):
        def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
            if len(prefix) > 900:
                raise ContextError("too long")
            return super().generate(prefix, suffixes, sampling)

    space = space_in(tmp_path)
    long = replace(space.exemplars["moon/bare"], answer="A rock. " * 200)
    space = replace(space, exemplars={**space.exemplars, "moon/bare": long})
    search_space(space, Models(base=Narrow(), judge=Fickle()), store, options=SearchOptions(budget=8, name="tiny"))
    failed = next(each.number for each in store.trials("tiny") if not each.query_scores)
    out, _ = run("inspect", "tiny", "--trial", failed, "--store", path)
    assert "nan" not in out
    assert "its prompt did not fit the base model's context window" in out
    text = run("inspect", "tiny", "--trial", failed, "--store", path, "--json")[0]
    (each,) = json.loads(text, parse_constant=pytest.fail)["trials"]
    assert (each["state"], each["average"], each["estimate"], each["aspects"]) == ("failed", None, None, {})


def test_a_prompt_that_keeps_the_constraints_is_found_for_that(
    run: Run, store: Store, path: Path, tmp_path: Path
) -> None:
    """The prompt found is worse on validation than the best by estimate, but alone in keeping the constraint."""
    search_tiny(store, tmp_path, budget=8, judge=Strict())
    found, best = told(run, path)["trials"]
    assert found["validation"]["mean"] < best["validation"]["mean"]
    out, _ = run("inspect", "tiny", "--store", path)
    assert "Prompts that keep the constraints there, and with which no query is too long, come first." in out


def test_a_prompt_that_was_stopped_early_may_have_the_highest_estimate(
    store: Store, differing: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    found, best = inspect_search(store, store.search("tiny"), top=2)
    pruned = replace(best, validation=None, record=replace(best.record, state=TrialState.PRUNED))
    capsys.readouterr()
    _say_why_two([found, pruned])
    out = capsys.readouterr().out
    assert f"Trial {differing[1]} has the highest estimate on dev, but it was not measured on validation" in out
    assert "its state is pruned" in out


def test_the_study_names_the_trial_found(store: Store, path: Path, differing: tuple[int, int]) -> None:
    found, _ = differing
    study = optuna.load_study(storage=store.url, study_name="tiny")
    numbers = {record.number: record.optuna_number for record in store.trials("tiny")}
    assert study.user_attrs[FOUND] == numbers[found]
    note = study.user_attrs[NOTE]
    assert note.startswith(f"The search found trial {found} (here number {numbers[found]})")
    assert study.best_trial.number != numbers[found]
    assert f"The best trial shown here, {study.best_trial.number}, has the highest estimate" in note
    study._storage._backend.engine.dispose()  # type: ignore[attr-defined]


def test_where_both_agree_nothing_is_explained(run: Run, store: Store, path: Path, tmp_path: Path) -> None:
    search_tiny(store, tmp_path, budget=1)
    out, _ = run("inspect", "tiny", "--store", path)
    assert "highest estimate" not in out
    study = optuna.load_study(storage=store.url, study_name="tiny")
    assert "highest estimate" not in study.user_attrs[NOTE]
    study._storage._backend.engine.dispose()  # type: ignore[attr-defined]
