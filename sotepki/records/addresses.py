"""Where a workspace's database is: a file of SQLite, or a schema of its own in a PostgreSQL database.

The address that a workspace remembers holds no password. libpq finds it where it always does: in PGPASSWORD,
~/.pgpass or a service file; or the whole address is given in SOTEPKI_DATABASE_URL.
"""

from __future__ import annotations

import re
import secrets

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from sotepki.errors import Misuse

DRIVER = "postgresql+psycopg"

_SECRETS = ("password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret")
"""What libpq takes in an address and nobody else should see."""

_PLACE = ("host", "hostaddr", "port", "dbname", "service")
"""What leads libpq to a server and a database, where they do not stand in front of the question mark."""

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_SEARCH_PATH = re.compile(r"(?:-c\s*|--)search[_-]path=((?:\\.|\S)+)")


def parsed(address: str) -> URL:
    """The URL of an address, with the driver that this project uses.

    Raises:
        Misuse: it is no URL of SQLite or PostgreSQL, or names a schema that is not a plain name.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # The address is not repeated: it may hold a password.
        raise _unknown("is not a database URL") from None
    kind = url.drivername.partition("+")[0]
    if kind in ("postgresql", "postgres"):
        url = url.set(drivername=DRIVER)
        if "schema" in url.query:
            schema = str(url.query["schema"])
            url = with_schema(url.difference_update_query(["schema"]), schema)
        return url
    if kind != "sqlite":
        raise _unknown(f"names {kind[:20]!r}")
    return url


def is_postgresql(address: str) -> bool:
    """Whether an address names a PostgreSQL database.

    Raises:
        Misuse: as ``parsed``.
    """
    return parsed(address).drivername == DRIVER


def new_schema() -> str:
    """A name for a schema that nobody has."""
    return f"sotepki_{secrets.token_hex(6)}"


def schema_of(url: URL) -> str:
    """The schema that an address names, empty if none."""
    found = _SEARCH_PATH.search(str(url.query.get("options", "")))
    return found[1] if found else ""


def with_schema(url: URL, schema: str) -> URL:
    """The same database with everything in one schema; what else the address asks of the server stays.

    Raises:
        Misuse: the name is not plain (small letters, digits, underscores).
    """
    if not _SCHEMA.fullmatch(schema):
        raise Misuse(
            f"The schema name {schema[:80]!r} is not plain.",
            advice="Use small letters, digits and underscores, at most 63.",
        )
    others = without_schema(url).query.get("options", "")
    return url.update_query_dict({"options": f"{others} -csearch_path={schema}".strip()})


def without_schema(url: URL) -> URL:
    """The same database with no schema named."""
    others = " ".join(_SEARCH_PATH.sub("", str(url.query.get("options", ""))).split())
    bare = url.difference_update_query(["options"])
    return bare.update_query_dict({"options": others}) if others else bare


def options_of(url: URL, given: str) -> str:
    """What an address asks of the server behind what was ``given`` (PGOPTIONS, which libpq takes only without it)."""
    return f"{given} {url.query.get('options', '')}".strip()


def without_password(url: URL) -> str:
    """The address as a workspace remembers it, and as it may be printed."""
    # URL.set() takes None for "as it is".
    bare = URL.create(url.drivername, url.username, None, url.host, url.port, url.database, url.query)
    return bare.difference_update_query(_SECRETS).render_as_string()


def same_place(one: URL, other: URL) -> bool:
    """Whether two addresses lead to one database, whoever asks and whatever the schema."""

    def place(url: URL) -> tuple[object, ...]:
        return url.drivername, url.host, url.port, url.database, *(url.query.get(name) for name in _PLACE)

    return place(one) == place(other)


def complete(url: URL) -> str:
    """The address as a driver takes it, password and all; never to be printed."""
    return url.render_as_string(hide_password=False)


def _unknown(what: str) -> Misuse:
    return Misuse(
        f"The address of the database {what}.",
        advice="Give postgresql://USER@HOST:PORT/DATABASE, or none for a file of SQLite in the workspace.",
    )
