"""Files that commands write: what is there already is replaced only by who says so."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from sotepki.errors import Fault, Misuse

F = TypeVar("F", bound=Callable[..., Any])

_STANDARD_OUTPUT = ("-", "/dev/stdout")


def writes(*names: str, over: str = "") -> Callable[[F], F]:
    """Decorator of a command that writes files by ``write_output``: it gets the option ``--overwrite``.

    The files that its parameters ``names`` name are looked at before the command does anything, such as asking for a
    PIN. The parameter ``over`` names its input: who gives the same file twice wants it replaced.
    """

    def decorate(function: F) -> F:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            for name in names:
                if kwargs[name] not in (None, ""):
                    may_write(kwargs[name], over=kwargs.get(over, ""))
            return function(*args, **kwargs)

        option = click.option(
            "--overwrite",
            is_flag=True,
            expose_value=False,
            callback=_remember_overwriting,
            help="Replace what is there already.",
        )
        return cast(F, option(wrapper))

    return decorate


def may_write(path: str | Path, data: bytes | None = None, *, over: str | Path = "") -> None:
    """Let pass what ``write_output`` would write; the same ``data`` again, and the file ``over``, may be there.

    Raises:
        Misuse: it is a directory, there is none to write into, or a file is there and ``--overwrite`` was not given.
    """
    if str(path) in _STANDARD_OUTPUT:
        return
    target = Path(path)
    try:
        if target.is_dir():
            raise Misuse(f"{path} is a directory.", advice="Name the file that is to be written.", subject=str(path))
        if not target.parent.is_dir():
            raise Misuse(f"There is no directory {target.parent} to write {target.name} into.")
        if not target.is_file() or overwriting():
            return
        if over and Path(over).exists() and target.samefile(over):
            return
        if data is not None and target.stat().st_size == len(data) and target.read_bytes() == data:
            return
    except OSError as error:
        raise Misuse(f"{path} cannot be written: {error.strerror}.", subject=str(path)) from None
    raise there_already(f"The file {path}", path)


def there_already(what: str, path: str | Path) -> Misuse:
    """The error for something that a command would replace without having been told to."""
    return Misuse(f"{what} is there already.", advice="Name another one, or give --overwrite.", subject=str(path))


def overwriting() -> bool:
    """Whether ``--overwrite`` was given."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get("sotepki.overwrite"))


def write_output(path: str | Path, data: bytes, *, private: bool = False, over: str | Path = "") -> None:
    """Write an answer to a file (whole or not at all) or to standard output for ``-``.

    A file that is there already is replaced only as ``may_write`` says. A device is written in place, since it cannot
    be replaced.

    Raises:
        Misuse: as ``may_write``.
        Fault: the disk is full or the place cannot be written.
    """
    from sotepki.records import write_atomically

    if str(path) in _STANDARD_OUTPUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    may_write(path, data, over=over)
    target = Path(path)
    if target.exists() and not target.is_file():
        try:
            descriptor = os.open(target, os.O_WRONLY)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
        except OSError as error:
            raise Fault(f"The file {path} cannot be written: {error.strerror}.") from error
        return
    write_atomically(target, data, private=private)


def _remember_overwriting(ctx: click.Context, _option: click.Parameter, value: bool) -> bool:
    ctx.meta["sotepki.overwrite"] = value
    return value
