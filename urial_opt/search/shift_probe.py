"""Shift probe: measures the token shift of prompts on a few fixed queries during a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from urial_opt.errors import ContextError, InputError
from urial_opt.memory import ShiftMemory, fill_gaps
from urial_opt.prompt import UrialPrompt
from urial_opt.protocols import ChatGenerator, Generator, Scorable, TokenScorer
from urial_opt.records import ProbeKey, ProbeShift, Query, Usage
from urial_opt.shift.figures import MARGINAL_RANK
from urial_opt.token_scores import AlignedAnswer, Floats, TokenScores

PROBES = 8
"""Number of queries in a probe."""
SHARE = 0.05
"""Share of a search's tokens that its probes may use, estimated from numbers of queries."""
_LEAST = float(np.finfo(np.float32).tiny)
"""Smaller probabilities are replaced by this one, because float32 rounds them to zero."""


def shift_json(shift: ProbeShift) -> dict[str, object]:
    """Keys: `positions`, `unshifted`, `marginal`, `shifted` (shares), `surprise`, `kl_base_aligned`, `kl_aligned_base`.

    The last three are in nats; the KL divergences are null if a server does not report full distributions.
    """
    names = ("positions", "unshifted", "marginal", "shifted", "surprise", "kl_base_aligned", "kl_aligned_base")
    values = {name: getattr(shift, name) for name in names}
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}


@dataclass(slots=True, kw_only=True)
class Probe:
    """Measures the token shift (Lin et al. 2024, section 2) under prompts; stored measurements are reused."""

    key: ProbeKey
    scorer: TokenScorer
    memory: ShiftMemory
    _answers: list[AlignedAnswer] = field(default_factory=list)

    def answers(self) -> list[AlignedAnswer]:
        """The aligned model's answers to the queries of the probe, without empty ones."""
        if not self._answers:
            found = fill_gaps(self.memory.find_aligned_answers(self.key), self._ask)
            self._answers = [answer for answer in found if answer.tokens]
        return self._answers

    def _ask(self, places: list[int]) -> list[AlignedAnswer]:
        queries = [self.key.queries[place] for place in places]
        written = self.scorer.answer(queries, max_tokens=self.key.max_tokens)
        self.memory.add_aligned_answers(self.key, written)
        self.memory.settle()
        return written

    def measure(self, prompt: UrialPrompt) -> ProbeShift | None:
        """The shift under a prompt, stored or newly measured; None if all answers of the aligned model are empty."""
        [shift] = self.memory.find_shifts(self.key, [prompt])
        answers = self.answers() if shift is None else []
        if answers:
            [scores] = self.scorer.score(answers, [prompt])
            shift = _summary(answers, scores)
            base, aligned = [each.usage for each in scores], [each.aligned_usage for each in scores]
            self.memory.add_shift(self.key, prompt, shift, base=base, aligned=aligned)
            self.memory.settle()
        return shift


@dataclass(slots=True, kw_only=True)
class ShiftWatch:
    """The token shift of a search's survivors, measured as far as the share of tokens allows."""

    probe: Probe
    by_trial: dict[int, ProbeShift] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    """Tokens used for these measurements, including those of earlier runs."""
    _counted: set[str] = field(default_factory=set)
    _too_long: set[int] = field(default_factory=set)
    """Trials whose prompt, with the probe, does not fit one of the models."""

    def take(self, survivors: Mapping[int, UrialPrompt], *, asked: int) -> None:
        """Measure survivors, earliest first; the number of queries `asked` so far limits how many."""
        for number, prompt in sorted(survivors.items()):
            if number in self.by_trial or number in self._too_long:
                continue
            if len(self.by_trial) >= affordable(asked, queries=len(self.probe.key.queries)):
                break
            try:
                shift = self._measure(prompt)
            except ContextError:  # the probe is a diagnosis: it ends no search
                self._too_long.add(number)
                continue
            if shift is not None:
                self.by_trial[number] = shift

    def _measure(self, prompt: UrialPrompt) -> ProbeShift | None:
        shift = self.probe.measure(prompt)
        if shift and prompt.id not in self._counted:
            if not self._counted:
                self.usage += sum((answer.usage for answer in self.probe.answers()), Usage())
            self._counted.add(prompt.id)
            self.usage += shift.usage
        return shift


def affordable(asked: int, *, queries: int = PROBES) -> int:
    """How many prompts a search may probe on `queries` queries after it has `asked` that many.

    The aligned model answers the probe once, and two models read each answer under each prompt; a query asked by the
    search is answered by one model.
    """
    return max(0, int((SHARE * asked / queries - 1) / 2))


def watch_shift(
    base: Generator,
    aligned: ChatGenerator | None,
    memory: ShiftMemory,
    *,
    queries: Sequence[Query],
    max_tokens: int,
) -> ShiftWatch | None:
    """A `ShiftWatch` for `base`; None if there is no aligned model, or it cannot be compared with `base`."""
    if aligned is None or not isinstance(base, Scorable):
        return None
    try:
        scorer = base.token_scorer(aligned)
    except InputError:
        return None
    texts = tuple(query.text for query in queries)
    key = ProbeKey(base=base.identity, aligned=aligned.identity, queries=texts, max_tokens=max_tokens)
    return ShiftWatch(probe=Probe(key=key, scorer=scorer, memory=memory))


def _summary(answers: Sequence[AlignedAnswer], scores: Sequence[TokenScores]) -> ProbeShift:
    # the end of the turn is left out, since only some answers have it
    pairs = [(score, slice(len(answer.tokens))) for answer, score in zip(answers, scores, strict=True)]
    ranks = np.concatenate([score.rank[tokens] for score, tokens in pairs])
    # where the base model tokenizes an answer's first token differently, the rank may be unknown (`TokenScores`)
    ranks = ranks[ranks > 0]
    surprises = [-np.log(np.maximum(score.probability[tokens], _LEAST)) for score, tokens in pairs]
    usages = [usage for score, _ in pairs for usage in (score.usage, score.aligned_usage)]
    return ProbeShift(
        positions=ranks.size,
        unshifted=float((ranks == 1).mean()),
        marginal=float(((ranks > 1) & (ranks <= MARGINAL_RANK)).mean()),
        shifted=float((ranks > MARGINAL_RANK).mean()),
        surprise=_mean(surprises) or 0.0,
        kl_base_aligned=_mean([score.kl_base_aligned[tokens] for score, tokens in pairs]),
        kl_aligned_base=_mean([score.kl_aligned_base[tokens] for score, tokens in pairs]),
        by_query=tuple(_mean([surprise]) or 0.0 for surprise in surprises),
        usage=sum(usages, Usage()),
    )


def _mean(parts: Sequence[Floats]) -> float | None:
    """Mean of the known values; None if there are none."""
    values = np.concatenate(parts)
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None
