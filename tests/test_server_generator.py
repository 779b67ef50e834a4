"""Tests of generators behind a server: what is sent, how replies are used, and that both equal local models."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.scripted_server import plainly
from urial_opt import plugins
from urial_opt.errors import AdapterError, InputError
from urial_opt.models.local.generator import TransformersGenerator
from urial_opt.models.server.generator import open_aligned, open_base
from urial_opt.nano import models
from urial_opt.nano.faults import Faults
from urial_opt.nano.json_server import Refused, listening
from urial_opt.nano.server import serving
from urial_opt.protocols import Metered
from urial_opt.records import Completion, Sampling
from urial_opt.spaces.space_file import load_space

SPACE = load_space("nano")
PROMPT = SPACE.hand_written.prompt
SUFFIXES = [PROMPT.suffix(query.text) for query in SPACE.queries.split("validation")[::6]]
GREEDY = SPACE.hand_written.sampling


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture(scope="module")
def local() -> TransformersGenerator:
    return models.open_base("")


class Server:
    """Gives every request the same reply, or that of `say`, and records requests and their order."""

    def __init__(self, say: Callable[[Any], str] = lambda _: " fine") -> None:
        self._say = say
        self._lock = threading.Lock()
        self.asked: list[Mapping[str, Any]] = []
        self.events: list[str] = []

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._lock:
            self.asked.append(plainly(body))
            self.events.append("asked")
        said = self._say(body.get("prompt") or body["messages"])
        with self._lock:
            self.events.append("answered")
        message = {"text": said} if path == "/v1/completions" else {"message": {"content": said}}
        return {"choices": [{**message, "finish_reason": "length"}]}


def texts(completions: Sequence[Completion]) -> list[tuple[str, str]]:
    return [(completion.text, completion.finish_reason) for completion in completions]


@pytest.mark.parametrize(
    "sampling",
    [
        GREEDY,
        replace(GREEDY, stop=("\n```\n", "# Query", "# User", "never so", "Let me know")),
        replace(GREEDY, stop=(), repetition_penalty=1.1, max_tokens=30),
        replace(GREEDY, temperature=0.8, top_p=0.9, seed=3, max_tokens=30),
    ],
    ids=["as the space has it", "more stops than can be sent", "penalty", "drawn"],
)
def test_completions_equal_those_of_the_same_model_here(local: TransformersGenerator, sampling: Sampling) -> None:
    ours = local.generate(PROMPT.prefix, SUFFIXES, sampling)
    with serving(base=local) as url:
        theirs = open_base("nano", url=url).generate(PROMPT.prefix, SUFFIXES, sampling)
    assert texts(theirs) == texts(ours)
    assert len(set(texts(ours))) > len(SUFFIXES) // 2
    used, known = (sum(c.usage.prompt_tokens + c.usage.saved_tokens for c in side) for side in (theirs, ours))
    assert used == known
    assert sum(completion.usage.saved_tokens for completion in theirs) > used / 2


@pytest.mark.usefixtures("pauses")
def test_completions_are_the_same_from_a_server_that_fails_a_third_of_the_time(local: TransformersGenerator) -> None:
    ours = local.generate(PROMPT.prefix, SUFFIXES, GREEDY)
    with serving(base=local, faults=Faults(0.3, 1, stall=0.3)) as url:
        theirs = open_base("nano", url=url).generate(PROMPT.prefix, SUFFIXES, GREEDY)
    assert texts(theirs) == texts(ours)


def test_answers_equal_those_of_the_same_aligned_model_here() -> None:
    aligned = models.open_aligned("")
    queries = [query.text for query in SPACE.queries.split("validation")[::20]]
    sampling = Sampling(max_tokens=60, stop=())
    with serving(aligned=aligned) as url:
        theirs = open_aligned("nano-aligned", url=url).answer(queries, sampling)
    assert texts(theirs) == texts(aligned.answer(queries, sampling))


def test_a_prompt_goes_out_as_it_is_and_greedy_decoding_in_the_fewest_words() -> None:
    server = Server()
    with listening(server) as url:
        open_base("m", url=url).generate("Prefix\n", ["suffix\n"], Sampling(stop=("# Query", ""), max_tokens=7))
    assert server.asked == [
        {"model": "m", "prompt": "Prefix\nsuffix\n", "temperature": 0.0, "max_tokens": 7, "stop": ["# Query"]}
    ]


def test_what_is_sent_of_sampling() -> None:
    server = Server()
    sampling = Sampling(
        temperature=0.7, top_p=1.0, max_tokens=9, stop=("a", "b", "c", "d", "e"), seed=5, repetition_penalty=1.1
    )
    with listening(server) as url:
        open_aligned("m", url=url, system="Be brief.").answer(["Hi"], sampling)
        open_aligned("m", url=url).answer(["Hi"], Sampling(stop=()))
    user = {"role": "user", "content": "Hi"}
    assert server.asked == [
        {
            "model": "m",
            "messages": [{"role": "system", "content": "Be brief."}, user],
            "temperature": 0.7,
            "top_p": 1.0,
            "seed": 5,
            "max_tokens": 9,
            "stop": ["a", "b", "c", "d"],
            "repetition_penalty": 1.1,
        },
        {"model": "m", "messages": [user], "temperature": 0.0, "max_tokens": 256},
    ]


def test_a_stop_string_that_a_server_leaves_in_is_cut_off() -> None:
    server = Server(lambda _: "one two five three")
    with listening(server) as url:
        generator = open_base("m", url=url)
        completions = generator.generate("p", ["s"], Sampling(stop=("1", "2", "3", "4", "five", "three")))
        assert texts(completions) == [("one two ", "stop")]
        assert texts(generator.generate("p", ["s"], Sampling(stop=("six",)))) == [("one two five three", "length")]


def test_the_first_request_with_a_new_prefix_goes_ahead_and_the_others_go_together() -> None:
    together = threading.Barrier(3)

    def say(prompt: str) -> str:
        if prompt[-1] in "123":
            together.wait(timeout=10)
        return prompt

    server = Server(say)
    with listening(server) as url:
        generator = open_base("m", url=url)
        replies = generator.generate("prefix ", ["0", "1", "2", "3"], Sampling())
        assert [reply.text for reply in replies] == ["prefix 0", "prefix 1", "prefix 2", "prefix 3"]
        assert server.events[:3] == ["asked", "answered", "asked"]
        generator.generate("prefix ", ["1", "2", "3"], Sampling())
        server.events.clear()
        generator.generate("another ", ["4", "5"], Sampling())
        assert server.events == ["asked", "answered"] * 2
        assert generator.generate("third ", [], Sampling()) == []


def test_completions_are_in_the_order_of_suffixes() -> None:
    def say(prompt: str) -> str:
        time.sleep((9 - int(prompt)) * 0.01)
        return f"{prompt} "

    with listening(Server(say)) as url:
        completions = open_base("m", url=url).generate("", [str(row) for row in range(10)], Sampling())
    assert [completion.text for completion in completions] == [f"{row} " for row in range(10)]


def test_no_more_requests_at_once_than_allowed() -> None:
    def say(_: str) -> str:
        time.sleep(0.005)
        return "fine"

    server = Server(say)
    with listening(server) as url:
        open_base("m", url=url, concurrency="3").generate("", [str(row) for row in range(30)], Sampling())
    under_way, most = 0, 0
    for event in server.events:
        under_way += 1 if event == "asked" else -1
        most = max(most, under_way)
    assert most == 3


def test_a_refused_query_has_no_answer() -> None:
    def answer(_: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if body["messages"][-1]["content"] == "bad":
            return {"choices": [{"message": {"content": "partly", "refusal": "No."}, "finish_reason": "stop"}]}
        return {"choices": [{"message": {"content": "Sure"}, "finish_reason": "stop"}]}

    with listening(answer) as url:
        completions = open_aligned("m", url=url).answer(["bad", "good"], Sampling())
    assert texts(completions) == [("", "stop"), ("Sure", "stop")]


def test_a_prompt_that_does_not_fit_is_an_error_that_says_what_to_do(local: TransformersGenerator) -> None:
    with (
        serving(base=local) as url,
        pytest.raises(AdapterError, match=r"prompt and answer do not fit 'nano at .* use fewer exemplars"),
    ):
        open_base("nano", url=url).generate(PROMPT.prefix, SUFFIXES, replace(GREEDY, max_tokens=2048))


def test_identities_contain_model_server_and_system_text() -> None:
    address = "http://user:password@localhost:1/v1"
    base, plain = open_base("m", url=address), open_aligned("m", url=address)
    assert base.identity == "openai:m"
    assert plain.identity == "openai-chat:m"
    systems = {open_aligned("m", url=address, system=system).identity for system in ("", "Be brief.", "Be warm.")}
    assert len(systems) == 3
    assert plain.identity in systems
    assert isinstance(base, Metered)
    assert isinstance(plain, Metered)
    assert base.priced_as == plain.priced_as == "m"


def test_both_are_found_by_name() -> None:
    options = {"url": "http://localhost:1/v1", "timeout": "5", "concurrency": "2"}
    assert plugins.open_generator("openai:org/m", options).identity == "openai:org/m"
    chat = plugins.open_chat_generator("openai-chat:m:tag", {**options, "system": "Be brief."})
    assert chat.identity.startswith("openai-chat:m:tag under ")


def test_a_model_needs_a_name() -> None:
    with pytest.raises(InputError, match="give openai:MODEL, and its server as `url="):
        open_base("", url="http://localhost:1/v1")
    with pytest.raises(InputError, match="give openai-chat:MODEL, and its server as `url="):
        open_aligned("", url="http://localhost:1/v1")


def test_a_server_without_a_repetition_penalty_says_what_to_type() -> None:
    def refuse(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        for name in ("repeat_penalty", "repetition_penalty"):
            if name in body:
                raise Refused(400, f"Unrecognized request argument supplied: {name}")
        raise Refused(400, "no such luck")

    with listening(refuse) as url:
        base = open_base("m", url=url)
        with pytest.raises(AdapterError) as caught:
            base.generate("a", ["b"], Sampling(repetition_penalty=1.1))
        assert str(caught.value) == (
            f"'m at {url}' refuses the request (400 Unrecognized request argument supplied: repetition_penalty); "
            "do without: set repetition_penalty=1"
        )
        with pytest.raises(AdapterError, match=r"\(400 no such luck\); change what it names"):
            base.generate("a", ["b"], Sampling())
