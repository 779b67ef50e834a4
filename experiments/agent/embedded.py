"""What rounds of a proposer bring on the embedded world, from a pool that lacks the better styles.

    python experiments/agent/embedded.py --seeds 20 --budget 80

Every search may spend the same number of trials, first looks included. The pool holds the answers of the styles `word`,
`bare`, `forum`, `gossip` and `wary` only, and one system prompt: whatever is better has to be written.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from urial_opt import plugins
from urial_opt.proposers.clauses import Clauses
from urial_opt.roles import Models
from urial_opt.search.agent.widening import effects
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.search.study import silence_optuna
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store

POOR = ("word", "bare", "forum", "gossip", "wary")
START = ("cook-rice/bare", "rob-a-bank/bare", "Finland/bare")


def poor_space() -> SearchSpace:
    """The space `nano` without the better styles, and without the clauses that ask for them."""
    whole = load_space("nano")
    pool = {key: exemplar for key, exemplar in whole.exemplars.items() if exemplar.style in POOR}
    bare = replace(whole, exemplars=pool, system_prompts={"page": whole.system_prompts["page"]}, clauses={})
    params = bare.params_of(system="page", exemplars=START, decoding={"repetition_penalty": 1.0})
    return replace(bare, hand_written_params=params, start_params=params)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budget", type=int, default=80)
    parser.add_argument("--proposers", nargs="+", default=["none", "clauses"])
    options = parser.parse_args()
    silence_optuna()
    space = poor_space()
    opened = Models(base=plugins.open_generator("nano"), judge=plugins.open_judge("nano"))
    table = csv.writer(sys.stdout)
    table.writerow(["seed", "proposer", "found", "tokens", "judged", "rounds", "accepted", "best_look", "seconds"])
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for name in options.proposers:
            proposer = None if name == "none" else Clauses()
            started = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder, Store.open(str(Path(folder) / "s.db")) as store:
                result = search_space(
                    space,
                    replace(opened, proposer=proposer),
                    store,
                    options=SearchOptions(budget=options.budget, seed=seed),
                )
                account, trials = store.account(result.name), store.trials(result.name)
                rounds = account.rounds()
                gains = [effect.gain.mean for effect in effects(rounds, trials)]
                spent = account.spent
                table.writerow(
                    [
                        *(seed, name, f"{result.found.card.average.mean:.3f}"),
                        spent[opened.base.identity].usage.prompt_tokens
                        + spent[opened.base.identity].usage.completion_tokens,
                        spent[opened.judge.identity].calls,
                        *(len(rounds), sum(len(each.accepted) for each in rounds)),
                        f"{max(gains):.2f}" if gains else "",
                        f"{time.perf_counter() - started:.0f}",
                    ]
                )
                sys.stdout.flush()


if __name__ == "__main__":
    main()
