"""The built-in proposers keep the contract, and do what they are for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.scripted_writer import FIELDS, Writer, through_dspy
from urial_opt.aspects import Aspect
from urial_opt.errors import InputError
from urial_opt.nano.json_server import listening
from urial_opt.proposers.clauses import Clauses
from urial_opt.proposers.clauses import open_proposer as open_clauses
from urial_opt.proposers.dspy_proposer import DSPyProposer, open_proposer
from urial_opt.protocols import Proposer
from urial_opt.testing.contracts import ProposerContract
from urial_opt.testing.proposer_contract import SITUATION, TASKS


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
def asking(writer: Writer) -> Iterator[DSPyProposer]:
    """The proposer that asks the writer."""
    with listening(writer) as url:
        yield through_dspy(url)


class TestClauses(ProposerContract):
    @pytest.fixture
    def proposer(self) -> Proposer:
        return open_clauses("")


class TestDSPy(ProposerContract):
    @pytest.fixture
    def proposer(self, asking: DSPyProposer) -> Proposer:
        return asking


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


def test_a_model_is_asked_once_for_each_task_and_what_passed_is_kept(writer: Writer, asking: DSPyProposer) -> None:
    diagnosis = asking.diagnose(SITUATION)
    [weakness] = diagnosis.weaknesses
    assert (weakness.aspects, weakness.queries, weakness.style) == ((Aspect.DEPTH,), ("tea",), "warm long")
    assert "It leaves out every further step." in diagnosis.asked
    assert FIELDS["weaknesses"][0]["sentence"] in diagnosis.reply
    assert (diagnosis.usage.prompt_tokens, diagnosis.usage.completion_tokens) == (100, 10)
    drafts = asking.write(TASKS)
    assert [draft.text for draft in drafts] == [
        FIELDS[name] for name in ("system_text", "new_answer", "new_answer", "system_text")
    ]
    assert [draft.query for draft in drafts] == ["", "", FIELDS["new_query"], ""]
    assert {draft.reason for draft in drafts} == {"It is warmer."}
    assert len(writer.asked) == 5


def test_remarks_and_the_last_text_reach_the_writer(writer: Writer, asking: DSPyProposer) -> None:
    asking.write([replace(TASKS[1], last="Lima, a town.", remarks=("Keep the name 'Peru'.",))])
    said = writer.asked[0]["messages"][-1]["content"]
    assert "Lima, a town." in said
    assert "Keep the name 'Peru'." in said


def test_wrong_names_and_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="dspy:openai/gpt-4o"):
        open_proposer("")
    with pytest.raises(InputError, match="`temperature=hot`"):
        open_proposer("wise", temperature="hot")
    with pytest.raises(InputError, match="takes no argument"):
        open_clauses("fast")
