"""The token shift of prompts in a search: measured once, within its share, and as a reason to drop a prompt."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from urial_opt import plugins
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.protocols import Scorable
from urial_opt.records import ProbeKey, Role, TrialState, Usage
from urial_opt.report.inspection import inspect_search
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.result import SearchResult
from urial_opt.search.run import search_space
from urial_opt.search.shift_probe import SHARE, Probe, ShiftWatch
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Account, Store
from urial_opt.token_scores import AlignedAnswer, TokenScores, TopTokens

ZERO = UrialPrompt()
SHOWN = UrialPrompt(exemplars=(Exemplar(query="Hi?", answer="Hello!"),))
KEY = ProbeKey(base="b", aligned="a", queries=("one", "two"), max_tokens=8)


class Asked(NamedTuple):
    queries: tuple[str, ...] = ()
    contexts: tuple[UrialPrompt, ...] = ()


class Written:
    """A scorer by hand: one answer of two tokens that ended, and one of three that was cut off; it remembers."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def answer(self, queries: Sequence[str], *, max_tokens: int) -> list[AlignedAnswer]:
        self.asked.append(Asked(queries=tuple(queries)))
        return [
            AlignedAnswer(
                query=query,
                tokens=(1, 2) if query == "one" else (3, 4, 5),
                pieces=("x", "y") if query == "one" else ("x", "y", "z"),
                ended=query == "one",
                usage=Usage(prompt_tokens=1, completion_tokens=3),
            )
            for query in queries
        ]

    def score(self, answers: Sequence[AlignedAnswer], contexts: Sequence[UrialPrompt]) -> list[list[TokenScores]]:
        self.asked.append(Asked(contexts=tuple(contexts)))
        return [
            [
                _scores([1, 2, 9], [0.9, 0.1, 0.5], [0.5, 1.5, np.nan]),  # the third is the end of the turn
                _scores([1, 4, 0], [0.8, 0.01, np.nan], [1.0, 1.0, np.nan]),
            ]
            for _ in contexts
        ]

    def texts(self, ids: Sequence[int]) -> list[str]:
        return [str(each) for each in ids]


def _scores(ranks: list[int], probabilities: list[float], divergences: list[float]) -> TokenScores:
    nothing = np.full(len(ranks), np.nan)
    top = TopTokens(ids=np.full((len(ranks), 1), -1), probabilities=np.full((len(ranks), 1), np.nan))
    return TokenScores(
        rank=np.array(ranks),
        probability=np.array(probabilities),
        aligned_probability=nothing,
        kl_base_aligned=nothing,
        kl_aligned_base=np.array(divergences),
        entropy=nothing,
        aligned_entropy=nothing,
        top=top,
        aligned_top=top,
        usage=Usage(prompt_tokens=10),
        aligned_usage=Usage(prompt_tokens=7),
    )


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with Store.open(str(tmp_path / "store.db")) as store:
        store.open_search("mine", {})
        yield store.account("mine")


def test_a_shift_is_of_the_answers_tokens_not_of_the_end_of_the_turn(account: Account) -> None:
    shift = Probe(key=KEY, scorer=Written(), memory=account).measure(ZERO)
    assert shift
    assert shift.positions == 4  # the third token of the second answer is not known
    assert (shift.unshifted, shift.marginal, shift.shifted) == (0.5, 0.25, 0.25)
    assert shift.by_query == pytest.approx((-np.log([0.9, 0.1]).mean(), -np.log([0.8, 0.01]).mean()))
    assert shift.surprise == pytest.approx(-np.log([0.9, 0.1, 0.8, 0.01]).mean())
    assert shift.kl_base_aligned is None
    assert shift.kl_aligned_base == pytest.approx(1.0)
    assert shift.usage == Usage(prompt_tokens=34)


def test_nothing_is_read_twice_not_even_in_another_process(account: Account) -> None:
    scorer = Written()
    first = Probe(key=KEY, scorer=scorer, memory=account)
    measured = first.measure(ZERO)
    assert first.measure(ZERO) == measured
    assert scorer.asked == [Asked(queries=("one", "two")), Asked(contexts=(ZERO,))]

    again = Probe(key=KEY, scorer=scorer, memory=account)
    assert again.measure(ZERO) == measured
    assert len(scorer.asked) == 2
    again.measure(SHOWN)  # the answers are known, the prompt is not
    assert scorer.asked[2:] == [Asked(contexts=(SHOWN,))]
    assert account.spent["a"].usage == Usage(prompt_tokens=2 + 2 * 14, completion_tokens=6)
    assert account.spent["b"].usage == Usage(prompt_tokens=2 * 20)


def test_other_queries_are_another_probe(account: Account) -> None:
    scorer = Written()
    Probe(key=KEY, scorer=scorer, memory=account).measure(ZERO)
    fewer = ProbeKey(base="b", aligned="a", queries=("one", "three"), max_tokens=8)
    Probe(key=fewer, scorer=scorer, memory=account).measure(ZERO)
    assert scorer.asked[2:] == [Asked(queries=("three",)), Asked(contexts=(ZERO,))]


def test_a_watch_keeps_to_its_share(account: Account) -> None:
    watch = ShiftWatch(probe=Probe(key=KEY, scorer=Written(), memory=account))
    prompts = {n: UrialPrompt(system=f"{n}\n") for n in range(6)}
    affords_one = int(3 * len(KEY.queries) / SHARE)
    watch.take(prompts, asked=affords_one - 1)
    assert not watch.by_trial
    watch.take(prompts, asked=affords_one)
    assert list(watch.by_trial) == [0]
    watch.take(prompts, asked=3 * affords_one)
    assert list(watch.by_trial) == [0, 1, 2, 3]
    assert watch.usage == Usage(prompt_tokens=2 + 4 * 34, completion_tokens=6)


def run(store: Store, space: Path, *, budget: int) -> SearchResult:
    twin = plugins.open_chat_generator("nano-aligned")
    models = Models(base=plugins.open_generator("nano"), judge=plugins.open_judge("nano"), aligned=twin)
    return search_space(load_space(str(space)), models, store, options=SearchOptions(budget=budget))


def test_a_search_records_the_shift_of_its_survivors(small_space: Path, tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "store.db")) as store:
        result = run(store, small_space, budget=60)
        assert result.shift
        assert result.shift.by_trial
        survivors = {trial.number for trial in store.trials(result.name) if trial.state is TrialState.COMPLETE}
        assert result.shift.by_trial.keys() <= survivors
        taken = result.shift.usage.prompt_tokens + result.shift.usage.completion_tokens
        spent = result.usage.prompt_tokens + result.usage.completion_tokens
        assert 0 < taken <= SHARE * spent
        assert result.shift.as_json()["tokens"] == taken
        [inspected] = [
            each
            for each in inspect_search(store, store.search(result.name), top=60)
            if each.record.number == min(result.shift.by_trial)
        ]
        assert inspected.shift == result.shift.by_trial[min(result.shift.by_trial)]
        again = run(store, small_space, budget=60)
        assert again.shift == result.shift
        assert again.bill.spent[Role.ALIGNED] == result.bill.spent[Role.ALIGNED]


def test_local_models_are_scorable() -> None:
    assert isinstance(plugins.open_generator("nano"), Scorable)
