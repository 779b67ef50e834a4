"""Tests of figures that were silently others: the table and the page of positions under `--compat aligntds`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.command_line import Run
from tests.made_up_reading import reading
from urial_opt.report.shift_page_data import page_data
from urial_opt.report.shift_table import write_shift_table
from urial_opt.shift.aligntds import as_aligntds
from urial_opt.shift.measures import ALIGNTDS_KEPT
from urial_opt.shift.summary import summarise_shift


def test_a_reading_counted_as_aligntds_has_the_figures_of_its_summary() -> None:
    whole = reading()
    shift = summarise_shift(whole, compat="aligntds")
    counted = as_aligntds(whole)
    for name, scores in counted.contexts.items():
        ranks = np.concatenate([each.rank for each in scores])
        divergences = np.concatenate([each.kl_base_aligned for each in scores])
        figures = shift.contexts[name]
        assert figures.shifted is not None
        assert figures.kl_base_aligned is not None
        assert figures.shifted.mean == pytest.approx((ranks > 3).mean())
        assert figures.kl_base_aligned.mean == pytest.approx(np.nanmean(divergences))
        assert ranks.max() <= ALIGNTDS_KEPT + 1
        assert len(ranks) == sum(len(answer.tokens) for answer in whole.answers)
    assert page_data(counted, shift)["least"] is False


def test_the_table_of_positions_has_them_too(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="install pyarrow to test Parquet files")
    counted = as_aligntds(reading())
    write_shift_table(tmp_path / "t.parquet", counted)
    rows = [row for row in parquet.read_table(tmp_path / "t.parquet").to_pylist() if row["context"] == "zero-shot"]
    scores = counted.contexts["zero-shot"]
    assert [row["rank"] for row in rows] == np.concatenate([each.rank for each in scores]).tolist()
    expected = np.concatenate([each.kl_base_aligned for each in scores])
    assert np.array([row["kl_base_aligned"] for row in rows]) == pytest.approx(expected)
    assert {row["kl_aligned_base"] for row in rows} == {None}
    assert "end" not in {row["kind"] for row in rows}


def test_the_command_writes_the_table_as_it_counts_the_figures(run: Run, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="install pyarrow to test Parquet files")
    words = ("--sample", 2, "--prompt", "zero-shot", "--compat", "aligntds", "--parquet", tmp_path / "t.parquet")
    figures = json.loads(run("shift", *words, "--json")[0])["contexts"]["zero-shot"]
    rows = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert len(rows) == figures["positions"]
    assert np.mean([row["rank"] == 1 for row in rows]) == pytest.approx(figures["unshifted"]["mean"], abs=1e-6)
    assert np.mean([row["probability"] for row in rows]) == pytest.approx(figures["probability"]["mean"], abs=1e-6)
