"""Time and memory of the main job, as a person types it, and what each phase of it takes.

    python experiments/performance/default_search.py [--budget 200]        bars: 60 s on two quiet cores, 2 GB

Runs `urial-opt search --budget 200 --json` in a process of its own, on a fresh store in a temporary folder. Where other
work shares the cores, processor time says more than wall time. The phases are those of the progress lines; what they
take of the processor is read from /proc, and is 0 elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread


@dataclass(slots=True)
class Taken:
    """Seconds that a phase took, on the clock and of the processor."""

    wall: float = 0.0
    processor: float = 0.0


class Phases:
    """What the phases of a process take, told by its progress lines, `[phase] …`."""

    def __init__(self, pid: int) -> None:
        self.taken: defaultdict[str, Taken] = defaultdict(Taken)
        self._pid = pid
        self._now = (time.perf_counter(), 0.0)
        self._phase = "starting"

    def follow(self, lines: Iterable[str]) -> None:
        for line in lines:
            if line.startswith("["):
                self._count()
                self._phase = line[1:].partition("]")[0]

    def end(self, processor: float) -> None:
        """Count what is left; `processor` is that of the whole process, which has ended."""
        self._count(processor)

    def _count(self, processor: float | None = None) -> None:
        before, self._now = self._now, (time.perf_counter(), _processor(self._pid) if processor is None else processor)
        taken = self.taken[self._phase]
        taken.wall += self._now[0] - before[0]
        taken.processor += self._now[1] - before[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=200)
    budget = parser.parse_args().budget
    command = [sys.executable, "-m", "urial_opt", "search", "--budget", str(budget), "--json"]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        phases = Phases(process.pid)
        assert process.stdout
        assert process.stderr
        following = Thread(target=phases.follow, args=(process.stderr,))
        following.start()
        printed = process.stdout.read()
        following.join()
        if process.wait():
            sys.exit(f"the search ended with {process.returncode}")
        seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20
    phases.end(processor)
    print(f"{budget} trials: {seconds:.0f} s of wall time (bar 60 for 200), {processor:.0f} s of processor time")
    print(f"{peak:.2f} GiB peak memory (bar 2); load of the machine {os.getloadavg()[0]:.1f}")
    for phase, taken in phases.taken.items():
        print(f"  {phase:24} {taken.wall:6.1f} s {taken.processor:6.1f} s of processor time")
    told = json.loads(printed)
    print(json.dumps({key: told[key] for key in ("name", "found_trial", "gain", "trials", "tokens") if key in told}))


def _processor(pid: int) -> float:
    """Seconds of processor time that a running process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
