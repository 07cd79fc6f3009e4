"""How commands get PINs: typed without echo, or line by line from a file or standard input; never as an argument."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sotepki.cli.context import read_input
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.tokens import Pin

F = TypeVar("F", bound=Callable[..., Any])

_LONGEST_FILE = 4096


def pin_file_option(content: str) -> Callable[[F], F]:
    """The option ``--pin-file``; ``content`` says what its lines are."""
    return click.option(
        "--pin-file",
        metavar="FILE",
        help=f"Read from FILE instead of the terminal, one on each line: {content}. '-' is standard input.",
    )


def read_pins(pin_file: str | None, names: Sequence[str]) -> list[Pin]:
    """The PINs called ``names``, in their order. Typed new ones are asked for twice.

    Without a file and without a terminal they are read from standard input.

    Raises:
        Misuse: the file is missing, or does not have one line for each.
        Refused: a line is not a PIN (``token.pin.digits``); it is not repeated in the message.
    """
    from sotepki.tokens import Pin

    if pin_file is None and sys.stdin.isatty():
        return [_typed(name) for name in names]
    data = read_input(pin_file or "-", limit=_LONGEST_FILE)
    lines = [line.strip() for line in data.decode("utf-8", errors="replace").splitlines() if line.strip()]
    if len(lines) != len(names):
        raise Misuse(
            f"Number of PINs given: {len(lines)}, needed: {len(names)}.",
            advice=f"Give one on each line: {', '.join(names)}.",
        )
    return [Pin(line) for line in lines]


def _typed(name: str) -> Pin:
    from sotepki.tokens import Pin

    return Pin(click.prompt(name, hide_input=True, confirmation_prompt=name.startswith("New"), err=True))
