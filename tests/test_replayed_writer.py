"""A real model's replies, replayed: a whole round comes out the same, byte for byte, and asks for nothing else."""

from __future__ import annotations

import json

import pytest

from tests.replayed_round import RECORD, Replayer, round_of
from urial_opt.content import content_id
from urial_opt.nano.json_server import listening
from urial_opt.spaces.lineage import Round

ROUND = "1c764f89c21825a5"
"""What became of each of its drafts."""
pytestmark = pytest.mark.usefixtures("no_key")


def recorded() -> list[dict[str, object]]:
    return [json.loads(line) for line in RECORD.read_text("utf-8").splitlines()]


def digest(taken: Round) -> str:
    return content_id(
        [[each.task, each.number, each.key, each.fate, each.proposal.text, each.draft.reply] for each in taken.attempts]
    )


def test_a_whole_round_is_replayed_byte_for_byte() -> None:
    replayer = Replayer(record=recorded())
    with listening(replayer) as url:
        taken = round_of(url)
    assert sorted(replayer.given) == list(range(len(replayer.record))), "each reply is used once"
    said = [each["reply"]["choices"][0]["message"]["content"] for each in replayer.record]
    assert {each.draft.reply for each in taken.attempts} <= set(said)
    assert not [each for each in taken.attempts if "not recorded" in each.fate]
    assert digest(taken) == ROUND


def test_what_was_not_recorded_is_refused() -> None:
    with listening(Replayer(record=recorded()[1:])) as url:
        taken = round_of(url)
    assert taken.diagnosis is not None
    assert taken.diagnosis.reply == ""
