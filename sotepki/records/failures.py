"""What a database driver says when it fails, as a sentence for people: what happened, and what to do.

PostgreSQL answers a statement with a code (SQLSTATE), which is the same in every language. A connection that fails
brings none, so the server's words are looked at: in English, and in Swedish, the other language that its messages
are translated to and that is spoken here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.exc import DatabaseError, DataError, IntegrityError

from sotepki.errors import Fault, Misuse, SotepkiError


class OutcomeUnknown(Fault):
    """The connection was lost while a change was being committed: it was stored, or it was not."""


@dataclass(frozen=True)
class _Failure:
    """Codes of PostgreSQL, or words of a driver (any of them, in lower case), and what they mean to people.

    A code of two characters stands for its class. Of several failures with one code the words say which it is; if
    they say nothing it is the last.
    """

    states: tuple[str, ...]
    words: tuple[str, ...]
    sentence: str
    advice: str
    kind: type[SotepkiError] = Fault


_CLOSED = "The PostgreSQL server does not allow this user to work in the workspace's schema."
_SERVER_SAYS = re.compile(r"(?:^|failed: )\w+:  (.+)")
"""What a server says that lets nobody in, behind a severity in its own language."""

_FAILURES = (
    _Failure(
        ("25006",), ("read-only transaction",),
        "The workspace's database cannot be written.",
        "Let the server's owner allow it (default_transaction_read_only), or name the server that is written to.",
    ),
    _Failure(
        (), ("readonly", "unable to open"),
        "The workspace's database cannot be written.",
        "Check the owner and the permissions of the workspace directory.",
    ),
    _Failure(
        ("53100", "58030"), ("database or disk is full", "disk i/o", "no space left"),
        "The disk is full, nothing was changed.",
        "Make room and give the command again.",
    ),
    _Failure(
        ("55P03", "40001", "40P01"), ("locked", "lock timeout", "could not serialize"),
        "Another process holds the workspace's database.",
        "Wait until it is ready and give the command again.",
    ),
    _Failure(
        ("42P01",), ("no such table", "undefined table"),
        "The workspace's database is not complete.",
        "Restore it from a copy, or make a new workspace with 'sotepki init'.",
    ),
    _Failure(
        ("28",), ("authentication failed", "no password supplied", "no pg_hba.conf entry", "not permitted to log in",
         "autentisering misslyckades", "ingen rad i pg_hba.conf", "tillåts inte logga in"),
        "The PostgreSQL server does not let this user in.",
        "Give the password in PGPASSWORD, in ~/.pgpass or in SOTEPKI_DATABASE_URL.",
        Misuse,
    ),
    _Failure(
        ("57P03",), ("starting up", "not yet accepting", "in recovery mode", "startar upp", "återställningsläge",
         "tar ännu inte emot", "connection refused", "no such file or directory", "timeout expired", "unreachable"),
        "The PostgreSQL server does not answer.",
        "Start it, or name its address in SOTEPKI_DATABASE_URL.",
    ),
    _Failure(
        (), ("name or service not known", "could not translate host name", "temporary failure in name",
         "getaddrinfo"),
        "There is no host with the name of the PostgreSQL server.",
        "Check the address in SOTEPKI_DATABASE_URL or --database.",
        Misuse,
    ),
    _Failure(
        ("57P01", "57P02", "57P05", "25P03", "08"),
        ("server closed the connection", "terminating connection", "connection is lost", "connection not open",
         "consuming input failed", "shutting down", "stänger ner"),
        "The PostgreSQL server ended the connection; an unfinished change was not stored.",
        "Start the server and give the command again; opening the workspace finishes what was begun.",
    ),
    _Failure(
        ("53300",), ("too many clients", "too many connections", "remaining connection slots", "för många klienter",
         "för många uppkopplingar", "resterande anslutningsslottar"),
        "The PostgreSQL server has no connection left.",
        "End other programs, or raise max_connections.",
    ),
    _Failure(
        ("3F000", "42501"), ("permission denied for schema", "no schema has been selected", "för schema"),
        _CLOSED,
        "Let its owner give: GRANT USAGE, CREATE ON SCHEMA ... TO ...",
        Misuse,
    ),
    _Failure(
        ("42501",), ("permission denied for database", "för databas"),
        "The PostgreSQL server does not allow this user to keep a workspace there.",
        "Let the owner give: GRANT CREATE ON DATABASE ... TO ...",
        Misuse,
    ),
    _Failure(
        ("42501",), ("permission denied for sequence", "för sekvens"),
        "The PostgreSQL server does not allow this user to number new rows in the workspace's tables.",
        "Let their owner give: GRANT USAGE ON SEQUENCE ... TO ...",
        Misuse,
    ),
    _Failure(
        ("42501",), ("permission denied",),
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
    except IntegrityError as error:
        raise Fault(f"The database refused the change: {_first_line(error)}.") from error
    except DatabaseError as error:
        raise _meaning(error) from error


@contextmanager
def commit_errors() -> Iterator[None]:
    """Around a COMMIT: what fails there was not stored only if the database has answered so.

    Raises:
        OutcomeUnknown: it has not.
    """
    try:
        yield
    except DatabaseError as error:
        if not _is_unanswered(error):
            raise
        raise OutcomeUnknown(
            "The connection to the PostgreSQL server was lost while a change was being stored; whether it was stored "
            "is not known.",
            advice="Look with 'sotepki audit list' before you give the command again.",
        ) from error


def closed_schema() -> SotepkiError:
    """What is said of a schema that the user may not look into; the server shows it as if nothing were in it."""
    return Misuse(_CLOSED, advice="Let its owner give: GRANT USAGE ON SCHEMA ... TO ...")


def _is_unanswered(error: DatabaseError) -> bool:
    if not hasattr(error.orig, "sqlstate"):  # SQLite's COMMIT is done or undone when it returns
        return False
    state = getattr(error.orig, "sqlstate", None) or "08"
    return state.startswith("08") or state == "40003"  # connection exceptions; statement completion unknown


def _meaning(error: DatabaseError) -> SotepkiError:
    cause = f"{type(error.orig).__name__} {error.orig}"
    words = cause.lower().replace("undefinedtable", "undefined table")
    said = _SERVER_SAYS.search(_first_line(error))
    # A missing database or role is named by the server: its own words say which.
    if said and any(one in words for one in ("does not exist", "existerar inte", "finns inte")):
        return Misuse(
            f"The PostgreSQL server says: {said[1]}.",
            advice="Make it with createdb or createuser, or name another in SOTEPKI_DATABASE_URL or --database.",
        )
    state = str(getattr(error.orig, "sqlstate", None) or "")
    coded = [failure for failure in _FAILURES if state and state.startswith(failure.states)]
    for failure in coded or _FAILURES:
        if any(word in words for word in failure.words):
            return failure.kind(failure.sentence, advice=failure.advice)
    if coded:
        return coded[-1].kind(coded[-1].sentence, advice=coded[-1].advice)
    if said:
        return Misuse(
            f"The PostgreSQL server does not let this user in, and says: {said[1]}.",
            advice="Check user, password and database in SOTEPKI_DATABASE_URL or --database.",
        )
    return Fault(f"The database failed: {_first_line(error)}.")


def _first_line(error: DatabaseError) -> str:
    return str(error.orig).strip().partition("\n")[0].rstrip(".")
