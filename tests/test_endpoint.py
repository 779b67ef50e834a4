"""Tests of endpoints over real HTTP: what is sent, how replies are read, and which failures are retried."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.scripted_server import ASKED, COMPLETION, REPLY, Script, failure
from urial_opt.errors import AdapterError, InputError
from urial_opt.models.server.endpoint import Endpoint, open_endpoint
from urial_opt.models.server.replies import Reply
from urial_opt.nano.faults import FAULTS, Fault, Faults
from urial_opt.nano.json_server import Refused, listening
from urial_opt.records import Usage

pytestmark = pytest.mark.usefixtures("pauses", "no_key")


def test_a_request_gets_the_model_and_goes_out_as_it_is() -> None:
    script = Script(COMPLETION)
    with listening(script) as url:
        endpoint = Endpoint("m", url=url + "/")
        assert endpoint.name == f"m at {url}"
        assert endpoint.complete([{**ASKED, "repetition_penalty": 1.1}]) == [REPLY]
        assert endpoint.complete([]) == []
    assert script.asked == [{"model": "m", "prompt": "Hello", "max_tokens": 2, "repetition_penalty": 1.1}]


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}])
def test_usage_may_be_missing(usage: object) -> None:
    with listening(Script({**COMPLETION, "usage": usage})) as url:
        (reply,) = Endpoint("m", url=url).complete([ASKED])
    assert reply.usage == Usage()


@pytest.mark.parametrize(
    ("message", "finish_reason", "text", "refused"),
    [
        ({"content": "Hi"}, "stop", "Hi", False),
        ({"content": "Hi", "refusal": None}, None, "Hi", False),
        ({"content": None, "refusal": "No."}, "stop", "No.", True),
        ({"content": ""}, "content_filter", "", True),
    ],
)
def test_chat(message: object, finish_reason: object, text: str, refused: bool) -> None:
    script = Script({"choices": [{"message": message, "finish_reason": finish_reason}]})
    with listening(script) as url:
        replies = Endpoint("m", url=url).chat([{"messages": []}])
    assert replies == [Reply(text=text, finish_reason="stop", usage=Usage(), refused=refused)]
    assert len(script.asked) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_two_faults_of_a_kind_are_survived(fault: Fault) -> None:
    faults = Faults(1.0, kinds=[fault], stall=1.0)
    script = Script(COMPLETION)
    with listening(script, faults=faults) as url:
        endpoint = Endpoint("m", url=url, timeout=0.3 if fault == "stall" else 60.0)
        assert endpoint.complete([ASKED]) == [REPLY]
    assert faults.struck == {fault: 2, None: 1}
    assert faults.next(b"") == fault


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503, 529])
def test_temporary_failures_are_retried(status: int) -> None:
    script = Script(Refused(status, "not now"), Refused(status, "not now"), COMPLETION)
    with listening(script) as url:
        assert Endpoint("m", url=url).complete([ASKED]) == [REPLY]
    assert len(script.asked) == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        {"error": {"message": "busy"}},
        {**COMPLETION, "choices": None},
        {**COMPLETION, "choices": []},
        {**COMPLETION, "choices": COMPLETION["choices"] * 2},
        {**COMPLETION, "choices": [{"text": None}]},
        {**COMPLETION, "choices": [{"message": {"content": "Hi"}}]},
        {**COMPLETION, "choices": [{"text": 5}]},
    ],
)
def test_malformed_replies_are_retried_and_shown_in_the_end(body: object) -> None:
    script = Script(body, COMPLETION)
    with listening(script) as url:
        assert Endpoint("m", url=url).complete([ASKED]) == [REPLY]
    assert "after 10 tries: its reply is not a completion (" in failure(Script(body))


def test_an_answer_that_stays_empty_is_accepted() -> None:
    empty = {**COMPLETION, "choices": [{"text": "", "finish_reason": "stop"}]}
    script = Script(empty)
    with listening(script) as url:
        (reply,) = Endpoint("m", url=url).complete([ASKED])
    assert reply == Reply(text="", finish_reason="stop", usage=REPLY.usage)
    assert len(script.asked) == 4


def test_an_empty_answer_that_used_up_its_tokens_is_accepted_at_once() -> None:
    script = Script({**COMPLETION, "choices": [{"text": "", "finish_reason": "length"}]})
    with listening(script) as url:
        assert Endpoint("m", url=url).complete([ASKED])[0].text == ""
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("m", None),
        ("m", ""),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("llama3", "llama3:latest"),
        ("org/m", "m"),
        ("m", "/models/m"),
        ("m", "m@main"),
    ],
)
def test_names_that_are_one_model(asked: str, told: str | None) -> None:
    with listening(Script({**COMPLETION, "model": told})) as url:
        assert Endpoint(asked, url=url).complete([ASKED]) == [REPLY]


@pytest.mark.parametrize(("asked", "told"), [("m", "n"), ("gpt-4o", "gpt-4"), ("m", "mm"), ("a/m", "b/m")])
def test_another_name_is_the_models_own_if_three_replies_in_a_row_have_it(
    asked: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script({**COMPLETION, "model": told})
    with listening(script) as url:
        endpoint = Endpoint(asked, url=url)
        assert endpoint.complete([ASKED] * 3) == [REPLY] * 3
    assert len(script.asked) == 5
    assert f"answers as {told!r}, which is taken for its name" in caplog.text
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("told", "replies"), [("n", 3), ("m-2024", 1)])
def test_a_name_that_changes_during_a_run_is_an_error(told: str, replies: int) -> None:
    script = Script(*[{**COMPLETION, "model": told}] * replies, {**COMPLETION, "model": "m-2026"})
    with listening(script) as url:
        endpoint = Endpoint("m", url=url)
        endpoint.complete([ASKED])
        with pytest.raises(AdapterError) as caught:
            endpoint.complete([ASKED])
    assert f"the server answers as 'm-2026', and answered as {told!r} before; " in str(caught.value)
    assert "give it as model_replies=NAME" in str(caught.value)


@pytest.mark.parametrize("pinned", ["n", "deep/n", "n-2024"])
def test_the_name_of_replies_may_be_pinned(pinned: str, caplog: pytest.LogCaptureFixture) -> None:
    with listening(Script({**COMPLETION, "model": pinned})) as url:
        assert Endpoint("m", url=url, model_replies="n").complete([ASKED]) == [REPLY]
    assert caplog.records == []
    script = Script({**COMPLETION, "model": "m"})
    with listening(script) as url, pytest.raises(AdapterError) as caught:
        Endpoint("m", url=url, model_replies="n").complete([ASKED])
    assert "after 4 tries: the server answers as 'm', not as 'n'; correct model_replies=" in str(caught.value)
    assert len(script.asked) == 4


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "7"}, 7, 7),
        ({"Retry-After": "0.25"}, 0.25, 0.25),
        ({"Retry-After": "9", "Retry-After-Ms": "250"}, 0.25, 0.25),
        ({"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"}, 0, 0.5),
        ({"Retry-After": "0"}, 0, 0.5),
        ({"Retry-After": "nan"}, 0, 0.5),
        ({"Retry-After": "soon"}, 0, 0.5),
        ({}, 0, 0.5),
    ],
)
def test_retry_after(headers: Mapping[str, str], least: float, most: float, pauses: list[float]) -> None:
    with listening(Script(Refused(429, "slow down", headers=headers), COMPLETION)) as url:
        assert Endpoint("m", url=url).complete([ASKED]) == [REPLY]
    (pause,) = pauses
    assert least - 0.1 <= pause <= most


def test_retry_after_a_date(pauses: list[float]) -> None:
    headers = {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=200), usegmt=True)}
    with listening(Script(Refused(429, "slow down", headers=headers), COMPLETION)) as url:
        assert Endpoint("m", url=url).complete([ASKED]) == [REPLY]
    (pause,) = pauses
    assert 100 <= pause <= 200


def test_one_request_that_fails_for_good_ends_all() -> None:
    def answer(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if body.get("prompt") == 5:
            raise Refused(400, "no")
        return COMPLETION

    with listening(answer) as url, pytest.raises(AdapterError, match=r"refuses the request \(400 no\)"):
        Endpoint("m", url=url, concurrency=2).complete([{"prompt": row} for row in range(10)])


@pytest.mark.parametrize(
    "options",
    [{"concurrency": value} for value in ("0", "-1", "1.5", "many", "inf")]
    + [{"timeout": value} for value in ("0", "nan", "inf", "")],
)
def test_options_that_are_no_numbers(options: dict[str, str]) -> None:
    (name,) = options
    with pytest.raises(InputError, match=rf"{name} is a number above 0, not .*; give for example {name}="):
        open_endpoint("m", url="http://localhost:1/v1", **options)
    assert open_endpoint("m", url="http://localhost:1/v1", concurrency="4", timeout="0.5").name
