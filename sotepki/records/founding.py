"""Making the books of a new workspace in one step, and removing those that an init did not finish.

Books may stand where others keep theirs. So those of an init bear a mark from the moment they are there, which it has
noted before; what does not bear it is somebody else's. In PostgreSQL the mark is the comment on the schema that init
made, or on the table of the revision in one that it was lent; in a file of SQLite it is the ``user_version``.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, text

from sotepki.errors import Misuse
from sotepki.records.database import Base, Database, is_empty, make_tables
from sotepki.records.migrations import VERSION_TABLE, stamp_newest
from sotepki.records.migrations.models import load_models

_HIGHEST_MARK = 2**31 - 1
"""SQLite's ``user_version`` is a signed number of 32 bits, 0 in every other file."""

_OF_SCHEMA = text("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = :schema")
_OF_TABLE = text(
    "SELECT obj_description(pg_class.oid, 'pg_class') FROM pg_class JOIN pg_namespace"
    " ON relnamespace = pg_namespace.oid WHERE nspname = :schema AND relname = :table"
)


@dataclass(frozen=True)
class Founding:
    """What init notes before it makes books.

    Attributes:
        mark: the number that they will bear.
        new_file: whether they are in a file of SQLite that was not there.
    """

    mark: int
    new_file: bool

    @classmethod
    def of(cls, database: Database) -> Founding:
        """A founding that nobody else has."""
        path = database.file.path
        return cls(1 + secrets.randbelow(_HIGHEST_MARK), bool(path) and not os.path.lexists(path))

    @property
    def comment(self) -> str:
        """The mark in PostgreSQL."""
        return f"made by sotepki init {self.mark}"


def found(database: Database, founding: Founding) -> None:
    """Make schema, tables and revision of a new workspace, all or none, where nothing is.

    Raises:
        Misuse: something is there; it was not touched.
    """
    load_models()
    with database.founding() as connection:
        made = database.make_schema(connection)
        if not is_empty(connection):
            raise Misuse(
                "The database that was named for the workspace holds tables already; nothing was changed.",
                advice="Name an empty one; without '?schema=' each workspace gets a new schema.",
            )
        make_tables(connection)
        stamp_newest(connection)
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA user_version={founding.mark}")
        else:
            marked = f'SCHEMA "{database.schema}"' if made else f"TABLE {VERSION_TABLE}"
            connection.exec_driver_sql(f"COMMENT ON {marked} IS '{founding.comment}'")


def clear(database: Database, founding: Founding) -> None:
    """Remove what a founding made: the whole schema or file, or only the tables in it."""
    if database.schema:
        _clear_schema(database, founding)
    elif os.path.lexists(database.file.path):
        _clear_file(database, founding)


def _clear_schema(database: Database, founding: Founding) -> None:
    place = {"schema": database.schema, "table": VERSION_TABLE}
    with database.founding() as connection:
        if connection.scalar(_OF_SCHEMA, place) == founding.comment:
            connection.exec_driver_sql(f'DROP SCHEMA "{database.schema}" CASCADE')
        elif connection.scalar(_OF_TABLE, place) == founding.comment:
            _drop_tables(connection)


def _clear_file(database: Database, founding: Founding) -> None:
    with database.founding() as connection:
        ours = connection.exec_driver_sql("PRAGMA user_version").scalar() == founding.mark
        if founding.new_file and (ours or is_empty(connection)):
            # Under the lock: an init that waits for it finds out that the file is gone.
            database.file.remove()
        elif ours:
            _drop_tables(connection)
            connection.exec_driver_sql("PRAGMA user_version=0")


def _drop_tables(connection: Connection) -> None:
    load_models()
    Base.metadata.drop_all(connection)
    connection.exec_driver_sql(f"DROP TABLE {VERSION_TABLE}")
