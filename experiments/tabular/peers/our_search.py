"""Ours: a replay of the search, which walks the path of the real one, through the same door as the peers."""

from __future__ import annotations

from experiments.tabular.measure import Step
from experiments.tabular.replay import replay
from experiments.tabular.world import World


def our_path(world: World, evaluations: int) -> list[Step]:
    """What the search recommends as it goes, with the world's seed and the defaults of our command."""
    _, path = replay(world, evaluations=evaluations)
    return [*path, Step(answers=max(path[-1].answers, evaluations * world.full), recommended=path[-1].recommended)]
