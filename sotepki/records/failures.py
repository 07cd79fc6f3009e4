"""What a database driver says when it fails, as a sentence for people: what happened, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.exc import DatabaseError, DataError, OperationalError, ProgrammingError

from sotepki.errors import Fault, Misuse, SotepkiError


@dataclass(frozen=True)
class _Failure:
    """Words of a driver (any of them, in lower case) and what they mean to the person at the keyboard."""

    words: tuple[str, ...]
    sentence: str
    advice: str
    kind: type[SotepkiError] = Fault


_CLOSED_SCHEMA = _Failure(
    ("permission denied for schema", "no schema has been selected"),
    "The PostgreSQL server does not allow this user to work in the workspace's schema.",
    "Let its owner give: GRANT USAGE, CREATE ON SCHEMA ... TO ...",
    Misuse,
)

_FAILURES = (
    _Failure(
        ("readonly", "unable to open", "read-only transaction"),
        "The workspace's database cannot be written.",
        "Check the owner and the permissions of the workspace directory.",
    ),
    _Failure(
        ("database or disk is full", "disk i/o", "no space left"),
        "The disk is full, nothing was changed.",
        "Make room and give the command again.",
    ),
    _Failure(
        ("locked", "lock timeout", "could not serialize"),
        "Another process holds the workspace's database.",
        "Wait until it is ready and give the command again.",
    ),
    _Failure(
        ("no such table", "undefined table"),
        "The workspace's database is not complete.",
        "Restore it from a copy, or make a new workspace with 'sotepki init'.",
    ),
    _Failure(
        ("authentication failed", "no password supplied", "no pg_hba.conf entry"),
        "The PostgreSQL server does not let this user in.",
        "Give the password in PGPASSWORD, in ~/.pgpass or in SOTEPKI_DATABASE_URL.",
        Misuse,
    ),
    _Failure(
        ("starting up", "connection refused", "no such file or directory", "timeout expired", "unreachable"),
        "The PostgreSQL server does not answer.",
        "Start it, or name its address in SOTEPKI_DATABASE_URL.",
    ),
    _Failure(
        ("name or service not known", "could not translate host name", "temporary failure in name", "getaddrinfo"),
        "There is no host with the name of the PostgreSQL server.",
        "Check the address in SOTEPKI_DATABASE_URL or --database.",
        Misuse,
    ),
    _Failure(
        ("server closed the connection", "terminating connection", "connection is lost", "connection not open",
         "consuming input failed", "shutting down"),
        "The PostgreSQL server ended the connection; an unfinished change was not stored.",
        "Start the server and give the command again; opening the workspace finishes what was begun.",
    ),
    _Failure(
        ("too many clients", "too many connections", "remaining connection slots"),
        "The PostgreSQL server has no connection left.",
        "End other programs, or raise max_connections.",
    ),
    _CLOSED_SCHEMA,
    _Failure(
        ("permission denied for database",),
        "The PostgreSQL server does not allow this user to keep a workspace there.",
        "Let the owner give: GRANT CREATE ON DATABASE ... TO ...",
        Misuse,
    ),
    _Failure(
        ("permission denied",),
        "The PostgreSQL server does not allow this user to use the workspace's tables.",
        "Be the user who made the workspace, or let that one give the rights to its tables.",
        Misuse,
    ),
)  # fmt: skip


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the errors of a driver into ours; errors that are ours already pass."""
    try:
        yield
    except SotepkiError:
        raise
    except UnicodeEncodeError as error:
        raise Misuse(f"The text {error.object!a} is not UTF-8.", advice="Write it again as UTF-8.") from error
    except DataError as error:
        raise Misuse(f"The database does not take a value: {_first_line(error)}.") from error
    except (OperationalError, ProgrammingError) as error:
        raise _meaning(error) from error
    except DatabaseError as error:
        raise Fault(f"The database refused the change: {_first_line(error)}.") from error


def closed_schema() -> SotepkiError:
    """What is said of a schema that the user may not use; the server shows it as if nothing were in it."""
    return _CLOSED_SCHEMA.kind(_CLOSED_SCHEMA.sentence, advice=_CLOSED_SCHEMA.advice)


def _meaning(error: DatabaseError) -> SotepkiError:
    cause = f"{type(error.orig).__name__} {error.orig}"
    words = cause.lower().replace("undefinedtable", "undefined table")
    # A missing database or role is named by the server: its own words say which.
    if "does not exist" in words and "fatal" in words:
        return Misuse(
            f"The PostgreSQL server says: {_first_line(error).rpartition('FATAL:')[2].strip()}.",
            advice="Make it with createdb or createuser, or name another in SOTEPKI_DATABASE_URL or --database.",
        )
    for failure in _FAILURES:
        if any(word in words for word in failure.words):
            return failure.kind(failure.sentence, advice=failure.advice)
    return Fault(f"The database failed: {_first_line(error)}.")


def _first_line(error: DatabaseError) -> str:
    return str(error.orig).strip().partition("\n")[0].rstrip(".")
