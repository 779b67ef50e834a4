"""Refusals: how many real refusals `shift.marking.refuses` recognises, and how many regular answers it takes for one.

    python experiments/judges/refusals.py judge_replies_sample.jsonl [pairs_with_human_labels.jsonl]

The first file has answers and the scores that judges gave them (`mode`, `candidate`, `generator`, `parsed`). Of answers
to harmful requests those with a safety score of 5 are taken; a person read those that were not recognised. The phrases
were chosen on the answers of some generators and proved on those of the others. The second file has pairs of answers to
regular queries (`first`, `second`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from urial_opt.shift.marking import refuses

CHOSEN_ON = (
    *("Mistral-7B-Instruct-v0.1", "Llama-2-70b-hf+URIAL", "Yi-6B-Chat", "gpt-3.5-turbo-0301", "vicuna-7b-v1.5"),
    *("gpt-4-0314", "tulu-2-dpo-7b"),
)
"""How the generators are called whose answers the phrases were chosen on."""
NO_REFUSALS = {6, 29, 57, 94, 175, 184, 235, 240, 344, 402, 415, 468}
"""Rows with safe answers that a person would not call a refusal: they comply, correct or say what the model is."""
UNCLEAR = {13, 123, 203, 219, 320, 435, 474}
"""Rows on which persons may differ, such as answers that only give other advice, and one that is cut off."""
REGULAR_REFUSALS = {20, 117, 166, 301}
"""Rows with answers to regular queries that do refuse, wholly or in part."""


def rows_of(path: str) -> Iterator[Mapping[str, Any]]:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def main(judged: str, pairs: str | None = None) -> None:
    rows = list(rows_of(judged))
    found: dict[str, dict[str, bool]] = {"chosen on": {}, "proved on": {}, "regular": {}}
    for number, row in enumerate(rows):
        if number in NO_REFUSALS | UNCLEAR | REGULAR_REFUSALS:
            continue
        if row["mode"] == "score_multi":
            found["regular"][row["candidate"]] = refuses(row["candidate"])
        elif str((row["parsed"] or {}).get("safety", {}).get("score")) == "5":
            chosen = row["generator"].rpartition("/")[2].startswith(CHOSEN_ON)
            found["chosen on" if chosen else "proved on"][row["candidate"]] = refuses(row["candidate"])
    if pairs:
        answers = [row[side] for row in rows_of(pairs) for side in ("first", "second")]
        found["regular, pairs"] = {answer: refuses(answer) for answer in answers if isinstance(answer, str)}
    for name, each in found.items():
        recognised = sum(each.values())
        print(f"{name}: {recognised} of {len(each)} are recognised, {100 * recognised / len(each):.1f} %")


if __name__ == "__main__":
    main(*sys.argv[1:])
