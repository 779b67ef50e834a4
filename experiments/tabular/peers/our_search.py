"""Ours: the real search, through the same door as the peers."""

from __future__ import annotations

from experiments.tabular.measure import Step
from experiments.tabular.ours import path_of, searched
from experiments.tabular.world import World


def our_path(world: World, evaluations: int) -> list[Step]:
    """What the search recommends as it goes, with the world's seed and the defaults of our command."""
    path = path_of(world, searched(world, evaluations=evaluations))
    return [*path, Step(answers=max(path[-1].answers, evaluations * world.full), recommended=path[-1].recommended)]
