"""Opening a store: checks that the database is ours and migrates its tables."""

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
"""Number of the advisory lock under which one process migrates a PostgreSQL database."""


def open_tables(database: Connection) -> None:
    """Create or migrate the tables to this version. StoreError if the database belongs to another program."""
    with database.reading() as connection:
        version = _version(connection, database)
    if version != SCHEMA_VERSION:
        import_module("alembic.command")  # before the lock is taken, so that other processes do not wait for the import
        with database.writing() as connection:
            _migrate(connection, database)
    if database.dialect == "sqlite":
        database.write_ahead()
    database.watch_file()


def _version(connection: sa.Connection, database: Connection) -> str | None:
    """The schema version; None if we have no tables yet. StoreError if another program's tables are there."""
    tables = set(sa.inspect(connection).get_table_names())
    if VERSION_TABLE in tables:
        return str(connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")))
    if database.dialect == "sqlite" and (foreign := sorted(tables - OPTUNA_TABLES)):
        whose = f"belongs to another program (it has the table {foreign[0]!r})"
        raise StoreError(f"the database {database.name!r} {whose}; give another file")
    return None


def _migrate(connection: sa.Connection, database: Connection) -> None:
    # Imported here because it takes a third of a second and most databases are up to date.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    if database.dialect == "postgresql":
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    folder = content_folder("store")
    config = Config()
    config.set_main_option("script_location", str(folder / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    statements = views(folder.joinpath("views.sql").read_text("utf-8"))
    for statement in statements:
        if "CREATE VIEW" not in statement:  # SQLite renames no table while a view refers to one that is missing
            connection.exec_driver_sql(statement)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        version = _version(connection, database)
        advice = "install the newer version of urial-opt, or give another store"
        raise StoreError(
            f"the store {database.name!r} was written by a newer version of urial-opt ({version!r}); {advice}"
        ) from error
    for statement in statements:
        connection.exec_driver_sql(statement)


def views(sql: str) -> list[str]:
    """The statements of `views.sql`; each ends with a semicolon at the end of a line."""
    return [statement.strip() for statement in sql.split(";\n") if statement.strip()]
