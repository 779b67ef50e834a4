"""Copying: a search with everything that its trials and its continuation need, from one store to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from urial_opt.errors import InputError
from urial_opt.store import paid_work
from urial_opt.store.entries import SearchStatus
from urial_opt.store.round_tables import drafts, rounds
from urial_opt.store.searches import check_new_name, read_search, search_id
from urial_opt.store.statements import insert_into
from urial_opt.store.tables import (
    accounts,
    aligned_answers,
    answers,
    completions,
    evaluated_queries,
    evaluations,
    exemplars,
    identities,
    judgments,
    prompt_exemplars,
    prompts,
    queries,
    results,
    samplings,
    searches,
    shifts,
    spending,
    trials,
)
from urial_opt.store.worker_tables import leases

_AT_ONCE = 500
"""Rows in one INSERT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was copied with a search."""

    trials: int
    completions: int
    judgments: int


def copy_search(source: sa.Connection, target: sa.Connection, name: str, new: str) -> Copied:
    """Copy the search `name` to another database, under the name `new`.

    With it go all answers and verdicts of its models that the database holds, so that the copy can be continued without
    paying again, and what it has spent. Answers that the other database has already stay as they are. InputError while
    a process runs the search, or if the name is taken there.
    """
    record = read_search(source, name)
    if record.status is SearchStatus.RUNNING:
        raise InputError(f"{name!r} is running, and a copy would lack what it does now; wait until it ends")
    check_new_name(new)
    if target.scalar(sa.select(searches.c.id).where(searches.c.name == new)) is not None:
        raise InputError(f"there is a search {new!r} already; give another name")
    summary = None if record.summary is None else {**record.summary, "name": new}
    changed = {"name": new, "summary": summary, "status": record.status.value, "process": None, "heartbeat": None}
    copying = _Copying(source=source, target=target, number=search_id(source, name), maps={})
    copying.identities(
        [str(record.settings[role]) for role in ("base", "aligned", "judge") if record.settings.get(role)]
    )
    return copying.search(changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copying:
    source: sa.Connection
    target: sa.Connection
    number: int
    maps: dict[str, dict[int, int]]
    """For each table whose keys the database numbers: the number there, by the number here."""

    def identities(self, names: list[str]) -> None:
        """Find or create the models there, those of the settings and those that were paid."""
        account = sa.select(accounts.c.id).where(accounts.c.search_id == self.number)
        paid = sa.select(spending.c.identity_id).where(spending.c.account_id.in_(account))
        judged = sa.select(judgments.c.judge_id).where(judgments.c.id.in_(self._asked(evaluated_queries.c.judgment_id)))
        which = identities.c.name.in_(names) | identities.c.id.in_(paid) | identities.c.id.in_(judged)
        found = self.source.execute(sa.select(identities.c.id, identities.c.name).where(which)).all()
        self.maps["urial_identities"] = {id_: paid_work.identity_id(self.target, name) for id_, name in found}

    def search(self, changed: Mapping[str, object]) -> Copied:
        """Copy the rows, those first that others refer to."""
        models = list(self.maps["urial_identities"])
        written = completions.c.generator_id.in_(models)
        judged = judgments.c.judge_id.in_(models)
        of_models = {
            answers: [
                sa.select(completions.c.answer_id).where(written),
                sa.select(judgments.c.answer_id).where(judged),
                self._asked(evaluated_queries.c.answer_id),
            ],
            queries: [sa.select(judgments.c.query_id).where(judged), self._asked(evaluated_queries.c.query_id)],
            samplings: [
                sa.select(completions.c.sampling_id).where(written),
                sa.select(evaluations.c.sampling_id).where(evaluations.c.id.in_(self._evaluations)),
            ],
        }
        for table, wanted in of_models.items():
            self._add(table, sa.or_(*(table.c.id.in_(each) for each in wanted)))
        shown = sa.select(evaluations.c.prompt_id).where(evaluations.c.id.in_(self._evaluations))
        placed = prompt_exemplars.c.prompt_id.in_(shown)
        self._add(exemplars, exemplars.c.id.in_(sa.select(prompt_exemplars.c.exemplar_id).where(placed)))
        self._add(prompts, prompts.c.id.in_(shown))
        self._add(prompt_exemplars, placed)
        counts = self._add(completions, written), self._add(judgments, judged)
        self._add(aligned_answers, aligned_answers.c.aligned_id.in_(models))
        self._add(shifts, shifts.c.base_id.in_(models) & shifts.c.aligned_id.in_(models))
        self._number(searches, searches.c.id == self.number, changed)
        self._number(evaluations, evaluations.c.id.in_(self._evaluations))
        self._add(evaluated_queries, evaluated_queries.c.evaluation_id.in_(self._evaluations))
        number = self._add(trials, trials.c.search_id == self.number)
        for row in self._rows(results, results.c.search_id == self.number):
            self.target.execute(sa.insert(results).values({key: row[key] for key in row if key != "id"}))
        for row in self._rows(leases, leases.c.search_id == self.number):
            self.target.execute(sa.insert(leases).values({**row, "owner": None, "until": 0.0}))
        self._add(rounds, rounds.c.search_id == self.number)
        self._add(drafts, drafts.c.search_id == self.number)
        self._number(accounts, accounts.c.search_id == self.number)
        self._add(spending, spending.c.account_id.in_(list(self.maps["urial_accounts"])))
        return Copied(trials=number, completions=counts[0], judgments=counts[1])

    @property
    def _evaluations(self) -> sa.CompoundSelect[Any]:
        """The ids of the evaluations of the trials and of the results."""
        parts = (
            sa.select(table.c.evaluation_id).where(table.c.search_id == self.number) for table in (trials, results)
        )
        return sa.union_all(*parts)

    def _asked(self, column: sa.ColumnElement[Any]) -> sa.Select[Any]:
        return sa.select(column).where(evaluated_queries.c.evaluation_id.in_(self._evaluations))

    def _rows(self, table: sa.Table, which: sa.ColumnElement[bool]) -> Iterator[dict[str, Any]]:
        """The rows as they are there: references to numbered rows are translated."""
        for row in self.source.execute(sa.select(table).where(which)).mappings():
            yield {column.name: self._translated(column, row) for column in table.c}

    def _translated(self, column: sa.Column[Any], row: Mapping[Any, Any]) -> Any:  # noqa: ANN401
        numbers = self._numbers(column)
        return row[column] if numbers is None or row[column] is None else numbers[row[column]]

    def _numbers(self, column: sa.ColumnElement[Any]) -> dict[int, int] | None:
        """The new numbers of what a column refers to, perhaps through another table; None if it has no number."""
        for key in column.foreign_keys:
            found = self.maps.get(key.column.table.name) or self._numbers(key.column)
            if found is not None:
                return found
        return None

    def _add(self, table: sa.Table, which: sa.ColumnElement[bool]) -> int:
        """Add the rows that are not there yet, and return how many were looked at."""
        number = 0
        rows = self._rows(table, which)
        while some := list(islice(rows, _AT_ONCE)):
            self.target.execute(insert_into(self.target, table).on_conflict_do_nothing(), some)
            number += len(some)
        return number

    def _number(
        self, table: sa.Table, which: sa.ColumnElement[bool], changed: Mapping[str, object] = MappingProxyType({})
    ) -> None:
        """Add rows under new numbers."""
        found = self.source.scalars(sa.select(table.c.id).where(which)).all()
        numbers = self.maps.setdefault(table.name, {})
        for id_, row in zip(found, list(self._rows(table, which)), strict=True):
            values = {**row, **changed}
            del values["id"]
            numbers[id_] = self.target.scalars(sa.insert(table).values(values).returning(table.c.id)).one()
