"""Which database a test works on: a file of SQLite, or with SOTEPKI_TEST_DATABASE=postgresql a schema of its own.

Every process that is told the same place comes to the same database, so a test may kill one and start another.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, MetaData, inspect, text

from sotepki.records import Database
from sotepki.records.addresses import complete, new_schema, parsed, with_schema
from sotepki.records.homes import database_of

CHOICE = "SOTEPKI_TEST_DATABASE"
SERVER = "SOTEPKI_TEST_POSTGRESQL"
"""The address of the server that this test run started."""


def on_postgresql() -> bool:
    """Whether this test run works on PostgreSQL."""
    return os.environ.get(CHOICE) == "postgresql"


def database_url(place: Path, *, server: str = "") -> str:
    """The address of the database that belongs to a place; ``server`` asks for PostgreSQL whatever the run is on."""
    server = server or (os.environ[SERVER] if on_postgresql() else "")
    if not server:
        return f"sqlite:///{place}"
    schema = f"t_{hashlib.sha256(str(place.absolute()).encode()).hexdigest()[:20]}"
    return complete(with_schema(parsed(server), schema))


def copy_workspace(source: Path, target: Path) -> Path:
    """A closed workspace once more: its directory and, on PostgreSQL, its schema."""
    shutil.copytree(source, target)
    settings = json.loads((target / "workspace.json").read_text())
    if settings.get("database"):
        before = parsed(os.environ.get("SOTEPKI_DATABASE_URL") or settings["database"])
        schema = new_schema()
        _copy_schema(complete(with_schema(before, settings["schema"])), schema)
        (target / "workspace.json").write_text(json.dumps({**settings, "schema": schema}))
    return target


def everything_stored(database: Database) -> bytes:
    """All that a database holds, to look for what must not be there: SQLite's files, or every row of PostgreSQL."""
    if database.engine.dialect.name == "sqlite":
        path = Path(str(database.engine.url.database))
        return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))
    with database.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        rows = [row for name in tables for row in connection.execute(text(f'SELECT * FROM "{name}"'))]
    return repr(rows).encode()


@contextmanager
def opened_books(workspace: Path) -> Iterator[Connection]:
    """The database of a closed workspace, past the offices: for tests that look or change behind their back."""
    settings = json.loads((workspace / "workspace.json").read_text())
    database = database_of(workspace, settings["database"], settings["schema"])
    try:
        with database.engine.begin() as connection:
            yield connection
    finally:
        database.close()


def _copy_schema(address: str, schema: str) -> None:
    old = Database(address)
    new = Database(complete(with_schema(parsed(address), schema)))
    new.create_schema()
    try:
        tables = MetaData()
        tables.reflect(old.engine)
        with new.engine.begin() as connection:
            tables.create_all(connection)
            for table in tables.sorted_tables:
                connection.execute(
                    text(f'INSERT INTO "{schema}"."{table.name}" SELECT * FROM "{old.schema}"."{table.name}"')
                )
            _move_counters_on(connection, schema)
    finally:
        old.close()
        new.close()


def _move_counters_on(connection: Connection, schema: str) -> None:
    """Let every counter of the schema stand behind the highest number in its column."""
    for table in inspect(connection).get_table_names(schema=schema):
        for column in inspect(connection).get_columns(table, schema=schema):
            if str(column.get("default") or "").startswith("nextval"):
                connection.execute(
                    text(
                        f"SELECT setval(pg_get_serial_sequence('{schema}.\"{table}\"', '{column['name']}'), "
                        f'(SELECT max("{column["name"]}") FROM "{schema}"."{table}"))'
                    )
                )
