"""The contract of proposers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from urial_opt.aspects import Aspect
from urial_opt.prompt import Exemplar
from urial_opt.protocols import Proposer
from urial_opt.spaces.proposals import Draft, SeenAnswer, Situation, Source, Task, Weakness
from urial_opt.spaces.restyling import StyleRule
from urial_opt.testing.ability_contracts import AbilityContract, UnderTest
from urial_opt.testing.promises import assert_counts, assert_identity

BARE = Exemplar(query="What is the capital of Peru?", answer="The capital of Peru is Lima.", tags=("regular",))
SITUATION = Situation(
    system="# Instruction\n\nBelow are answers.\n",
    exemplars={"peru/bare": BARE},
    aspects={Aspect.HELPFULNESS: 3.5, Aspect.CLARITY: 4.0, Aspect.ENGAGEMENT: 2.0, Aspect.DEPTH: 2.5},
    weakest=(
        SeenAnswer(
            query_id="tea",
            query="How can I make tea?",
            kind="regular",
            answer="Boil water.",
            scores={Aspect.DEPTH: 1.0, Aspect.ENGAGEMENT: 2.0},
            reasons={"depth": "It leaves out every further step."},
        ),
    ),
    styles=("bare",),
    rules=(StyleRule(name="warm", openings=("Thank you for asking!",), closings=("I hope this helps.",)),),
)
_WEAKNESS = Weakness(sentence="The answers are short.", aspects=(Aspect.DEPTH,), queries=("tea",), style="warm")
_BARE_SOURCE = Source(name="peru/bare", text=BARE.answer, exemplar=BARE)
_OLD = Source(name="old", text=SITUATION.system)
_OTHER = Source(name="other", text="# Instruction\n\nThe answers are long.\n", good_at=("How can I make tea?",))
_SYSTEM = Task(
    sort="system",
    weakness=_WEAKNESS,
    sources=(_OLD,),
    most=2_000,
    rules=SITUATION.rules,
    sentences=("Every answer has three parts.",),
    failing=SITUATION.weakest,
)
TASKS = (
    _SYSTEM,
    replace(_SYSTEM, sort="restyle", sources=(_BARE_SOURCE,), style="warm"),
    replace(_SYSTEM, sort="create", sources=(_BARE_SOURCE,), kind="safety"),
    replace(_SYSTEM, sort="merge", sources=(_OLD, _OTHER)),
)
"""One task of each sort."""


class ProposerContract(AbilityContract):
    """For any Proposer. What it writes is not judged; a search guards itself against that."""

    @pytest.fixture
    def proposer(self) -> Proposer:
        raise NotImplementedError("return the Proposer under test, opened through urial_opt.plugins")

    @pytest.fixture
    def under_test(self, proposer: Proposer) -> UnderTest:
        return UnderTest(adapter=proposer, ask=lambda: proposer.write(TASKS))

    def test_identity_is_one_line_and_stays(self, proposer: Proposer) -> None:
        before = proposer.identity
        proposer.diagnose(SITUATION)
        proposer.write(TASKS[:1])
        assert_identity(before, proposer.identity)

    def test_it_names_at_most_three_weaknesses_or_says_why_none(self, proposer: Proposer) -> None:
        found = proposer.diagnose(SITUATION)
        assert len(found.weaknesses) <= 3
        assert bool(found.weaknesses) != bool(found.trouble)
        assert all(weakness.sentence.strip() for weakness in found.weaknesses)

    def test_evidence_is_among_what_it_was_shown(self, proposer: Proposer) -> None:
        for weakness in proposer.diagnose(SITUATION).weaknesses:
            assert set(weakness.queries) <= {seen.query_id for seen in SITUATION.weakest}
            assert set(weakness.exemplars) <= set(SITUATION.exemplars)

    def test_each_task_has_one_draft_in_order(self, proposer: Proposer) -> None:
        drafts = proposer.write(TASKS)
        assert len(drafts) == len(TASKS)
        for task, draft in zip(TASKS, drafts, strict=True):
            assert not draft.query or task.sort == "create"

    def test_an_empty_batch_gives_an_empty_list(self, proposer: Proposer) -> None:
        assert proposer.write([]) == []

    def test_a_draft_has_a_text_or_says_why_not(self, proposer: Proposer) -> None:
        for draft in proposer.write(TASKS):
            assert bool(draft.text.strip()) != bool(draft.trouble), draft

    def test_a_task_with_remarks_is_no_error(self, proposer: Proposer) -> None:
        again = [replace(task, last="What I wrote.", remarks=("Write something else.",)) for task in TASKS]
        assert all(isinstance(draft, Draft) for draft in proposer.write(again))

    def test_no_count_of_tokens_is_negative(self, proposer: Proposer) -> None:
        assert_counts([proposer.diagnose(SITUATION).usage, *(draft.usage for draft in proposer.write(TASKS))])
