"""Rounds: what a proposer was shown, asked and wrote in a search, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from urial_opt.aspects import Aspect
from urial_opt.prompt import Exemplar
from urial_opt.records import Usage
from urial_opt.spaces.lineage import Attempt, Look, Round
from urial_opt.spaces.proposals import Diagnosis, Draft, Proposal, Weakness
from urial_opt.store import paid_work
from urial_opt.store.round_tables import drafts
from urial_opt.store.round_tables import rounds as table
from urial_opt.store.statements import insert_into
from urial_opt.store.tables import identities


def read_rounds(connection: sa.Connection, search: int) -> list[Round]:
    """All rounds of a search, in order."""
    attempts: dict[int, list[Attempt]] = {}
    written = sa.select(drafts).where(drafts.c.search_id == search).order_by(drafts.c.task, drafts.c.attempt)
    for row in connection.execute(written).mappings():
        attempts.setdefault(row[drafts.c.round], []).append(_read_attempt(row))
    begun = sa.select(table, identities.c.name).join(identities).where(table.c.search_id == search)
    return [
        Round(
            number=row[table.c.number],
            after=row[table.c.after],
            best=row[table.c.best],
            proposer=row[identities.c.name],
            lacking=tuple(row[table.c.lacking]),
            shift=tuple(row[table.c.shift]),
            diagnosis=None if row[table.c.diagnosis] is None else _read_diagnosis(row[table.c.diagnosis]),
            attempts=tuple(attempts.get(row[table.c.number], ())),
            looks=tuple(Look(params=look["params"], shows=tuple(look["shows"])) for look in row[table.c.looks] or ()),
            closed=row[table.c.looks] is not None,
        )
        for row in connection.execute(begun.order_by(table.c.number)).mappings()
    ]


def insert_round(connection: sa.Connection, search: int, begun: Round) -> None:
    """Store a round that has begun."""
    connection.execute(
        insert_into(connection, table)
        .on_conflict_do_nothing()
        .values(
            search_id=search,
            number=begun.number,
            after=begun.after,
            best=begun.best,
            proposer_id=paid_work.identity_id(connection, begun.proposer),
            lacking=begun.lacking,
            shift=begun.shift,
        )
    )


def write_diagnosis(connection: sa.Connection, search: int, number: int, diagnosis: Diagnosis) -> None:
    """Store the diagnosis of a round."""
    which = (table.c.search_id == search) & (table.c.number == number)
    connection.execute(sa.update(table).where(which).values(diagnosis=asdict(diagnosis)))


def insert_attempts(connection: sa.Connection, search: int, number: int, attempts: Sequence[Attempt]) -> None:
    """Store attempts of a round."""
    rows = [{"search_id": search, "round": number, **_attempt_row(attempt)} for attempt in attempts]
    if rows:
        connection.execute(insert_into(connection, drafts).on_conflict_do_nothing(), rows)


def close_round(connection: sa.Connection, search: int, closed: Round) -> None:
    """Store the fates of a round's attempts, and its looks; one that is closed stays as it is."""
    here = (table.c.search_id == search) & (table.c.number == closed.number)
    if connection.scalar(sa.select(table.c.looks).where(here).with_for_update()) is not None:
        return
    of_round = (drafts.c.search_id == search) & (drafts.c.round == closed.number)
    for attempt in closed.attempts:
        which = of_round & (drafts.c.task == attempt.task) & (drafts.c.attempt == attempt.number)
        connection.execute(sa.update(drafts).where(which).values(fate=attempt.fate, key=attempt.key))
    looks = [{"params": look.params, "shows": look.shows} for look in closed.looks]
    connection.execute(sa.update(table).where(here).values(looks=looks))


def _attempt_row(attempt: Attempt) -> dict[str, object]:
    proposal, draft = attempt.proposal, attempt.draft
    return {
        "task": attempt.task,
        "attempt": attempt.number,
        "part": proposal.part,
        "kind": proposal.kind,
        "style": proposal.style,
        "query": proposal.query,
        "text": proposal.text,
        "reason": proposal.reason,
        "parents": proposal.parents,
        "restyled": asdict(proposal.restyled) if proposal.restyled else None,
        "asked": draft.asked,
        "reply": draft.reply,
        "trouble": draft.trouble,
        "fate": attempt.fate,
        "key": attempt.key,
        **paid_work.usage_columns(draft.usage),
    }


def _read_attempt(row: Mapping[Any, Any]) -> Attempt:
    restyled = row[drafts.c.restyled]
    proposal = Proposal(
        part=row[drafts.c.part],
        text=row[drafts.c.text],
        query=row[drafts.c.query],
        kind=row[drafts.c.kind],
        style=row[drafts.c.style],
        restyled=Exemplar(**{**restyled, "tags": tuple(restyled["tags"])}) if restyled else None,
        parents=tuple(row[drafts.c.parents]),
        reason=row[drafts.c.reason],
    )
    draft = Draft(
        text="" if row[drafts.c.trouble] else row[drafts.c.text],
        query=row[drafts.c.query],
        reason=row[drafts.c.reason],
        asked=row[drafts.c.asked],
        reply=row[drafts.c.reply],
        usage=paid_work.read_usage(row, drafts),
        trouble=row[drafts.c.trouble],
    )
    return Attempt(
        task=row[drafts.c.task],
        number=row[drafts.c.attempt],
        proposal=proposal,
        draft=draft,
        fate=row[drafts.c.fate],
        key=row[drafts.c.key],
    )


def _read_diagnosis(stored: Mapping[str, Any]) -> Diagnosis:
    weaknesses = tuple(
        Weakness(
            sentence=each["sentence"],
            aspects=tuple(map(Aspect, each["aspects"])),
            queries=tuple(each["queries"]),
            exemplars=tuple(each["exemplars"]),
            style=each["style"],
        )
        for each in stored["weaknesses"]
    )
    return Diagnosis(
        weaknesses=weaknesses,
        asked=stored["asked"],
        reply=stored["reply"],
        usage=Usage(**stored["usage"]),
        trouble=stored["trouble"],
    )
