"""What is printed for people on a terminal: characters that would command it, or hide what stands there, are named.

Names in certificates, requests, documents and answers of systems under test are written by others. An escape sequence
in one of them could recolour or rewrite what was printed before, and a text that turns direction could show
``invalid`` as something else.
"""

from __future__ import annotations

import re

import click

_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"  # controls of the terminal, without tab and line end
    "|\r(?!\n)"  # back to the beginning of the line, to write over it
    "|[\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"  # other line ends, turns of direction
    "|[\ud800-\udfff]"  # halves of a pair, which no encoding can write: a file's name may hold them, and JSON
)


def visible(text: str) -> str:
    """``text`` with such characters in the form ``\\u001b``, which is JSON's; in JSON they stand in strings only."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    """The same for a value inside a line: a line end in it would begin a line that looks like one of ours."""
    return visible(text).replace("\r", "\\u000d").replace("\n", "\\u000a")


def say(text: str, *, err: bool = False) -> None:
    """Print a text to standard output or standard error."""
    click.echo(visible(text), err=err)
