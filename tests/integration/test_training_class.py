"""A class on one PostgreSQL: twenty trainees write to one table at once, and the trainer can rely on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from databases import copy_workspace
from postgresql_server import Server
from sqlalchemy import text

from sotepki import cli
from sotepki.clock import SystemClock
from sotepki.errors import Misuse
from sotepki.records import Database, Records, findings, first_break
from sotepki.records.addresses import complete, parsed
from sotepki.training import progress
from sotepki.training.progress import CLASS, ProgressBook
from sotepki.training.scene import DONE, Outcome
from sotepki.training.standing import standings
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

CLASS_SIZE = 20
TASKS = ("driving-licence", "lost-card", "unlock-the-pin")
LACKING = Outcome(done=False, missing="Not yet.", lacking="no-order")
SECONDS = 120


@pytest.fixture(scope="module")
def teachers(postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trainer's workspace, whose books are in PostgreSQL."""
    directory = tmp_path_factory.mktemp("class") / "teacher"
    with Workspace.create(directory, card_keys=0, database=f"{postgresql_server.address}&schema=class_of_tests"):
        pass
    return directory


def work_through(address: str, number: int, outbox: Path) -> None:
    """One trainee's lesson, over a connection of their own: each task with a hint, two misses, and a success."""
    database = Database(address)
    book = ProgressBook(Records(database, SystemClock(), outbox))
    try:
        for task in TASKS:
            book.hinted(f"trainee {number:02}", task, 2)
            for outcome in (LACKING, LACKING, DONE):
                book.checked(f"trainee {number:02}", task, outcome)
    finally:
        database.close()


def test_twenty_trainees_at_once_lose_no_attempt(postgresql_server: Server, teachers: Path, tmp_path: Path) -> None:
    """Two lessons run under each name, as with two open notebooks: counts are exact, the journal is whole."""
    address = f"{postgresql_server.address}&schema=class_of_tests"
    with ThreadPoolExecutor(CLASS_SIZE) as pool:
        lessons = [
            pool.submit(work_through, address, number % CLASS_SIZE, tmp_path) for number in range(2 * CLASS_SIZE)
        ]
        for lesson in lessons:
            lesson.result(SECONDS)
    with Workspace.open(teachers) as workspace:
        rows = ProgressBook(workspace.records).all()
        assert len(rows) == CLASS_SIZE * len(TASKS)
        assert all(row.done_at is not None and row.hints == 2 and row.lacking == "" for row in rows)
        # The second notebook's attempts count too, but only until the first of the two was done.
        assert all(3 <= row.attempts <= 5 for row in rows)
        found = standings(rows)
        assert [one.trainee for one in found] == [f"trainee {number:02}" for number in range(CLASS_SIZE)]
        assert all((one.done, one.stuck_at) == (len(TASKS), "") for one in found)
        with workspace.records.look() as session:
            assert first_break(session) is None


def _rights_of_the_guide() -> list[str]:
    """What the guide tells the trainer to give, for the class of these tests."""
    guide = (Path(__file__).parents[2] / "docs" / "howto" / "trainer.md").read_text()
    (_before, block) = guide.split("```sql\n")
    return block.partition("```")[0].replace("class_march", "class_of_tests").strip().split("\n")


def test_a_trainee_with_the_rights_of_the_guide_writes_to_the_table_and_nothing_else(
    postgresql_server: Server, teachers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example of the guide ended in a sentence about rights, and who gives all rights gives away the books."""
    monkeypatch.setattr(progress, "_class_records", progress._class_records.__wrapped__)
    address = f"{postgresql_server.address}&schema=class_of_tests"
    given, said = _rights_of_the_guide(), list[str]()
    owner = Database(address)
    with owner.engine.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE trainee LOGIN")
    monkeypatch.setenv(CLASS, complete(parsed(address).set(username="trainee")))
    try:
        with Workspace.open(teachers) as workspace:
            for right in (*given, ""):
                try:
                    progress.book_of(workspace).checked("Anna", "driving-licence", LACKING)
                except Misuse as error:
                    said.append(str(error))
                if right:
                    with owner.engine.begin() as connection:
                        connection.exec_driver_sql(right)
            assert len(said) == len(given), "each right is needed"
            assert "GRANT USAGE ON SCHEMA" in said[0] and "CREATE" not in said[0]
            assert "GRANT USAGE ON SEQUENCE" in said[-1]
            assert [row.attempts for row in ProgressBook(workspace.records).all(trainee="Anna")] == [1]
            for _ in range(2):  # the second row, and a row that was there
                progress.book_of(workspace).checked("Anna", "lost-card", LACKING)
            with workspace.records.look() as session:
                assert list(findings(session)) == []
        trainee = Database(os.environ[CLASS])
        for order in (
            "UPDATE dvv_person SET surname = 'x'", "DELETE FROM journal", "UPDATE journal SET actor = 'x'",
            "SELECT * FROM dvv_person", "DELETE FROM training_progress", "CREATE TABLE mine (id integer)",
            "UPDATE journal_row SET digest = 'x'",
        ):  # fmt: skip
            with pytest.raises(Misuse, match="does not allow"), trainee.writing() as session:
                session.execute(text(order))
        trainee.close()
    finally:
        with owner.engine.begin() as connection:
            connection.exec_driver_sql("DROP OWNED BY trainee")
            connection.exec_driver_sql("DROP ROLE trainee")
        owner.close()


def test_trainees_in_their_own_workspaces_stand_in_the_trainers_table(
    postgresql_server: Server,
    teachers: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Real processes: each trainee has a workspace in a schema of the one server, and the address of the book.

    SOTEPKI_TEST_TRAINEES=20 takes a whole class.
    """
    monkeypatch.delenv("SOTEPKI_DATABASE_URL", raising=False)
    own = tmp_path / "own"
    with Workspace.create(own, card_keys=0, database=postgresql_server.address):
        pass
    names = [f"anna {number:02}" for number in range(int(os.environ.get("SOTEPKI_TEST_TRAINEES", "3")))]
    address = f"{postgresql_server.address}&schema=class_of_tests"
    running = []
    for name in names:
        directory = copy_workspace(own, tmp_path / name)
        environment = {
            **os.environ, CLASS: address, "SOTEPKI_TRAINEE": name, "SOTEPKI_WORKSPACE": str(directory),
        }  # fmt: skip
        command = [sys.executable, "-m", "sotepki", "training", "check", "driving-licence", "--language", "fi"]
        running.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    for process in running:
        printed, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 1, errors.decode()
        assert "Ei vielä: Vanhentunut ajokortti" in printed.decode()
    assert cli.run(["training", "progress", "--workspace", str(teachers), "--format", "json"]) == 0
    table = {one["trainee"]: one for one in json.loads(capsys.readouterr().out)}
    for name in names:
        assert (table[name]["stuck_at"], table[name]["lacking"], table[name]["attempts"]) == (
            "driving-licence", "no-order", 1,
        )  # fmt: skip


def test_a_class_that_is_out_of_reach_does_not_stop_the_lesson(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The address has a typing error, or the trainer's laptop sleeps: the trainee is told, without a traceback."""
    directory = tmp_path / "workspace"
    with Workspace.create(directory, card_keys=0):
        pass
    monkeypatch.setenv(CLASS, str(tmp_path / "nowhere"))
    assert cli.run(["training", "check", "driving-licence", "--workspace", str(directory)]) == 1
    printed = capsys.readouterr().out
    assert "There is no order for Veikko" in " ".join(printed.split())
    assert "could not be written" in " ".join(printed.split())
