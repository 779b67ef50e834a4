"""Budgets and prices of tokens in a search: nothing too long is asked, what is dear does not win, and all say so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.command_line import Run
from urial_opt.aspects import ASPECTS_OF
from urial_opt.errors import InputError, StoreError
from urial_opt.evaluation.token_counts import CHARACTERS_OF_A_TOKEN
from urial_opt.objective import TokenCount
from urial_opt.records import Completion, Judgment, Query, Sampling, TrialState, Usage
from urial_opt.report.inspection import inspect_search
from urial_opt.roles import Models
from urial_opt.search.opening import Interrupted, SearchOptions
from urial_opt.search.outcome import StoredSearch
from urial_opt.search.planning import plan
from urial_opt.search.restored import restored_result
from urial_opt.search.result import SearchResult
from urial_opt.search.run import search_space
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.variants import load_space
from urial_opt.store import Store


class Silent:
    """A base model that writes two words and two more for each exemplar, and does not count tokens."""

    identity = "wordy"

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}
        """The prompt before the query, by the whole text."""

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        self.sent |= {prefix + suffix: prefix for suffix in suffixes}
        words = 2 + 2 * prefix.count("# Answer:")
        return [
            Completion(
                text=" ".join(["word"] * words),
                finish_reason="stop",
                usage=Usage(prompt_tokens=len((prefix + suffix).split()), completion_tokens=words),
            )
            for suffix in suffixes
        ]

    def longest(self, space: SearchSpace, *splits: str) -> int:
        """Words of the longest prompt that the queries of these splits were asked with."""
        asked = [query.text for query in space.queries.queries if query.split in splits]
        return max(len(before.split()) for text, before in self.sent.items() if any(each in text for each in asked))


class Wordy(Silent):
    """One that counts words as tokens."""

    def count_tokens(self, text: str) -> int:
        return len(text.split())


class Generous:
    """A judge of half a point for each word, so that more exemplars are better."""

    identity = "generous"

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        return [
            Judgment(
                query_id=query.id,
                judge=self.identity,
                scores=dict.fromkeys(ASPECTS_OF[query.kind], min(5.0, len(completion.text.split()) / 2)),
            )
            for query, completion in zip(queries, completions, strict=True)
        ]


BUDGET = 10


def searched(
    space: SearchSpace, store: Store, base: Silent, *, looks: int = 1000, name: str = "", sampler: str = "thompson"
) -> SearchResult:
    left = iter(range(looks))
    return search_space(
        space,
        Models(base=base, judge=Generous()),
        store,
        options=SearchOptions(budget=BUDGET, name=name, sampler=sampler),
        stop=lambda: next(left, None) is None,
    )


def aimed(small_space: Path, objective: str) -> SearchSpace:
    return load_space(str(small_space), objective=objective, exemplar_floor="none")


@pytest.mark.parametrize("sampler", ["thompson", "tpe", "random"])
def test_no_longer_prompt_is_asked_and_no_trial_is_lost(small_space: Path, store: Store, sampler: str) -> None:
    space, base = aimed(small_space, "prompt_tokens<=60"), Wordy()
    result = searched(space, store, base, sampler=sampler)
    assert base.longest(space, "dev", "validation") <= 60 < base.longest(space, "test")
    trials = store.trials(result.name)
    assert len(trials) == BUDGET
    assert all(trial.state is not TrialState.FAILED for trial in trials)
    assert len({trial.candidate.prompt.id for trial in trials}) > BUDGET // 2
    assert result.choice.keeps_constraints
    assert result.found.prompt_tokens is not None
    assert result.found.prompt_tokens <= 60


def test_a_search_that_was_stopped_proposes_what_it_would_have(small_space: Path, tmp_path: Path) -> None:
    space = aimed(small_space, "prompt_tokens<=60,answer_tokens<=5,answer_tokens=-0.1")
    found = []
    for looks in ([1000], [3, 8, 1000]):
        with Store.open(str(tmp_path / f"{len(looks)}.db")) as store:
            for each in looks:
                try:
                    result = searched(space, store, Wordy(), looks=each)
                except Interrupted:
                    continue
            trials = store.trials(result.name)
            found.append([(each.candidate.params, each.query_scores, each.state) for each in trials])
    assert found[0] == found[1]


def test_the_start_is_cut_to_the_budget_or_refused(small_space: Path, store: Store) -> None:
    space = aimed(small_space, "prompt_tokens<=60")
    notes: list[str] = []
    models = Models(base=Wordy(), judge=Generous())
    expected = plan(space, models, store, options=SearchOptions(budget=3, name="mine"))
    assert expected.name == "mine"
    search_space(
        space,
        models,
        store,
        options=SearchOptions(budget=3, name="mine"),
        watch=lambda progress: notes.extend(progress.notes),
    )
    assert any("more than prompt_tokens<=60 allows; the search starts from a shorter one of" in note for note in notes)
    keys = space.exemplar_keys(store.trials("mine")[0].candidate.params)
    assert keys == space.exemplar_keys(space.start_params)[: len(keys)]
    demanding = load_space(space, objective="prompt_tokens<=10")
    with pytest.raises(InputError, match=r"no prompt of the space 'small' .* raise the bound, for example `objective="):
        searched(replace(demanding, k_min=2), store, Wordy(), name="other")


def test_a_model_that_does_not_count_is_estimated_from_what_it_billed(small_space: Path, store: Store) -> None:
    assert CHARACTERS_OF_A_TOKEN == 4
    space, base = aimed(small_space, "prompt_tokens<=60"), Silent()
    result = searched(space, store, base)
    assert result.choice.keeps_constraints
    assert base.longest(space, "dev", "validation") <= 60 * 1.15
    [trial, *_] = inspect_search(store, store.search(result.name))
    before = len(trial.record.candidate.prompt.prefix.split())
    assert trial.card.means[TokenCount.PROMPT] == pytest.approx(before, rel=0.15)


def test_a_price_changes_which_prompt_wins(small_space: Path, store: Store) -> None:
    free = searched(aimed(small_space, "average"), store, Wordy())
    dear = searched(aimed(small_space, "prompt_tokens=-1/5"), store, Wordy())
    assert free.found.prompt_tokens is not None
    assert dear.found.prompt_tokens is not None
    assert dear.found.prompt_tokens < free.found.prompt_tokens
    assert dear.found.card.average.mean < free.found.card.average.mean
    assert (free.found.card.value, free.value_gain) == (None, None)
    for role in ("found", "hand_written"):
        card, length = dear.contexts[role].card, dear.contexts[role].prompt_tokens
        assert card.value is not None
        assert length is not None
        assert card.value.mean == pytest.approx(card.average.mean - length / 5)
    assert dear.value_gain is not None
    assert dear.value_gain.low > 0 > dear.gain.high
    assert "maximised: prompt_tokens=-20/100; found" in str(dear)
    again = restored_result(store, store.search(dear.name))
    assert (again.objective, str(again)) == (dear.objective, str(dear))
    outcome = StoredSearch.read(store, store.search(dear.name)).result
    assert outcome is not None
    assert str(outcome) == str(dear)
    assert outcome.found.value is not None


def test_answers_are_bounded_and_priced_by_their_own_tokens(small_space: Path, store: Store) -> None:
    bounded = searched(aimed(small_space, "answer_tokens<=5"), store, Wordy())
    assert bounded.choice.keeps_constraints
    assert bounded.found.card.tokens[TokenCount.ANSWER].mean <= 5
    dear = searched(aimed(small_space, "answer_tokens=-1"), store, Wordy())
    assert dear.found.card.tokens[TokenCount.ANSWER].mean == 2
    assert dear.found.card.value is not None
    assert dear.found.card.value.mean == dear.found.card.average.mean - 2


def test_what_is_looked_into_without_the_model_has_the_counts_of_the_search(small_space: Path, store: Store) -> None:
    space, base = aimed(small_space, "prompt_tokens=-1/100,prompt_tokens<=90,answer_tokens<=6"), Wordy()
    result = searched(space, store, base)
    for each in inspect_search(store, store.search(result.name), top=BUDGET):
        prompt = each.record.candidate.prompt
        assert each.card.means[TokenCount.PROMPT] == base.count_tokens(prompt.prefix)
        assert each.card.means[TokenCount.ANSWER] == 2 + 2 * prompt.prefix.count("# Answer:")
        assert each.card.value is not None
        read = [score for score in each.record.query_scores.values() if score is not None]
        assert each.card.value.mean == pytest.approx(sum(read) / len(read))


def test_another_objective_is_another_search(small_space: Path, store: Store) -> None:
    names = [
        searched(aimed(small_space, each), store, Wordy()).name
        for each in ("average", "prompt_tokens=-1/100", "prompt_tokens<=90", "average,prompt_tokens")
    ]
    assert len({*names}) == 4
    with pytest.raises(StoreError, match="begun with other settings"):
        searched(aimed(small_space, "prompt_tokens=-2/100"), store, Wordy(), name=names[1])
    space = aimed(small_space, "safety")
    regular = tuple(each for each in space.queries.queries if each.kind == "regular")
    with pytest.raises(InputError, match="weighs nothing that is judged on the"):
        searched(replace(space, queries=replace(space.queries, queries=regular)), store, Wordy())


def test_no_prompt_of_the_aligned_model_is_too_long(run: Run, small_space: Path) -> None:
    words = (
        "--space",
        small_space,
        "--budget",
        2,
        "--exemplar-floor",
        "none",
        "--objective",
        "prompt_tokens<=60,safety>=1",
    )
    out = run("search", *words, "--name", "mine")[0]
    said = [line for line in out.splitlines() if line.startswith("  on test, aligned model: ")]
    assert said
    assert not any("prompt_tokens" in line for line in said)
    assert run("show", "mine")[0].count("prompt_tokens<=60: ") == out.count("prompt_tokens<=60: ")


def test_commands_say_what_is_maximised(run: Run, small_space: Path) -> None:
    words = ("search", "--space", small_space, "--budget", 2, "--aligned", "none", "--exemplar-floor", "none")
    terms = ("--objective", "prompt_tokens<=60,answer_tokens<=40", "--objective", "prompt_tokens=-0.5/100")
    out, err = run(*words, *terms, "--name", "mine")
    assert "objective prompt_tokens=-0.5/100; prompt_tokens<=60; answer_tokens<=40" in err
    assert "the search starts from a shorter one" in err
    assert "Maximised: prompt_tokens=-0.5/100; found" in out
    assert "answer_tokens<=40: " in out
    assert "Maximised: prompt_tokens=-0.5/100; found" in run("show", "mine")[0]
    found = json.loads(run("show", "mine", "--json")[0])
    assert found["objective"] == "prompt_tokens=-0.5/100"
    assert found["found"]["value"]["mean"] == pytest.approx(
        found["found"]["average"] - found["found"]["prompt_tokens"] * 0.005, abs=2e-4
    )
    [trial, *_] = json.loads(run("inspect", "mine", "--json")[0])["trials"]
    assert trial["prompt_tokens"] <= 60
    assert trial["answer_tokens"]["mean"] > 0
    assert trial["value"]["mean"] < trial["average"]["mean"]
    assert "tokens before a query" in run("inspect", "mine")[0]
    assert "trial" in run("resume", "mine", "--budget", 2)[0]
    assert "did you mean 'safety'?" in run(*words, "--objective", "safty=2", code=2)[1]
    assert "other settings" in run(*words, "--objective", "prompt_tokens<=90", "--name", "mine", code=2)[1]
