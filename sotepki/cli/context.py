"""What commands share: the workspace that was named, files that were named, and how an answer is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from sotepki.cli.printing import say
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.workspace import Workspace

P = ParamSpec("P")
R = TypeVar("R")

MAX_INPUT = 64 * 1024 * 1024


def workspace_directory() -> Path:
    """The directory that ``--workspace`` or SOTEPKI_WORKSPACE names."""
    return Path(click.get_current_context().meta["sotepki.workspace"])


def output_format() -> str:
    """``text``, ``json`` or a format that the command offers besides, as ``--format`` says."""
    return str(click.get_current_context().meta["sotepki.output_format"])


def pass_workspace(function: Callable[Concatenate[Workspace, P], R]) -> Callable[P, R]:
    """Decorator: the command's first argument is the opened workspace; it is closed afterwards."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        from sotepki.workspace import Workspace

        with Workspace.open(workspace_directory()) as workspace:
            return function(workspace, *args, **kwargs)

    return wrapper


def emit(data: Any, text: str | Callable[[], str], *, html: Callable[[], str] | None = None) -> None:
    """Print ``data`` as JSON, ``text``, or the page of a command that offers ``html``, as ``--format`` says."""
    chosen = output_format()
    if chosen == "json":
        say(json.dumps(data, ensure_ascii=False, indent=2, default=str))
    elif chosen == "html" and html is not None:
        say(html())
    else:
        say(text() if callable(text) else text)


def read_input(path: str | Path, *, limit: int = MAX_INPUT) -> bytes:
    """The bytes of a file, or of standard input for ``-``.

    Raises:
        Misuse: there is no such file, it is a directory, it cannot be read, or it is longer than ``limit`` bytes.
    """
    if str(path) == "-":
        data = sys.stdin.buffer.read(limit + 1)
    else:
        try:
            with open(path, "rb") as stream:
                data = stream.read(limit + 1)
        except FileNotFoundError:
            raise Misuse(f"There is no file {path}.", advice="Check the path.", subject=str(path)) from None
        except IsADirectoryError:
            raise Misuse(f"{path} is a directory, a file was expected.", subject=str(path)) from None
        except OSError as error:
            raise Misuse(f"{path} cannot be read: {error.strerror}.", subject=str(path)) from None
    if len(data) > limit:
        size = f"{limit // 1048576} MiB" if limit >= 1048576 else f"{limit} bytes"
        raise Misuse(f"{path} is longer than {size}, which is the limit.", subject=str(path))
    return data


def progress_wanted() -> bool:
    """Whether a progress bar would be seen: standard error is a terminal."""
    return sys.stderr.isatty()
