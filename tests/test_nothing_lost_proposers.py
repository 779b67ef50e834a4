"""Nothing that a proposer was paid for is lost: drafts are stored as they come, and none is asked for twice."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.scripted_writer import (
    SHORT,
    Writer,
    as_asked,
    have_rounds_soon,
    main,
    nano_models,
    run,
    space_without_friends,
    through_dspy,
)
from urial_opt.nano.json_server import listening
from urial_opt.records import Role
from urial_opt.search.opening import LimitReached
from urial_opt.spaces.lineage import Attempt, Round
from urial_opt.spending import FREE, Price, Terms
from urial_opt.store import Store

pytestmark = pytest.mark.usefixtures("no_key")
SECONDS = 60


def writes(prompt: str) -> str:
    """A text of its own for each prompt, so that some are accepted; it takes as long as storing it does."""
    time.sleep(0.2)
    return as_asked(prompt).replace("Patient", f"Patient and {'very ' * (len(prompt) % 2)}kind")


def rounds_of(store: Path | Store) -> list[Round]:
    if isinstance(store, Store):
        return store.account("s").rounds()
    with Store.open(str(store)) as opened:
        return opened.account("s").rounds()


def test_a_search_that_is_killed_in_a_round_asks_only_for_what_did_not_come(small_space: Path, tmp_path: Path) -> None:
    writer, held = Writer(writes), threading.Event()

    def hold_the_fourth(prompt: str) -> str:
        if len(writer.asked) == 4 and not held.is_set():
            held.wait(SECONDS)
        return writes(prompt)

    store = tmp_path / "killed.db"
    with listening(writer) as url:
        words = [sys.executable, "-m", "tests.scripted_writer", url, str(small_space)]
        main(url, str(small_space), str(tmp_path / "whole.db"), "4")
        asked = Counter(writer.prompts)
        writer.asked.clear()
        writer.rule = hold_the_fourth
        began = time.monotonic()
        with subprocess.Popen([*words, str(store), "4"]) as killed:
            while not (store.exists() and len(_stored(store)) >= 2):
                assert killed.poll() is None
                assert time.monotonic() - began < SECONDS
                time.sleep(0.05)
            killed.kill()
        held.set()
        main(url, str(small_space), str(store), "4")
    again = Counter(writer.prompts) - asked
    assert again.total() == 1, "only what was in the air is asked again"
    assert rounds_of(store) == rounds_of(tmp_path / "whole.db")


def _stored(store: Path) -> list[Attempt]:
    with Store.open(str(store)) as opened:
        if "s" not in [each.name for each in opened.searches()]:
            return []
        return [attempt for each in opened.account("s").rounds() for attempt in each.attempts]


def test_a_draft_is_stored_when_it_comes(small_space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have_rounds_soon(monkeypatch)
    writer = Writer()
    with listening(writer) as url, Store.open(str(tmp_path / "store.db")) as store:
        there: list[int] = []

        def rule(prompt: str) -> str:
            while len(writer.asked) > 2 + len(there):  # the answer before this one is stored meanwhile
                attempts = [each for begun in rounds_of(store) for each in begun.attempts]
                there.extend(range(len(there), len(attempts)))
            return writes(prompt)

        writer.rule = rule
        run(space_without_friends(small_space), nano_models(), through_dspy(url, concurrency="1"), store, budget=SHORT)
    assert there


def test_a_limit_is_passed_only_by_what_is_in_the_air(
    small_space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_rounds_soon(monkeypatch)
    writer, space, models = Writer(writes), space_without_friends(small_space), nano_models()
    prices = {Role.BASE: FREE, Role.JUDGE: FREE, Role.PROPOSER: Price.read("10/0")}
    with listening(writer) as url, Store.open(str(tmp_path / "store.db")) as store:
        terms = Terms(prices=prices, max_cost=0.0025)  # each reply costs a tenth of a cent
        with pytest.raises(LimitReached):
            run(space, models, through_dspy(url, concurrency="2"), store, budget=SHORT, terms=terms)
        first = list(writer.prompts)
        assert 3 <= len(first) <= 4, "one was in the air when the third one was stored"
        identity = rounds_of(store)[0].proposer
        assert store.account("s").spent[identity].requests == len(first)
        run(
            space,
            models,
            through_dspy(url, concurrency="2"),
            store,
            budget=SHORT,
            terms=Terms(prices=prices, max_cost=1.0),
        )
        spent = store.account("s").spent[identity]
        rounds = len(rounds_of(store))
        written = [each for begun in rounds_of(store) for each in begun.attempts]
    assert not set(first) & set(writer.prompts[len(first) :])
    assert spent.requests == spent.calls == len(writer.asked) == len(written) + rounds
    assert spent.usage.prompt_tokens == 100 * len(writer.asked)
