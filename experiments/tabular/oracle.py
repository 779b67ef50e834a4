"""Oracle: verdicts on the real answers of a base model, asked when they are needed and kept for all who come after.

    oracle = Oracle(folder=folder)
    oracle.verdicts(candidate, queries)         queries x aspects, 0 where an aspect is not due

Verdicts are kept in one SQLite file in the folder, which any number of processes may share. Two processes that ask for
the same answer at the same time both make it, and get the same.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from urial_opt import plugins
from urial_opt.aspects import Aspect
from urial_opt.evaluation.token_counts import known_length
from urial_opt.prompt import has_ended, read_answer
from urial_opt.protocols import Ending, Generator, Judge
from urial_opt.records import Candidate, Completion, Query

CACHE = Path(tempfile.gettempdir()) / "urial-opt-oracle"
"""Where verdicts are kept unless another folder is given."""
Verdicts = npt.NDArray[np.uint8]


@dataclass(kw_only=True)
class Oracle:
    """Answers and verdicts of one base model and one judge, each asked once. The model is opened when it is needed."""

    base: str = "nano"
    judge_name: str = "nano"
    folder: Path = CACHE
    made: int = field(default=0, init=False)
    """How many answers this process has made, and not found."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._kept: dict[bytes, dict[str, bytes]] = {}

    @cached_property
    def generator(self) -> Generator:
        """The base model; one thread, since a comparison runs in several processes."""
        import torch

        torch.set_num_threads(1)
        return plugins.open_generator(self.base)

    @cached_property
    def judge(self) -> Judge:
        return plugins.open_judge(self.judge_name)

    @cached_property
    def _file(self) -> sqlite3.Connection:
        file = sqlite3.connect(self.folder / "verdicts.db", timeout=60, isolation_level=None)
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=OFF")  # what is lost can be made again
        file.execute(
            "CREATE TABLE IF NOT EXISTS verdicts (prompt BLOB, query TEXT, scores BLOB, PRIMARY KEY (prompt, query)) "
            "WITHOUT ROWID"
        )
        return file

    def verdicts(self, candidate: Candidate, queries: Sequence[Query], *, ahead: Sequence[Query] = ()) -> Verdicts:
        """The scores of the six aspects for each query, 1 to 5, and 0 where an aspect is not due.

        A single missing answer is made together with those to the queries `ahead`, since many cost little more.
        """
        asked = f"{self.generator.identity} {self.judge.identity} {candidate.prompt.id} {candidate.sampling.id}"
        prompt = hashlib.sha256(asked.encode()).digest()[:10]
        known = self._known(prompt)
        if missing := [query for query in queries if query.id not in known]:
            if len(missing) == 1:
                missing = [query for query in dict.fromkeys((*missing, *ahead)) if query.id not in known]
            fresh = self._judged(candidate, missing)
            with closing(self._file.cursor()) as cursor:
                rows = [(prompt, query, scores) for query, scores in fresh.items()]
                cursor.execute("BEGIN IMMEDIATE")
                cursor.executemany("INSERT OR IGNORE INTO verdicts VALUES (?, ?, ?)", rows)
                cursor.execute("COMMIT")
            known |= fresh
            self.made += len(fresh)
        scores = [[*known[query.id]] for query in queries]
        return np.array(scores, dtype=np.uint8).reshape(-1, len(Aspect))

    def _known(self, prompt: bytes) -> dict[str, bytes]:
        if prompt not in self._kept:
            rows = self._file.execute("SELECT query, scores FROM verdicts WHERE prompt = ?", (prompt,))
            self._kept[prompt] = dict(rows)
        return self._kept[prompt]

    def _judged(self, candidate: Candidate, queries: Sequence[Query]) -> dict[str, bytes]:
        written = answers_of(self.generator, candidate, queries)
        read = [read_answer(each.text, cut=each.finish_reason == "length") for each in written]
        answers = [Completion(text=text, finish_reason="stop") for text in read]
        judged = self.judge.judge(queries, answers)
        return {
            query.id: bytes(int(each.scores.get(aspect) or 0) for aspect in Aspect)
            for query, each in zip(queries, judged, strict=True)
        }

    def prompt_tokens(self, candidate: Candidate) -> int:
        """Tokens of the prompt before the query."""
        return length_of(self.generator, candidate)


def answers_of(generator: Generator, candidate: Candidate, queries: Sequence[Query]) -> list[Completion]:
    """The base model's answers under a prompt, as it wrote them, up to where they have ended."""
    if isinstance(generator, Ending):
        generator.end_when(has_ended)
    suffixes = [candidate.prompt.suffix(query.text) for query in queries]
    return generator.generate(candidate.prompt.prefix, suffixes, candidate.sampling)


def length_of(generator: Generator, candidate: Candidate) -> int:
    """Tokens of a prompt before the query; 0 of none, whatever a model begins every text with."""
    return (known_length(candidate.prompt, generator) or 0) if candidate.prompt.prefix else 0
