"""Whether an engine of others, asked over HTTP, gives the same texts as the embedded base model on this machine.

    pip install 'transformers[serving]'
    python experiments/servers/foreign_engine.py [--queries 20] [--doctor]

Starts `transformers serve` on the embedded weights, continues prompts there by `openai:` and here by `nano`, greedily,
and compares the texts: without exemplars, with one and with three. Exits 1 unless all are equal.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import urial_opt.nano
from urial_opt.doctor import examine
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.models.server.generator import open_base as open_on_server
from urial_opt.nano.models import open_base as open_here
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Completion, Sampling
from urial_opt.spaces.space_file import load_space

MODEL = str(Path(urial_opt.nano.__file__).with_name("weights") / "base")
NEEDED = ("accelerate", "fastapi", "uvicorn")
"""Packages that the engine needs in addition."""
_SECONDS_TO_START = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The completions of both under one prompt."""

    prompt: UrialPrompt
    here: Sequence[Completion]
    there: Sequence[Completion]

    @property
    def equal(self) -> int:
        """The number of queries with the same text and the same finish reason."""
        return sum(
            (one.text, one.finish_reason) == (other.text, other.finish_reason)
            for one, other in zip(self.here, self.there, strict=True)
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--doctor", action="store_true", help="print what `urial-opt doctor` finds, too")
    asked = parser.parse_args()
    if lacking := missing():
        print(f"the engine lacks {', '.join(lacking)}; type: pip install 'transformers[serving]'")
        return 1
    began = time.monotonic()
    with engine() as url:
        print(f"transformers serve is up after {time.monotonic() - began:.1f} s at {url}", flush=True)
        rows = [compare(url, prompt, asked.queries) for prompt in prompts()]
        for row in rows:
            print(f"{len(row.prompt.exemplars)} exemplars: {row.equal} of {len(row.here)} completions are equal")
        if asked.doctor:
            found = examine(Endpoint(MODEL, url=url))
            for name, finding in found.findings.items():
                print(f"{name:22} {finding.verdict.value:10} {finding.says}")
            print(*found.warnings, found.command, sep="\n")
    return 0 if all(row.equal == len(row.here) for row in rows) else 1


def missing() -> list[str]:
    """Packages that the engine needs and that are not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def engine(model: str = MODEL) -> AbstractContextManager[str]:
    """Run `transformers serve` on a model, in float32, while the context lasts; yields the URL, up to `/v1`."""
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", model, "--port", "{port}"]
    # The embedded weights are stored in bfloat16 and read into float32 here; in bfloat16, near ties fall differently.
    return serving([*command, "--device", "cpu", "--dtype", "float32"], path="/health")


@contextmanager
def serving(command: Sequence[str], *, path: str) -> Iterator[str]:
    """Run a server while the context lasts; yields its URL, up to `/v1`, as soon as it answers at `path`.

    `{port}` in the command stands for its port. RuntimeError if it does not start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [word.format(port=port) for word in command]
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile("w+") as log:
        Path(home, "hub").mkdir()  # transformers lists the models in it
        environment = {**os.environ, "HF_HOME": home, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
        try:
            if not _is_up(f"http://127.0.0.1:{port}{path}", process):
                log.seek(0)
                raise RuntimeError(f"{' '.join(words)} did not start: {log.read()[-2000:]}")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()
            process.wait()


def _is_up(address: str, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + _SECONDS_TO_START
    while process.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.URLError:
            time.sleep(0.2)
        else:
            return True
    return False


def prompts() -> list[UrialPrompt]:
    """The hand-written prompt of the embedded world, with no, one and all of its exemplars."""
    whole = load_space("nano").hand_written.prompt
    return [replace(whole, exemplars=whole.exemplars[:count]) for count in (0, 1, len(whole.exemplars))]


def compare(url: str, prompt: UrialPrompt, queries: int) -> Compared:
    """Continue one prompt greedily, here and on the server, for a number of queries of the embedded world."""
    space = load_space("nano")
    sampling = Sampling(max_tokens=64, stop=space.hand_written.sampling.stop)
    suffixes = [prompt.suffix(query.text) for query in space.queries.queries[::7][:queries]]
    there = open_on_server(MODEL, url=url)
    return Compared(
        prompt=prompt,
        here=open_here("").generate(prompt.prefix, suffixes, sampling),
        there=there.generate(prompt.prefix, suffixes, sampling),
    )


if __name__ == "__main__":
    sys.exit(main())
