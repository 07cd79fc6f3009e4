"""Which database a workspace has: a file in its directory, or a schema of its own in PostgreSQL."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sotepki.errors import Misuse
from sotepki.records.addresses import (
    complete,
    is_postgresql,
    new_schema,
    parsed,
    same_place,
    schema_of,
    with_schema,
    without_password,
)
from sotepki.records.database import Database

DATABASE_URL = "SOTEPKI_DATABASE_URL"


@dataclass(frozen=True)
class Home:
    """The database of a workspace that is being made: ``remembered`` is its address without a password.

    Both are empty for the file in the directory.
    """

    remembered: str
    schema: str
    address: str

    def open(self, directory: Path) -> Database:
        """The database itself."""
        return Database(self.address) if self.address else database_of(directory, "", "")


def home_of(address: str = "") -> Home:
    """The home of a new workspace by an address, or else by SOTEPKI_DATABASE_URL, or else in its directory.

    Raises:
        Misuse: it is not the address of a database.
    """
    address = address or os.environ.get(DATABASE_URL, "")
    if not address:
        return Home("", "", "")
    url = parsed(address)
    if not is_postgresql(address):
        if not os.path.isabs(url.database or ""):
            raise Misuse(
                f"The address {without_password(url)} names no file that a workspace finds again.",
                advice="Give the whole path, sqlite:////PATH/books.db, or none for a file in the workspace.",
            )
        return Home(without_password(url), "", complete(url))
    schema = schema_of(url) or new_schema()
    return Home(without_password(url), schema, complete(with_schema(url, schema)))


def database_of(directory: Path, remembered: str, schema: str) -> Database:
    """The database of a workspace; SOTEPKI_DATABASE_URL may name its server anew, or bring the password.

    Raises:
        Misuse: it is not the address of a database, or the driver is missing.
    """
    if not remembered:
        return Database(directory / "sotepki.db")
    if not schema:
        return Database(remembered)
    return Database(complete(with_schema(parsed(_server_given() or remembered), schema)))


def unfinished_books(home: Home, remembered: str, schema: str) -> Database:
    """The books that an interrupted init left, by the address that it remembered, which holds no password.

    An address that is given now brings one; it is taken if it leads to the same place, else nothing there is ours.
    """
    url = parsed(remembered)
    if not schema:
        return Database(complete(url))
    given = parsed(home.address) if home.address else url
    return Database(complete(with_schema(given if same_place(given, url) else url, schema)))


def require_schema(database: Database) -> None:
    """See to it that SOTEPKI_DATABASE_URL leads to where the schema of a workspace is.

    Raises:
        Misuse: it leads elsewhere.
    """
    if _server_given() and database.lacks_schema():
        raise Misuse(
            f"{DATABASE_URL} leads to a database without the workspace's schema {database.schema}.",
            advice=f"Name the database in which it is, or unset {DATABASE_URL} to use the one remembered.",
        )


def _server_given() -> str:
    given = os.environ.get(DATABASE_URL, "")
    return given if given and is_postgresql(given) else ""
