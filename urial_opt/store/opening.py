"""Opening a store: whose database it is, and bringing its tables up to date."""

from __future__ import annotations

from importlib import import_module

import sqlalchemy as sa

from urial_opt.content import content_folder
from urial_opt.errors import StoreError
from urial_opt.store.connection import Connection
from urial_opt.store.tables import SCHEMA_VERSION, VERSION_TABLE

OPTUNA_TABLES = frozenset(
    {
        "alembic_version",
        "studies",
        "study_directions",
        "study_system_attributes",
        "study_user_attributes",
        "trial_heartbeats",
        "trial_intermediate_values",
        "trial_params",
        "trial_system_attributes",
        "trial_user_attributes",
        "trial_values",
        "trials",
        "version_info",
    }
)
_LOCK = 7_812_604
"""Number of the advisory lock that only one process holds while it migrates a PostgreSQL database."""


def open_tables(database: Connection) -> None:
    """Make sure that the tables are there and of this program's version. StoreError if the database is not ours."""
    with database.reading() as connection:
        version = _version(connection, database)
    if version != SCHEMA_VERSION:
        import_module("alembic.command")  # not under the lock: on a busy machine others would wait too long for it
        with database.writing() as connection:
            _migrate(connection, database)
    if database.dialect == "sqlite":
        database.write_ahead()


def _version(connection: sa.Connection, database: Connection) -> str | None:
    """The schema version; None where we have no tables yet and may make them."""
    tables = set(sa.inspect(connection).get_table_names())
    if VERSION_TABLE in tables:
        return str(connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")))
    if database.dialect == "sqlite" and (foreign := sorted(tables - OPTUNA_TABLES)):
        whose = f"belongs to another program (it has the table {foreign[0]!r})"
        raise StoreError(f"the database {database.name!r} {whose}; give another file")
    return None


def _migrate(connection: sa.Connection, database: Connection) -> None:
    # Imported here: it takes a third of a second, and a database is nearly always up to date.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    if database.dialect == "postgresql":
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    folder = content_folder("store")
    config = Config()
    config.set_main_option("script_location", str(folder / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        version = _version(connection, database)
        advice = "type: pip install --upgrade urial-opt, or give another store"
        raise StoreError(
            f"the store {database.name!r} was written by a newer version of urial-opt ({version!r}); {advice}"
        ) from error
    for statement in views(folder.joinpath("views.sql").read_text("utf-8")):
        connection.exec_driver_sql(statement)


def views(sql: str) -> list[str]:
    """The statements of `views.sql`, each of which ends a line with its semicolon."""
    return [statement.strip() for statement in sql.split(";\n") if statement.strip()]
