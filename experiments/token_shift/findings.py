"""The paper's four findings on token shift, measured on the embedded pair.

    python experiments/token_shift/findings.py [--prompts 40] [--budget 60]

On the validation queries: the shift without a prompt, under plain ICL, the hand-written URIAL prompt and one that a
search of `--budget` trials found; then `--prompts` random prompts of the space, each judged and read. Writes
contexts.csv, curve.csv, kinds.csv and prompts.csv, and the plots curve.png and score.png, beside this script.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import optuna
from matplotlib.axes import Axes

from urial_opt import plugins
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.evaluation.scorecard import summed_up
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Candidate, Estimate
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.shift.figures import ContextShift, TokenShift
from urial_opt.shift.reading import read_shift
from urial_opt.shift.summary import summarise_shift
from urial_opt.spaces.space_file import load_space
from urial_opt.statistics.correlation import rank_correlation
from urial_opt.store import Store

HERE = Path(__file__).parent
COLOURS = ("#b3432b", "#c98a1b", "#3b6ea5", "#2d8659")


def write(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with (HERE / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def shown(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"{estimate.mean:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"


def tell_contexts(shift: TokenShift) -> None:
    names = ("unshifted", "marginal", "shifted", "probability", "kl_base_aligned", "kl_aligned_base")
    rows = [[name, *[shown(getattr(each, part)) for part in names]] for name, each in shift.contexts.items()]
    write("contexts.csv", ["context", *names], rows)
    for row in rows:
        print("\t".join(row))


def tell_kinds(shift: TokenShift) -> None:
    header = ["context", "kind", "positions", "share", "shifted", "of all shifted", "of KL(base || aligned)"]
    rows = [
        [name, kind, each.positions, shown(each.share), shown(each.shifted), shown(each.of_shifted), shown(each.kl)]
        for name, context in shift.contexts.items()
        for kind, each in {**context.groups, **context.kinds}.items()
    ]
    write("kinds.csv", header, rows)


def tell_curve(shift: TokenShift) -> None:
    header = ["context", "position", "answers", "shifted", "rank", "kl_base_aligned", "kl_aligned_base"]
    rows = [
        [name, p.position, p.answers, *map(shown, (p.shifted, p.rank, p.kl_base_aligned, p.kl_aligned_base))]
        for name, context in shift.contexts.items()
        for p in context.curve
    ]
    write("curve.csv", header, rows)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for (name, context), colour in zip(shift.contexts.items(), COLOURS, strict=True):
        draw_curve(axes, name, context, colour)
    for axis, title in zip(axes, ("share of tokens that are shifted", "KL(aligned || base), nats"), strict=True):
        axis.set(title=title, xlabel="position in the answer", xscale="log", ylim=(0, None))
        axis.set_xticks([1, 2, 5, 10, 20, 50], labels=["1", "2", "5", "10", "20", "50"])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
    axes[1].legend(frameon=False)
    figure.savefig(HERE / "curve.png", dpi=110)


def draw_curve(axes: Sequence[Axes], name: str, context: ContextShift, colour: str) -> None:
    for axis, measure in zip(axes, ("shifted", "kl_aligned_base"), strict=True):
        points = [(p.position, each) for p in context.curve if (each := getattr(p, measure)) and p.answers >= 10]
        places = [place for place, _ in points]
        axis.plot(places, [each.mean for _, each in points], color=colour, label=name, linewidth=1.6)
        sure = [(place, each) for place, each in points if each.mean > 0]
        ends = [e.low for _, e in sure], [e.high for _, e in sure]
        axis.fill_between([place for place, _ in sure], *ends, color=colour, alpha=0.15, linewidth=0)


def tell_prompts(rows: Sequence[tuple[str, float, float, float]]) -> None:
    """Score, KL(aligned || base) and share shifted of each prompt, and their rank correlations."""
    write("prompts.csv", ["prompt", "score", "KL(aligned || base)", "shifted"], rows)
    drawn = [row for row in rows if row[0].startswith("random")]
    for name, column in (("KL(aligned || base)", 2), ("share shifted", 3)):
        correlation = rank_correlation([row[1] for row in drawn], [float(row[column]) for row in drawn])
        print(f"score against {name}, {len(drawn)} random prompts: Spearman {shown(correlation)}")
    figure, axis = plt.subplots(figsize=(6, 4.2), layout="constrained")
    axis.scatter([row[2] for row in drawn], [row[1] for row in drawn], color="#888888", s=18, label="random prompts")
    for row, colour in zip([row for row in rows if row not in drawn], COLOURS, strict=True):
        axis.scatter([row[2]], [row[1]], color=colour, s=48, label=row[0])
    axis.set(xlabel="KL(aligned || base), nats a token", ylabel="score", xscale="log")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=8)
    figure.savefig(HERE / "score.png", dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--budget", type=int, default=60)
    chosen = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = load_space("nano")
    queries = space.queries.split("validation")
    base, twin = plugins.open_generator("nano"), plugins.open_chat_generator("nano-aligned")
    longest = space.hand_written.sampling.max_tokens
    with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/findings.db") as store:
        models = Models(base=base, judge=plugins.open_judge("nano"), aligned=twin)
        evaluator = Evaluator(generator=base, judge=models.judge, memory=store)
        result = search_space(space, models, store, options=SearchOptions(budget=chosen.budget))
        found = result.found.candidate
        assert found is not None
        candidates = {
            "zero-shot": space.zero_shot,
            "plain ICL": space.plain_icl,
            "hand-written": space.hand_written,
            "found": found,
        }

        def read(contexts: dict[str, UrialPrompt]) -> TokenShift:
            return summarise_shift(read_shift(base, twin, queries, contexts, max_tokens=longest))

        shift = read({name: candidate.prompt for name, candidate in candidates.items()})
        tell_contexts(shift)
        tell_kinds(shift)
        tell_curve(shift)

        def row(name: str, candidate: Candidate, context: ContextShift) -> tuple[str, float, float, float]:
            score = summed_up(evaluator.evaluate(candidate, queries), space.objective).average.mean
            assert context.kl_aligned_base
            assert context.shifted
            return name, round(score, 4), round(context.kl_aligned_base.mean, 5), round(context.shifted.mean, 5)

        rows = [row(name, candidate, shift.contexts[name]) for name, candidate in candidates.items()]
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=2))
        for number in range(chosen.prompts):
            candidate = space.suggest(study.ask())
            name = f"random {number}"
            rows.append(row(name, candidate, read({name: candidate.prompt}).contexts[name]))
    tell_prompts(rows)


if __name__ == "__main__":
    main()
