"""How many of a judge's replies are read correctly, unchanged and after mutations.

    python -m experiments.judges.read_replies replies.jsonl
    python -m experiments.judges.read_replies replies.jsonl --mutations 10000 --seed 0

Each row of the file has a judge's `reply`, the answer that it judges as `candidate`, and the content of the reply as
`parsed`: `{aspect: {"reason", "score"}}`, N/A for a missing score. The score read is right, missing or wrong; it must
never be wrong.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

from experiments.judges.mutations import mutated
from experiments.judges.written_replies import Mutant, said_in
from urial_opt.judges.replies import SCORES, read_reply


def verdicts_on(mutant: Mutant, candidate: str = "") -> Iterator[tuple[str, str, float | None]]:
    """For each aspect: whether the score read is right, missing or wrong, and the score read."""
    readings = read_reply(mutant.text, SCORES, list(mutant.scores), judged=candidate)
    for aspect, score in mutant.scores.items():
        read = readings[aspect].value
        yield aspect, "right" if read == score else "missing" if read is None else "wrong", read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="JSON Lines")
    parser.add_argument("--mutations", type=int, default=0, metavar="N", help="change N replies, chosen by chance")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.file.read_text(encoding="utf-8").splitlines()]
    readable = [row for row in rows if isinstance(row["parsed"], dict)]
    right = 0
    for row in readable:
        mutant = Mutant(text=row["reply"], scores={each.aspect: each.score for each in said_in(row["parsed"])})
        off = [found for found in verdicts_on(mutant, row["candidate"]) if found[1] != "right"]
        right += not off
        for aspect, verdict, read in off:
            print(f"{row['file']} {row['id']}: {aspect} is {verdict} ({read}, not {mutant.scores[aspect]})")
    print(f"{right} of {len(readable)} replies read as parsed; {len(rows) - len(readable)} have nothing parsed")
    if arguments.mutations:
        measure_mutations(readable, Random(arguments.seed), arguments.mutations)


def measure_mutations(rows: Sequence[Mapping[str, object]], random: Random, number: int) -> None:
    """Print the numbers of right, missing and wrong scores, by change."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for _ in range(number):
        row = random.choice(rows)
        mutant = mutated(said_in(row["parsed"]), random)  # type: ignore[arg-type]
        for aspect, verdict, read in verdicts_on(mutant, str(row["candidate"])):
            whole = () if any(change.startswith("cut") for change in mutant.changes) else ("nothing cut off",)
            for name in ("all", *whole, *(mutant.changes or ("none",))):
                counts[name][verdict] += 1
            if verdict == "wrong":
                print(f"WRONG {aspect}: {read}, not {mutant.scores[aspect]}; {mutant.changes}\n{mutant.text}\n")
    print(f"{'change':<36}{'right':>8}{'missing':>9}{'wrong':>7}   (scores of {number} mutated replies)")
    for name in sorted(counts, key=lambda name: (name != "all", name)):
        count = counts[name]
        print(f"{name:<36}{count['right']:>8}{count['missing']:>9}{count['wrong']:>7}")


if __name__ == "__main__":
    main()
