"""Fixtures and settings of all tests: one torch thread, no network beyond loopback, reproducible examples."""

from __future__ import annotations

import os

# torch, transformers, litellm and rich read these on import, so they are set before any other import.
os.environ["OMP_NUM_THREADS"] = "1"  # two threads next to another busy worker are several times slower than one
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["COLUMNS"] = "240"  # independent of the terminal, so that a test finds each sentence on one line
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import ipaddress
import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.command_line import Run
from tests.made_up_results import WIDTHS, Printed
from tests.scripted_judge import Served, serve_judge
from urial_opt.content import content_folder
from urial_opt.doctor import examined_server, speed
from urial_opt.models.server import retries

if TYPE_CHECKING:
    from urial_opt.store import Store

collect_ignore = ["plugin_package"]  # a separate project, whose tests test_packaging.py runs

SMALL = """
name: small
description: The embedded world with few queries, for tests.
exemplars: {folder}/exemplars/nano.jsonl
system_prompts: {folder}/system_prompts/nano.yaml
queries: queries.jsonl
k: {{min: 0, max: 3}}
decoding: {{max_tokens: [48], stop: ["\\n```\\n", "# Query"]}}
hand_written: {{system: hand, exemplars: [Finland/friendly, rob-a-bank/friendly]}}
plain_icl: {{exemplars: [Finland/bare]}}
race: {{block: 4}}
defaults: {{base: nano, aligned: nano-aligned, judge: nano}}
"""

settings.register_profile("same each time", derandomize=True, database=None, deadline=None, max_examples=100)
settings.load_profile("same each time")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-generated", action="store_true", help="write what is generated instead of comparing it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--write-generated"):
        items[:] = [item for item in items if "generated" in getattr(item, "fixturenames", ())]


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_gets_through() -> None:
    """A shell makes background processes ignore Ctrl-C, and every process that a test starts would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def generated(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Compares a file with the text that the code generates, or writes that text under `make docs`.

    With `part`, this concerns only the text between the lines `<!-- generated: PART -->` and `<!-- end -->`.
    """

    def check(path: Path, text: str, *, part: str | None = None) -> None:
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        wanted = text
        if part is not None:
            before, opening, rest = there.partition(f"<!-- generated: {part} -->\n")
            _, closing, after = rest.partition("<!-- end -->\n")
            assert opening, f"{path.name} has no line <!-- generated: {part} -->"
            assert closing, f"{path.name} does not close the part {part!r} by a line <!-- end -->"
            wanted = before + opening + text + closing + after
        if request.config.getoption("--write-generated"):
            path.write_text(wanted, encoding="utf-8")
        assert wanted == path.read_text(encoding="utf-8"), f"{path.name} is stale; type: make docs"

    return check


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not _is_loopback(address[0]):
            raise AssertionError(f"a test reached for {address!r}; tests stay on loopback")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_loopback(host: str) -> bool:
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between retries, in seconds, which are recorded but not slept."""
    made: list[float] = []

    def pause(stop: threading.Event, seconds: float) -> bool:
        made.append(seconds)
        return stop.is_set()

    monkeypatch.setattr(retries, "_pause", pause)
    return made


@pytest.fixture
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without an API key and without a server's address."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.fixture
def quick_doctor(monkeypatch: pytest.MonkeyPatch, pauses: list[float], no_key: None) -> None:
    """A doctor that does not pause, and does not mistake a short delay of a busy machine for prompt processing."""
    monkeypatch.setattr(examined_server, "_PAUSE", 0.0)
    monkeypatch.setattr(speed, "_NOTICEABLE", 0.1)


@pytest.fixture
def served(no_key: None) -> Iterator[Served]:
    """Opens a judge whose model is a server that follows a rule."""
    with ExitStack() as servers:
        yield lambda rule, **options: serve_judge(servers, rule, **options)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Run(capsys, monkeypatch)


@pytest.fixture(scope="session")
def small_space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The space `nano` with 8 queries in each split."""
    folder = tmp_path_factory.mktemp("space")
    queries = (content_folder("search_spaces") / "queries" / "nano.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in queries.splitlines()]
    kept = []
    for split in ("dev", "validation", "test"):
        for kind, number in (("regular", 6), ("safety", 2)):
            kept += [row for row in rows if row["split"] == split and row["kind"] == kind][::5][:number]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept))
    (folder / "small.yaml").write_text(SMALL.format(folder=content_folder("search_spaces").resolve()))
    return folder / "small.yaml"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a new store."""
    return tmp_path / "s.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A new store."""
    from urial_opt.store import Store

    with Store.open(str(path)) as opened:
        yield opened


@pytest.fixture(scope="module")
def searched(small_space: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one finished search, `mine`, on the small space."""
    from urial_opt.roles import Named, open_models
    from urial_opt.search.opening import SearchOptions
    from urial_opt.search.run import search_space
    from urial_opt.spaces.space_file import load_space
    from urial_opt.store import Store

    path = tmp_path_factory.mktemp("searched") / "store.db"
    with Store.open(str(path)) as store:
        models = open_models(Named(name="nano"), Named(name="nano"))
        search_space(load_space(str(small_space)), models, store, options=SearchOptions(budget=4, name="mine"))
    return path


@pytest.fixture(params=WIDTHS)
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The width of the terminal."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


@pytest.fixture
def printed(columns: int, capsys: pytest.CaptureFixture[str]) -> Printed:
    """Prints to a terminal of that width."""
    return Printed(capsys, columns)
