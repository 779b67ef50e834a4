"""What a real small model brings as the writer of a search: how much can be read of it, and which guards it passes.

    transformers serve FOLDER --port 8000 --device cpu
    python -m experiments.agent.real_writer --url http://localhost:8000/v1 --model FOLDER [--record traffic.jsonl]

Runs one search on the embedded world, from the pool that lacks the better styles (`embedded.py`), with the DSPy
proposer and the model behind the address. Where the model names no weakness that can be read, the rules of `clauses`
name some in its place, so that there is something to write. `--record` keeps what was asked and replied.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.agent.embedded import poor_space
from urial_opt import plugins
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.nano.json_server import Refused, listening
from urial_opt.proposers.clauses import Clauses
from urial_opt.proposers.dspy_proposer import DSPyProposer, open_proposer
from urial_opt.roles import Models
from urial_opt.search.agent.guards import failures
from urial_opt.search.agent.widening import effects
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.search.study import silence_optuna
from urial_opt.spaces.lineage import Attempt, Round
from urial_opt.spaces.proposals import Diagnosis, Situation
from urial_opt.spaces.space import SearchSpace
from urial_opt.spending import Spent
from urial_opt.store import Store


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Passes requests on to a server, and keeps them with the replies."""

    server: Endpoint
    kept: list[Mapping[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    _at_once: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path != "/v1/chat/completions":
            return {"data": [{"id": self.server.model}]}
        attempt = self.server.try_once("/chat/completions", {key: body[key] for key in body if key != "model"})
        if attempt.status != 200:
            raise Refused(attempt.status or 502, attempt.words)
        reply = {**attempt.body, "model": body["model"]}  # some servers name the folder of the model
        with self._at_once:
            self.seconds += attempt.seconds
            self.kept.append({"request": body, "reply": reply})
        return reply


class Helped(DSPyProposer):
    """The proposer whose model may fail to name a weakness: then rules do."""

    def __init__(self, proposer: DSPyProposer) -> None:
        self.__dict__.update(vars(proposer))
        self.own: list[Diagnosis] = []

    def diagnose(self, situation: Situation) -> Diagnosis:
        said = super().diagnose(situation)
        self.own.append(said)
        named = said.weaknesses or Clauses().diagnose(situation).weaknesses
        return Diagnosis(weaknesses=named, asked=said.asked, reply=said.reply, usage=said.usage)


def run(options: argparse.Namespace) -> None:
    silence_optuna()
    space = poor_space()
    models = Models(base=plugins.open_generator("nano"), judge=plugins.open_judge("nano"))
    recorder = Recorder(server=Endpoint(options.model, url=options.url, timeout=600))
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(str(Path(folder) / "s.db")) as store,
        listening(recorder) as url,
    ):
        limits = {"max_tokens": str(options.max_tokens), "timeout": "600", "concurrency": str(options.concurrency)}
        proposer = Helped(open_proposer(options.model, url=url, temperature=options.temperature, **limits))
        began = time.perf_counter()
        found = search_space(
            space,
            Models(base=models.base, judge=models.judge, proposer=proposer),
            store,
            options=SearchOptions(budget=options.budget, seed=options.seed, name="s", rounds=options.rounds),
        )
        seconds = time.perf_counter() - began
        account, trials = store.account("s"), store.trials("s")
        rounds, spent = account.rounds(), account.spent.get(proposer.identity, Spent())
    show(space, rounds, proposer.own)
    for effect in effects(rounds, trials):
        print(f"look {effect.trial}: {effect.gain:+.2f} on {effect.queries} queries, {', '.join(effect.shows)}")
    print(f"found {found.found.card.average.mean:.3f}, hand-written {found.hand_written.card.average.mean:.3f}")
    print(
        f"{spent.requests} replies, {spent.usage.prompt_tokens:,} tokens read, {spent.usage.completion_tokens:,} "
        f"written, {recorder.seconds:.0f} s of {seconds:.0f} s"
    )
    if options.record:
        lines = [json.dumps(each, ensure_ascii=False) for each in recorder.kept]
        Path(options.record).write_text("\n".join(lines) + "\n", "utf-8")


def show(space: SearchSpace, rounds: Sequence[Round], diagnoses: Sequence[Diagnosis]) -> None:
    """Print what could be read, and which guards kept what out."""
    read = [each for each in diagnoses if each.weaknesses]
    print(f"{len(diagnoses)} diagnoses, {len(read)} read: {[w.sentence for each in read for w in each.weaknesses]}")
    print(f"  the others: {dict(Counter(_cause(str(each.trouble)) for each in diagnoses if each.trouble))}")
    attempts = [attempt for each in rounds for attempt in each.attempts]
    drafts = [each for each in attempts if each.draft.trouble is None]
    print(f"{len(attempts)} drafts, {len(drafts)} read")
    print(f"  the others: {dict(Counter(_cause(each.fate) for each in attempts if each.draft.trouble))}")
    entered = [each for each in drafts if each.key]
    print(f"{len(entered)} entered the pool, {dict(Counter(each.proposal.part for each in entered))}")
    fates = Counter(guard for each in drafts if not each.key for guard in _guards(each, space))
    print(f"  kept out, by all guards that each failed: {dict(fates.most_common())}")
    for each in entered:
        print(f"  {each.key}: {each.proposal.text!r}")


def _guards(attempt: Attempt, space: SearchSpace) -> list[str]:
    return [each.guard for each in failures(attempt.proposal, space)] or [_cause(attempt.fate)]


def _cause(words: str) -> str:
    return re.sub(r"\d[\d,]*", "N", words.partition(":")[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--temperature", default="0.7")
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--budget", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", help="a file for what was asked and replied")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
