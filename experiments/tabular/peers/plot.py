"""Plot: regret against judged answers, the mean over seeds with its standard error as a band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

import matplotlib.pyplot as plt

from experiments.tabular.peers.methods import OURS, PEERS
from urial_opt.statistics.strata import FloatArray

_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#8c564b", "#7f7f7f", "#bcbd22")
_STYLES = ("-", "--", ":")


def draw(curves: Mapping[str, Mapping[int, FloatArray]], marks: Sequence[int], png: Path, *, title: str) -> None:
    """Write the plot; ours is first, the others from the best to the worst at the last mark."""
    figure, axes = plt.subplots(figsize=(11, 5.5), layout="constrained")
    stacked = {method: np.array([*each.values()]) for method, each in curves.items()}
    order = sorted(
        (method for method in stacked if method != OURS), key=lambda each: float(stacked[each][:, -1].mean())
    )
    for place, method in enumerate([*([OURS] if OURS in stacked else []), *order]):
        rows = stacked[method]
        mean, error = rows.mean(axis=0), rows.std(axis=0, ddof=min(1, len(rows) - 1)) / len(rows) ** 0.5
        ours = method == OURS
        colour = "#d00000" if ours else _COLOURS[place % len(_COLOURS)]
        axes.plot(
            marks,
            mean,
            color=colour,
            linestyle="-" if ours else _STYLES[place // len(_COLOURS)],
            linewidth=2.6 if ours else 1.3,
            zorder=3 if ours else 2,
            label="our search" if ours else PEERS[method].title,
        )
        axes.fill_between(marks, mean - error, mean + error, color=colour, alpha=0.1, linewidth=0)
    axes.set_xscale("log")
    axes.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    axes.minorticks_off()
    axes.set_xlim(marks[0], marks[-1])
    axes.set_ylim(0, 1.1)
    axes.set_xlabel("judged answers, in full evaluations of all queries (log scale)")
    axes.set_ylabel("regret, as a share of optimum less hand-written")
    axes.set_title(f"{title}: mean over seeds, bands of one standard error", fontsize=11)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.savefig(png, dpi=110)
    plt.close(figure)
