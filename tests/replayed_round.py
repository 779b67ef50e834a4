"""One round of a real model as proposer, and the record of what it was asked and replied.

    python -m tests.replayed_round URL MODEL

records it anew in `replayed_round.jsonl`, which is needed when the programs of the proposer have changed. The model is
SmolLM2-135M-Instruct (Apache 2.0; see `tests.real_models`), behind `transformers serve`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.agent.real_writer import Recorder
from tests import tiny_space
from tests.small_adapters import ByLength
from tests.small_proposers import ForgetsRounds
from urial_opt.aspects import Aspect
from urial_opt.memory import NoMemory
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.nano.json_server import Refused, listening
from urial_opt.proposers.dspy_proposer import open_proposer
from urial_opt.records import TrialRecord, TrialState, Usage
from urial_opt.search.agent.rounds import Writing, take_round
from urial_opt.spaces.lineage import Round
from urial_opt.spaces.proposals import Diagnosis, SeenAnswer, Situation, Weakness
from urial_opt.spaces.space_file import load_space

RECORD = Path(__file__).with_suffix(".jsonl")
MODEL = "SmolLM2-135M-Instruct"
MAX_TOKENS = 96


@dataclass(slots=True, kw_only=True)
class Replayer:
    """Gives the recorded reply to each recorded request, and refuses others."""

    record: Sequence[Mapping[str, Any]]
    given: list[int] = field(default_factory=list)
    """The places of the replies that were given."""

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        for place, each in enumerate(self.record):
            if path == "/v1/chat/completions" and each["request"] == body and place not in self.given:
                self.given.append(place)
                reply: Mapping[str, Any] = each["reply"]
                return reply
        raise Refused(400, "this was not recorded; type: python -m tests.replayed_round URL MODEL")


def round_of(url: str) -> Round:
    """A round on the tiny space with fixed answers. What the model names no weakness for, a fixed one stands in."""
    proposer = open_proposer(MODEL, url=url, max_tokens=str(MAX_TOKENS), concurrency="1", timeout="600")
    with tempfile.TemporaryDirectory() as folder:
        space = load_space(tiny_space.write(Path(folder), tiny_space.FILES))
    best = TrialRecord(
        number=0,
        optuna_number=0,
        candidate=space.candidate(space.start_params),
        query_scores={"d1": 2.0, "d2": 4.0},
        state=TrialState.COMPLETE,
        seconds=0.0,
        usage=Usage(),
    )
    seen = SeenAnswer(
        query_id="d1",
        query="What is the sun?",
        kind="regular",
        answer="A star.",
        scores={Aspect.DEPTH: 1.0, Aspect.ENGAGEMENT: 3.0},
        reasons={"depth": "It says nothing of how the sun shines."},
    )
    situation = Situation(
        system=best.candidate.prompt.system,
        exemplars={key: space.exemplars[key] for key in ("tea/warm",)},
        aspects={Aspect.DEPTH: 1.0, Aspect.ENGAGEMENT: 3.0},
        weakest=(seen,),
        styles=("bare", "warm"),
    )
    diagnosis = proposer.diagnose(situation)
    weakness = Weakness(sentence="The answers are too short.", queries=("d1",), style="detailed")
    named = Diagnosis(
        weaknesses=diagnosis.weaknesses[:1] or (weakness,),
        asked=diagnosis.asked,
        reply=diagnosis.reply,
        usage=diagnosis.usage,
    )
    writing = Writing(proposer=proposer, judge=ByLength(), memory=NoMemory(), rounds=ForgetsRounds())
    begun = Round(number=1, after=1, best=0, proposer=proposer.identity, diagnosis=named)
    return take_round(begun, writing, space, situation, best, [])


def main(url: str, model: str) -> None:
    recorder = Recorder(server=Endpoint(model, url=url, timeout=600))
    with listening(recorder) as here:
        taken = round_of(here)
    lines = [json.dumps(each, ensure_ascii=False, sort_keys=True) for each in recorder.kept]
    RECORD.write_text("\n".join(lines) + "\n", "utf-8")
    for attempt in taken.attempts:
        print(attempt.task, attempt.number, attempt.fate, repr(attempt.proposal.text))


if __name__ == "__main__":
    main(*sys.argv[1:])
