"""Writers: what stands in for the model that writes prompts for GEPA and CAPO, one blind and one that reads the scores.

Both choose from the system prompts and exemplars of the table, since nothing else has been judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from experiments.tabular.peers.judged import JudgedAnswers, Parts
from experiments.tabular.peers.regression import believe

_CURIOUS = 0.5
"""How far the scripted writer strays from what it believes, in standard deviations."""


class Writer(Protocol):
    """Rewrites one component of a prompt."""

    def system(self, prompt: int) -> int:
        """Another system prompt for `prompt`."""
        ...

    def exemplars(self, prompt: int) -> tuple[int, ...]:
        """Other exemplars, in order, for `prompt`."""
        ...


class BlindWriter:
    """Draws from the lists at random: any system, and for exemplars one change of those that are there."""

    def __init__(self, answers: JudgedAnswers, seed: int) -> None:
        self.bench = answers.bench
        self.rng = np.random.default_rng([seed, 1])

    def system(self, prompt: int) -> int:
        old = self.bench.prompts[prompt].system
        others = [each for each in range(self.bench.systems) if each != old]
        return int(self.rng.choice(others)) if others else old

    def exemplars(self, prompt: int) -> tuple[int, ...]:
        old = self.bench.prompts[prompt]
        new = [self.bench.prompts[each] for each in self.bench.changes(prompt)]
        sets = [each.exemplars for each in new if each.exemplars != old.exemplars]
        return sets[int(self.rng.integers(len(sets)))]


class ScriptedWriter:
    """Reads all scores so far, and writes the component that it believes to be the best of those not tried yet.

    It is the best case of a writer: it counts without error, and it knows every alternative.
    """

    def __init__(self, answers: JudgedAnswers, seed: int) -> None:
        self.answers = answers
        self.bench = answers.bench
        self.rng = np.random.default_rng([seed, 2])

    def system(self, prompt: int) -> int:
        chosen = self.bench.prompts[prompt].exemplars
        return self._best([Parts(system, chosen) for system in range(self.bench.systems)], prompt).system

    def exemplars(self, prompt: int) -> tuple[int, ...]:
        system = self.bench.prompts[prompt].system
        return self._best([Parts(system, chosen) for chosen in self.bench.sets], prompt).exemplars

    def _best(self, alternatives: Sequence[Parts], prompt: int) -> Parts:
        numbers = np.array([self.bench.number[each] for each in alternatives if each in self.bench.number])
        new = numbers[~self.answers.asked[numbers].any(axis=1)]
        if not len(new):
            return self.bench.prompts[int(self.rng.choice(numbers[numbers != prompt]))]
        belief = believe(self.answers, new)
        drawn = belief.mean + _CURIOUS * belief.deviation * self.rng.normal(size=len(new))
        return self.bench.prompts[int(new[drawn.argmax()])]
