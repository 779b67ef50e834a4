"""Builds a table: generates and judges the answer of every prompt to every query.

    python -m experiments.tabular.build A [--workers 2] [--work FOLDER] [--first 20] [--base nano:FOLDER] [--rejudge]

Prompts are done in shards, which are kept in the folder `--work`: a build that was stopped goes on where it was. The
table goes to `experiments/tabular/tables/`. With `--first` only so many shards are made, to see how fast it is. With
`--rejudge` the answers of shards that are there are judged again, after a change of the rules.
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
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.tabular.oracle import answers_of, length_of
from experiments.tabular.recipes import RECIPES, all_prompts
from experiments.tabular.table import TABLES, PromptKey, Table
from urial_opt import plugins
from urial_opt.aspects import Aspect
from urial_opt.prompt import read_answer
from urial_opt.protocols import Judge
from urial_opt.records import Candidate, Completion, Query, Usage, in_blocks


@lru_cache(maxsize=1)
def judge_of(name: str) -> Judge:
    """The judge of a table."""
    return RECIPES[name].judge()


@lru_cache(maxsize=200_000)
def verdict(name: str, query: Query, answer: Completion) -> tuple[int, ...]:
    """The score of each aspect by the judge of table `name`, and 0 where it is not due."""
    [judgment] = judge_of(name).judge([query], [answer])
    return tuple(int(judgment.scores.get(aspect) or 0) for aspect in Aspect)


def verdicts(name: str, queries: Sequence[Query], answers: Sequence[Sequence[Completion]]) -> npt.NDArray[np.int8]:
    """Prompts x queries x aspects."""
    # Usage is not judged: without it, equal answers are judged once.
    plain = [[replace(each, usage=Usage()) for each in row] for row in answers]
    return np.array([[*map(partial(verdict, name), queries, row)] for row in plain], dtype=np.int8)


@dataclass(kw_only=True)
class Builder:
    """Makes the shards of one table, in one process."""

    name: str
    base: str
    work: Path

    def __post_init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.space = RECIPES[self.name].space()
        self.generator = plugins.open_generator(self.base, RECIPES[self.name].options)

    def shard(self, number: int, prompts: Sequence[PromptKey]) -> tuple[int, int, float]:
        """Make a shard, unless it is there. Returns prompts, generated tokens and seconds."""
        path = self.work / f"{number:04d}.npz"
        started = time.perf_counter()
        queries = self.space.queries.queries
        candidates = [self._candidate(prompt) for prompt in prompts]
        answers = [answers_of(self.generator, candidate, queries) for candidate in candidates]
        tokens = np.array([[each.usage.completion_tokens for each in row] for row in answers], dtype=np.uint16)
        read = [[replace(each, text=read_answer(each.text, cut=is_cut(each))) for each in row] for row in answers]
        texts = [[each.text for each in row] for row in read]
        cut = [[is_cut(each) for each in row] for row in read]
        with gzip.open(path.with_suffix(".json.gz"), "wt") as file:
            json.dump({"prompts": [[*prompt] for prompt in prompts], "texts": texts, "cut": cut}, file)
        keep(
            path,
            verdicts=verdicts(self.name, queries, read),
            answer_tokens=tokens,
            prompt_tokens=np.array([length_of(self.generator, candidate) for candidate in candidates], dtype=np.int32),
            cut=np.array(cut).sum(axis=1, dtype=np.int32),
        )
        return len(prompts), int(tokens.sum()), time.perf_counter() - started

    def _candidate(self, prompt: PromptKey) -> Candidate:
        params = self.space.params_of(
            system=prompt.system, exemplars=prompt.exemplars, decoding=self.space.hand_written_params
        )
        return self.space.candidate(params)


def is_cut(answer: Completion) -> bool:
    """Whether the answer was cut off."""
    return answer.finish_reason == "length"


def keep(path: Path, **arrays: npt.NDArray[Any]) -> None:
    """Write a shard, whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as unfinished:
        np.savez_compressed(unfinished, **arrays)  # type: ignore[arg-type]
    Path(unfinished.name).replace(path)


def judge_again(name: str, path: Path) -> None:
    """Replace the verdicts of a shard by those of the judge as it is now, from the texts beside it."""
    with gzip.open(path.with_suffix(".json.gz"), "rt") as file:
        kept = json.load(file)
    answers = [
        [Completion(text=text, finish_reason="length" if cut else "stop") for text, cut in zip(*row, strict=True)]
        for row in zip(kept["texts"], kept["cut"], strict=True)
    ]
    arrays = dict(np.load(path))
    keep(path, **arrays | {"verdicts": verdicts(name, RECIPES[name].space().queries.queries, answers)})


_builder: Builder | None = None


def begin(name: str, base: str, work: Path) -> None:
    """Open the model, once in each process."""
    global _builder
    _builder = Builder(name=name, base=base, work=work)


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
    recipe = RECIPES[name]
    prompts = tuple(prompt for shard in shards for prompt in shard)
    return Table(
        name=name,
        about=recipe.about,
        space=recipe.space(),
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
    parser.add_argument("--rejudge", action="store_true", help="judge the answers of finished shards again")
    chosen = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # for the workers, which read it as they start
    work = chosen.work or Path(tempfile.gettempdir()) / f"build-{chosen.name}"
    work.mkdir(parents=True, exist_ok=True)
    recipe = RECIPES[chosen.name]
    shards = list(in_blocks(list(all_prompts(recipe.space())), recipe.shard))
    paths = [work / f"{number:04d}.npz" for number in range(len(shards))]
    jobs = [(number, shards[number]) for number, path in enumerate(paths) if not path.exists()]
    started, done, tokens = time.perf_counter(), 0, 0
    base = chosen.base or recipe.base
    if jobs and not base:
        raise SystemExit(
            f"make the base model of table {chosen.name} first, and give its folder: --base {recipe.base_form}"
        )
    for path in paths if chosen.rejudge else ():
        if path.exists():
            judge_again(chosen.name, path)
    print(f"{len(jobs)} of {len(shards)} shards to make", flush=True)
    if jobs:
        with multiprocessing.get_context("spawn").Pool(chosen.workers, begin, (chosen.name, base, work)) as pool:
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
