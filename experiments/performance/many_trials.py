"""Whether a search grows slower and larger: seconds, processor time and memory of each 200 of its trials.

    python -m experiments.performance.many_trials [--budget 2000] [--parallel 1] [--seconds 0.02]

The models are those of `in_flight.py`, behind a server that answers at once, or nearly. The search is a process of its
own, as `urial-opt search` runs it, and is looked at from outside.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from experiments.performance.made_up_models import BASE, JUDGE
from experiments.performance.slow_server import environment, slow_models
from urial_opt.errors import UrialOptError
from urial_opt.store import Store

_EACH = 200


def main() -> None:
    """Run the search, and print a row for each 200 trials."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--budget", type=int, default=2000, help="trials (2000)")
    parser.add_argument("--parallel", default="1", help="trials at once (1)")
    parser.add_argument("--seconds", default="0.02", help="how long each reply takes (0.02)")
    given = parser.parse_args()
    speed = ("--seconds", given.seconds, "--judge-seconds", given.seconds)
    with tempfile.TemporaryDirectory() as folder, slow_models(*speed) as address:
        store = f"{folder}/it.db"
        command = [sys.executable, "-m", "urial_opt", "search", "--name", "it", "--store", store, "--space", "urial"]
        command += ["--budget", str(given.budget), "--aligned", "none", "--proposer", "none"]
        command += ["--base", f"openai:{BASE}", "--base-url", f"{address}/v1", "--judge", f"llm:{JUDGE}"]
        command += ["--judge-url", f"{address}/v1", "--parallel", given.parallel]
        search = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
        try:
            _watch(search.pid, store, given.budget)
        finally:
            search.kill()


def _watch(pid: int, store: str, budget: int) -> None:
    """Print a row whenever another 200 trials are recorded."""
    print("trials   seconds   ms a trial   processor, ms a trial   memory, MB")
    done, began, used = 0, time.monotonic(), _processor(pid)
    while done < budget:
        time.sleep(0.2)
        number = _recorded(store)
        if number == 0:
            began, used = time.monotonic(), _processor(pid)
        if number >= done + _EACH:
            now, spent = time.monotonic(), _processor(pid)
            more = number - done
            each, own = 1000 * (now - began) / more, 1000 * (spent - used) / more
            print(f"{number:6} {now - began:9.1f} {each:12.0f} {own:23.0f} {_memory(pid):12.0f}", flush=True)
            done, began, used = number, now, spent


def _recorded(store: str) -> int:
    with suppress(UrialOptError), Store.open(store, create=False) as opened:
        return opened.count_trials("it")
    return 0


def _processor(pid: int) -> float:
    """Seconds of the processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Megabytes that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
