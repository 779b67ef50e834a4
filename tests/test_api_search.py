"""Searches from Python: run, stopped, continued, printed, and loaded from their store."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

import urial_opt as uo
from urial_opt.protocols import ChatGenerator, Generator, Judge

STORES = Path(__file__).parent / "stores"


@dataclass(kw_only=True)
class Opened:
    """The embedded models, opened once."""

    base: Generator
    judge: Judge
    aligned: ChatGenerator


@pytest.fixture(scope="module")
def opened() -> Opened:
    return Opened(base=uo.open_base("nano"), judge=uo.open_judge("nano"), aligned=uo.open_aligned("nano-aligned"))


@pytest.fixture(scope="module")
def found(small_space: Path, tmp_path_factory: pytest.TempPathFactory) -> uo.SearchResult:
    """A search with everything by name, as its defaults are; its store is at `found.database`."""
    return uo.run_search(small_space, budget=3, store=tmp_path_factory.mktemp("found") / "found.db")


def paid(result: uo.SearchResult) -> Mapping[uo.Role, object]:
    return result.bill.spent


def test_the_same_call_pays_nothing_again(
    found: uo.SearchResult, small_space: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    again = uo.run_search(str(small_space), budget=3, store=found.database)
    assert again.name == found.name
    assert again.gain == found.gain
    assert again.prompt == found.prompt
    assert paid(again) == paid(found)
    assert capfd.readouterr() == ("", "")


def test_opened_models_and_stores_are_as_good_as_names(
    found: uo.SearchResult, small_space: Path, opened: Opened
) -> None:
    space = uo.load_space(small_space)
    with uo.Store.open(found.database) as store:
        again = uo.run_search(
            space, base=opened.base, judge=opened.judge, aligned=opened.aligned, budget=3, store=store
        )
        assert store.search(again.name).summary is not None  # it is still open
    assert again.name == found.name
    assert paid(again) == paid(found)
    alone = uo.run_search(
        space, base=opened.base, judge=opened.judge, aligned="none", budget=1, store=found.database, name="alone"
    )
    assert "aligned" in found.contexts
    assert "aligned" not in alone.contexts


@pytest.mark.parametrize("limits", [{"max_tokens": 900, "prices": {"base": "1/2"}}, uo.Terms(max_tokens=900)])
def test_a_search_ends_before_a_limit_and_goes_on_with_a_higher_one(
    limits: uo.Terms | Mapping[str, object], small_space: Path, opened: Opened, tmp_path: Path
) -> None:
    def run(limits: uo.Terms | Mapping[str, object] | None) -> uo.SearchResult:
        return uo.run_search(
            small_space,
            base=opened.base,
            judge=opened.judge,
            aligned="none",
            budget=2,
            store=tmp_path / "s.db",
            limits=limits,
        )

    with pytest.raises(
        uo.LimitReached, match=r"'small-\w+' has stopped: `max_tokens=900` would be exceeded"
    ) as reached:
        run(limits)
    assert "--" not in str(reached.value)
    assert run(None).name == reached.value.name


def test_a_search_stops_when_asked_and_says_how_far_it_is(small_space: Path, opened: Opened, tmp_path: Path) -> None:
    seen: list[uo.Progress] = []

    def run(stop: Callable[[], bool] | None) -> uo.SearchResult:
        return uo.run_search(
            small_space,
            base=opened.base,
            judge=opened.judge,
            aligned="none",
            budget=3,
            store=tmp_path / "s.db",
            watch=seen.append,
            stop=stop,
        )

    with pytest.raises(uo.Interrupted, match="the same call continues it") as interrupted:
        run(lambda: bool(seen) and seen[-1].done >= 1 and seen[-1].total == 3)
    running = uo.load_search(store=tmp_path / "s.db")
    assert running.name == interrupted.value.name
    assert (running.status, running.result, len(running.trials)) == ("stopped", None, 1)
    assert running.best == running.trials[0]
    assert "stopped, 1 trials, best 0" in repr(running)
    result = run(None)
    assert sum(result.states.values()) == 3
    assert any("below the floor" in note for note in seen[-1].notes)
    assert str(seen[-1]).startswith("test 4/4, best ")
    assert max(len(str(each)) for each in seen) < 100


def test_notes_on_models_are_warnings(small_space: Path, opened: Opened, tmp_path: Path) -> None:
    class Slow:
        identity = "slow/1"
        notes = ("It is slow: there is no GPU.",)

        def generate(self, prefix: str, suffixes: Sequence[str], sampling: uo.Sampling) -> list[uo.Completion]:
            return [uo.Completion(text="Lima.", finish_reason="stop") for _ in suffixes]

    with pytest.warns(uo.UrialOptWarning, match="no GPU") as warned:
        uo.run_search(small_space, base=Slow(), judge=opened.judge, aligned="none", budget=1, store=tmp_path / "s.db")
    assert warned[0].filename == __file__
    with pytest.warns(uo.UrialOptWarning, match="no GPU") as warned:
        uo.answer("zero-shot", ["Hi"], base=Slow())
    assert warned[0].filename == __file__


# What is printed


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.all: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.all.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_result_prints_as_a_small_table(found: uo.SearchResult) -> None:
    lines = str(found).splitlines()
    assert len(lines) <= 11
    assert max(map(len, lines)) <= 120
    for part in (found.name, "zero-shot", "hand-written", "aligned model", str(found.found.card.average)):
        assert part in str(found)
    gain = f"gain {found.gain:+.2f}, {'' if found.significant else 'not '}significant"
    assert ("no gain, the hand-written prompt itself" if "hand_written" in found.found_equals else gain) in str(found)
    assert "3 trials" in lines[-1]
    assert len(repr(found)) < 150
    assert "\n" not in repr(found)


def test_a_notebook_shows_an_escaped_table(found: uo.SearchResult) -> None:
    named = replace(found, name="<script>&'mine'")
    html = named._repr_html_()
    assert len(html) < 2_000
    assert "&lt;script&gt;&amp;" in html
    tags = _Tags()
    tags.feed(html)
    assert not tags.open
    assert set(tags.all) == {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
    assert tags.all.count("tr") == 1 + len(found.contexts)


def test_a_found_prompt_is_saved_and_used(found: uo.SearchResult, opened: Opened, tmp_path: Path) -> None:
    found.prompt.save(tmp_path / "found.json")
    loaded = uo.load_prompt(tmp_path / "found.json")
    assert loaded == found.prompt
    assert found.found.candidate is not None
    assert loaded.sampling == found.found.candidate.sampling
    assert loaded.render("Hi") == found.found.candidate.prompt.render("Hi")
    queries = [query for query in found.found.evaluation.queries if query.kind == "regular"][:2]
    with uo.Store.open(found.database) as store:
        measured = uo.evaluate(loaded, queries, base=opened.base, judge=opened.judge, store=store)
    assert measured.usage["base"].completion_tokens == 0  # the search paid for these answers


# What a store holds


def test_a_finished_search_is_loaded(found: uo.SearchResult) -> None:
    search = uo.load_search(found.name, store=found.database)
    assert search.status == "finished"
    assert [trial.number for trial in search.trials] == [0, 1, 2]
    assert search.best is not None
    assert search.best.number == found.found_trial
    assert isinstance(search.result, uo.SearchOutcome)
    changing = ("seconds", "tokens")  # other tests have continued the search
    stored, given = ({k: v for k, v in each.as_json().items() if k not in changing} for each in (search.result, found))
    assert stored == given
    assert search.result.prompt == found.prompt
    assert search.result.significant == found.significant
    assert search.result.hand_written.average.mean == round(found.hand_written.card.average.mean, 4)
    assert str(search.result).splitlines()[:-1] == str(found).splitlines()[:-1]
    assert search.result.tokens == found.bill.tokens
    assert search.result._repr_html_().startswith("<table>")
    assert max(len(repr(each)) for each in (search, search.result, search.best)) < 150


@pytest.mark.parametrize("version", ["m001", "m002", "m003", "m004"])
def test_searches_of_earlier_versions_are_loaded(version: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as database:
        database.executescript((STORES / f"{version}.sql").read_text(encoding="utf-8"))
    finished = uo.load_search("finished", store=tmp_path / "old.db")
    assert finished.result is not None
    assert finished.result.found.average.low <= finished.result.found.average.mean
    assert len(str(finished.result).splitlines()) <= 11
    assert uo.load_search("unfinished", store=tmp_path / "old.db").result is None


def test_a_store_without_a_search_says_so(tmp_path: Path) -> None:
    with pytest.raises(uo.StoreError, match=r"there is no store '.*none.db'"):
        uo.load_search(store=tmp_path / "none.db")
    with uo.Store.open(str(tmp_path / "empty.db")) as store:
        with pytest.raises(uo.InputError, match=r"no search .* run_search"):
            uo.load_search(store=store)
        with pytest.raises(uo.UnknownNameError, match="mine"):
            uo.load_search("mine", store=store)
        store.open_search("mine", {})
        with pytest.raises(uo.InputError, match="has a trial"):
            uo.load_search(store=store)
        begun = uo.load_search("mine", store=store)
    assert (begun.best, begun.result, begun.trials) == (None, None, [])
    assert "none scored" in repr(begun)


def test_a_data_frame_has_a_row_for_each_trial(found: uo.SearchResult, monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = ModuleType("pandas")
    pandas.DataFrame = list  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    search = uo.load_search(store=found.database, name=found.name)
    rows = search.to_frame()
    assert [row["number"] for row in rows] == [0, 1, 2]
    first = rows[0]
    assert (first["state"], first["queries"]) == ("complete", 8)
    assert first["low"] <= first["estimate"] <= first["high"]
    assert first["prompt"] == search.trials[0].candidate.prompt.id
    assert first["params_k"] == len(search.trials[0].candidate.prompt.exemplars)
    assert 1 <= first["score"] <= 5


def test_a_data_frame_needs_pandas(found: uo.SearchResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(uo.InputError, match="pip install pandas"):
        uo.load_search(store=found.database).to_frame()
