"""Searches on a space without a table: verdicts are kept, prompts keep their limit, the replay walks the real path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from experiments.tabular import hard
from experiments.tabular.measure import Step
from experiments.tabular.oracle import Oracle
from experiments.tabular.peers.judged import Parts, play
from experiments.tabular.peers.methods import PEERS
from experiments.tabular.replay import replay
from experiments.tabular.unlisted import SpaceBench, Unlisted
from urial_opt import plugins
from urial_opt.aspects import ASPECTS_OF
from urial_opt.evaluation.token_counts import prompt_length
from urial_opt.objective import Constraint
from urial_opt.records import Completion, Judgment, Query, Sampling, Usage
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store


class Digits:
    """Answers with a number from 1 to 5 that depends on the words of the prompt; judges it as it is."""

    identity = "digits"

    def __init__(self) -> None:
        self.calls: list[int] = []

    def generate(self, prefix: str, suffixes: Sequence[str], _sampling: Sampling) -> list[Completion]:
        self.calls.append(len(suffixes))
        return [
            Completion(text=str(crc32((prefix[-80:] + suffix).encode()) % 5 + 1), finish_reason="stop", usage=Usage())
            for suffix in suffixes
        ]

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        return [
            Judgment(
                query_id=query.id,
                judge=self.identity,
                scores=dict.fromkeys(ASPECTS_OF[query.kind], float(answer.text)),
            )
            for query, answer in zip(queries, completions, strict=True)
        ]


@dataclass(kw_only=True)
class DigitOracle(Oracle):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.digits = Digits()
        self.__dict__ |= {"generator": self.digits, "judge": self.digits}


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    whole = load_space("nano-hard")
    most = len(whole.hand_written.prompt.prefix.split())  # in the words that `Digits` counts
    return replace(whole, exemplar_floor={}, constraints=(Constraint.read(f"prompt_tokens<={most}"),))


@pytest.fixture
def oracle(tmp_path: Path) -> DigitOracle:
    return DigitOracle(folder=tmp_path)


def test_a_verdict_is_made_once_for_all_processes(oracle: DigitOracle, space: SearchSpace) -> None:
    queries = space.queries.split("dev")
    first = oracle.verdicts(space.hand_written, queries[:10])
    assert oracle.made == 10
    assert (oracle.verdicts(space.hand_written, queries[5:12])[:5] == first[5:]).all()
    other = DigitOracle(folder=oracle.folder)
    assert (other.verdicts(space.hand_written, queries[:12])[:10] == first).all()
    assert (oracle.made, other.made) == (12, 0)
    assert oracle.digits.calls == [10, 2]


def test_a_single_answer_is_made_with_those_that_will_be_asked(oracle: DigitOracle, space: SearchSpace) -> None:
    queries = space.queries.split("dev")
    oracle.verdicts(space.hand_written, queries[:1], ahead=queries)
    oracle.verdicts(space.hand_written, queries[7:8], ahead=queries)
    assert oracle.digits.calls == [64]


def test_lengths_of_parts_add_up_to_the_length_of_a_prompt(space: SearchSpace, tmp_path: Path) -> None:
    base, listed = plugins.open_generator("nano"), Unlisted(space, Oracle(folder=tmp_path))
    rng = np.random.default_rng(0)
    for _ in range(60):
        drawn = rng.permutation(300)[: rng.integers(7)].tolist()
        listed.most = 10**6
        parts = listed.shortened(int(rng.integers(len(space.systems))), drawn)
        prompt = listed.candidate(listed.number(parts)).prompt
        assert listed.tokens(parts) == (prompt_length(prompt, base) if prompt.prefix else 0)


@pytest.mark.parametrize("name", ["random", "halving", "tpe", "gepa", "drpo-blocks", "piast"])
def test_a_peer_asks_only_prompts_that_are_short_enough(name: str, oracle: DigitOracle, space: SearchSpace) -> None:
    listed = Unlisted(space, oracle)
    bench = SpaceBench.on(listed)
    path = play(PEERS[name].load(), bench, seed=1, budget=8 * bench.queries)
    recommended = [listed.prompts[step.recommended] for step in path if step.recommended is not None]
    assert all(listed.fits(parts) for parts in recommended)
    assert path[-1].answers == 8 * 64
    assert len({*recommended}) > 1


def test_a_prompt_that_is_too_long_loses_its_last_exemplars_and_repeated_queries(
    oracle: DigitOracle, space: SearchSpace
) -> None:
    listed = Unlisted(space, oracle)
    whole = listed.shortened(0, [0, 1, 40, 80, 120, 160])
    assert whole.exemplars[:2] == (0, 40)  # 1 answers the query of 0 once more
    assert listed.fits(whole)
    assert not listed.fits(Parts(0, (0, 40, 80, 120, 160)))


def test_the_replay_walks_the_path_of_a_search_with_a_limit_on_tokens(
    oracle: DigitOracle, space: SearchSpace, tmp_path: Path
) -> None:
    models = Models(base=Digits(), judge=Digits())
    with Store.open(str(tmp_path / "search.db")) as store:
        search_space(space, models, store, options=SearchOptions(budget=30, seed=3, name="real"))
        trials = store.trials("real")
    standing, _ = replay(Unlisted(space, oracle).world(3), evaluations=30)
    records = [*standing.records.values()][: len(trials)]
    assert [(each.candidate.prompt.id, each.state, each.query_scores) for each in trials] == [
        (each.candidate.prompt.id, each.state, each.query_scores) for each in records
    ]


def test_rows_say_what_a_method_recommends_and_are_summarised(oracle: DigitOracle, tmp_path: Path) -> None:
    listed = Unlisted(load_space("nano-hard"), oracle)
    bench = SpaceBench.on(listed)
    other = bench.prompt(1, [5, 50])
    path = [Step(answers=0, recommended=bench.start), Step(answers=640, recommended=other)]
    rows = [*hard.rows_of(listed, hard.Job("random", 0), path)]
    assert {row.prompt for row in rows} == {
        " ".join([listed.space.systems[parts.system], *(listed.keys[one] for one in parts.exemplars)])
        for parts in (listed.prompts[bench.start], listed.prompts[other])
    }
    assert [row.evaluations for row in rows if row.validation == row.validation] == [5, 10, 20, 50]
    assert rows[8].dev == round(listed.truth(bench.start, "dev"), 4)
    assert rows[9].dev == round(listed.truth(other, "dev"), 4)
    printed = "\n".join(hard.summarised([*rows, *hard.rows_of(listed, hard.Job("ours", 0), path)], "dev", oracle))
    assert printed.startswith("Best known on dev: ")
    assert "| **our search** |" in printed
    assert "| random |" in printed
    assert all(listed.candidate(hard.number_of(listed, each)).prompt.exemplars for each in hard.KNOWN)
