"""How well `Likeness` tells a query that was asked before, in other words, from a new one.

    python experiments/agent/likeness.py [nano urial FILE.jsonl ...]

For each set of queries: the share of queries that count as asked before by another one of the set (false alarms, unless
the set repeats itself), and the share of rewordings that are recognised, at several thresholds. Rewordings keep what is
asked and change its frame, its order, its case or its articles.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence

from urial_opt.datasets.query_sources import load_queries
from urial_opt.search.agent.guards import NEAR
from urial_opt.search.agent.likeness import Likeness
from urial_opt.spaces.space_file import load_space

THRESHOLDS = (0.5, 0.6, NEAR, 0.8, 0.9)
MOST = 1_000


def _halves_swapped(text: str) -> str:
    words = text.rstrip(" ?.!").split()
    return " ".join([*words[len(words) // 2 :], *words[: len(words) // 2]])


REWORDINGS: dict[str, Callable[[str], str]] = {
    "polite frame": lambda text: f"Hello, I would like to know this: {text} Thank you!",
    "upper case": str.upper,
    "without articles": lambda text: re.sub(r"\b(?:a|an|the)\b ?", "", text, flags=re.IGNORECASE),
    "halves swapped": _halves_swapped,
    "as a request": lambda text: f"Please answer me: {text[:1].lower()}{text[1:].rstrip('?')}.",
}


def queries_of(name: str) -> list[str]:
    """The distinct texts of a space's queries, or of a file's."""
    if name.endswith((".jsonl", ".json", ".csv")):
        found = [query.text for query in load_queries(name)]
    else:
        found = [query.text for query in load_space(name).queries.queries]
    return list(dict.fromkeys(found))[:MOST]


def report(name: str, texts: Sequence[str]) -> None:
    """Print the shares for one set of queries."""
    alone = [Likeness.of([*texts[:row], *texts[row + 1 :]]).nearest(text) for row, text in enumerate(texts)]
    whole = Likeness.of(texts)
    print(f"\n{name}, {len(texts)} queries" + "".join(f"{limit:>8}" for limit in THRESHOLDS))
    _row("another query of the set", alone)
    for what, reword in REWORDINGS.items():
        _row(what, [whole.nearest(reword(text)) for text in texts])


def _row(what: str, found: Sequence[float]) -> None:
    shares = [100 * sum(each >= limit for each in found) / len(found) for limit in THRESHOLDS]
    print(f"{what:30}" + "".join(f"{share:7.1f}%" for share in shares))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=["nano", "urial"])
    for name in parser.parse_args().sets:
        report(name, queries_of(name))


if __name__ == "__main__":
    main()
