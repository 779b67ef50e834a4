"""`urial-opt shift` on the embedded pair of models."""

import json
from pathlib import Path

import pytest

from tests.command_line import Run

FEW = ("--sample", "16")


def test_a_table_of_each_context(run: Run) -> None:
    out, err = run("shift", *FEW, "--explain")
    assert "zero-shot" in out
    assert "hand-written against zero-shot" in out
    assert "greets as the aligned model does" in out
    assert err.splitlines()[-1] == "[reading] 16/16"


def test_the_same_as_json(run: Run) -> None:
    told = json.loads(run("shift", *FEW, "--json", "--explain")[0])
    assert list(told["contexts"]) == ["zero-shot", "hand-written"]
    for context in told["contexts"].values():
        shares = [context[name] for name in ("unshifted", "marginal", "shifted")]
        assert sum(share["mean"] for share in shares) == pytest.approx(1, abs=1e-5)
        assert all(share["interval"][0] <= share["mean"] <= share["interval"][1] for share in shares)
    assert told["contexts"]["hand-written"]["shifted"]["mean"] < told["contexts"]["zero-shot"]["shifted"]["mean"]
    assert told["baseline"] == "zero-shot"
    assert told["explanations"]["hand-written"]["repaired"] > 0


def test_contexts_by_name_file_and_search(run: Run, searched: Path, tmp_path: Path, small_space: Path) -> None:
    (tmp_path / "mine.txt").write_text("Be kind.\n\n# Query:\n```\nHi?\n```\n\n# Answer:\n```\nHello!\n```\n")
    words = ("mine", "--prompt", "hand-written", "--prompt", tmp_path / "mine.txt", "--store", searched)
    told = json.loads(run("shift", "--sample", "4", *words, "--space", small_space, "--json")[0])
    assert list(told["contexts"]) == ["hand-written", str(tmp_path / "mine.txt"), "found"]
    assert told["baseline"] == "hand-written"


def test_a_row_for_every_position(run: Run, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="install pyarrow to test Parquet files")
    told = json.loads(run("shift", "--sample", "4", "--parquet", tmp_path / "t.parquet", "--json")[0])
    rows = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    of_one = [row for row in rows if row["context"] == "zero-shot" and row["token"] is not None]
    assert len(of_one) == told["contexts"]["zero-shot"]["positions"]
    assert sum(row["class"] == "shifted" for row in of_one) / len(of_one) == pytest.approx(
        told["contexts"]["zero-shot"]["shifted"]["mean"], abs=1e-6
    )
    for row in of_one:
        assert len(row["top_tokens"]) == len(row["top_probabilities"]) == 10
        assert row["rank"] != 1 or row["top_tokens"][0] == row["token"]
    assert {row["kind"] for row in rows if row["token"] is None} == {"end"}


def test_a_page(run: Run, tmp_path: Path) -> None:
    run("shift", "--sample", "4", "--html", tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_what_cannot_be_is_refused(run: Run, tmp_path: Path) -> None:
    assert "urial-opt search --store urial-opt.db" in run.refused("shift", "--trial", "3")
    assert "is a base model" in run.stopped("shift", "--aligned", "nano")
    assert "'nothing.txt'" in run.refused("shift", "--prompt", "nothing.txt")
    assert "names no aligned" in run.refused("shift", "--space", "urial", "--base", "nano")
    assert "cannot be written" in run.stopped("shift", "--sample", "2", "--html", tmp_path / "no" / "page.html")
