"""Whether a search ends the same way on a server that fails often, and whether the key leaks anywhere.

    python experiments/servers/faulty_search.py [--budget 60] [--faults 0.3] [--space nano] [--seed 0]

Searches the embedded world twice, its models behind HTTP on this machine: once on a healthy server, once on one that
fails a share of all requests (too many requests, 500, 502, silence, a reset connection, half of the JSON, a wrong
length, no text, another model's name). Both servers need a key. Exits 1 unless trials, results and judged answers are
the same, nothing was judged twice, and no database, log, result or export contains the key.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urial_opt import plugins
from urial_opt.nano.faults import Faults
from urial_opt.nano.json_server import listening
from urial_opt.nano.models import open_aligned, open_base
from urial_opt.nano.server import EmbeddedModels
from urial_opt.records import Completion, Judgment, Query
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store

KEY = "sk-to-be-found-nowhere"
MAY_DIFFER = ("seconds", "tokens", "spending", "cost", "database")
TIMEOUT, STALL = "10", 12.0
"""Seconds: the time-out of the client, and the stalls of the server."""


class CountingJudge:
    """The embedded judge, counting how often it judges each answer."""

    def __init__(self) -> None:
        self._judge = plugins.open_judge("nano")
        self.identity = self._judge.identity
        self.asked: Counter[tuple[str, str]] = Counter()

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        self.asked.update((query.id, completion.text) for query, completion in zip(queries, completions, strict=True))
        return self._judge.judge(queries, completions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """How a search ended."""

    result: dict[str, Any]
    trials: Sequence[object]
    judged: Counter[tuple[str, str]]
    exported: str
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=60)
    parser.add_argument("--faults", type=float, default=0.3, help="share of the requests that fail")
    parser.add_argument("--space", default="nano")
    parser.add_argument("--seed", type=int, default=0, help="of the faults; the search keeps its own")
    asked = parser.parse_args()
    os.environ["OPENAI_API_KEY"] = KEY
    log = io.StringIO()
    logging.basicConfig(stream=log, level=logging.DEBUG)
    models = EmbeddedModels(base=open_base(""), aligned=open_aligned(""))
    faults = Faults(asked.faults, asked.seed, stall=STALL)
    with tempfile.TemporaryDirectory() as folder:
        with listening(models, key=KEY) as url:
            healthy = searched(asked.space, asked.budget, url, Path(folder, "healthy.db"))
        print(f"healthy server: {asked.budget} trials, {healthy.seconds:.0f} s", flush=True)
        port = int(url.split(":")[2].removesuffix("/v1"))  # the same port, because identities contain the address
        with listening(models, faults=faults, key=KEY, port=port) as url:
            faulty = searched(asked.space, asked.budget, url, Path(folder, "faulty.db"))
        struck = {str(kind): number for kind, number in faults.struck.most_common() if kind}
        requests = faults.struck.total()
        print(f"faulty server: {faulty.seconds:.0f} s, {sum(struck.values())} of {requests} requests failed: {struck}")
        wrong = differences(healthy, faulty)
        said = log.getvalue() + json.dumps([healthy.result, faulty.result]) + healthy.exported + faulty.exported
        if KEY in said or any(KEY.encode() in file.read_bytes() for file in Path(folder).iterdir()):
            wrong.append("the key stands in a database, a log, a result or an export")
    for each in wrong:
        print("WRONG:", each)
    if not wrong:
        print(f"the same in everything, {faulty.judged.total()} answers judged once each, the key nowhere")
    return 1 if wrong else 0


def searched(space: str, budget: int, url: str, database: Path) -> Searched:
    began = time.monotonic()
    options = {"url": url, "timeout": TIMEOUT}
    judge = CountingJudge()
    with Store.open(str(database)) as store:
        base = plugins.open_generator("openai:nano", options)
        aligned = plugins.open_chat_generator("openai-chat:nano-aligned", options)
        models = Models(base=base, judge=judge, aligned=aligned)
        result = search_space(load_space(space), models, store, options=SearchOptions(budget=budget))
        trials = store.trials(result.name)
        best = trials[result.found_trial].candidate
        exported = "".join(
            plugins.open_exporter(form).export(best.prompt, best.sampling) for form in plugins.names("exporter")
        )
        return Searched(
            result=result.as_json(),
            trials=[(trial.candidate, trial.query_scores, trial.state) for trial in trials],
            judged=judge.asked,
            exported=exported,
            seconds=time.monotonic() - began,
        )


def differences(healthy: Searched, faulty: Searched) -> list[str]:
    """The differences between both searches, in words."""
    wrong = [
        f"the final {key!r} is {faulty.result[key]}, not {value}"
        for key, value in healthy.result.items()
        if key not in MAY_DIFFER and faulty.result[key] != value
    ]
    unequal = sum(one != other for one, other in zip(healthy.trials, faulty.trials, strict=True))
    if unequal:
        wrong.append(f"{unequal} of {len(healthy.trials)} trials are others")
    if healthy.judged != faulty.judged:
        wrong.append("other answers were judged")
    if twice := sum(number > 1 for number in faulty.judged.values()):
        wrong.append(f"{twice} answers were judged more than once")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
