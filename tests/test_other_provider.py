"""Models of other providers: DSPy asks them, and they are retried, stored and billed like those behind a server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dspy  # type: ignore[import-untyped]
import pytest
from dspy import lm15

from tests.scripted_server import KEY
from tests.scripted_writer import FIELDS, Writer, as_asked, chat_reply
from urial_opt.errors import AdapterError
from urial_opt.nano.json_server import Refused, listening
from urial_opt.proposers import other_provider
from urial_opt.proposers.dspy_proposer import DSPyProposer, open_proposer
from urial_opt.proposers.other_provider import OtherProvider
from urial_opt.protocols import Proposer
from urial_opt.testing.contracts import ProposerContract
from urial_opt.testing.proposer_contract import TASKS

pytestmark = pytest.mark.usefixtures("pauses", "no_key")


REQUEST = {"messages": [{"role": "user", "content": "Go on."}], "temperature": 0, "max_tokens": 1}


class Engine:
    """A provider's model, as DSPy sees it."""

    def __init__(self, reply: Callable[[str], Any] = as_asked) -> None:
        self.reply = reply
        self.asked: list[Any] = []

    def complete(self, request: Any) -> Any:
        self.asked.append(request)
        said = self.reply(request.messages[-1].text)
        if isinstance(said, Exception):
            raise said
        usage = lm15.Usage(input_tokens=100, output_tokens=10)
        message = lm15.Message.assistant(said)
        return lm15.Response(id="1", model="m", message=message, finish_reason="stop", usage=usage)


def proposer_of(engine: Engine) -> DSPyProposer:
    lm = dspy.LM("provider/wise", engine=engine, cache=False, num_retries=0)
    return DSPyProposer(OtherProvider(lm, timeout=5.0))


class TestOtherProvider(ProposerContract):
    @pytest.fixture
    def proposer(self) -> Proposer:
        return proposer_of(Engine())


def test_what_is_asked_and_what_it_costs() -> None:
    engine = Engine()
    proposer = proposer_of(engine)
    [draft] = proposer.write(TASKS[:1])
    assert (draft.text, draft.usage.prompt_tokens, draft.usage.completion_tokens) == (FIELDS["system_text"], 100, 10)
    [asked] = engine.asked
    assert (asked.config.temperature, asked.config.max_tokens) == (0.7, 2000)
    assert [message.role for message in asked.messages] == ["user", "assistant", "user"]
    assert draft.asked == "\n\n".join([asked.system, *(message.text for message in asked.messages)])
    assert (proposer.priced_as, proposer.identity.split(",")[0]) == ("provider/wise", "dspy:provider/wise")


@pytest.mark.parametrize(
    ("error", "trouble", "tries"),
    [
        (lm15.RateLimitError("slow down"), "gave up on 'provider/wise' after 10 tries", 10),
        (lm15.ServerError(f"it broke at {KEY}"), "gave up", 10),
        (lm15.TimeoutError("too slow"), "after 3 tries", 3),
        (lm15.AuthError(f"the key {KEY} is wrong"), "set the key", 1),
        (lm15.ContextLengthError("too many tokens"), "too many tokens", 1),
        (RuntimeError(f"no idea, {KEY}"), "failed", 1),
    ],
)
def test_its_errors_are_trouble(error: Exception, trouble: str, tries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER_API_KEY", KEY)
    engine = Engine(lambda _: error)
    [draft] = proposer_of(engine).write(TASKS[:1])
    assert trouble in str(draft.trouble)
    assert KEY not in repr(draft)
    assert "\n" not in str(draft.trouble)
    assert len(engine.asked) == tries


def test_a_call_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_provider, "_SLACK", 0.0)
    lm = dspy.LM("provider/wise", engine=Engine(lambda _: time.sleep(3)), cache=False, num_retries=0)
    with pytest.raises(AdapterError, match="3 tries: its reply did not end within"):
        OtherProvider(lm, timeout=0.05).chat([REQUEST])


@pytest.fixture
def anthropic(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """A server that speaks Anthropic's protocol, and what it was asked."""
    asked: list[Any] = []

    def answer(path: str, body: Any) -> Any:
        assert path == "/v1/messages"
        asked.append(body)
        text = as_asked(body["messages"][-1]["content"][0]["text"])
        usage = {"input_tokens": 100, "output_tokens": 10}
        content = [{"type": "text", "text": text}]
        return {"id": "1", "type": "message", "role": "assistant", "model": body["model"], "content": content,
                "stop_reason": "end_turn", "usage": usage}  # fmt: skip

    with listening(answer) as url:
        monkeypatch.setattr(dspy, "LM", _with_address(dspy.LM, url))
        monkeypatch.setenv("MY_KEY", KEY)
        yield asked


def _with_address(lm: Any, url: str) -> Callable[..., Any]:
    return lambda *names, **options: lm(*names, api_base=url, **options)


def test_a_name_with_a_provider_is_asked_in_its_own_protocol_without_litellm(anthropic: list[Any]) -> None:
    proposer = open_proposer("anthropic/wise", key_env="MY_KEY")
    [draft] = proposer.write(TASKS[:1])
    assert draft.text == FIELDS["system_text"]
    assert len(anthropic) == 1
    assert "litellm" not in sys.modules or not hasattr(sys.modules["litellm"], "completion")


SILENT = """
import sys
from urial_opt.proposers.dspy_proposer import open_proposer
from urial_opt.testing.proposer_contract import SITUATION, TASKS
proposer = open_proposer("wise", url=sys.argv[1], timeout="5")
proposer.diagnose(SITUATION)
proposer.write(TASKS)
assert not {"litellm", "torch", "optuna"} & set(sys.modules), "too much is loaded"
"""


def test_nothing_is_printed_loaded_or_written_to_a_cache(tmp_path: Path) -> None:
    answers = iter([chat_reply("[[ ## weak"), Refused(400, "no"), as_asked, chat_reply(None), *[chat_reply("x")] * 9])
    writer = Writer(lambda prompt: as_asked(prompt) if (answer := next(answers)) is as_asked else answer)
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    with listening(writer) as url:
        words = [sys.executable, "-c", SILENT, url]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]
