"""The built-in proposers keep the contract, and do what they are for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from urial_opt.aspects import Aspect
from urial_opt.errors import InputError
from urial_opt.nano.json_server import listening
from urial_opt.proposers.clauses import Clauses
from urial_opt.proposers.clauses import open_proposer as open_clauses
from urial_opt.proposers.dspy_proposer import DSPyProposer, open_proposer
from urial_opt.protocols import Proposer
from urial_opt.testing.contracts import ProposerContract
from urial_opt.testing.proposer_contract import SITUATION, TASKS

FIELDS: Mapping[str, Any] = {
    "weaknesses": [
        {"sentence": "Dull.", "aspects": ["Depth", "zest"], "query_ids": ["tea", "x"], "style": "Warm/Long"}
    ],
    "system_text": "# Instruction\n\nPatient answers follow.",
    "new_query": "How do I mend a roof?",
    "new_answer": "Happy to help! The capital of Peru is Lima.",
    "reason": "It is warmer.",
}


def as_asked(prompt: str) -> str:
    """A reply with the fields that the prompt asks for."""
    wanted = prompt.rpartition("Respond with the corresponding output fields")[2]
    said = {name: text if isinstance(text, str) else json.dumps(text) for name, text in FIELDS.items()}
    parts = [f"[[ ## {name} ## ]]\n{text}" for name, text in said.items() if f"[[ ## {name} ## ]]" in wanted]
    return "\n\n".join([*parts, "[[ ## completed ## ]]"])


class Writer:
    """A chat model that replies by a rule, and records its requests."""

    def __init__(self) -> None:
        self.rule: Callable[[str], str] = as_asked
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        assert path == "/v1/chat/completions"
        self.asked.append(body)
        prompt = "\n\n".join(message["content"] for message in body["messages"])
        message = {"role": "assistant", "content": self.rule(prompt)}
        return {
            "id": "1",
            "object": "chat.completion",
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        }


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
def through_dspy(writer: Writer) -> Iterator[DSPyProposer]:
    with listening(writer) as url:
        yield open_proposer("wise", url=f"{url}/v1" if not url.endswith("/v1") else url, timeout="10")


class TestClauses(ProposerContract):
    @pytest.fixture
    def proposer(self) -> Proposer:
        return open_clauses("")


class TestDSPy(ProposerContract):
    @pytest.fixture
    def proposer(self, through_dspy: DSPyProposer) -> Proposer:
        return through_dspy


def test_the_rules_restyle_toward_what_is_weakest() -> None:
    diagnosis = Clauses().diagnose(SITUATION)
    assert [weakness.aspects for weakness in diagnosis.weaknesses] == [
        (Aspect.ENGAGEMENT,),
        (Aspect.DEPTH,),
        (Aspect.HELPFULNESS,),
    ]
    assert [weakness.style for weakness in diagnosis.weaknesses] == ["warm", "", ""]
    system, restyled, created, merged = Clauses().write(TASKS)
    assert restyled.text == "Thank you for asking! The capital of Peru is Lima. I hope this helps."
    assert system.text == "# Instruction\n\nBelow are answers. Every answer has three parts."
    assert merged.text == "# Instruction\n\nBelow are answers. The answers are long."
    assert created.trouble == "the rules cannot write a new exemplar"


def test_the_rules_find_nothing_where_all_is_well() -> None:
    diagnosis = Clauses().diagnose(replace(SITUATION, aspects=dict.fromkeys(Aspect, 5.0)))
    assert (diagnosis.weaknesses, diagnosis.trouble) == ((), "no aspect scores below 5")


def test_a_model_is_asked_once_for_each_task_and_what_passed_is_kept(
    writer: Writer, through_dspy: DSPyProposer
) -> None:
    diagnosis = through_dspy.diagnose(SITUATION)
    [weakness] = diagnosis.weaknesses
    assert (weakness.aspects, weakness.queries, weakness.style) == ((Aspect.DEPTH,), ("tea",), "warm long")
    assert "It leaves out every further step." in diagnosis.asked
    assert FIELDS["weaknesses"][0]["sentence"] in diagnosis.reply
    assert (diagnosis.usage.prompt_tokens, diagnosis.usage.completion_tokens) == (100, 10)
    drafts = through_dspy.write(TASKS)
    assert [draft.text for draft in drafts] == [
        FIELDS[name] for name in ("system_text", "new_answer", "new_answer", "system_text")
    ]
    assert [draft.query for draft in drafts] == ["", "", FIELDS["new_query"], ""]
    assert {draft.reason for draft in drafts} == {"It is warmer."}
    assert len(writer.asked) == 5


def test_remarks_and_the_last_text_reach_the_writer(writer: Writer, through_dspy: DSPyProposer) -> None:
    through_dspy.write([replace(TASKS[1], last="Lima, a town.", remarks=("Keep the name 'Peru'.",))])
    said = writer.asked[0]["messages"][-1]["content"]
    assert "Lima, a town." in said
    assert "Keep the name 'Peru'." in said


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        ("I would rather talk about something else.", "lacks the fields"),
        ("", "lacks the fields"),
        ("[[ ## weaknesses ## ]]\n{broken\n\n[[ ## completed ## ]]", "lacks the fields"),
        ("[[ ## weaknesses ## ]]\n[]\n\n[[ ## completed ## ]]", "names no weakness"),
        ("la " * 500, "lacks the fields"),
    ],
)
def test_a_bad_reply_is_trouble_that_keeps_the_words_and_the_cost(
    reply: str, trouble: str, writer: Writer, through_dspy: DSPyProposer
) -> None:
    writer.rule = lambda _: reply
    diagnosis = through_dspy.diagnose(SITUATION)
    assert diagnosis.weaknesses == ()
    assert trouble in str(diagnosis.trouble)
    assert (diagnosis.reply, diagnosis.usage.completion_tokens) == (reply, 10)
    assert len(writer.asked) == 1


def test_a_proposer_that_cannot_be_reached_is_trouble() -> None:
    with listening(Writer()) as url:
        gone = url
    proposer = open_proposer("wise", url=gone, timeout="2")
    assert "the model failed" in str(proposer.write(TASKS[:1])[0].trouble)


def test_wrong_names_and_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="dspy:openai/gpt-4o"):
        open_proposer("")
    with pytest.raises(InputError, match="`temperature=hot`"):
        open_proposer("wise", temperature="hot")
    with pytest.raises(InputError, match="takes no argument"):
        open_clauses("fast")
