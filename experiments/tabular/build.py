"""Builds a table: generates and judges the answer of every prompt to every query.

    python -m experiments.tabular.build A [--workers 2] [--work FOLDER] [--first 20] [--base nano:FOLDER]

Prompts are done in shards, which are kept in the folder `--work`: a build that was stopped goes on where it was. The
table goes to `experiments/tabular/tables/`. With `--first` only so many shards are made, to see how fast it is.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from experiments.tabular.recipes import RECIPES, all_prompts, bounded_nano
from experiments.tabular.table import TABLES, PromptKey, Table
from urial_opt import plugins
from urial_opt.aspects import Aspect
from urial_opt.nano.judge import judge_answer
from urial_opt.prompt import has_ended, read_answer
from urial_opt.protocols import Ending, TokenCounter
from urial_opt.records import Candidate, Completion, Query, in_blocks
from urial_opt.spaces.space import SearchSpace

SHARD = 60
"""Prompts in a shard: a minute of one core."""


@lru_cache(maxsize=200_000)
def verdict(query: Query, answer: str) -> tuple[int, ...]:
    """The judge's score of each aspect, and 0 where it is not due."""
    scores = judge_answer(query, answer).scores
    return tuple(int(scores.get(aspect) or 0) for aspect in Aspect)


@dataclass(kw_only=True)
class Builder:
    """Makes the shards of one table, in one process."""

    base: str
    work: Path
    space: SearchSpace = field(default_factory=bounded_nano)

    def __post_init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.generator = plugins.open_generator(self.base)

    def shard(self, number: int, prompts: Sequence[PromptKey]) -> tuple[int, int, float]:
        """Make a shard, unless it is there. Returns prompts, generated tokens and seconds."""
        path = self.work / f"{number:04d}.npz"
        started = time.perf_counter()
        queries = self.space.queries.queries
        answers = [self._answers(prompt, queries) for prompt in prompts]
        tokens = np.array([[each.usage.completion_tokens for each in row] for row in answers], dtype=np.uint16)
        texts = [[read_answer(each.text, cut=each.finish_reason == "length") for each in row] for row in answers]
        given = [[verdict(query, text) for query, text in zip(queries, row, strict=True)] for row in texts]
        cut = [sum(each.finish_reason == "length" for each in row) for row in answers]
        with gzip.open(path.with_suffix(".json.gz"), "wt") as file:
            json.dump([[*prompt] for prompt in prompts] + [texts], file)
        with tempfile.NamedTemporaryFile(dir=self.work, suffix=".tmp", delete=False) as unfinished:
            np.savez_compressed(
                unfinished,
                verdicts=np.array(given, dtype=np.int8),
                answer_tokens=tokens,
                prompt_tokens=np.array([self._length(prompt) for prompt in prompts], dtype=np.int32),
                cut=np.array(cut, dtype=np.int32),
            )
        Path(unfinished.name).replace(path)
        return len(prompts), int(tokens.sum()), time.perf_counter() - started

    def _candidate(self, prompt: PromptKey) -> Candidate:
        params = self.space.params_of(
            system=prompt.system, exemplars=prompt.exemplars, decoding=self.space.hand_written_params
        )
        return self.space.candidate(params)

    def _answers(self, prompt: PromptKey, queries: Sequence[Query]) -> list[Completion]:
        candidate = self._candidate(prompt)
        if isinstance(self.generator, Ending):
            self.generator.end_when(has_ended)
        suffixes = [candidate.prompt.suffix(query.text) for query in queries]
        return self.generator.generate(candidate.prompt.prefix, suffixes, candidate.sampling)

    def _length(self, prompt: PromptKey) -> int:
        text = self._candidate(prompt).prompt.prefix
        return self.generator.count_tokens(text) if text and isinstance(self.generator, TokenCounter) else 0


_builder: Builder | None = None


def begin(base: str, work: Path) -> None:
    """Open the model, once in each process."""
    global _builder
    _builder = Builder(base=base, work=work)


def make(job: tuple[int, Sequence[PromptKey]]) -> tuple[int, int, float]:
    """One shard, in a process that has begun."""
    assert _builder is not None
    return _builder.shard(*job)


def collected(name: str, work: Path, shards: Sequence[Sequence[PromptKey]]) -> Table:
    """The table, from all shards."""
    parts = [dict(np.load(work / f"{number:04d}.npz")) for number in range(len(shards))]
    whole = {each: np.concatenate([part[each] for part in parts]) for each in parts[0]}
    share = whole.pop("cut").sum() / whole["answer_tokens"].size
    print(f"{share:.2%} of the answers were cut off")
    space, recipe = bounded_nano(), RECIPES[name]
    prompts = tuple(prompt for shard in shards for prompt in shard)
    return Table(
        name=name,
        about=recipe.about,
        space=space,
        prompts=prompts,
        verdicts=whole["verdicts"],
        answer_tokens=whole["answer_tokens"],
        prompt_tokens=whole["prompt_tokens"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--work", type=Path, help="folder for the shards; default: build-NAME in the folder for temporary files"
    )
    parser.add_argument("--first", type=int, help="make only so many shards")
    parser.add_argument("--base", help="another base model than the recipe's")
    chosen = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # for the workers, which read it as they start
    work = chosen.work or Path(tempfile.gettempdir()) / f"build-{chosen.name}"
    work.mkdir(parents=True, exist_ok=True)
    shards = list(in_blocks(list(all_prompts(bounded_nano())), SHARD))
    jobs = [(n, shard) for n, shard in enumerate(shards) if not (work / f"{n:04d}.npz").exists()]
    started, done, tokens = time.perf_counter(), 0, 0
    if not (base := chosen.base or RECIPES[chosen.name].base):
        raise SystemExit(f"train the base model of table {chosen.name} first, and give its folder: --base nano:FOLDER")
    print(f"{len(jobs)} of {len(shards)} shards to make", flush=True)
    with multiprocessing.get_context("spawn").Pool(chosen.workers, begin, (base, work)) as pool:
        for prompts, written, seconds in pool.imap_unordered(make, jobs[: chosen.first]):
            done, tokens, passed = done + 1, tokens + written, time.perf_counter() - started
            left = passed / done * (len(jobs) - done)
            speed = f"{tokens / passed:,.0f} tokens/s, {left / 60:.0f} min left"
            print(f"{done}/{len(jobs)}: {prompts} prompts in {seconds:.0f} s; {speed}", flush=True)
    if done == len(jobs):
        table = collected(chosen.name, work, shards)
        table.save(TABLES / f"{chosen.name}.npz")
        print(f"{table!r}: {(TABLES / f'{chosen.name}.npz').stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
