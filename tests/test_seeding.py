"""What is drawn, and in which steps a trial is asked its queries."""

from __future__ import annotations

import pytest

from urial_opt.search.seeding import blocks_of, steps_of

BLOCKS = [[number, number + 100] for number in range(7)]


def test_a_trial_is_asked_all_blocks_from_one_that_is_drawn() -> None:
    for trial in range(20):
        assert sorted(map(list, blocks_of(BLOCKS, seed=3, trial=trial))) == BLOCKS
    assert blocks_of(BLOCKS, seed=3, trial=0) == BLOCKS
    assert len({blocks_of(BLOCKS, seed=3, trial=trial)[0][0] for trial in range(20)}) > 3


@pytest.mark.parametrize(("parallel", "sizes"), [(1, [1] * 7), (4, [1] * 7), (8, [1, 1, 2, 3])])
def test_a_step_is_a_block_or_as_much_as_all_before(parallel: int, sizes: list[int]) -> None:
    steps = steps_of(BLOCKS, parallel=parallel)
    assert [len(step) // 2 for step in steps] == sizes
    assert [query for step in steps for query in step] == [query for block in BLOCKS for query in block]
