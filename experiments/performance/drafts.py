"""The time that drafts from earlier answers save: prompts of a search answered with and without, tokens compared.

    python experiments/performance/drafts.py [--prompts 40] [--threads N]

Random prompts of the embedded world's space, the 16 queries of the first `dev` block each, as a search asks them. Both
ways answer each prompt in turn; a pass is one forward of the model.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field

import optuna
import torch

from urial_opt.models.local.generator import TransformersGenerator
from urial_opt.nano.models import open_base
from urial_opt.records import Candidate, Completion, Query
from urial_opt.spaces.space_file import load_space


@dataclass(slots=True)
class Way:
    """A generator, and the cost of its answers."""

    generator: TransformersGenerator
    seconds: float = 0.0
    passes: int = 0
    answers: list[Completion] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.generator.model.register_forward_hook(self._count)

    def answer(self, candidate: Candidate, queries: tuple[Query, ...]) -> None:
        prompt = candidate.prompt
        started = time.perf_counter()
        self.answers += self.generator.generate(
            prompt.prefix, [prompt.suffix(query.text) for query in queries], candidate.sampling
        )
        self.seconds += time.perf_counter() - started

    def _count(self, *_: object) -> None:
        self.passes += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = load_space("nano")
    queries = space.queries.blocks("dev", space.block, seed=0)[0]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    ways = {"drafts": Way(open_base("")), "token by token": Way(open_base(""))}
    ways["token by token"].generator.drafts = False
    for way in ways.values():
        way.answer(space.zero_shot, queries)  # warm up
        way.seconds, way.passes, way.answers = 0.0, 0, []
    for _ in range(chosen.prompts):
        candidate = space.suggest(study.ask())
        for way in ways.values():
            way.answer(candidate, queries)
    ours = ways["drafts"]
    print(f"{chosen.prompts} prompts, {len(queries)} queries each, {chosen.threads} threads")
    print("| way | seconds | passes | slower by | same answers |")
    print("|---|---|---|---|---|")
    for name, way in ways.items():
        same = sum(mine.text == theirs.text for mine, theirs in zip(ours.answers, way.answers, strict=True))
        slower = way.seconds / ours.seconds
        print(f"| {name} | {way.seconds:.1f} | {way.passes} | {slower:.2f} | {same} of {len(way.answers)} |")


if __name__ == "__main__":
    main()
