"""The notebook of `experiments/`, run as a script, on a small space with a small budget."""

from __future__ import annotations

from pathlib import Path

import pytest

import urial_opt as uo

NOTEBOOK = Path(__file__).parent.parent / "experiments" / "notebook.py"


def test_the_notebook_runs_from_top_to_bottom(
    small_space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 30
    assert text.count("# %% ") == 4
    small = text.replace('run_search("nano", budget=40', f"run_search({str(small_space)!r}, budget=3")
    assert small != text
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict[str, object] = {}
    exec(compile(small, str(NOTEBOOK), "exec"), names)  # as an editor runs the cells, one after the other
    found = names["found"]
    assert isinstance(found, uo.SearchResult)
    written = {"notebook.db", "trials.png", "found.json", "found.txt", "found.decoding.json"}
    assert {file.name for file in tmp_path.iterdir()} == written
    assert uo.load_prompt("found.json") == found.prompt
    assert str(found) in capsys.readouterr().out
