"""The directory of a workspace: its settings, and where its books are."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sotepki.errors import Fault, Misuse
from sotepki.records import Database, write_atomically
from sotepki.records.files import gone
from sotepki.records.homes import database_of

FORMAT = 1
SETTINGS = "workspace.json"

FARTHEST = timedelta(days=365_250)
"""How far a clock may be moved in all: a thousand years, well before dates end."""


@dataclass
class Settings:
    """What a workspace remembers of itself: the form of its directory, its database, how far its clock was moved.

    ``database`` is empty for the file of SQLite in the directory; an address is kept without its password.
    """

    format: int
    created: str
    clock_offset_seconds: float = 0.0
    database: str = ""
    schema: str = ""

    @property
    def clock_offset(self) -> timedelta:
        """How far the clock was moved."""
        return timedelta(seconds=self.clock_offset_seconds)


def books_of(directory: Path, settings: Settings) -> Database:
    """The database of a workspace."""
    return database_of(directory, settings.database, settings.schema)


def require_same(directory: Path, created: str, books: Database) -> None:
    """Let the workspace pass that was opened: the one that was created then and keeps its records in ``books``.

    Raises:
        Misuse: another one is in its directory, or none.
    """
    try:
        found = read_settings(directory)
    except Misuse as error:
        raise gone() from error
    if (found.created, found.schema) != (created, books.schema):
        raise gone()


def read_settings(directory: Path) -> Settings:
    """The settings of a workspace.

    Raises:
        Misuse: there is no workspace, or one of another form.
        Fault: the settings are damaged.
    """
    path = directory / SETTINGS
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        settings = Settings(**raw)
        if not _is_sound(settings):
            raise ValueError("a value of another kind")
    except FileNotFoundError:
        raise Misuse(
            f"There is no workspace in {directory}.",
            advice=f"Make one with 'sotepki init --workspace {directory}', or name yours with --workspace.",
        ) from None
    except NotADirectoryError:
        raise Misuse(f"{directory} is a file, a workspace is a directory.") from None
    except (ValueError, TypeError, RecursionError):
        raise Fault(f"The file {path} is damaged.", advice="Restore it, or make a new workspace.") from None
    except OSError as error:
        raise Misuse(f"The workspace {directory} cannot be read: {error.strerror}.") from None
    if settings.format != FORMAT:
        raise Misuse(
            f"The workspace {directory} has form {settings.format}, this version reads form {FORMAT}.",
            advice="Make a new workspace, or use the version that made this one.",
        )
    return settings


def _is_sound(settings: Settings) -> bool:
    """Whether every value is of its kind; JSON has no kinds that a dataclass would hold it to."""
    offset = settings.clock_offset_seconds
    return (
        type(settings.format) is int
        and all(isinstance(one, str) for one in (settings.created, settings.database, settings.schema))
        and type(offset) in (int, float)
        and abs(offset) <= FARTHEST.total_seconds()
    )


def stepped(directory: Path, days: float) -> Settings:
    """Move the clock that is in the settings, forward or back; the new settings, of which the file knows nothing yet.

    Raises:
        Misuse: it would go farther than clocks go.
    """
    settings = read_settings(directory)
    offset = settings.clock_offset + timedelta(days=days)
    if offset > FARTHEST:
        raise Misuse(f"The clock cannot be moved by more than {FARTHEST.days} days in all.")
    settings.clock_offset_seconds = offset.total_seconds()
    return settings


def write_settings(directory: Path, settings: Settings) -> None:
    """Keep the settings; the file is replaced as a whole."""
    write_atomically(directory / SETTINGS, json.dumps(asdict(settings), indent=2).encode() + b"\n")
