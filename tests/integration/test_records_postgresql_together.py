"""Several at once on PostgreSQL: inits, writers and upgrades beside each other, and servers set in other ways."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from inits import inits_at_once
from postgresql_server import Server
from sqlalchemy import inspect, text

from sotepki import cli
from sotepki.clock import SystemClock
from sotepki.errors import Fault, Misuse
from sotepki.records import Database, Records, head
from sotepki.records.addresses import complete, parsed, with_schema
from sotepki.records.founding import found
from sotepki.records.migrations import apply, require_current, revisions
from sotepki.workspace import Workspace, claiming
from sotepki.workspace import upgrade as upgrade_workspace
from sotepki.workspace.claiming import Claim

pytestmark = pytest.mark.integration


@pytest.fixture
def server(postgresql_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.delenv("SOTEPKI_DATABASE_URL", raising=False)
    return postgresql_server


@pytest.fixture
def lent(server: Server) -> Iterator[str]:
    """The address of a schema that an administrator made for a user who may make none; there is a sequence in it."""
    _order(
        server, "CREATE ROLE pupil LOGIN", "CREATE SCHEMA theirs", "CREATE SEQUENCE theirs.numbers",
        "GRANT USAGE, CREATE ON SCHEMA theirs TO pupil",
    )  # fmt: skip
    yield f"{complete(parsed(server.address).set(username='pupil'))}&schema=theirs"
    _order(server, "DROP SCHEMA theirs CASCADE", "DROP OWNED BY pupil", "DROP ROLE pupil")


def _order(server: Server, *statements: str) -> None:
    database = Database(server.address)
    with database.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    database.close()


def _killed(monkeypatch: pytest.MonkeyPatch, directory: Path, database: str) -> None:
    """An init that was killed when it had its tables."""
    with monkeypatch.context() as kill:
        kill.setattr(Claim, "abandon", lambda claim: claim.marker.close())  # a kill leaves everything as it is
        kill.setattr(claiming, "found", lambda *given: (found(*given), sys.exit(9)))
        with pytest.raises(SystemExit):
            Workspace.create(directory, database=database)


def test_two_inits_that_want_one_schema_do_not_hurt_each_other(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class starts its scripts together: both failed with words of the driver, and no table was left."""
    monkeypatch.setattr(Workspace, "_found", lambda *_arguments: None)
    place = f"{server.address}&schema=ours"
    inits = inits_at_once(monkeypatch, place, tmp_path / "anna", tmp_path / "bo")
    errors = [init.exception() for init in inits]
    books = Database(place)
    try:
        (refused,) = filter(None, errors)
        assert isinstance(refused, Misuse) and "holds tables already" in str(refused)
        inits[errors.index(None)].result().close()
        require_current(books)
        assert [path.name for path in tmp_path.iterdir()] == ["anna" if errors[0] is None else "bo"]
    finally:
        books.drop_schema()
        books.close()


def test_a_living_workspace_in_the_schema_of_a_killed_init_stays(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next init in the directory of the killed one dropped a schema in which somebody worked."""
    place = f"{server.address}&schema=living"
    _killed(monkeypatch, tmp_path / "ws", place)
    monkeypatch.setattr(Workspace, "_found", lambda *_arguments: None)
    books = Database(place)
    books.drop_schema()
    Workspace.create(tmp_path / "living", database=place).close()
    try:
        with pytest.raises(Misuse, match="holds tables already"):
            Workspace.create(tmp_path / "ws", database=place)
        require_current(books)
    finally:
        books.drop_schema()
        books.close()


def test_an_init_in_a_lent_schema_that_is_killed_behind_its_tables_can_be_given_again(
    server: Server, lent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing said whose the tables were, so every later init in the only schema of the pupil was refused."""
    _killed(monkeypatch, tmp_path / "ws", lent)
    books = Database(lent)
    assert not books.is_empty()
    monkeypatch.setattr(Workspace, "_found", lambda *_arguments: None)
    Workspace.create(tmp_path / "ws", database=lent).close()
    require_current(books)
    with books.engine.connect() as connection:
        assert inspect(connection).has_sequence("numbers")
    books.close()


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_writers_wait_for_one_another_whatever_isolation_the_role_is_set_to(
    server: Server, lent: str, isolation: str
) -> None:
    """An administrator had made it stricter for the role: most changes of several at once failed."""
    _order(server, f"ALTER ROLE pupil SET default_transaction_isolation = '{isolation}'")
    database = Database(lent)
    database.create_tables()

    def write(number: int) -> None:
        with records.change("test", f"{number}") as tx:
            tx.journal("did", "thing")

    records = Records(database, SystemClock(), Path("/nonexistent"))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(12)))
    with records.look() as session:
        assert head(session).sequence == 12
    database.close()


def test_an_upgrade_waits_for_the_writer_before_it(server: Server) -> None:
    """A revision took the tables from under a change that was half done, and one of the two failed."""
    database = Database(complete(with_schema(parsed(server.address), "upgraded")))
    database.create_schema()
    try:
        with ThreadPoolExecutor(1) as thread:
            with database.writing() as session:
                upgrade = thread.submit(apply, database, None, revisions()[-1])
                waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
                while not session.scalar(waiting):
                    assert not upgrade.done()
            upgrade.result(30)
        require_current(database)
    finally:
        database.drop_schema()
        database.close()


@pytest.mark.parametrize(
    ("answered", "said"), [(True, "was not stored"), (False, "whether it was stored is not known")]
)
def test_a_commit_without_an_answer_is_not_called_undone(
    server: Server, monkeypatch: pytest.MonkeyPatch, answered: bool, said: str
) -> None:
    """The change was stored, the command told that it was not, and who gave it again had it twice."""
    database = Database(complete(with_schema(parsed(server.address), "unanswered")))
    database.create_tables()
    records = Records(database, SystemClock(), Path("/nonexistent"))
    real, undone = psycopg.Connection.commit, list[bool]()

    def lost(connection: psycopg.Connection[Any]) -> None:
        monkeypatch.undo()
        if not answered:
            real(connection)
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        _order(server, f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")
        real(connection)

    try:
        with pytest.raises(Fault, match=said), records.change("test", "test") as tx:
            tx.journal("did", "thing")
            tx.session.flush()
            tx.before_commit = partial(monkeypatch.setattr, psycopg.Connection, "commit", lost)
            tx.if_not_stored = lambda: undone.append(True)
        assert undone == [True] * answered, "what went before the commit is undone when that is certain"
        with records.look() as session:
            assert head(session).sequence == (0 if answered else 1)
    finally:
        database.drop_schema()
        database.close()


def test_an_address_elsewhere_is_shown_and_told_from_one_without_the_books(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """'show' named a server that was not asked, and books that were looked for elsewhere were called incomplete."""
    monkeypatch.setattr(Workspace, "_found", lambda *_arguments: None)
    monkeypatch.setattr(Workspace, "catch_up", lambda *_arguments: None)
    Workspace.create(tmp_path / "ws", database=f"{server.address}&schema=shown").close()
    elsewhere = parsed(server.address).set(password="secret").update_query_dict({"application_name": "elsewhere"})
    monkeypatch.setenv("SOTEPKI_DATABASE_URL", complete(elsewhere))
    try:
        assert cli.run(["workspace", "show", "--workspace", str(tmp_path / "ws")]) == 0
        shown = capsys.readouterr().out
        assert "application_name=elsewhere" in shown and "shown" in shown
        assert "secret" not in shown and "search_path" not in shown
        monkeypatch.setenv("SOTEPKI_DATABASE_URL", complete(elsewhere.set(database="template1")))
        for opening in (Workspace.open, upgrade_workspace):
            with pytest.raises(Misuse, match="leads to a database without the workspace's schema shown"):
                opening(tmp_path / "ws")
    finally:
        _order(server, "DROP SCHEMA shown CASCADE")


def test_what_the_address_and_pgoptions_ask_of_the_server_is_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time limit that an administrator had asked for was lost with the schema that was named beside it."""
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=4444kB -csearch_path=elsewhere")
    database = Database(f"{server.address}&options=-cstatement_timeout%3D55s&schema=mine")
    with database.engine.connect() as connection:
        for name, value in (("search_path", "mine"), ("statement_timeout", "55s"), ("work_mem", "4444kB")):
            assert connection.scalar(text(f"SHOW {name}")) == value
    database.close()
