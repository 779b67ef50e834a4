"""What tests put into a store: queries, evaluations, candidates and trials."""

from __future__ import annotations

from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import (
    Candidate,
    Completion,
    Evaluation,
    Judgment,
    Query,
    Sampling,
    Split,
    TrialRecord,
    TrialState,
    Usage,
)

GREEDY = Sampling(max_tokens=64)

AWKWARD = "nul \0, escape \x1b0041, lone \ud83d and \udfff, pair 😀, CRLF\r\n, quote ' \" ; trailing space "


def queries(count: int, *, split: Split = "dev") -> list[Query]:
    return [
        Query(
            id=f"q{i}",
            text=f"What is {i}?",
            kind="safety" if i % 4 == 3 else "regular",
            split=split,
            tags=("task:math", f"n{i}"),
        )
        for i in range(count)
    ]


def evaluated(asked: list[Query], *, word: str) -> Evaluation:
    return Evaluation(
        queries=tuple(asked),
        completions=tuple(
            Completion(
                text=f"{word} answers {query.id}",
                finish_reason="length" if query.id == "q1" else "stop",
                usage=Usage(prompt_tokens=i, completion_tokens=7, saved_tokens=100 + i),
            )
            for i, query in enumerate(asked)
        ),
        judgments=tuple(
            Judgment(
                query_id=query.id,
                judge="judge/v1",
                scores={aspect: None if aspect is Aspect.DEPTH else 3.1 + i for aspect in ASPECTS_OF[query.kind]},
                reasons={"helpfulness": f"because {i}"},
                raw=f'{{"n": {i}}}',
                usage=Usage(prompt_tokens=5),
            )
            for i, query in enumerate(asked)
        ),
    )


def candidate(number: int, *, style: str = "warm") -> Candidate:
    shown = tuple(
        Exemplar(query=f"Who is {k}?", answer=f"Friend {k}.", style=style, tags=("kind",), parent="0" * 16)
        for k in (2, 0, 1)
    )
    prompt = UrialPrompt(system=f"# Instruction\n\nNumber {number}.\n", exemplars=shown)
    return Candidate(prompt=prompt, sampling=GREEDY, params={"k": 3, "system": f"s{number}", "warm": True, "t": 0.1})


def trial(number: int, evaluation: Evaluation, *, score: float | None = 4.0) -> TrialRecord:
    return TrialRecord(
        number=number,
        optuna_number=number + 2,
        candidate=candidate(number),
        query_scores={query.id: None if query.id == "q2" else score for query in evaluation.queries},
        state=TrialState.COMPLETE,
        seconds=0.25,
        usage=Usage(prompt_tokens=10, completion_tokens=20, saved_tokens=30),
    )
