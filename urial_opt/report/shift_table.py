"""The token-shift table: one row for each position of each answer in each context, as a Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from urial_opt.errors import AdapterError, InputError
from urial_opt.shift.figures import shift_class
from urial_opt.shift.marking import kinds_of
from urial_opt.token_scores import Floats, Ints, ShiftReading, TopTokens

LISTED = 10
"""Most probable tokens listed of each model."""


def write_shift_table(path: Path, reading: ShiftReading) -> None:
    """Write the table; unknown values are null. The end of a turn has the kind `end` and no token (null).

    Columns: context, answer (its number, from 0), query, position (from 0), token, token_id, kind, class, rank,
    probability, aligned_probability, kl_base_aligned = KL(base || aligned), kl_aligned_base = KL(aligned || base),
    entropy, aligned_entropy (all in nats); kl_base_aligned_least and kl_aligned_base_least, lower bounds of the
    divergences where a server reports only the most probable tokens; and the most probable tokens of both models with
    their probabilities: top_tokens, top_probabilities, aligned_top_tokens, aligned_top_probabilities. They are what
    `reading` holds, which may be counted as `shift.aligntds.as_aligntds` does. InputError if the file cannot be
    written, AdapterError without pyarrow.
    """
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        import pyarrow.parquet as pq  # type: ignore[import-untyped]
    except ImportError as error:
        raise AdapterError("Parquet files need pyarrow; type: pip install pyarrow") from error
    table = pa.Table.from_pylist(_rows(reading))
    try:
        pq.write_table(table, path)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written ({error}); give another path") from error


def _rows(reading: ShiftReading) -> list[dict[str, Any]]:
    kinds = [kinds_of(answer) for answer in reading.answers]
    rows = []
    for context, scores in reading.contexts.items():
        for number, (answer, score) in enumerate(zip(reading.answers, scores, strict=True)):
            for position, rank in enumerate(score.rank.tolist()):
                inside = position < len(answer.tokens)
                rows.append(
                    {
                        "context": context,
                        "answer": number,
                        "query": answer.query,
                        "position": position,
                        "token": answer.pieces[position] if inside else None,
                        "token_id": answer.tokens[position] if inside else None,
                        "kind": kinds[number][position].value if inside else "end",
                        "class": shift_class(rank),
                        "rank": rank or None,
                        **{name: _number(getattr(score, name), position) for name in _NUMBERS},
                        **_listed("top", score.top, position, reading),
                        **_listed("aligned_top", score.aligned_top, position, reading),
                    }
                )
    return rows


_NUMBERS = (
    "probability",
    "aligned_probability",
    "kl_base_aligned",
    "kl_aligned_base",
    "entropy",
    "aligned_entropy",
    "kl_base_aligned_least",
    "kl_aligned_base_least",
)


def _number(values: Floats | None, position: int) -> float | None:
    if values is None:
        return None
    value = float(values[position])
    return None if np.isnan(value) else value


def _listed(name: str, top: TopTokens, position: int, reading: ShiftReading) -> dict[str, list[Any]]:
    ids: Ints = top.ids[position, :LISTED]
    there = ids >= 0
    return {
        f"{name}_tokens": [reading.texts[int(token)] for token in ids[there]],
        f"{name}_probabilities": top.probabilities[position, :LISTED][there].tolist(),
    }
