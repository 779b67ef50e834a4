"""Many threads ask one server: in turn, with one request ahead, over connections and threads that are used again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from tests.many_threads import CANDIDATES, CountingServer, in_threads
from urial_opt import plugins
from urial_opt.errors import AdapterError
from urial_opt.judges.llm import open_judge
from urial_opt.judges.panel import open_judge as open_panel
from urial_opt.models.server import hands
from urial_opt.models.server.bounds import _AT_ONCE, _Lanes
from urial_opt.models.server.generator import open_aligned, open_base
from urial_opt.models.server.retries import Retrier
from urial_opt.nano.json_server import Refused, listening
from urial_opt.prompt import FENCE_STOP
from urial_opt.protocols import Concurrent
from urial_opt.records import Sampling

URL = "http://127.0.0.1:1/v1"


def until(there: Callable[[], bool]) -> None:
    for _ in range(2000):
        if there():
            return
        time.sleep(0.005)
    raise AssertionError("it does not come")


def test_models_behind_servers_serve_as_many_as_their_endpoint() -> None:
    for model in (open_base, open_aligned, open_judge):
        opened = model("m", url=URL, concurrency="7")
        assert isinstance(opened, Concurrent)
        assert opened.at_once == 7
    panel = open_panel("llm:a+llm:b", url=URL, concurrency="7")
    assert isinstance(panel, Concurrent)
    assert panel.at_once == 14
    for other in (open_panel("llm:a+nano", url=URL), plugins.open_judge("nano"), plugins.open_generator("nano")):
        assert not isinstance(other, Concurrent)


def test_each_thread_hears_of_its_own_batch() -> None:
    heard: dict[int, dict[int, str]] = {number: {} for number in range(8)}

    def answer(_: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        time.sleep(0.01)
        return {
            "choices": [{"text": f"{body['prompt']} {FENCE_STOP in body.get('stop', ())}", "finish_reason": "stop"}]
        }

    with listening(answer) as url:
        base = open_base("m", url=url)

        def ask(number: int) -> None:
            base.hand_on(lambda new: heard[number].update({place: each.text for place, each in new.items()}))
            base.end_when((lambda _: False) if number % 2 else None)
            together.wait()
            base.generate(f"{number} ", [str(row) for row in range(number)], Sampling(stop=()))

        together = threading.Barrier(8)
        assert in_threads(*[partial(ask, number) for number in range(8)]) == [None] * 8
        assert len(base.generate("", ["nobody hears"], Sampling(stop=()))) == 1
    for number, texts in heard.items():
        assert texts == {row: f"{number} {row} {number % 2 == 1}" for row in range(number)}


def test_requests_go_out_in_the_order_in_which_they_came() -> None:
    retrier = Retrier("m", concurrency=4)
    begun: list[str] = []
    go = threading.Semaphore(0)

    def ask(name: str) -> str:
        begun.append(name)
        go.acquire()
        return name

    callers = []
    for number, name in enumerate("abcd"):
        callers.append(threading.Thread(target=retrier.ask_all, args=(ask, [name] * 4)))
        callers[-1].start()
        until(lambda: len(begun) == 4)
        until(lambda waiting=4 * number: len(retrier._limit._waiting) == waiting)  # type: ignore[misc]
    for number in range(5, 17):
        go.release()
        until(lambda number=number: len(begun) == number)  # type: ignore[misc]
    go.release(4)
    for caller in callers:
        caller.join()
    assert "".join(begun) == "aaaabbbbccccdddd"


def test_one_request_goes_ahead_of_those_of_all_threads() -> None:
    events: list[str] = []

    def answer(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        events.append("asked")
        time.sleep(0.05)
        if "seed" in body:
            raise Refused(400, "Unsupported parameter: 'seed'")
        events.append("answered")
        return {"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]}

    with listening(answer) as url:
        aligned = open_aligned("m", url=url)
        asks = [
            partial(aligned.answer, [f"{number} {row}" for row in range(3)], Sampling(temperature=1))
            for number in range(8)
        ]
        assert in_threads(*asks) == [None] * 8
    assert events[:3] == ["asked", "asked", "answered"], "the first learns that there is no seed"
    assert events.count("asked") == 1 + 24


def test_a_request_ahead_that_fails_is_followed_by_the_next_threads() -> None:
    asked: list[int] = []

    def answer(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(1)
        if len(asked) < 3:
            raise Refused(403, "not this one")
        return {"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]}

    with listening(answer) as url:
        aligned = open_aligned("m", url=url)
        errors = in_threads(*[partial(aligned.answer, [str(number)], Sampling()) for number in range(6)])
    assert sum(isinstance(error, AdapterError) for error in errors) == 2
    assert errors.count(None) == 4


def test_prompts_that_are_asked_about_in_turn_are_read_ahead_once_each() -> None:
    server = CountingServer(seconds=0.05)
    with listening(server) as url:
        base = open_base("m", url=url)
        for turn in range(2):
            for each in CANDIDATES[:3]:
                server.most = 0
                base.generate(each.prompt.prefix, [each.prompt.suffix(f"{turn} {row}") for row in range(2)], Sampling())
                assert server.most == 1 + turn


def test_no_client_has_more_than_a_few_connections() -> None:
    lanes = _Lanes()
    contexts = [lanes.one() for _ in range(3 * _AT_ONCE)]
    entered = [each.__enter__() for each in contexts]
    assert [entered.count(each) for each in dict.fromkeys(entered)] == [_AT_ONCE] * 3
    for each in contexts:
        each.__exit__(None, None, None)
    with lanes.one() as lane:
        assert lane is entered[0], "its connections are open still"
    lanes.close()


def test_threads_are_used_again_and_a_copy_of_the_process_starts_its_own() -> None:
    names: list[str] = []

    def work() -> None:
        names.append(threading.current_thread().name)

    for number in range(1, 6):
        hands.start(work)
        until(lambda number=number: len(names) == number and bool(hands._hands._idle))  # type: ignore[misc]
    assert len(set(names)) == 1
    child = os.fork()
    if child == 0:
        done = threading.Event()
        hands.start(done.set)
        os._exit(not done.wait(10))
    assert os.waitpid(child, 0)[1] == 0


def test_a_thread_that_waits_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_PATIENCE", 0.01)
    own = hands._Hands()
    done = threading.Event()
    own.start(done.set)
    assert done.wait(10)
    until(lambda: not own._idle)
    again = threading.Event()
    own.start(again.set)
    assert again.wait(10)
