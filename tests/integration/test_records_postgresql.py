"""Workspaces in PostgreSQL: each in a schema of its own, no password kept, and a sentence for what fails."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from postgresql_server import DATABASE, NoPostgresql, Server, postgresql
from sqlalchemy import text

from sotepki.errors import Fault, Misuse, SotepkiError
from sotepki.records import Database, head
from sotepki.records.addresses import complete, parsed, schema_of, with_schema, without_password
from sotepki.records.heads import NOTE, noted
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

PASSWORD = "TEST"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """A server that asks for a password."""
    try:
        with postgresql(passwords=True) as server:
            yield server
    except NoPostgresql as missing:
        pytest.skip(str(missing))


@pytest.fixture(autouse=True)
def no_database_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOTEPKI_DATABASE_URL", "PGPASSWORD", "PGPASSFILE"):
        monkeypatch.delenv(name, raising=False)


def address(server: Server, *, user: str = "postgres", password: str = PASSWORD, database: str = DATABASE) -> str:
    url = parsed(server.address).set(username=user, database=database)
    return complete(url.set(password=password) if password else url)


@pytest.fixture(scope="module")
def made(guarded: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("class") / "workspace"
    Workspace.create(directory, card_keys=0, database=address(guarded)).close()
    return directory


def test_the_workspace_remembers_its_database_without_the_password(
    guarded: Server, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password would lie in a file that is copied and mailed."""
    settings = json.loads((made / "workspace.json").read_text())
    assert settings["schema"].startswith("sotepki_")
    for path in made.rglob("*"):
        assert not path.is_file() or f":{PASSWORD}@".encode() not in path.read_bytes(), path
    with pytest.raises(Misuse, match="does not let this user in"):
        Workspace.open(made)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with Workspace.open(made) as workspace:
        assert workspace.counts()["people"] > 60
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("SOTEPKI_DATABASE_URL", address(guarded))
    with Workspace.open(made) as workspace:
        assert workspace.counts()["people"] > 60
    assert not (made / "sotepki.db").exists()


def test_pgpass_is_read(guarded: Server, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:*:{PASSWORD}\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    with Workspace.open(made) as workspace:
        assert workspace.counts()["people"] > 60


def test_a_workspace_in_a_file_stays_there_whatever_the_environment_says(
    guarded: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace.create(tmp_path / "file", card_keys=0).close()
    monkeypatch.setenv("SOTEPKI_DATABASE_URL", address(guarded))
    with Workspace.open(tmp_path / "file") as workspace:
        assert workspace.records.database.engine.dialect.name == "sqlite"
        assert workspace.counts()["people"] > 60


def test_workspaces_of_one_database_are_kept_apart(guarded: Server) -> None:
    """In a class of twenty nobody sees, changes or waits for another's books."""
    one, other = (Database(complete(with_schema(parsed(address(guarded)), name))) for name in ("class_1", "class_2"))
    try:
        for database in (one, other):
            database.create_tables()
        with one.writing() as session:
            session.execute(text("INSERT INTO dvv_person VALUES (1, 'x', 'x', 'x', 'fi', '')"))
            with other.writing() as unhindered:  # would wait for ever if the lock were one for all
                assert unhindered.scalar(text("SELECT count(*) FROM dvv_person")) == 0
        other.drop_schema()
        with one.reading() as session:
            assert session.scalar(text("SELECT count(*) FROM dvv_person")) == 1
    finally:
        one.drop_schema()
        for database in (one, other):
            database.close()


def test_a_schema_that_is_taken_is_refused_and_left_alone(guarded: Server, made: Path, tmp_path: Path) -> None:
    taken = json.loads((made / "workspace.json").read_text())["schema"]
    with pytest.raises(Misuse, match="holds tables already; nothing was changed"):
        Workspace.create(tmp_path / "other", database=f"{address(guarded)}&schema={taken}")
    assert not (tmp_path / "other").exists()
    database = Database(complete(with_schema(parsed(address(guarded)), taken)))
    assert not database.is_empty()
    database.close()


def _sotepki(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sotepki", *arguments], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"password": "wrong"}, 2, "does not let this user in"),
        ({"password": ""}, 2, "does not let this user in"),
        ({"database": "absent"}, 2, 'database "absent" does not exist'),
    ],
)
def test_what_the_server_refuses_is_one_sentence(
    guarded: Server, tmp_path: Path, change: dict[str, str], code: int, said: str
) -> None:
    done = _sotepki("init", "--workspace", str(tmp_path / "ws"), "--database", address(guarded, **change))
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (code, 1), done.stderr
    assert said in done.stderr
    assert "wrong" not in done.stderr, "the password is not printed"
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("postgresql://nobody@/x?host=/nonexistent", Fault, "does not answer"),
        ("postgresql://nobody@127.0.0.1:9/x", Fault, "does not answer"),
        ("postgresql://nobody@no-such-host.invalid/x", Misuse, "no host with the name"),
        ("mysql://x/y", Misuse, "names 'mysql'"),
        ("certainly not a URL", Misuse, "is not a database URL"),
        ("postgresql://x/y?schema=a;drop", Misuse, "is not plain"),
    ],
)
def test_an_address_that_leads_nowhere_is_said(
    tmp_path: Path, given: str, error: type[SotepkiError], said: str
) -> None:
    with pytest.raises(error, match=said):
        Workspace.create(tmp_path / "ws", database=given)
    assert not (tmp_path / "ws").exists()


def _failing(workspace: Workspace, *_arguments: object) -> None:
    raise Fault("first")


def _schemas(server: Server) -> set[str]:
    database = Database(address(server))
    try:
        with database.engine.connect() as connection:
            return set(connection.scalars(text("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'")))
    finally:
        database.close()


def _killed(directory: Path, database: str) -> str:
    """An init that was killed when it had its tables; the schema that it left."""
    program = (
        "import os, sys; from pathlib import Path; from sotepki.workspace import Workspace\n"
        "Workspace._found = lambda *_: os._exit(9)\n"
        "Workspace.create(Path(sys.argv[1]), database=sys.argv[2])"
    )
    assert subprocess.run([sys.executable, "-c", program, str(directory), database], check=False).returncode == 9
    return str(json.loads((directory / "workspace.json").read_text())["schema"])


def test_a_failed_init_tells_its_reason_and_leaves_nothing(
    guarded: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It told that the server let nobody in, since what it cleared away by held no password."""
    before = _schemas(guarded)
    monkeypatch.setattr(Workspace, "_found", _failing)
    with pytest.raises(Fault, match="first"):
        Workspace.create(tmp_path / "ws", database=address(guarded))
    assert not (tmp_path / "ws").exists()
    assert _schemas(guarded) == before


def test_a_killed_init_can_be_given_again(guarded: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workspace, "_found", lambda *_arguments: None)
    left = _killed(tmp_path / "ws", address(guarded))
    assert left in _schemas(guarded)
    with pytest.raises(Misuse, match=f"left the schema {left}, which cannot be removed: .*does not let this user in"):
        Workspace.create(tmp_path / "ws")
    Workspace.create(tmp_path / "ws", database=address(guarded)).close()
    made = json.loads((tmp_path / "ws" / "workspace.json").read_text())["schema"]
    assert left not in _schemas(guarded) and made in _schemas(guarded)


@pytest.fixture
def lent(guarded: Server) -> Iterator[str]:
    """The address of a schema that an administrator made for a user who may make none; there is a sequence in it."""
    database = Database(address(guarded))

    def order(*statements: str) -> None:
        with database.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    order(
        f"CREATE ROLE pupil LOGIN PASSWORD '{PASSWORD}'", "CREATE SCHEMA theirs", "CREATE SEQUENCE theirs.numbers",
        "GRANT USAGE, CREATE ON SCHEMA theirs TO pupil",
    )  # fmt: skip
    yield f"{address(guarded, user='pupil')}&schema=theirs"
    order("DROP SCHEMA IF EXISTS theirs CASCADE", "DROP OWNED BY pupil", "DROP ROLE pupil")
    database.close()


def _in_theirs(server: Server) -> set[str]:
    database = Database(address(server))
    try:
        with database.engine.connect() as connection:
            found = (
                "SELECT relname FROM pg_class WHERE relnamespace = 'theirs'::regnamespace AND relkind IN ('r', 'S')"
            )
            return set(connection.scalars(text(found)))
    finally:
        database.close()


def test_a_schema_that_an_administrator_made_is_used(guarded: Server, lent: str, tmp_path: Path) -> None:
    """A pupil needs no right to make schemas."""
    with Workspace.create(tmp_path / "ws", card_keys=0, database=lent) as workspace:
        assert workspace.counts()["people"] > 60
    assert {"journal", "numbers"} < _in_theirs(guarded)


def test_a_user_who_may_make_no_schema_is_told(guarded: Server, lent: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="does not allow this user"):
        Workspace.create(tmp_path / "ws", database=lent.replace("theirs", "another"))
    assert not (tmp_path / "ws").exists()


def _order(server: Server, statement: str) -> None:
    database = Database(address(server))
    with database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    database.close()


@pytest.mark.parametrize("right", ["USAGE", "CREATE"])
def test_a_user_who_may_not_use_a_schema_is_told_which_right_lacks(
    guarded: Server, lent: str, tmp_path: Path, right: str
) -> None:
    """GRANT CREATE ON DATABASE was advised, which does not help."""
    _order(guarded, f"REVOKE {right} ON SCHEMA theirs FROM pupil")
    with pytest.raises(Misuse, match="to work in the workspace's schema") as caught:
        Workspace.create(tmp_path / "ws", database=lent)
    assert "GRANT USAGE, CREATE ON SCHEMA" in caught.value.advice
    assert not (tmp_path / "ws").exists()


def test_a_schema_that_is_closed_to_its_user_is_not_called_incomplete(
    guarded: Server, lent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advice was to restore the books from a copy, or to begin anew; nothing is wrong with them."""
    monkeypatch.setattr(Workspace, "_found", lambda *_arguments: None)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    Workspace.create(tmp_path / "ws", database=lent).close()
    _order(guarded, "REVOKE USAGE ON SCHEMA theirs FROM pupil")
    with pytest.raises(Misuse, match="to work in the workspace's schema"):
        Workspace.open(tmp_path / "ws")
    _order(guarded, "DROP SCHEMA theirs CASCADE")
    with pytest.raises(Fault, match="is not complete"):
        Workspace.open(tmp_path / "ws")


def test_a_directory_that_was_made_anew_keeps_its_own_head(
    guarded: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schema before is still there: its head was noted in the new directory, whose journal was called cut off."""
    monkeypatch.setattr(Workspace, "_found", lambda *_arguments: None)
    directory = tmp_path / "ws"
    with Workspace.create(directory, database=address(guarded)) as before:
        for _ in range(3):
            with before.records.change("test", "test") as tx:
                tx.journal("did", "thing")
        shutil.rmtree(directory)
        with Workspace.create(directory, database=address(guarded)) as after:
            with after.records.change("test", "test") as tx:
                tx.journal("did", "thing")
            with pytest.raises(Misuse, match="made anew since it was opened"), before.records.change("test", "test"):
                pass
            with after.records.look() as session:
                assert noted(directory / NOTE) == head(session)


@pytest.mark.parametrize("killed", [False, True])
def test_a_schema_that_init_did_not_make_is_not_dropped(
    guarded: Server, lent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    """With everything in it, whoever's it was."""
    if killed:
        _killed(tmp_path / "ws", lent)
        assert "journal" in _in_theirs(guarded)
    monkeypatch.setattr(Workspace, "_found", _failing)
    with pytest.raises(Fault, match="first"):
        Workspace.create(tmp_path / "ws", database=lent)
    assert _in_theirs(guarded) == {"numbers"}


def test_two_who_want_one_schema_do_not_both_make_it(guarded: Server) -> None:
    one, other = (Database(complete(with_schema(parsed(address(guarded)), "wanted"))) for _ in range(2))
    try:
        with ThreadPoolExecutor(2) as threads:
            made = [threads.submit(database.create_schema) for database in (one, other)]
        assert sorted(done.result() for done in made) == [False, True]
    finally:
        one.drop_schema()
        for database in (one, other):
            database.close()


def test_a_password_that_an_earlier_version_remembered_is_not_shown(guarded: Server, tmp_path: Path) -> None:
    directory = tmp_path / "ws"
    Workspace.create(directory, card_keys=0, database=address(guarded)).close()
    settings = json.loads((directory / "workspace.json").read_text())
    settings["database"] += f"&password={PASSWORD}"
    (directory / "workspace.json").write_text(json.dumps(settings))
    done = _sotepki("workspace", "show", "--workspace", str(directory))
    assert done.returncode == 0, done.stderr
    assert settings["schema"] in done.stdout and f"password={PASSWORD}" not in done.stdout


def test_a_server_that_goes_and_comes_back(guarded: Server, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The change in hand is not stored, the next sentence is clear, and after the restart everything is there."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with Workspace.open(made) as workspace:
        with pytest.raises(Fault, match="ended the connection"), workspace.records.change("test", "test") as tx:
            tx.journal("half", "done")
            guarded.crash()
        with pytest.raises(Fault, match="does not answer"):
            workspace.counts()
        guarded.start()
        with workspace.records.look() as session:
            assert session.scalar(text("SELECT count(*) FROM journal WHERE action = 'half'")) == 0
        assert workspace.counts()["people"] > 60


def test_a_missing_driver_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Misuse, match=r"driver of PostgreSQL is not installed") as caught:
        Database("postgresql://x/y")
    assert "psycopg[binary]" in caught.value.advice


def test_a_value_that_postgresql_does_not_take_is_said(guarded: Server) -> None:
    """SQLite stores a NUL character and a text of any length; where they are not stored nobody sees a traceback."""
    database = Database(complete(with_schema(parsed(address(guarded)), "values")))
    database.create_tables()
    try:
        for value in ("a\0b", "x" * 500):
            with pytest.raises(Misuse, match="does not take a value"), database.writing() as session:
                session.execute(
                    text("INSERT INTO dvv_authority VALUES (:id, 'x', 'x', 'x', NULL, now(), NULL, 0, 0)"),
                    {"id": value},
                )
    finally:
        database.drop_schema()
        database.close()


def test_addresses() -> None:
    url = with_schema(parsed("postgresql://user:secret@host:5433/db"), "sotepki_1")
    assert schema_of(url) == "sotepki_1"
    assert "secret" not in without_password(url) and "secret" in complete(url)
    assert parsed(without_password(url)).password is None
    assert schema_of(parsed("postgres://host/db?schema=mine")) == "mine"
