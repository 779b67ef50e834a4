"""Whether a search survives `kill -9` at random moments, resumed each time by the same command.

    python experiments/faults/kill.py [--kills 25] [--budget 60] [--space nano] [--seed 0]

After every kill: what was recorded before is still there, unchanged. At the end: nothing was done twice, and all
trials, completions, judgments and the final JSON equal those of a search that was left alone. Exits 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rows = dict[str, frozenset[tuple[Any, ...]]]

_KEPT = {
    "urial_trials": "number, optuna_number, evaluation_id, state, observed, seconds, prompt_tokens, completion_tokens",
    "urial_results": "id, role, split, candidate_id, evaluation_id",
    "urial_evaluations": "*",
    "urial_evaluated_queries": "*",
    "urial_completions": "*",
    "urial_judgments": "*",
    "urial_answers": "*",
    "urial_prompts": "*",
    "urial_prompt_exemplars": "*",
    "urial_exemplars": "*",
    "urial_aligned_answers": "*",
    "urial_shifts": "*",
}
"""What may never change once it is recorded; a trial's estimate may, it learns from later trials."""
_SAME = {
    "trials": "SELECT t.number, t.state, t.observed, t.estimate, t.low, t.high, e.prompt_id, e.sampling_id, e.params "
    "FROM urial_trials t JOIN urial_evaluations e ON e.id = t.evaluation_id",
    "scores": "SELECT t.number, q.position, q.query_id, q.answer_id, q.judgment_id, q.score FROM urial_trials t "
    "JOIN urial_evaluated_queries q ON q.evaluation_id = t.evaluation_id",
    "results": "SELECT role, split, candidate_id FROM urial_results",
    "completions": "SELECT id, answer_id FROM urial_completions",
    "judgments": "SELECT id, query_id, answer_id FROM urial_judgments",
    "aligned answers": "SELECT id, tokens, ended FROM urial_aligned_answers",
    "shifts": "SELECT id, text_id, positions, unshifted, marginal, shifted, ROUND(surprise, 4) FROM urial_shifts",
    "told to Optuna": "SELECT u.number, t.state, v.value FROM urial_trials u "
    "JOIN trials t ON t.number = u.optuna_number LEFT JOIN trial_values v ON v.trial_id = t.trial_id",
}
"""What must be the same with and without kills."""
_MAY_DIFFER = ("seconds", "tokens", "spending", "cost", "database")
STARTING = 0.2
"""Share of the kills that come while the process still starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undisturbed:
    """A search that was left alone."""

    told: dict[str, Any]
    seconds_to_start: float
    seconds_of_trials: float
    seconds_of_end: float
    measurements: int
    """How many contexts were measured after the trials."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--budget", type=int, default=60)
    parser.add_argument("--space", default="nano")
    parser.add_argument("--seed", type=int, default=0, help="of the moments; the search keeps its own")
    asked = parser.parse_args()
    command = [sys.executable, "-m", "urial_opt", "search", "--json", "--name", "the same", "--space", asked.space]
    command += ["--budget", str(asked.budget), "--store"]
    with tempfile.TemporaryDirectory() as folder:
        left_alone, killed = Path(folder, "left_alone.db"), Path(folder, "killed.db")
        undisturbed = run_undisturbed([*command, str(left_alone)], left_alone, asked.budget)
        print(
            f"left alone: {undisturbed.seconds_to_start:.1f} s to start, {undisturbed.seconds_of_trials:.1f} s for "
            f"{asked.budget} trials, {undisturbed.seconds_of_end:.1f} s for validation and test"
        )
        faults = kill_again_and_again([*command, str(killed)], killed, undisturbed, asked)
        done = subprocess.run([*command, str(killed)], capture_output=True, check=False)
        if done.returncode:
            print(done.stderr.decode())
            return 1
        faults += differences(undisturbed.told, json.loads(done.stdout), left_alone, killed, asked.budget)
    for fault in faults:
        print("FAULT:", fault)
    print("not as the undisturbed search" if faults else "the same as the undisturbed search in everything")
    return 1 if faults else 0


def run_undisturbed(command: Sequence[str], database: Path, budget: int) -> Undisturbed:
    """Run the search once, looking on when its trials begin and end."""
    began = time.monotonic()
    started = ended = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            started = started or (time.monotonic() if count(database, "urial_searches") else None)
            ended = ended or (time.monotonic() if count(database, "urial_trials") == budget else None)
            time.sleep(0.05)
        assert process.stdout is not None
        told = json.loads(process.stdout.read())
    assert started is not None
    assert ended is not None
    return Undisturbed(
        told=told,
        seconds_to_start=started - began,
        seconds_of_trials=ended - started,
        seconds_of_end=time.monotonic() - ended,
        measurements=count(database, "urial_results"),
    )


def kill_again_and_again(
    command: Sequence[str], database: Path, undisturbed: Undisturbed, asked: argparse.Namespace
) -> list[str]:
    """Kill the search at moments spread over what is left of it; what each kill lost, in words."""
    moments = random.Random(asked.seed)
    faults: list[str] = []
    before = recorded(database)
    print("kill  while     after s    trials  answered    judged  measured")
    for number in range(1, asked.kills + 1):
        left = undisturbed.seconds_of_trials * (1 - len(before["urial_trials"]) / asked.budget)
        left += undisturbed.seconds_of_end * (1 - len(before["urial_results"]) / undisturbed.measurements)
        starting = moments.random() < STARTING
        longest = undisturbed.seconds_to_start if starting else 1.5 * left / (asked.kills - number + 2)
        wait = moments.uniform(0, longest)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            if not starting:
                process.stderr.readline()  # it says what it works with when it begins to
            try:
                process.wait(wait)
            except subprocess.TimeoutExpired:
                process.kill()
            else:
                says = process.stderr.read().strip().rpartition("\n")[2]
                return [*faults, f"run {number} ended by itself before its kill, code {process.returncode}: {says}"]
        after = recorded(database)
        shown = ("urial_trials", "urial_completions", "urial_judgments", "urial_results")
        numbers = "".join(f"{len(after[table]):>10}" for table in shown)
        print(f"{number:4}  {'starting' if starting else 'searching':9} {wait:7.2f}{numbers}")
        faults += [
            f"kill {number}: {len(before[table] - after[table])} rows of {table} are lost or changed"
            for table in _KEPT
            if before[table] - after[table]
        ]
        before = after
    return faults


def _without_tokens(told: object) -> object:
    """What was said of token shift without what it took: after a kill a prefix is read again."""
    return {key: each for key, each in told.items() if key != "tokens"} if isinstance(told, dict) else told


def differences(
    undisturbed: dict[str, Any], told: dict[str, Any], left_alone: Path, killed: Path, budget: int
) -> list[str]:
    """In what the end of the killed search differs from the other one, in words."""
    faults = [
        f"the final {key!r} is {told[key]}, not {value}"
        for key, value in undisturbed.items()
        if key not in _MAY_DIFFER and _without_tokens(told[key]) != _without_tokens(value)
    ]
    for name, query in _SAME.items():
        wanted, found = rows(left_alone, query), rows(killed, query)
        if sorted(map(repr, wanted)) != sorted(map(repr, found)):
            faults.append(f"{name}: {len(found)} rows, {len(wanted)} without kills, {len({*wanted} & {*found})} equal")
    numbers = sorted(number for (number,) in rows(killed, "SELECT number FROM urial_trials"))
    if numbers != list(range(budget)):
        faults.append(f"trials are numbered {numbers}")
    return faults


def recorded(database: Path) -> Rows:
    """What the database holds that may never change."""
    return {table: frozenset(rows(database, f"SELECT {columns} FROM {table}")) for table, columns in _KEPT.items()}


def count(database: Path, table: str) -> int:
    return len(rows(database, f"SELECT 1 FROM {table}"))


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    """What a bystander reads; nothing where there is no such table yet."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.OperationalError as error:
        if "unable to open" in str(error) or "no such table" in str(error):
            return []
        raise


if __name__ == "__main__":
    sys.exit(main())
