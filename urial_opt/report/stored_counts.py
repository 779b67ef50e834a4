"""Stored counts: the tokens of a search's prompts and answers, from the store alone, without its base model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from urial_opt.evaluation.token_counts import answer_lengths, billed, tokens_read
from urial_opt.records import Candidate, Completion, Evaluation, TrialRecord
from urial_opt.store import SearchRecord, Store


class StoredCounts:
    """Counts the tokens in evaluations of one search.

    Of one of its prompts the length is known: of the one found or, while it runs, of the one it started from. Others
    have as many tokens more or less as were billed more or less on the same queries.
    """

    def __init__(self, store: Store, search: SearchRecord, trials: Mapping[int, TrialRecord]) -> None:
        self._store, self._base = store, str(search.settings["base"])
        self._known = _known(search, trials)

    def counted(self, candidate: Candidate, evaluation: Evaluation) -> Evaluation:
        """The evaluation with the tokens of its prompt, unless they are not known, and of its answers."""
        sent = billed(self._store, self._base, candidate, evaluation.queries)
        return replace(
            evaluation,
            prompt_tokens=self._length(candidate, evaluation, sent),
            answer_tokens=answer_lengths(evaluation.completions, [paid for _, paid in sent]),
        )

    def _length(
        self, candidate: Candidate, evaluation: Evaluation, sent: Sequence[tuple[str, Completion | None]]
    ) -> float | None:
        if self._known is not None:
            other, length = self._known
            theirs = billed(self._store, self._base, other, evaluation.queries)
            more = [
                tokens_read(ours) - tokens_read(known)
                for (_, ours), (_, known) in zip(sent, theirs, strict=True)
                if ours and known and tokens_read(ours) and tokens_read(known)
            ]
            if more:
                return round(length + fmean(more))
        prefix = len(candidate.prompt.prefix)
        shares = [tokens_read(paid) * prefix / len(text) for text, paid in sent if paid and tokens_read(paid)]
        return round(fmean(shares)) if shares else None


def _known(search: SearchRecord, trials: Mapping[int, TrialRecord]) -> tuple[Candidate, int] | None:
    """A prompt whose length was counted, and the length."""
    summary: Mapping[str, Any] = search.summary or {}
    number, length = summary.get("found_trial", 0), summary.get("found", {}).get("prompt_tokens")
    if length is None:
        number, length = 0, (search.models or {}).get("start_tokens")
    return None if length is None or number not in trials else (trials[number].candidate, int(length))
