"""What rounds of a proposer bring on the embedded world, from a pool that lacks the better styles.

    python -m experiments.agent.embedded run --seeds 20 > embedded.csv
    python -m experiments.agent.embedded compare embedded.csv

Each search ends as soon as it has used TOKENS tokens of the base model or ANSWERS judged answers, first looks and the
judging of exemplars included; then its best prompt by estimate is measured on the test queries. The pool holds the
answers of the styles in POOR only, and one system prompt: a style that engages has to be written. `none` has no
proposer, `clauses` applies the space's rules, and `dspy` is the DSPy proposer with a scripted writer over HTTP
(`scripted_writer.py`): a third of its drafts is good, a third useless and a third harmful; for `dspy-bad` none is good.
With `--pool whole` the pool is that of the space `nano`, which leaves little to do: it shows what the rounds cost.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.agent.scripted_writer import QUALITIES, ScriptedWriter
from urial_opt import plugins
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.evaluation.scorecard import summed_up
from urial_opt.nano.json_server import listening
from urial_opt.protocols import Proposer
from urial_opt.records import Candidate, Role, TrialRecord
from urial_opt.roles import Models
from urial_opt.search.agent.widening import effects
from urial_opt.search.opening import Interrupted, SearchOptions
from urial_opt.search.run import search_space
from urial_opt.search.study import silence_optuna
from urial_opt.spaces.lineage import Round
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space
from urial_opt.statistics.bootstrap import bootstrap_mean
from urial_opt.store import Store

POOR = ("word", "bare", "forum", "manual", "scholarly")
START = ("cook-rice/bare", "rob-a-bank/bare", "Finland/bare")
TOKENS = 150_000
ANSWERS = 700
MOST_TRIALS = 300
ROUNDS = 6
COLUMNS = ("seed", "proposer", "found", "trials", "tokens", "judged", "rounds", "accepted", "good_looks", "seconds")


def poor_space() -> SearchSpace:
    """The space `nano` without the better styles, and without the clauses that ask for them."""
    whole = load_space("nano")
    pool = {key: exemplar for key, exemplar in whole.exemplars.items() if exemplar.style in POOR}
    bare = replace(whole, exemplars=pool, system_prompts={"page": whole.system_prompts["page"]}, clauses={})
    params = bare.params_of(system="page", exemplars=START, decoding={"repetition_penalty": 1.0})
    return replace(bare, hand_written_params=params, start_params=params)


@contextmanager
def opened(name: str, seed: int) -> Iterator[Proposer | None]:
    """The proposer of that name; `dspy` and `dspy-bad` talk to the scripted writer."""
    if name.startswith("dspy"):
        qualities = QUALITIES if name == "dspy" else QUALITIES[1:]
        with listening(ScriptedWriter(whole=load_space("nano"), seed=seed, qualities=qualities)) as url:
            yield plugins.open_proposer("dspy:scripted", {"url": url, "temperature": "0"})
    else:
        yield None if name == "none" else plugins.open_proposer(name)


def search_capped(space: SearchSpace, models: Models, store: Store, *, seed: int, tokens: int, answers: int) -> None:
    """A search, named `s`, that ends when one of the caps is reached."""

    def spent() -> bool:
        paid = store.bill().get("s", {})
        base, judge = (paid.get(models.identities[role]) for role in (Role.BASE, Role.JUDGE))
        used = base.usage.prompt_tokens + base.usage.completion_tokens if base else 0
        return used >= tokens or (judge.calls if judge else 0) >= answers

    options = SearchOptions(budget=MOST_TRIALS, seed=seed, name="s", rounds=ROUNDS)
    with suppress(Interrupted):
        search_space(space, models, store, options=options, stop=spent)


def measured(candidate: Candidate, space: SearchSpace, models: Models, store: Store) -> float:
    """The average of a prompt on the test queries."""
    evaluator = Evaluator(generator=models.base, judge=models.judge, memory=store.account(command="evaluate"))
    evaluation = evaluator.evaluate(candidate, space.queries.split("test"))
    return summed_up(evaluation, space.objective).average.mean


def run(options: argparse.Namespace) -> None:
    """Run the searches, and print a row for each."""
    silence_optuna()
    space = poor_space() if options.pool == "poor" else load_space("nano")
    models = Models(base=plugins.open_generator("nano"), judge=plugins.open_judge("nano"))
    table = csv.writer(sys.stdout)
    table.writerow(COLUMNS)
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for name in options.proposers:
            started = time.perf_counter()
            with (
                tempfile.TemporaryDirectory() as folder,
                Store.open(str(Path(folder) / "s.db")) as store,
                opened(name, seed) as proposer,
            ):
                whole = replace(models, proposer=proposer)
                search_capped(space, whole, store, seed=seed, tokens=options.tokens, answers=options.answers)
                spent, rounds, trials = store.account("s").spent, store.rounds("s"), store.trials("s")
                [best] = store.best("s", 1)
                found = measured(best.trial.candidate, space, models, store)
                gains = [effect.gain for effect in effects(rounds, trials)]
                base = spent[models.base.identity].usage
                table.writerow(
                    [
                        *(seed, name, f"{found:.4f}", len(trials)),
                        *(base.prompt_tokens + base.completion_tokens, spent[models.judge.identity].calls),
                        *(len(rounds), sum(len(each.accepted) for each in rounds)),
                        f"{sum(gain.low > 0 for gain in gains)}/{len(gains)}",
                        f"{time.perf_counter() - started:.0f}",
                    ]
                )
                sys.stdout.flush()
                if options.rounds:
                    show_rounds(rounds, trials)


def show_rounds(rounds: Sequence[Round], trials: Sequence[TrialRecord]) -> None:
    """Print the fate of what was written, on standard error."""
    for each in rounds:
        named = (
            [weakness.sentence + " " + weakness.style for weakness in each.diagnosis.weaknesses]
            if each.diagnosis
            else []
        )
        print(f"round {each.number} after {each.after}, best {each.best}: {named}", file=sys.stderr)
        refused = Counter(attempt.fate[:40] for attempt in each.attempts if not attempt.key)
        print(f"  accepted {len(each.accepted)}, refused {dict(refused)}", file=sys.stderr)
        for effect in effects([each], trials):
            print(f"  look {effect.trial}: {effect.gain:+.2f} on {effect.queries} {effect.shows}", file=sys.stderr)


def compare(options: argparse.Namespace) -> None:
    """Print the mean of each proposer and its paired difference to `none`, with 95 % intervals over the seeds."""
    found: dict[str, dict[int, float]] = {}
    for path in options.tables:
        for row in csv.DictReader(Path(path).read_text("utf-8").splitlines()):
            if row["found"] != "found":
                found.setdefault(row["proposer"], {})[int(row["seed"])] = float(row["found"])
    for name, by_seed in found.items():
        print(f"{name:8} {len(by_seed)} seeds, found {np.mean(list(by_seed.values())):.3f}", end="")
        if name != "none":
            seeds = sorted(by_seed.keys() & found["none"].keys())
            print(f", difference {_difference([by_seed[s] - found['none'][s] for s in seeds])}", end="")
        print()


def _difference(gaps: Sequence[float]) -> str:
    gain = bootstrap_mean(list(gaps))
    return f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}], better in {sum(gap > 0 for gap in gaps)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run")
    running.add_argument("--seeds", type=int, default=20)
    running.add_argument("--first-seed", type=int, default=0)
    running.add_argument("--tokens", type=int, default=TOKENS)
    running.add_argument("--answers", type=int, default=ANSWERS)
    running.add_argument("--proposers", nargs="+", default=["none", "clauses", "dspy", "dspy-bad"])
    running.add_argument("--pool", choices=["poor", "whole"], default="poor")
    running.add_argument("--rounds", action="store_true", help="tell of each round what its looks gained")
    running.set_defaults(do=run)
    comparing = commands.add_parser("compare")
    comparing.add_argument("tables", nargs="+")
    comparing.set_defaults(do=compare)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
