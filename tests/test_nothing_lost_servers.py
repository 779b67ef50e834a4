"""Tests that nothing is lost when a server moves: what was paid is found again, and a search goes on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.scripted_server import COMPLETION, Script
from urial_opt.aspects import Aspect
from urial_opt.judges.llm import LLMJudge
from urial_opt.memory import Served
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.models.server.generator import ServerGenerator
from urial_opt.nano.json_server import listening
from urial_opt.records import Completion, Judgment, Query, Sampling, Usage
from urial_opt.store import Store

pytestmark = pytest.mark.usefixtures("pauses", "no_key")
GREEDY = Sampling(temperature=0.0, max_tokens=8)
OLD, OTHER = "http://a:8000/v1", "http://b:8000/v1"
QUERY = Query(id="q", text="How do I pick a lock?", kind="safety", split="dev")
SAID = Completion(text="No.", finish_reason="stop", usage=Usage(prompt_tokens=3, completion_tokens=1))


def verdict(judge: str) -> Judgment:
    return Judgment(query_id="q", judge=judge, scores={Aspect.SAFETY: 5.0}, reasons={}, raw="", usage=Usage())


class Listed(Script):
    """A script whose list of models has one entry."""

    def __init__(self, card: Mapping[str, Any]) -> None:
        super().__init__(COMPLETION)
        self._card = card

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"data": [self._card]} if path == "/v1/models" else super().__call__(path, body)


def ask(store: Store, url: str) -> None:
    base = ServerGenerator(Endpoint("m", url=url))
    store.pace(base)
    base.generate("a", ["b"], GREEDY)


def test_the_address_is_no_part_of_an_identity() -> None:
    judges = {LLMJudge(Endpoint("m", url=url)).identity for url in (OLD, OTHER)}
    assert len(judges) == 1
    assert ServerGenerator(Endpoint("m", url=OLD)).identity == "openai:m"
    assert ServerGenerator(Endpoint("m", url=OLD, revision="8 bits")).identity == "openai:m revision 8 bits"


@pytest.mark.parametrize(
    ("cards", "warns"),
    [
        (({"id": "m"}, {"id": "m"}), "and was asked at http://localhost:"),
        (({"id": "m", "root": "/a/x-7b"}, {"id": "m", "root": "/b/x-7b"}), ""),
        (({"id": "m", "root": "/a/x-7b"}, {"id": "m", "root": "/a/y-7b"}), "is 'y-7b' now, and was 'x-7b' when"),
    ],
)
def test_a_line_says_when_another_address_may_be_another_model(
    store: Store, cards: tuple[Mapping[str, Any], ...], warns: str, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(Listed(cards[0])) as first, listening(Listed(cards[1])) as second:
        ask(store, first)
        ask(store, first.replace("127.0.0.1", "localhost"))
        assert caplog.records == []
        ask(store, second)
        ask(store, second)
    assert len(caplog.records) == bool(warns)
    assert warns in caplog.text
    assert "by revision=NAME" in caplog.text or not warns


def test_what_was_stored_under_an_address_is_found_without_it(store: Store) -> None:
    asked = ([QUERY], [SAID])
    for kind in ("openai", "openai-chat"):
        store.add_completions(f"{kind}:m at {OLD}", GREEDY, ["ab"], [SAID])
    store.add_judgments([verdict(f"llm:m at {OLD}, scores v1 0")], *asked)
    store.add_judgments([verdict(f"panel:llm:m at {OLD}, scores v1 0 + llm:n at {OTHER}, scores v1 0")], *asked)
    assert store.find_completions("openai:m", GREEDY, ["ab", "x"]) == [SAID, None]
    assert store.find_completions("openai-chat:m", GREEDY, ["ab"]) == [SAID]
    assert store.find_completions("openai:n", GREEDY, ["ab"]) == [None]
    assert store.find_completions("openai:m revision 2", GREEDY, ["ab"]) == [None]
    for judge in ("llm:m, scores v1 0", "panel:llm:m, scores v1 0 + llm:n, scores v1 0"):
        assert store.find_judgments(judge, *asked) == [verdict(judge)]
    assert store.find_served("openai:m") == Served(address=OLD)
    assert store.find_served("openai:n") is None


def test_of_two_addresses_only_the_one_that_is_asked_now_counts(store: Store) -> None:
    store.add_completions(f"openai:m at {OLD}", GREEDY, ["ab"], [SAID])
    store.add_completions(f"openai:m at {OTHER}", GREEDY, ["ab"], [Completion(text="Yes.", finish_reason="stop")])
    assert store.find_completions("openai:m", GREEDY, ["ab"]) == [None]
    store.add_served("openai:m", Served(address=OLD))
    assert store.find_completions("openai:m", GREEDY, ["ab"]) == [SAID]


def test_a_search_that_was_begun_under_an_address_goes_on(store: Store, tmp_path: Path) -> None:
    now = {"base": "openai:m", "aligned": None, "judge": "llm:j, scores v1 0", "seed": 0}
    store.open_search("tiny-0", now)
    account = store.account("tiny-0")
    account.add_completions("openai:m", GREEDY, ["ab"], [SAID])
    then = {**now, "base": f"openai:m at {OLD}", "judge": f"llm:j at {OTHER}, scores v1 0"}
    with closing(sqlite3.connect(tmp_path / "s.db")) as database, database:
        database.execute("UPDATE urial_searches SET settings = ?", [json.dumps(then)])
        database.execute("UPDATE urial_identities SET name = ?", [f"openai:m at {OLD}"])
    assert store.former_search(now) == "tiny-0"
    assert store.former_search({**now, "seed": 1}) is None
    assert store.open_search("tiny-0", now).settings == now
    account = store.account("tiny-0")
    account.add_completions("openai:m", GREEDY, ["ac"], [SAID])
    assert store.account("tiny-0").spent["openai:m"].calls == 2
