"""Files of strangers end in rows or in one line that refuses them, whatever they hold, within bounds."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.command_line import Run
from urial_opt.datasets.just_eval import read_outputs
from urial_opt.datasets.query_sources import load_queries
from urial_opt.datasets.rated_answers import read_rated_answers
from urial_opt.errors import InputError, SpaceError
from urial_opt.prompt_file import read_prompt_file
from urial_opt.spaces.space_file import load_space

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PAIRS = pairwise(LETTERS)
BOMB = "a: &a [x, x]\n" + "".join(f"{after}: &{after} [*{before}, *{before}]\n" for before, after in PAIRS)
"""Twenty-six lines of YAML that stand for 2**27 values."""

NAMES = ["text", "instruction", "input", "context", "instances", "messages", "conversations", "turns", "prompt"]
NAMES += ["id", "kind", "category", "dataset", "datasplit", "task", "tags", "output", "scores", "parsed_result", "data"]
WORDS = ["", "a", "7", "850", "safety", "regular", "just_eval", "just_red", "lima", "<noinput>", "user", "\ud83d"]
SIMPLE = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=5)
VALUES = st.recursive(
    SIMPLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "role", "content"]), inner),
    max_leaves=8,
)
ROWS = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), VALUES, max_size=6) | VALUES
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_by_all(path: Path) -> None:
    """Every reader gives rows or an InputError in one line."""
    for read in (load_queries, read_outputs, read_rated_answers, read_prompt_file):
        try:
            read(path)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.filterwarnings("ignore::urial_opt.errors.UrialOptWarning")
@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "txt"])
@QUIET
@given(content=st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ux1e,\n\r ', max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"f.{suffix}").write_bytes(content)
    read_by_all(tmp_path / f"f.{suffix}")


@pytest.mark.filterwarnings("ignore::urial_opt.errors.UrialOptWarning")
@QUIET
@given(rows=st.lists(ROWS, min_size=1, max_size=3), wrapped=st.booleans())
def test_any_rows_are_read_or_refused(tmp_path: Path, *, rows: list[object], wrapped: bool) -> None:
    text = json.dumps(rows) if wrapped else "\n".join(map(json.dumps, rows))
    (tmp_path / "f.json").write_text(text)
    read_by_all(tmp_path / "f.json")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "f.yaml:1: its aliases stand for more than 100,000 values"),
        ("a: &a [*a]\n", "f.yaml:1: its aliases stand for more than 100,000 values or for themselves"),
        ("[" * 5000, "f.yaml:1: this is not YAML"),
        ("- x\n" * (2**20 + 1), "holds more than 4 MiB"),
    ],
)
def test_a_space_file_is_read_within_bounds(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(SpaceError) as caught:
        load_space(str(tmp_path / "f.yaml"))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bomb_in_the_system_prompts_and_half_an_emoji_in_yaml(run: Run, small_space: Path, tmp_path: Path) -> None:
    text = small_space.read_text().replace("description: ", r'description: "half \ud83d"  # ', 1)
    (tmp_path / "queries.jsonl").write_text((small_space.parent / "queries.jsonl").read_text())
    (tmp_path / "half.yaml").write_text(text)
    _, err = run("search", "--space", "half.yaml", "--plan", "--budget", 1)
    assert "half a character" in " ".join(err.split())
    lines = ["system_prompts: bomb.yaml" if each.startswith("system_prompts:") else each for each in text.splitlines()]
    (tmp_path / "bombed.yaml").write_text("\n".join(lines))
    (tmp_path / "bomb.yaml").write_text(BOMB)
    assert "bomb.yaml:1: its aliases stand for more than" in run("search", "--space", "bombed.yaml", code=2)[1]


@pytest.mark.parametrize("deep", ['{"a":' * 100_000, "[" * 100_000, '[{"text": ' + "[" * 2000 + "]" * 2000 + "}]"])
def test_deep_json_is_refused_in_one_line(tmp_path: Path, deep: str) -> None:
    (tmp_path / "f.json").write_text(deep)
    for read in (load_queries, read_outputs, read_rated_answers, read_prompt_file):
        with pytest.raises(InputError):
            read(tmp_path / "f.json")


def test_a_deep_configuration_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("a = " + "[" * 5000)
    assert "c.toml" in run("--config", "c.toml", "list", code=2)[1]
