"""Every command that README.md and COMMANDS.md show can be typed, and runs."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command_line import Run
from tests.documents import ROOT, code_blocks
from urial_opt.cli.app import COMMANDS, group
from urial_opt.nano.json_server import listening
from urial_opt.nano.models import open_base
from urial_opt.nano.server import serving

STAND_INS = (
    (r"\bhf-chat:\S+", "nano-aligned", "needs a GPU and a download: the embedded aligned model"),
    (r"\bhf:\S+", "nano", "needs a GPU and a download: the embedded base model"),
    (r"\b(openai:)?Qwen/\S+", r"\1nano", "needs a GPU: the embedded server's base model"),
    (r"http://localhost:8000/v1", "$SERVER", "needs a GPU: python -m urial_opt.nano.server, in this process"),
    (r"(llm:\S+)", r"\1 --judge-url $JUDGE", "needs a key: a server that answers as every template asks"),
    (r"\bdspy:\S+", "clauses", "needs a key: the proposer that goes by rules"),
    (r"\bPLUGIN\b", "nano", "is not installed: the embedded judge"),
    (r"--space urial\b", "", "is for real models: the space of these tests"),
    (r"\bjust-eval-instruct\b", "mine.csv", "needs a network: a file"),
    (r"--budget \d+", "--budget 4", "takes minutes"),
    (r"--sample \d+", "--sample 4", "takes minutes"),
    (r"\bNAME\b", "mine", "stands for the name of a search"),
)
"""What stands in for what a test cannot have, and why."""

ONLY_CHECKED = {
    "make": "sets up an environment; its targets are looked up",
    "pip": "needs a package index; its extras are looked up",
    "vllm": "needs a GPU",
    "source": "changes a shell",
    "export": "changes a shell",
    "python": "does not return; its options are looked up, and `serving` runs the same server",
}
"""Programs that are not run here, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A command as a document shows it."""

    place: str
    text: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text, comments=True)


def typed() -> list[Typed]:
    """The commands in the shell blocks of both documents, and in the examples of the help; each once."""
    found: dict[str, Typed] = {}
    for block in [*code_blocks(ROOT / "README.md"), *code_blocks(ROOT / "COMMANDS.md")]:
        text = block.text.replace("\\\n", " ")
        if block.language == "console":
            lines = re.findall(r"^ +(urial-opt .+)$", text, re.MULTILINE)
        else:
            lines = text.splitlines() if block.language == "sh" else []
        for line in lines:
            command = Typed(place=block.place, text=" ".join(line.split()))
            if command.words:
                found.setdefault(" ".join(command.words), command)
    return list(found.values())


def scripted() -> list[Typed]:
    """The commands in the scripts and the Kubernetes files of COMMANDS.md, which other programs start."""
    found = []
    for block in code_blocks(ROOT / "COMMANDS.md"):
        if block.language == "bash":
            checked = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
            assert not checked.stderr, block.place
            found += re.findall(
                r"^ *(?:exec )?(urial-opt [^&>]+?)(?: 2>| *$)", block.text.replace("\\\n", " "), re.MULTILINE
            )
        if block.language == "yaml":
            pod = yaml.safe_load(block.text)["spec"]["template"]["spec"]
            found += [shlex.join(each["command"]) for each in pod["containers"]]
    return [Typed(place="COMMANDS.md", text=" ".join(text.split())) for text in found]


OURS = [command for command in typed() if command.words[0] == "urial-opt"]
OTHERS = [command for command in typed() if command.words[0] != "urial-opt"]


def shown(command: Typed) -> str:
    return f"{command.place} {command.text}"


def test_there_is_something_to_run() -> None:
    assert [command.words[1] for command in scripted()] == ["search", "show", "search", "search"]
    assert {name for command in OURS for name in COMMANDS if name in command.words} == set(COMMANDS)


@pytest.mark.parametrize("command", [*OURS, *scripted()], ids=shown)
def test_it_can_be_typed_as_it_is_shown(command: Typed) -> None:
    words = [word for word in command.words[1:] if word != "--config" and not word.endswith(".toml")]
    with group.make_context("urial-opt", words[:1]) as context:
        subcommand = group.get_command(context, words[0])
        assert subcommand is not None
        subcommand.make_context(words[0], words[1:], parent=context)


@pytest.mark.parametrize("command", OTHERS, ids=shown)
def test_other_programs_offer_what_is_typed(command: Typed, capsys: pytest.CaptureFixture[str]) -> None:
    program, *words = command.words
    assert program in ONLY_CHECKED, f"{command.text!r} is neither run nor said why not"
    if program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    if program == "pip":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert {*re.findall(r"\[(\w+)\]", command.text)} <= set(project["optional-dependencies"])
    if program == "python":
        from urial_opt.nano.server import main

        assert words[:2] == ["-m", "urial_opt.nano.server"]
        with pytest.raises(SystemExit):
            main(["--help"])
        assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--\w+", capsys.readouterr().out))


_ANSWERS = {"score": "4", "verdict": "tie", "reason": "so", "task": "math", "topic": "stem", "difficulty": "easy"}


def judged(_: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reply of a judge that fills the form at the end of what it is asked, the same way each time."""
    form = body["messages"][-1]["content"].rpartition("\n\n{")[2]
    reply = re.sub(r'"(\w+)": "…"', lambda blank: f'"{blank[1]}": "{_ANSWERS[blank[1]]}"', "{" + form)
    return {
        "choices": [{"message": {"content": reply}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    with serving(base=open_base("")) as server, listening(judged) as judge:
        yield {"$SERVER": server, "$JUDGE": judge}


@pytest.fixture(scope="module")
def store(searched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the search `mine`, in which the answers to all commands stay."""
    return Path(shutil.copy(searched, tmp_path_factory.mktemp("documents") / "store.db"))


@pytest.fixture
def folder(
    run: Run, tmp_path: Path, store: Path, small_space: Path, servers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder in which commands run: with the files that they name, and an environment without a key."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("URIAL_OPT_STORE", str(store))
    monkeypatch.setenv("URIAL_OPT_SEARCH_BUDGET", "4")
    run("export", "mine", "--format", "urial", "--output", "found.txt")
    rows = [json.loads(line) for line in (small_space.parent / "queries.jsonl").read_text().splitlines()][:4]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with (tmp_path / "mine.csv").open("w") as file:
        csv.writer(file).writerows([["text"], *([row["text"]] for row in rows)])
    answers = [{"instruction": row["text"], "output": "It is so.", "generator": "x"} for row in rows]
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    scored = [{"query": row["text"], "answer": "Yes.", "scores": {"clarity": 3}} for row in rows]
    (tmp_path / "results.json").write_text(json.dumps(scored))
    with (tmp_path / "scores.csv").open("w") as file:
        csv.writer(file).writerows([["query", "answer", "clarity"], *([row["text"], "Yes.", 3] for row in rows)])
    for block in code_blocks(ROOT / "COMMANDS.md"):
        if block.language == "toml":
            name = block.text.partition("\n")[0].removeprefix("# ")
            (tmp_path / name).write_text(runnable(block.text.replace("llm:gpt-4o", "nano"), servers))
    return tmp_path


def runnable(text: str, servers: Mapping[str, str]) -> str:
    """What stands in for a command, or for a file of options."""
    text = re.sub(r'"hf:[^"]+"', '"nano"', text).replace('space = "urial"\n', "")
    for pattern, stand_in, _ in STAND_INS:
        text = re.sub(pattern, stand_in, text)
    for name, url in servers.items():
        text = text.replace(name, url)
    return text


@pytest.mark.parametrize("command", OURS, ids=shown)
def test_it_runs(
    command: Typed,
    run: Run,
    folder: Path,
    store: Path,
    servers: dict[str, str],
    small_space: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = shlex.split(runnable(command.text, servers), comments=True)
    if {"rename", "resume", "rm"} & set(words):  # other commands want the search as it is
        monkeypatch.setenv("URIAL_OPT_STORE", str(shutil.copy(store, folder / "changed.db")))
    if {"search", "evaluate", "shift"} & set(words):
        words += ["--space", str(small_space)]
    files = [folder / words[words.index(option) + 1] for option in ("--output", "--html") if option in words]
    for file in files:
        file.unlink(missing_ok=True)
    out, _ = run(*words[1:])
    assert out or files
    assert all(file.stat().st_size for file in files)
