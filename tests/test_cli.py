"""The command line: its text and JSON output, and its error messages."""

import json
from pathlib import Path

import pytest

from tests.command_line import Run
from urial_opt.prompt_file import read_prompt_file


def test_search_prints_a_table_and_what_to_type_next(run: Run, small_space: Path) -> None:
    out, err = run("search", "--space", small_space, "--budget", 2, "--name", "mine")
    for word in ("zero-shot", "hand-written", "found", "aligned model", "helpfulness", "safety"):
        assert word in out
    assert "urial-opt inspect mine" in out
    assert "urial-opt export mine" in out
    assert "2/2" in err
    run("inspect", "mine")
    run("export", "mine")


def test_search_json_stands_alone_on_standard_output(run: Run, small_space: Path) -> None:
    out, _ = run("search", "--space", small_space, "--budget", 2, "--aligned", "none", "--json")
    told = json.loads(out)
    assert set(told) == {
        *("name", "zero_shot", "plain_icl", "hand_written", "found", "aligned", "gain", "found_trial", "found_equals"),
        *("written", "constraints", "trials", "missing", "seconds", "tokens", "shift", "spending", "cost"),
        *("database", "space", "objective", "value_gain"),
    }
    assert told["aligned"] is None
    assert set(told["found"]) == {
        *("average", "interval", "aspects", "missing", "not_applicable", "unread", "refused", "too_long"),
        *("too_long_queries", "queries", "prompt_tokens", "prompt", "keeps_constraints", "value", "answer_tokens"),
    }


def test_list(run: Run, searched: Path) -> None:
    out, _ = run("list", "--store", searched)
    assert "mine" in out
    assert "finished" in out
    (entry,) = json.loads(run("list", "--store", searched, "--json")[0])
    assert (entry["name"], entry["status"], entry["trials"]) == ("mine", "finished", 4)


def test_inspect(run: Run, searched: Path) -> None:
    out, _ = run("inspect", "--store", searched)
    for word in ("aspect", "worst answers", "parameters:", "estimate"):
        assert word in out
    told = json.loads(run("inspect", "mine", "--top", 2, "--store", searched, "--json")[0])
    assert len(told["trials"]) == 2
    assert told["trials"][0]["estimate"]["mean"] >= told["trials"][1]["estimate"]["mean"]
    assert told["trials"][0]["best"][0]["reasons"]


def test_export_and_start_from_what_was_exported(run: Run, searched: Path, small_space: Path, tmp_path: Path) -> None:
    run("export", "mine", "--trial", 0, "--output", "hand.txt", "--store", searched)
    text = (tmp_path / "hand.txt").read_text()
    assert text.startswith("# Instruction\n\n")
    assert text.endswith("\n```\n")
    assert run("export", "mine", "--trial", 0, "--store", searched)[0] == text
    as_json = json.loads(run("export", "--trial", 0, "--format", "json", "--store", searched)[0])
    assert text in as_json.values()
    prompt = read_prompt_file(tmp_path / "hand.txt")
    assert prompt.prefix == text
    out, _ = run(
        *("search", "--space", small_space, "--budget", 1, "--aligned", "none", "--json"),
        *("--start-from", "hand.txt", "--store", "other.db"),
    )
    assert json.loads(out)["found"]["prompt"] == prompt.id


def test_what_cannot_be_done_is_one_line_that_says_what_to_type(run: Run, searched: Path, tmp_path: Path) -> None:
    assert "--budget 200" in run.refused("search", "--budget", 0)
    assert "did you mean 'nano'" in run.refused("search", "--space", "nanno")
    assert "did you mean 'nano'" in run.refused("search", "--judge", "nanno", "--budget", 1)
    assert "choose one of" in run.refused("search", "--base", "quux", "--budget", 1)
    assert "did you mean 'thompson'" in run("search", "--sampler", "thomson", "--budget", 1, code=2)[1]
    assert "urial-opt search" in run.refused("list", "--store", "nothing.db")
    assert not (tmp_path / "nothing.db").exists()
    assert "mine" in run.refused("inspect", "mime", "--store", searched)
    assert "trial 99" in run.refused("export", "mine", "--trial", 99, "--store", searched)
    assert "did you mean 'urial'" in run.refused("export", "mine", "--format", "uriel", "--store", searched)
    assert "inst_help_v5" in run.refused("export", "mine", "--output", "inst_help_v5.txt", "--store", searched)
    assert "--output" in run.refused("export", "mine", "--output", "no/such/found.txt", "--store", searched)
    assert "no/such.txt" in run.refused("search", "--start-from", "no/such.txt")


def test_a_config_file_gives_defaults_and_the_command_line_wins(run: Run, searched: Path, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(f'[list]\nstore = "{searched}"\njson = true\n')
    assert json.loads(run("--config", "my.toml", "list")[0])[0]["name"] == "mine"
    assert "urial-opt search" in run.refused("--config", "my.toml", "list", "--store", "nothing.db")
    (tmp_path / "bad.toml").write_text("[serch]\n")
    assert "serch" in run("--config", "bad.toml", "list", code=2)[1]


def test_help_names_every_command(run: Run) -> None:
    out, _ = run("--help")
    for name in ("search", "list", "inspect", "export"):
        assert name in out
        assert "Usage" in run(name, "--help")[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("serach", "did you mean 'search'?"),
        ("search --budget many", "'many' is not a valid integer; type: urial-opt search --help"),
        ("search --bugdet 3", "--budget"),
        ("inspect one two", "type: urial-opt inspect --help"),
        ("inspect --top 0", "x>=1; type: urial-opt inspect --help"),
    ],
)
def test_mistyped_words_are_one_line(run: Run, words: str, says: str) -> None:
    assert says in run.refused(*words.split())


def test_no_word_at_all_shows_the_help(run: Run) -> None:
    assert "Commands:" in run(code=2)[1]


def test_options_of_a_model(run: Run, small_space: Path) -> None:
    words = ("search", "--space", small_space, "--budget", 1, "--aligned", "none")
    assert "the generator 'nano' takes no options; leave 'url' out" in run.refused(
        *words, "--base-url", "http://localhost"
    )
    assert "leave 'warmth' out" in run.refused(*words, "--judge-option", "warmth=3")
    assert "is not KEY=VALUE" in run.refused(*words, "--base-option", "device")


def test_every_option_can_be_a_variable_of_the_environment(
    run: Run, small_space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URIAL_OPT_SEARCH_SPACE", str(small_space))  # the parameter is called otherwise
    monkeypatch.setenv("URIAL_OPT_SEARCH_BUDGET", "1")
    monkeypatch.setenv("URIAL_OPT_SEARCH_PLAN", "yes")
    monkeypatch.setenv("URIAL_OPT_SEARCH_JSON", "1")
    monkeypatch.setenv("URIAL_OPT_SEARCH_DECODING", "max_tokens=16")
    assert json.loads(run("search")[0])["name"].startswith("small-")
    monkeypatch.setenv("URIAL_OPT_SEARCH_BUDGET", "many")
    assert "many" in run.refused("search")
