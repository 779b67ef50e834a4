"""What strangers wrote (names, answers, reasons, errors of servers) is text on a terminal, never a command to it."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.command_line import Run
from tests.made_up_results import bill
from tests.scripted_server import Script
from tests.small_adapters import ByLength, Echo, each
from tests.tiny_space import FILES
from urial_opt.cli import live, output
from urial_opt.cli.live import Display
from urial_opt.cli.output import quoted, shown
from urial_opt.errors import InputError
from urial_opt.nano.json_server import Refused, listening
from urial_opt.records import TrialState, Usage
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.progress import Phase, Progress
from urial_opt.search.run import search_space
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store, searches

CLIPBOARD = "\x1b]52;c;cm0gLXJmIC8=\x07"
TITLE = "\x1b]0;you have won\x07"
CLEAR = "\x1b[2J\x1b[H"
C1 = "\x9b2J\x85\x9d0;title\x9c"
BIDI = "\u202egnp.exe\u2066hidden\u2069"
OVERWRITE = "the truth\rthe liar!\b\b"
HALF = "half an emoji \ud83d"
MARKUP = "[/b][link=http://evil]here[/link] [bold red]:skull: [/1]"
EVIL = " ".join([CLIPBOARD, TITLE, CLEAR, C1, BIDI, OVERWRITE, HALF, MARKUP])
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
NAMES = ["run[/1]", f"a{TITLE}b", "two\nlines", "-dash", "🦉" * 90, "tab\tand 'quotes'"]


def clean(text: str) -> str:
    assert not OBEYED.search(text), OBEYED.search(text)
    return text


@pytest.fixture(scope="module")
def evil_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with searches of odd names, as an earlier version allowed, whose answers and reasons are hostile."""
    folder = tmp_path_factory.mktemp("evil")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    space = load_space(str(folder / "tiny.yaml"))
    base = Echo(spoil=each(lambda completion: {"text": f"{completion.text} {EVIL}"}))
    judge = ByLength(spoil=each(lambda judgment: {"reasons": {"clarity": EVIL}, "raw": EVIL}))
    with Store.open(str(folder / "evil.db")) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(searches, "check_new_name", lambda name: None)
        for name in NAMES:
            models = Models(base=base, judge=judge)
            search_space(replace(space, exemplar_floor={}), models, store, options=SearchOptions(budget=1, name=name))
    return folder / "evil.db"


def test_searches_of_any_name_are_listed(run: Run, evil_store: Path) -> None:
    out, _ = run("list", "--store", evil_store)
    assert "run[/1]" in clean(out)
    assert [row["name"] for row in json.loads(run("list", "--store", evil_store, "--json")[0])] == NAMES[::-1]


@pytest.mark.parametrize("name", NAMES)
def test_searches_of_any_name_are_inspected_and_exported(run: Run, evil_store: Path, name: str) -> None:
    clean(run("inspect", "--store", evil_store, "--", name)[0])
    run("export", "--store", evil_store, "--output", "found.txt", "--", name)
    assert "is called" in clean(run.refused("inspect", "--store", evil_store, "--", f"{name}?"))
    assert "is called" in clean(run.refused("inspect", "--store", evil_store, "half \udcff"))


def test_answers_and_reasons_are_text(run: Run, evil_store: Path) -> None:
    out = clean(run("inspect", "run[/1]", "--examples", 5, "--store", evil_store)[0])
    assert MARKUP in " ".join(out.split())
    text, _ = run("inspect", "run[/1]", "--store", evil_store, "--json")
    whole = HALF.replace("\ud83d", "\ufffd")
    assert whole in json.loads(text)["trials"][0]["worst"][0]["answer"]  # exactly, once it is read
    clean(text)


@pytest.mark.parametrize("name", [f"a{TITLE}b", "two\nlines", "-dash", " blank", "a" * 101, BIDI, C1, "\ud83d"])
def test_a_new_search_has_a_name_that_can_be_read_and_typed(run: Run, small_space: Path, name: str) -> None:
    line = run("search", "--space", small_space, "--budget", 1, f"--name={name}", code=2)[1].splitlines()[-1]
    assert "cannot be the name of a search" in clean(line)
    assert "--name NAME" in line


def test_a_bracket_is_a_letter_like_others(run: Run, small_space: Path) -> None:
    out, _ = run("search", "--space", small_space, "--budget", 1, "--aligned", "none", "--name", "run[/1]")
    assert "urial-opt inspect 'run[/1]'" in out
    assert "run[/1]" in run("list")[0]


@contextmanager
def refusing(words: str) -> Iterator[str]:
    with listening(Script(Refused(400, words))) as url:
        yield url


def test_errors_of_servers_are_text(run: Run, small_space: Path, no_key: None) -> None:
    with refusing(EVIL.replace(HALF, "")) as url:
        words = ("evaluate", "--zero-shot", "--space", small_space, "--base", f"openai:m{TITLE}", "--base-url", url)
        _, err = run(*words, code=1)
    assert "refuses the request" in clean(err)


def test_words_of_the_command_line_are_text(run: Run) -> None:
    for words in (
        ["search", EVIL],
        ["search", f"--{TITLE}"],
        ["search", "--space", EVIL],
        ["search", "--budget", EVIL],
    ):
        clean(run.refused(*(word.replace("\x00", "") for word in words)))


def test_help_shows_a_default_of_a_file_as_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('[search]\nsampler = "\\u001b[2Jtpe"\n')
    assert "�[2Jtpe" in clean(run("--config", "c.toml", "search", "--help")[0])


def test_a_live_display_shows_notes_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    monkeypatch.setattr(live, "progress_console", lambda: Console(file=screen, force_terminal=True, width=200))
    progress = Progress(
        name="mine",
        phase=Phase.TRIALS, done=0, total=2, states=dict.fromkeys(TrialState, 0), best=None, improved_at=None,
        usage=Usage(), bill=bill(), notes=(EVIL,),
    )  # fmt: skip
    with Display() as display:
        display.heading = EVIL
        display.update(progress)
    wrote = screen.getvalue()
    assert MARKUP in wrote
    assert not re.search(r"\x1b\]|\x07|\x08|\u202e|\ud83d|the truth\rthe", wrote)


def test_an_unexpected_error_and_a_warning_of_a_log_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise RuntimeError(EVIL)
    except RuntimeError as error:
        output.write_crash(type(error), error, error.__traceback__)
    output.LogLines().emit(logging.LogRecord("a", logging.WARNING, "a.py", 1, EVIL, None, None))
    assert clean(capsys.readouterr().err).count("you have won") == 2


@pytest.mark.parametrize("name", ["plain", "two words", "it's", *NAMES, BIDI, "back\\slash\x1b", "é\x9b"])
def test_a_suggested_word_is_what_a_shell_reads(name: str) -> None:
    clean(quoted(name))
    read = subprocess.run(["bash", "-c", f"printf %s {quoted(name)}"], capture_output=True, check=True)
    assert read.stdout.decode() == name


def test_what_may_stay() -> None:
    for text in ("plain", "tab\tand\nnewline", "é, 查询, 🦉, שלום, e\u0301, \u200f"):
        assert shown(text) == text
    assert shown("a\r\nb") == "a\nb"


def test_a_prompt_is_exact_in_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    output.write_exactly(f"a{TITLE}\n")
    assert capsys.readouterr().out == f"a{TITLE}\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    output.write_exactly(f"a{TITLE}\n")
    assert clean(capsys.readouterr().out) == f"a{shown(TITLE)}\n"


def test_names_are_checked_where_they_enter_the_store(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "s.db")) as store:
        with pytest.raises(InputError, match="cannot be the name"):
            store.open_search("two\nlines", {})
        assert store.searches() == []
