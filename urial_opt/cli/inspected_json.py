"""Inspected JSON: one trial as `inspect --json` prints it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from urial_opt.evaluation.scorecard import token_json
from urial_opt.records import estimate_json
from urial_opt.report.inspection import ExampleAnswer, InspectedTrial
from urial_opt.search.shift_probe import shift_json
from urial_opt.spaces.lineage import WrittenPart


def trial_json(inspected: InspectedTrial, written: Sequence[WrittenPart]) -> dict[str, object]:
    """A trial as `inspect --json` prints it, with the parts of its prompt that a proposer wrote."""
    record = inspected.record
    prompt = record.candidate.prompt
    return {
        "number": record.number,
        "found": inspected.found,
        "state": record.state.value,
        "validation": estimate_json(inspected.validation) if inspected.validation else None,
        "estimate": estimate_json(inspected.estimate) if inspected.estimate else None,
        "average": estimate_json(inspected.card.average) if inspected.card.aspects else None,
        "value": estimate_json(inspected.card.value) if inspected.card.value and inspected.card.aspects else None,
        **token_json(inspected.card),
        "aspects": {aspect.value: estimate_json(each) for aspect, each in inspected.card.aspects.items()},
        "gains": {aspect.value: estimate_json(each) for aspect, each in inspected.gains.items()},
        "constraints": [each.as_json() for each in inspected.constraints],
        "shift": shift_json(inspected.shift) if inspected.shift else None,
        "params": dict(record.candidate.params),
        "written": [each.as_json() for each in written],
        "system": prompt.system,
        "exemplars": [{"query": e.query, "answer": e.answer, "style": e.style} for e in prompt.exemplars],
        "text": prompt.prefix,
        "sampling": asdict(record.candidate.sampling),
        "best": [_example_json(example) for example in inspected.best],
        "worst": [_example_json(example) for example in inspected.worst],
        "won": [_example_json(example) for example in inspected.won],
    }


def _example_json(example: ExampleAnswer) -> Mapping[str, object]:
    return {
        "query": example.query.text,
        "answer": example.completion.text,
        "score": example.score,
        "before": example.before,
        "reasons": dict(example.judgment.reasons),
    }
