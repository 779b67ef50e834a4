"""A proposer sees nothing of what a search is measured on: planted words are searched in all that was sent to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.scripted_writer import (
    SHORT,
    Writer,
    as_asked,
    have_rounds_soon,
    nano_models,
    run,
    space_without_friends,
    through_dspy,
)
from tests.small_adapters import ByLength
from urial_opt.nano.json_server import listening
from urial_opt.spaces.space import SearchSpace
from urial_opt.store import Store

pytestmark = pytest.mark.usefixtures("no_key")


def planted(space: SearchSpace) -> SearchSpace:
    """The space with a word of its own in each query, and in its id."""
    queries = [
        replace(query, text=f"{query.text} (zq{query.split}{number})", id=f"zq{query.split}-{number}")
        for number, query in enumerate(space.queries.queries)
    ]
    return replace(space, queries=replace(space.queries, queries=tuple(queries)))


def test_nothing_of_validation_and_test_is_sent_to_a_proposer(
    small_space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_rounds_soon(monkeypatch)
    space = planted(space_without_friends(small_space))
    hidden = [query.text for query in space.queries.queries if query.split != "dev"]
    turn = iter(range(100))

    def knowing(_: str) -> str:
        """The writer knows the queries, so that remarks on its drafts might repeat others."""
        fields = {"reason": "So.", "new_query": hidden[next(turn) % len(hidden)], "new_answer": "It is.", "style": "x"}
        weaknesses = [{"sentence": "Cold.", "query_ids": ["q1"], "style": "friendly"}, {"sentence": "Short."}]
        return as_asked(_, {**fields, "weaknesses": weaknesses, "system_text": "User: who?"})

    writer = Writer(knowing)
    with listening(writer) as url, Store.open(str(tmp_path / "store.db")) as store:
        run(space, replace(nano_models(), judge=ByLength()), through_dspy(url), store, budget=SHORT)
    sent = "\n".join(writer.prompts)
    assert len(writer.asked) > 4
    assert "zqdev" in sent
    assert "your_last_text" in sent
    assert "zqvalidation" not in sent
    assert "zqtest" not in sent
