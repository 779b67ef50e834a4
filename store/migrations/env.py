"""How Alembic reaches the database: through the connection that the store has opened, to our tables only."""

from alembic import context

from urial_opt.store.tables import VERSION_TABLE, metadata


def include_name(name: str | None, type_: str, _parent_names: object) -> bool:
    """Whether a name found in the database is ours: Optuna's tables may stand beside them."""
    return type_ != "table" or name in metadata.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    include_name=include_name,
)
context.run_migrations()
