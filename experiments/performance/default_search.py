"""Wall time and peak memory of the main job, as a person types it.

    python experiments/performance/default_search.py [--budget 200]        bars: 180 s, 2 GB

Runs `urial-opt search --budget 200 --json` in a process of its own, on a fresh store in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=200)
    budget = parser.parse_args().budget
    command = [sys.executable, "-m", "urial_opt", "search", "--budget", str(budget), "--json"]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        told = json.loads(subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE).stdout)
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{budget} trials: {seconds:.0f} s of wall time (bar 180 for 200), {peak:.2f} GiB peak memory (bar 2)")
    print(json.dumps({key: told[key] for key in ("gain", "trials", "tokens")}))


if __name__ == "__main__":
    main()
