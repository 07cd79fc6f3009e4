"""Where the Signature Creation Service gets PINs from at the command line: a file, or the terminal."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import read_input

if TYPE_CHECKING:
    from sotepki.scs import PinRequest, PinSource
    from sotepki.tokens import Pin

_LONGEST_FILE = 1024
_LONGEST_LINE = 4096
_LOOK = 0.2


def file_pins(path: str) -> PinSource:
    """PIN1 and PIN2 of a file, typed at every signature; see ``scripted_pins``."""
    from sotepki.scs.pins import scripted_pins

    return scripted_pins(read_input(path, limit=_LONGEST_FILE).decode("ascii", errors="replace"))


def terminal_pins(stop: threading.Event) -> PinSource:
    """Asks on the terminal; without a terminal, and once ``stop`` is set, every question counts as cancelled."""
    from sotepki.errors import Refused
    from sotepki.tokens import Pin

    def source(request: PinRequest) -> Pin | None:
        if not sys.stdin.isatty():
            return None
        who = request.origin or "a program on this machine"
        left = "" if request.tries is None else f", {request.tries} tries left"
        typed = _hidden_line(
            f"{request.kind} for {who}{left}: ", sys.stdin.fileno(), lambda: stop.is_set() or not request.present()
        )
        try:
            return Pin(typed) if typed else None
        except Refused as refusal:
            click.echo(str(refusal), err=True)
            return None

    return source


def _hidden_line(prompt: str, terminal: int, over: Callable[[], bool]) -> str:
    """A line that is typed without being shown; empty when the user or the terminal gives up, or it is ``over``.

    It is read here and not by ``getpass``, which could not be left: a question that is over would keep the terminal
    without echo, or take the next line and show the PIN after that.
    """
    with contextlib.suppress(OSError, termios.error), _without_echo(terminal):
        click.echo(prompt, nl=False, err=True)
        while not over():
            if not select.select([terminal], [], [], _LOOK)[0]:
                continue
            line = os.read(terminal, _LONGEST_LINE)
            typed = line.decode(errors="replace").strip()
            if typed or not line:  # nothing at all is Ctrl-D
                return typed
            click.echo(f"\n{prompt}", nl=False, err=True)
    return ""


@contextlib.contextmanager
def _without_echo(terminal: int) -> Iterator[None]:
    """A terminal that gives whole lines and shows none of them; what was typed and not read is thrown away."""
    before = termios.tcgetattr(terminal)
    silent = termios.tcgetattr(terminal)
    silent[3] = silent[3] & ~termios.ECHO | termios.ICANON
    try:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
        yield
    finally:
        with contextlib.suppress(termios.error):  # the terminal was closed
            termios.tcflush(terminal, termios.TCIFLUSH)  # a half of a PIN is no answer to the next question
            termios.tcsetattr(terminal, termios.TCSANOW, before)
        click.echo(err=True)
