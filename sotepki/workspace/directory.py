"""The directory of a workspace: its settings, claiming it for a new one, and clearing an unfinished one away."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sotepki.errors import Fault, Misuse
from sotepki.records import Database, write_atomically
from sotepki.records.homes import database_of

FORMAT = 1
INCOMPLETE = "INCOMPLETE"
SETTINGS = "workspace.json"


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


def books_of(directory: Path, settings: Settings) -> Database:
    """The database of a workspace."""
    return database_of(directory, settings.database, settings.schema)


def claim(directory: Path) -> bool:
    """Take the directory for a new workspace; whether the directory itself was made.

    Raises:
        Misuse: it holds something already, or cannot be made.
    """
    try:
        made = not directory.exists()
        if not made:
            if not directory.is_dir():
                raise Misuse(f"{directory} is a file, a workspace is a directory.")
            if (directory / INCOMPLETE).exists():
                abandon(directory, remove_itself=False)
            elif any(directory.iterdir()):
                there = "a workspace" if (directory / SETTINGS).exists() else "other files"
                raise Misuse(
                    f"{directory} holds {there} already; nothing was changed.",
                    advice="Name another directory with --workspace.",
                )
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (directory / INCOMPLETE).write_text("sotepki init is at work here, or was interrupted.\n", encoding="utf-8")
    except OSError as error:
        raise Misuse(f"No workspace can be made in {directory}: {error.strerror}.") from error
    return made


def abandon(directory: Path, *, remove_itself: bool) -> None:
    """Remove what an unfinished init made; the marker goes last, so that an interruption here is seen too."""
    if (directory / SETTINGS).exists():
        settings = read_settings(directory)
        if settings.schema:
            unfinished = books_of(directory, settings)
            unfinished.drop_schema()
            unfinished.close()
    for entry in sorted(directory.iterdir(), key=lambda path: path.name == INCOMPLETE):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    if remove_itself:
        directory.rmdir()


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
    except FileNotFoundError:
        raise Misuse(
            f"There is no workspace in {directory}.",
            advice=f"Make one with 'sotepki init --workspace {directory}', or name yours with --workspace.",
        ) from None
    except NotADirectoryError:
        raise Misuse(f"{directory} is a file, a workspace is a directory.") from None
    except (ValueError, TypeError):
        raise Fault(f"The file {path} is damaged.", advice="Restore it, or make a new workspace.") from None
    except OSError as error:
        raise Misuse(f"The workspace {directory} cannot be read: {error.strerror}.") from None
    if settings.format != FORMAT:
        raise Misuse(
            f"The workspace {directory} has form {settings.format}, this version reads form {FORMAT}.",
            advice="Make a new workspace, or use the version that made this one.",
        )
    return settings


def write_settings(directory: Path, settings: Settings) -> None:
    """Keep the settings; the file is replaced as a whole."""
    write_atomically(directory / SETTINGS, json.dumps(asdict(settings), indent=2).encode() + b"\n")
