"""What is said of a connection that does not close: a run that is interrupted there must not show a traceback."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from sotepki.records import Database


def _that_does_not_close(path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> Database:
    database = Database(f"sqlite:///{path / 'books.db'}")
    with database.engine.connect() as connection:
        connection.execute(text("SELECT 1"))

    def close(_connection: object) -> None:
        raise error

    monkeypatch.setattr(database.engine.dialect, "do_close", close)
    return database


def test_an_interruption_while_closing_goes_its_way_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    database = _that_does_not_close(tmp_path, monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        database.close()
    assert caplog.text == ""


def test_a_connection_that_does_not_close_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _that_does_not_close(tmp_path, monkeypatch, sqlite3.OperationalError("unable to close TEST")).close()
    (line,) = caplog.text.splitlines()
    assert line.endswith(": unable to close TEST")
