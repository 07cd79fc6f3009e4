"""Where the Signature Creation Service gets PINs from at the command line: a file, or the terminal."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import read_input

if TYPE_CHECKING:
    from sotepki.scs import PinRequest, PinSource
    from sotepki.tokens import Pin

_LONGEST_FILE = 1024


def file_pins(path: str) -> PinSource:
    """PIN1 and PIN2 of a file, typed at every signature; see ``scripted_pins``."""
    from sotepki.scs.pins import scripted_pins

    return scripted_pins(read_input(path, limit=_LONGEST_FILE).decode("ascii", errors="replace"))


def terminal_pins(stop: threading.Event) -> PinSource:
    """Asks on the terminal; without a terminal, and once ``stop`` is set, every question counts as cancelled."""
    from sotepki.errors import Refused
    from sotepki.tokens import Pin

    def ask(request: PinRequest, answer: list[Pin]) -> None:
        who = request.origin or "a program on this machine"
        left = "" if request.tries is None else f", {request.tries} tries left"
        try:
            answer.append(Pin(click.prompt(f"{request.kind} for {who}{left}", hide_input=True, err=True)))
        except click.Abort:
            return
        except Refused as refusal:
            click.echo(str(refusal), err=True)

    def source(request: PinRequest) -> Pin | None:
        if not sys.stdin.isatty():
            return None
        answer: list[Pin] = []
        # A thread of its own, so that a question that nobody answers does not keep the service from stopping.
        question = threading.Thread(target=ask, args=(request, answer), daemon=True)
        question.start()
        while question.is_alive() and not stop.is_set() and request.present():
            question.join(0.2)
        return answer[0] if answer else None

    return source
