"""Where a workspace's books are, without a server: the address that is remembered, and what a driver's words mean."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from databases import on_postgresql
from sqlalchemy import inspect
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, InternalError, OperationalError, ProgrammingError

from sotepki.errors import Fault, Misuse, SotepkiError
from sotepki.records import Database, head
from sotepki.records.addresses import (
    complete,
    is_postgresql,
    new_schema,
    parsed,
    schema_of,
    with_schema,
    without_schema,
)
from sotepki.records.failures import OutcomeUnknown, commit_errors, plain_errors
from sotepki.records.founding import Founding, found
from sotepki.records.homes import Home, database_of, home_of, unfinished_books

SERVER = "postgresql://user:secret@host:5433/db"
WITHOUT = "postgresql+psycopg://user@host:5433/db"


@pytest.fixture(autouse=True)
def no_database_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOTEPKI_DATABASE_URL", raising=False)


# --------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize("kind", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
def test_every_way_to_write_postgresql_means_the_driver_that_is_installed(kind: str) -> None:
    url = parsed(f"{kind}://user:secret@host:5433/db?sslmode=require")
    assert complete(url) == "postgresql+psycopg://user:secret@host:5433/db?sslmode=require"
    assert is_postgresql(f"{kind}://host/db") and not is_postgresql("sqlite:///books.db")


@pytest.mark.parametrize(
    "options", ["-csearch_path=mine", "-c search_path=mine -c geqo=off", "-cgeqo=off -csearch_path=mine"]
)
def test_a_schema_is_found_where_libpq_has_it(options: str) -> None:
    assert schema_of(parsed("postgresql://host/db").update_query_dict({"options": options})) == "mine"
    assert schema_of(parsed("postgresql://host/db?options=-cgeqo=off")) == ""


@pytest.mark.parametrize("name", ["a", "_a1", "a" * 63, "sotepki_503611bb6a38"])
def test_a_plain_schema_is_taken_and_a_second_one_takes_its_place(name: str) -> None:
    assert schema_of(with_schema(with_schema(parsed(SERVER), "first"), name)) == name
    assert schema_of(parsed(f"{SERVER}?schema={name}")) == name


def test_what_else_an_address_asks_of_the_server_stays_beside_the_schema() -> None:
    """A time limit or a role that was asked for was lost without a word."""
    url = parsed("postgresql://host/db").update_query_dict({"options": "-cgeqo=off --search-path=a,\\ b -c x=1"})
    assert with_schema(url, "mine").query["options"] == "-cgeqo=off -c x=1 -csearch_path=mine"
    assert without_schema(with_schema(url, "mine")).query["options"] == "-cgeqo=off -c x=1"
    assert without_schema(with_schema(parsed("postgresql://host/db"), "mine")) == parsed("postgresql://host/db")


def test_a_schema_of_our_own_is_a_new_plain_name() -> None:
    """Two workspaces on one server would write into each other's tables."""
    first, second = new_schema(), new_schema()
    assert schema_of(with_schema(parsed(SERVER), first)) == first != second


@pytest.mark.parametrize("name", ["", "A", "1a", "a" * 64, "a b", "a;b", 'a"', "a-b", "ä"])
def test_a_schema_that_would_be_more_than_a_name_is_misuse(name: str) -> None:
    """It is written into statements."""
    with pytest.raises(Misuse, match="is not plain"):
        with_schema(parsed(SERVER), name)


@pytest.mark.parametrize(
    ("address", "said"),
    [("mysql://user:secret@host/db", "names 'mysql'"), ("secret", "is not a database URL"),
     ("postgresql://user:secret@host:port/db", "is not a database URL")],
)  # fmt: skip
def test_an_address_that_is_none_is_said_without_its_password(address: str, said: str) -> None:
    with pytest.raises(Misuse, match=said) as caught:
        parsed(address)
    assert "secret" not in str(caught.value)


# ------------------------------------------------------------------------------------------------------------- homes


def test_a_workspace_remembers_its_server_without_the_password() -> None:
    home = home_of(SERVER)
    assert home.remembered == WITHOUT and schema_of(parsed(home.address)) == home.schema
    assert "secret" in home.address and home.schema.startswith("sotepki_")
    assert home_of(SERVER).schema != home.schema, "the next workspace gets a schema of its own"
    assert home_of(f"{SERVER}?schema=mine").schema == "mine"
    assert home_of("sqlite:////srv/books.db") == Home("sqlite:////srv/books.db", "", "sqlite:////srv/books.db")


@pytest.mark.parametrize("name", ["password", "sslpassword"])
def test_a_password_behind_the_question_mark_is_not_remembered_either(name: str) -> None:
    home = home_of(f"postgresql://user@host/db?{name}=secret&sslmode=require")
    assert "secret" in home.address
    assert home.remembered == "postgresql+psycopg://user@host/db?sslmode=require"


def test_books_that_an_init_left_are_reached_by_the_address_that_brings_the_password() -> None:
    """But not if it leads elsewhere: a schema of that name there is somebody else's."""
    pytest.importorskip("psycopg")
    for given, said in (
        (SERVER, "secret@host:5433"),
        (f"{SERVER}?schema=other", "secret@host:5433"),
        ("postgresql://user:secret@elsewhere:5433/db", "user@host:5433"),
        ("sqlite:////srv/books.db", "user@host:5433"),
        ("", "user@host:5433"),
    ):
        books = unfinished_books(home_of(given), WITHOUT, "mine")
        assert said in books.address and books.schema == "mine"


def test_the_environment_names_the_server_and_an_address_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert home_of() == Home("", "", "")
    monkeypatch.setenv("SOTEPKI_DATABASE_URL", SERVER)
    assert home_of().remembered == WITHOUT
    assert home_of("postgresql://other/db").remembered == "postgresql+psycopg://other/db"


def test_a_workspace_finds_its_books_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its directory, in the file or on the server that it remembers; who moves the server, or brings the password,
    says so in the environment, and a workspace in a file does not listen to that."""
    pytest.importorskip("psycopg")
    here, elsewhere = f"sqlite:///{tmp_path / 'sotepki.db'}", "sqlite:////srv/books.db"
    for moved in ("", "postgresql://user:secret@moved/db", "sqlite:///other.db"):
        monkeypatch.setenv("SOTEPKI_DATABASE_URL", moved)
        assert database_of(tmp_path, "", "").address == here
        assert database_of(tmp_path, elsewhere, "").address == elsewhere
        server = "user:secret@moved" if "moved" in moved else "user@host:5433"
        assert database_of(tmp_path, WITHOUT, "mine").address == complete(
            with_schema(parsed(f"postgresql://{server}/db"), "mine")
        )
    assert Home("", "", "").open(tmp_path).address == here
    assert Home(elsewhere, "", elsewhere).open(tmp_path).address == elsewhere


@pytest.mark.parametrize("name", ["what?", "100%41", "a#b"])
def test_a_directory_of_any_name_holds_its_books(tmp_path: Path, name: str) -> None:
    """Its path was read as a URL: what came after a '?' was not the path's any more."""
    (tmp_path / name).mkdir()
    database = database_of(tmp_path / name, "", "")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE ours (id INTEGER)")
    again = Database(database.address)
    assert (tmp_path / name / "sotepki.db").stat().st_size and not again.is_empty()
    for one in (database, again):
        one.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_books_of_somebody_else_are_not_taken_for_a_new_workspace(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'books.db'}")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE theirs (id INTEGER)")
    with pytest.raises(Misuse, match="holds tables already"):
        found(database, Founding.of(database))
    with database.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["theirs"]
    database.close()


# -------------------------------------------------------------------------------------------------- a driver's words


class UndefinedTable(Exception):
    """As the driver of PostgreSQL calls it."""


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        ("attempt to write a readonly database", Fault, "cannot be written"),
        ("unable to open database file", Fault, "cannot be written"),
        ("cannot execute INSERT in a read-only transaction", Fault, "cannot be written"),
        ("database or disk is full", Fault, "The disk is full"),
        ("could not extend file: No space left on device", Fault, "The disk is full"),
        ("disk I/O error", Fault, "The disk is full"),
        ("database is locked", Fault, "Another process holds"),
        ("canceling statement due to lock timeout", Fault, "Another process holds"),
        ("could not serialize access", Fault, "Another process holds"),
        ("no such table: journal", Fault, "not complete"),
        (UndefinedTable('relation "journal" does not exist'), Fault, "not complete"),
        ("connection failed: fe_sendauth: no password supplied", Misuse, "does not let this user in"),
        ('FATAL:  password authentication failed for user "x"', Misuse, "does not let this user in"),
        ('FATAL:  no pg_hba.conf entry for host "x"', Misuse, "does not let this user in"),
        ('FATAL:  Peer authentication failed for user "x"', Misuse, "does not let this user in"),
        ("Connection refused", Fault, "does not answer"),
        ("connection timeout expired", Fault, "does not answer"),
        ("Network is unreachable", Fault, "does not answer"),
        ("FATAL:  the database system is starting up", Fault, "does not answer"),
        ("connection to server on socket failed: No such file or directory", Fault, "does not answer"),
        ("failed to resolve host 'x': Name or service not known", Misuse, "no host with the name"),
        ("Temporary failure in name resolution", Misuse, "no host with the name"),
        ("could not translate host name to address", Misuse, "no host with the name"),
        ("[Errno -5] getaddrinfo failed", Misuse, "no host with the name"),
        ("server closed the connection unexpectedly", Fault, "ended the connection"),
        ("terminating connection due to administrator command", Fault, "ended the connection"),
        ("the connection is lost", Fault, "ended the connection"),
        ("the connection not open", Fault, "ended the connection"),
        ("consuming input failed: EOF detected", Fault, "ended the connection"),
        ("FATAL:  the database system is shutting down", Fault, "ended the connection"),
        ("FATAL:  sorry, too many clients already", Fault, "no connection left"),
        ('FATAL:  too many connections for role "x"', Fault, "no connection left"),
        ("remaining connection slots are reserved", Fault, "no connection left"),
        ("permission denied for database x", Misuse, "does not allow this user to keep a workspace"),
        ("permission denied for schema theirs", Misuse, "does not allow this user to work in"),
        ("no schema has been selected to create in", Misuse, "does not allow this user to work in"),
        ("permission denied for table journal", Misuse, "does not allow this user to use the workspace's tables"),
        ('FATAL:  database "absent" does not exist\nDETAIL: x', Misuse, 'says: database "absent" does not exist.'),
        ("the moon is full.\nDETAIL: more", Fault, r"The database failed: the moon is full\.$"),
    ],
)
@pytest.mark.parametrize("error", [OperationalError, ProgrammingError])
def test_what_a_driver_says_is_one_sentence(
    raised: str | Exception, kind: type[SotepkiError], said: str, error: type[OperationalError]
) -> None:
    """The person at the keyboard learns whether to wait, to make room, or to mend the address."""
    cause = raised if isinstance(raised, Exception) else sqlite3.OperationalError(raised)
    with pytest.raises(SotepkiError) as caught, plain_errors():
        raise error("SELECT 1", {}, cause)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert re.search(said, caught.value.sentence)


@pytest.mark.parametrize(
    ("raised", "advised"),
    [
        ("permission denied for database x", "GRANT CREATE ON DATABASE"),
        ("permission denied for schema theirs", "GRANT USAGE, CREATE ON SCHEMA"),
        ("no schema has been selected to create in", "GRANT USAGE, CREATE ON SCHEMA"),
        ("permission denied for table journal", "the user who made the workspace"),
        ("permission denied for sequence training_progress_id_seq", "GRANT USAGE ON SEQUENCE"),
    ],
)
def test_the_right_that_lacks_is_the_one_that_is_advised(raised: str, advised: str) -> None:
    """An administrator gave the right to make schemas, which lets nobody work in the one that is there."""
    with pytest.raises(Misuse) as caught, plain_errors():
        raise ProgrammingError("SELECT 1", {}, Exception(raised))
    assert advised in caught.value.advice


class Coded(Exception):
    """As the driver of PostgreSQL gives what a server said, with its code."""

    def __init__(self, said: str, sqlstate: str | None) -> None:
        super().__init__(said)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("said", "state", "kind", "meant"),
    [
        ("avbryter sats på grund av lås-timeout", "55P03", Fault, "Another process holds"),
        ("kunde inte serialisera åtkomst", "40001", Fault, "Another process holds"),
        ("deadlock upptäckt", "40P01", Fault, "Another process holds"),
        ("inget schema har valts för att skapa i", "3F000", Misuse, "to work in the workspace's schema"),
        ("rättighet saknas för schema theirs", "42501", Misuse, "to work in the workspace's schema"),
        ("rättighet saknas för databas x", "42501", Misuse, "to keep a workspace there"),
        ("rättighet saknas för sekvens x_id_seq", "42501", Misuse, "to number new rows"),
        ("keine Berechtigung für Tabelle journal", "42501", Misuse, "to use the workspace's tables"),
        ('relationen "journal" existerar inte', "42P01", Fault, "not complete"),
        ("avslutar anslutning på grund av ett administratörskommando", "57P01", Fault, "ended the connection"),
        ("kan inte köra INSERT i read-only-transaktion", "25006", Fault, "cannot be written"),
        ("kunde inte utöka fil", "53100", Fault, "The disk is full"),
        (
            "connection failed: on socket failed: FATALT:  ledsen, för många klienter",
            None,
            Fault,
            "no connection left",
        ),
        ("failed: FATALT:  databassystemet startar upp", None, Fault, "does not answer"),
        ("failed: FATALT:  databassystemet stänger ner", None, Fault, "ended the connection"),
        ('failed: FATALT:  Lösenordsautentisering misslyckades för användare "x"', None, Misuse, "not let this user"),
        ('failed: FATALT:  databasen "x" existerar inte', None, Misuse, 'says: databasen "x" existerar inte.$'),
        ('failed: FATALT:  rollen "x" finns inte', None, Misuse, 'says: rollen "x" finns inte.$'),
        ("failed: SCHWERWIEGEND:  nicht heute", None, Misuse, "not let this user in, and says: nicht heute.$"),
    ],
)
@pytest.mark.parametrize("error", [OperationalError, ProgrammingError, InternalError])
def test_a_server_that_speaks_another_language_is_understood(
    said: str, state: str | None, kind: type[SotepkiError], meant: str, error: type[DatabaseError]
) -> None:
    """Where the administrator's server speaks Swedish, a wrong password was a fault of ours."""
    with pytest.raises(SotepkiError) as caught, plain_errors():
        raise error("SELECT 1", {}, Coded(said, state))
    assert type(caught.value) is kind
    assert re.search(meant, caught.value.sentence)


@pytest.mark.parametrize(
    ("cause", "unknown"),
    [(Coded("server closed the connection", None), True), (Coded("x", "08006"), True), (Coded("x", "40003"), True),
     (Coded("x", "40001"), False), (Coded("x", "57P01"), False), (sqlite3.OperationalError("disk is full"), False)],
)  # fmt: skip
def test_a_commit_is_undone_only_if_the_database_says_so(cause: Exception, unknown: bool) -> None:
    """A change that may have been stored was told to be none, and was given again."""
    with pytest.raises(Fault) as caught, plain_errors(), commit_errors():
        raise OperationalError("COMMIT", {}, cause)
    assert isinstance(caught.value, OutcomeUnknown) == unknown
    assert ("audit list" in caught.value.advice) == unknown


def test_a_value_a_conflict_and_a_text_that_is_none_are_told_apart() -> None:
    with pytest.raises(Misuse, match="does not take a value: too long"), plain_errors():
        raise DataError("INSERT", {}, Exception("too long.\nDETAIL"))
    with pytest.raises(Fault, match="refused the change: UNIQUE"), plain_errors():
        raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint"))
    with pytest.raises(Misuse, match=r"'\\udc80' is not UTF-8"), plain_errors():
        "\udc80".encode()
    ours = Fault("ours")
    with pytest.raises(Fault) as caught, plain_errors():
        raise ours
    assert caught.value is ours


@pytest.mark.skipif(on_postgresql(), reason="the file is SQLite's")
def test_books_without_a_table_are_said(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'books.db'}")
    with pytest.raises(Fault, match="is not complete"), database.reading() as session:
        head(session)
    database.close()
