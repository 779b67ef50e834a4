"""Token shift between base and aligned model under each prompt, and the aligned answers it is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from urial_opt.content import content_id
from urial_opt.prompt import UrialPrompt
from urial_opt.records import ProbeKey, ProbeShift
from urial_opt.store.paid_work import identity_id, read_usage, usage_columns
from urial_opt.store.served import find_under_names, without_address
from urial_opt.store.statements import chunks, insert_new
from urial_opt.store.tables import aligned_answers, identities, shifts
from urial_opt.token_scores import AlignedAnswer

_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_ANSWERS = sa.select(aligned_answers).where(aligned_answers.c.id.in_(_IDS))
_SHIFTS = sa.select(shifts).where(shifts.c.id.in_(_IDS))


def find_aligned_answers(connection: sa.Connection, probe: ProbeKey) -> list[AlignedAnswer | None]:
    """The aligned model's answer to each query of the probe; None where it is not stored."""

    def find(aligned: str) -> list[AlignedAnswer | None]:
        ids = [_answer_id(replace(probe, aligned=aligned), query) for query in probe.queries]
        rows = {row.id: row for some in chunks(ids) for row in connection.execute(_ANSWERS, {"ids": some})}
        return [
            AlignedAnswer(
                query=query,
                tokens=tuple(row.tokens),
                pieces=tuple(row.pieces),
                ended=row.ended,
                usage=read_usage(row._mapping, aligned_answers),
            )
            if (row := rows.get(id_))
            else None
            for id_, query in zip(ids, probe.queries, strict=True)
        ]

    return find_under_names(connection, probe.aligned, find)


def insert_aligned_answers(connection: sa.Connection, probe: ProbeKey, answers: Sequence[AlignedAnswer]) -> None:
    """Store each answer, unless its query has one already."""
    aligned = identity_id(connection, probe.aligned)
    rows = [
        {
            "id": _answer_id(probe, answer.query),
            "aligned_id": aligned,
            "query": answer.query,
            "max_tokens": probe.max_tokens,
            "tokens": answer.tokens,
            "pieces": answer.pieces,
            "ended": answer.ended,
            **usage_columns(answer.usage),
        }
        for answer in answers
    ]
    insert_new(connection, aligned_answers, rows)


def find_shifts(connection: sa.Connection, probe: ProbeKey, prompts: Sequence[UrialPrompt]) -> list[ProbeShift | None]:
    """The shift under each prompt; None where it is not stored."""

    def find(key: ProbeKey) -> list[ProbeShift | None]:
        ids = [_shift_id(key, prompt) for prompt in prompts]
        rows = {row.id: row for some in chunks(ids) for row in connection.execute(_SHIFTS, {"ids": some})}
        return [_read(rows[id_]) if id_ in rows else None for id_ in ids]

    def find_by_aligned(base: str) -> list[ProbeShift | None]:
        return find_under_names(
            connection, probe.aligned, lambda aligned: find(replace(probe, base=base, aligned=aligned))
        )

    return find_under_names(connection, probe.base, find_by_aligned)


def shifts_of_prompts(
    connection: sa.Connection, base: str, aligned: str, prompts: Sequence[UrialPrompt]
) -> list[ProbeShift | None]:
    """The shift between these models under each prompt, over any probe queries; None where it is not stored."""
    named = {row.id: without_address(row.name) for row in connection.execute(sa.select(identities))}
    ids = {name: [id_ for id_, known in named.items() if known == name] for name in (base, aligned)}
    between = sa.select(shifts).where(shifts.c.base_id.in_(ids[base]), shifts.c.aligned_id.in_(ids[aligned]))
    found = {
        row.text_id: _read(row)
        for some in chunks([prompt.id for prompt in prompts])
        for row in connection.execute(between.where(shifts.c.text_id.in_(some)))
    }
    return [found.get(prompt.id) for prompt in prompts]


def insert_shift(connection: sa.Connection, probe: ProbeKey, prompt: UrialPrompt, shift: ProbeShift) -> None:
    """Store the shift under a prompt, unless it is stored already."""
    row = {
        "id": _shift_id(probe, prompt),
        "base_id": identity_id(connection, probe.base),
        "aligned_id": identity_id(connection, probe.aligned),
        "text_id": prompt.id,
        "probe_id": probe.id,
        "positions": shift.positions,
        "unshifted": shift.unshifted,
        "marginal": shift.marginal,
        "shifted": shift.shifted,
        "surprise": shift.surprise,
        "kl_base_aligned": shift.kl_base_aligned,
        "kl_aligned_base": shift.kl_aligned_base,
        "by_query": shift.by_query,
        **usage_columns(shift.usage),
    }
    insert_new(connection, shifts, [row])


def _read(row: sa.Row[Any]) -> ProbeShift:
    return ProbeShift(
        positions=row.positions,
        unshifted=row.unshifted,
        marginal=row.marginal,
        shifted=row.shifted,
        surprise=row.surprise,
        kl_base_aligned=row.kl_base_aligned,
        kl_aligned_base=row.kl_aligned_base,
        by_query=tuple(row.by_query),
        usage=read_usage(row._mapping, shifts),
    )


def _answer_id(probe: ProbeKey, query: str) -> str:
    return content_id([probe.aligned, query, probe.max_tokens])


def _shift_id(probe: ProbeKey, prompt: UrialPrompt) -> str:
    return content_id([probe.base, probe.aligned, probe.id, prompt.id])
