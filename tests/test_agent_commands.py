"""The agent on the command line: a proposer is named, priced, stored, and reopened with its search."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import urial_opt as uo
from tests import tiny_space
from tests.agent_search import Scripted, options, tiny_models, written
from tests.command_line import Run
from tests.scripted_writer import FIELDS, Writer, as_asked
from urial_opt import roles
from urial_opt.nano.json_server import listening
from urial_opt.proposers.clauses import Clauses
from urial_opt.search.versions import VERSIONS
from urial_opt.spaces.proposals import Draft, Task
from urial_opt.store import Store


@pytest.fixture
def proposer() -> Iterator[Scripted]:
    """What writes where `clauses` is named."""
    scripted = Scripted()
    with tiny_models(scripted):
        yield scripted


def settings(path: Path) -> dict[str, dict[str, object]]:
    """The settings of the searches of a store, by name."""
    with Store.open(str(path)) as store:
        return {each.name: dict(store.search(each.name).settings) for each in store.searches()}


def test_a_search_is_resumed_with_its_proposer(run: Run, tmp_path: Path, path: Path, proposer: Scripted) -> None:
    _, err = run(*options(tmp_path, "--proposer", "clauses", "--rounds", 1, "--name", "a", "--store", path))
    assert "space tiny, base nano, judge nano, proposer clauses, store" in err
    assert settings(path)["a"]["proposer"] == "scripted 1"
    assert "\nRound 1 brought 1 system prompt and 1 exemplar; " in err
    assert "[writing new parts] 0/1" in err
    assert proposer.diagnosed == 1
    asked = len(proposer.tasks)
    out, err = run("resume", "a", "--budget", 11, "--store", path, "--json")
    assert "proposer clauses" in err
    assert (proposer.diagnosed, len(proposer.tasks)) == (1, asked)
    assert json.loads(out)["trials"]["total"] == 11
    assert "proposer" in run.refused("resume", "a", "--proposer", "none", "--store", path)


def test_without_a_proposer_a_search_is_as_it_always_was(
    run: Run, tmp_path: Path, path: Path, proposer: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "DEFAULT_PROPOSER", "none")
    for words in ((), ("--proposer", "none"), ("--rounds", 0), ("--proposer", "clauses", "--rounds", 0)):
        run(*options(tmp_path, *words, "--store", path))
    [name] = settings(path)
    assert not {"proposer", "rounds"} & settings(path)[name].keys()
    monkeypatch.setattr(roles, "DEFAULT_PROPOSER", "clauses")
    _, err = run(*options(tmp_path, "--budget", 9, "--store", path))
    assert f"'{name}' began without a proposer, and continues without one." in err
    run("resume", name, "--budget", 10, "--store", path)
    assert [*settings(path)] == [name]
    assert proposer.diagnosed == 0
    run(*options(tmp_path, "--seed", 1, "--store", path))
    assert proposer.diagnosed == 1
    assert len(settings(path)) == 2


def test_versions_of_rounds_decide_only_where_there_are_rounds(
    run: Run, tmp_path: Path, path: Path, proposer: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VERSIONS, "rounds", 1)
    run(*options(tmp_path, "--name", "alone", "--proposer", "none", "--store", path))
    run(*options(tmp_path, "--name", "with", "--proposer", "clauses", "--store", path))
    monkeypatch.setitem(VERSIONS, "rounds", 2)
    run("resume", "alone", "--budget", 9, "--store", path)
    assert "rounds: 1 then, 2 now" in run.refused("resume", "with", "--budget", 9, "--store", path)
    run("resume", "with", "--budget", 9, "--continue-anyway", "--store", path)
    assert "Trial 8 is of" in run("inspect", "with", "--store", path)[0]
    assert " is of" not in run("inspect", "alone", "--store", path)[0]


def test_a_proposer_is_opened_priced_and_limited_as_other_models(
    run: Run, tmp_path: Path, path: Path, proposer: Scripted
) -> None:
    words = options(tmp_path, "--proposer", "clauses", "--name", "a", "--store", path)
    assert "--price proposer=2.5/10" in run.refused(*words, "--max-cost", 1)
    url = "http://localhost:1/v1"
    out, _ = run(*words, "--max-cost", 1, "--price", "proposer=1/2", "--proposer-url", url, "--json")
    bill = json.loads(out)["spending"]["proposer"]
    assert bill["calls"] > bill["cost"] > 0
    with Store.open(str(path)) as store:
        opened = store.search("a").models
    assert opened is not None
    assert opened["proposer"] == {"name": "clauses", "options": {"url": url}, "withheld": []}


def test_a_wrong_proposer_is_refused(run: Run, tmp_path: Path) -> None:
    def refused(*words: str) -> str:
        return run.refused(*options(tmp_path, *words))

    assert "did you mean 'clauses'?" in refused("--proposer", "clause")
    assert "is dspy:gpt-4o" in refused("--proposer", "gpt-4o")
    assert "leave 'url' out" in refused("--proposer", "clauses", "--proposer-url", "http://localhost:1")
    assert "give one, such as --proposer dspy:MODEL" in refused(
        "--proposer", "none", "--proposer-url", "http://localhost:1"
    )


def test_a_program_names_or_opens_one(tmp_path: Path, path: Path, proposer: Scripted) -> None:
    space = tiny_space.write(tmp_path, tiny_space.FILES)
    common = {"base": "nano", "judge": "nano", "budget": 8, "rounds": 1, "store": path}
    named = uo.run_search(space, proposer="clauses", **common)  # type: ignore[arg-type]
    opened = uo.run_search(space, proposer=uo.open_proposer("clauses"), **common)  # type: ignore[arg-type]
    assert named.name == opened.name
    assert named.bill.spent[uo.Role.PROPOSER].calls > 1
    with pytest.raises(uo.InputError, match="is no proposer; give one by name, or opened by `open_proposer`"):
        uo.run_search(space, proposer=3, **common)  # type: ignore[arg-type]
    with pytest.raises(uo.InputError, match="`rounds=0` for none"):
        uo.run_search(space, **{**common, "rounds": -1})  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["tokens", "signal"])
def test_a_round_that_is_cut_short_goes_on_and_asks_nothing_twice(
    run: Run, tmp_path: Path, path: Path, how: str
) -> None:
    words = options(tmp_path, "--proposer", "clauses", "--rounds", 1, "--name", "a", "--store", path)
    whole, cut = Scripted(), Scripted()
    with tiny_models(whole):
        run(*options(tmp_path, "--proposer", "clauses", "--rounds", 1, "--name", "a", "--store", tmp_path / "w.db"))
    if how == "signal":
        first = iter([True])

        def interrupted(task: Task) -> Draft:
            if next(first, False):
                os.kill(os.getpid(), signal.SIGINT)
            return written(task)

        cut.write_one = interrupted
    with tiny_models(cut):
        limit = ("--max-tokens", 420) if how == "tokens" else ()
        _, err = run(*words, *limit, code=3 if how == "tokens" else 130)
        assert "would be exceeded" in err or "Stopped; all results so far are in" in err
        with Store.open(str(path)) as store:
            [begun] = store.rounds("a")
        assert begun.attempts
        assert not begun.closed
        assert "Round 1, after 3 trials, not finished yet" in run("inspect", "a", "--rounds", "--store", path)[0]
        run("resume", "a", "--store", path)
    assert cut.diagnosed == 1
    assert cut.tasks == whole.tasks
    with Store.open(str(path)) as store, Store.open(str(tmp_path / "w.db")) as other:
        assert store.rounds("a") == other.rounds("a")
        assert [each.candidate.params for each in store.trials("a")] == [
            each.candidate.params for each in other.trials("a")
        ]
        assert store.account("a").spent == other.account("a").spent


def test_a_plan_has_the_drafts_of_a_proposer(run: Run, tmp_path: Path, path: Path) -> None:
    words = options(tmp_path, "--budget", 100, "--plan", "--json", "--store", path, "--proposer", "clauses")
    with tiny_models(Clauses()):
        assert json.loads(run(*words)[0])["expected"]["roles"]["proposer"]["calls"] == 0  # rules ask nobody
    with tiny_models(Scripted()):
        planned = json.loads(run(*words, "--price", "proposer=1/2")[0])
        fewer = json.loads(run(*words, "--price", "proposer=1/2", "--rounds", 1)[0])
    expected, most = (planned[which]["roles"]["proposer"] for which in ("expected", "at_most"))
    assert expected["calls"] == 4 * (1 + 24)  # rounds; a diagnosis; (3 * (1 + 3 + 1) + 1) * 1.5 drafts
    assert most["calls"] == 4 * (1 + 48)
    assert fewer["expected"]["roles"]["proposer"]["calls"] == 25
    assert most["cost"] > expected["cost"] > 0
    assert planned["expected"]["roles"]["judge"]["calls"] > fewer["expected"]["roles"]["judge"]["calls"]


def test_a_language_model_behind_a_server_writes_and_sees_only_dev(
    run: Run, tmp_path: Path, path: Path, proposer: Scripted, no_key: None
) -> None:
    words = options(tmp_path, "--proposer", "dspy:wise", "--rounds", 1, "--name", "a", "--store", path)
    queries = tmp_path / "queries.jsonl"
    for split in ("validation", "test"):
        for place, text in enumerate(("What is rain?", "Rob a bank.", "What is snow?", "Forge a pass.")):
            planted = queries.read_text().replace(text, f"{text} Zebra {split} {place}.")
            queries.write_text(planted)
    writer = Writer(lambda prompt: as_asked(prompt, {**FIELDS, "system_text": "Rob a bank, say why. What is snow?"}))
    with listening(writer) as url:
        priced = ("--price", "proposer=1/2", "--max-cost", 1)
        out, err = run(*words, "--proposer-url", url, *priced, "--json")
        assert "Round 1 brought" in err
        asked = len(writer.asked)
        assert json.loads(out)["spending"]["proposer"]["requests"] == asked > 1
        run("resume", "a", "--budget", 10, "--store", path, *priced)
    assert len(writer.asked) == asked
    sent = "\n".join(writer.prompts)
    assert "What is the sun?" in sent
    assert "Zebra" not in sent
    [drafts] = [
        each["drafts"] for each in json.loads(run("inspect", "a", "--rounds", "--json", "--store", path)[0])["rounds"]
    ]
    assert all("[[ ## completed ## ]]" in each["reply"] for each in drafts)
