"""The check character that hetu and SATU share, and how a refused identifier is shown."""

from __future__ import annotations

CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
"""31 characters, without G, I, O, Q and Z (docs/field/registration.md 11.1: confirmed)."""

_LONGEST_SHOWN = 24


def check_character(number: int) -> str:
    """The check character of a number: the remainder modulo 31, looked up in ``CHECK_CHARACTERS``.

    For a hetu the number is DDMMYYNNN, for a SATU its eight digits (registration.md 11.1, 11.2: confirmed).
    """
    return CHECK_CHARACTERS[number % 31]


def shown(text: str, *, hide: int = 0) -> str:
    """``text`` as an error sentence may show it: quoted, escaped, cut, the last ``hide`` characters starred."""
    visible = text[: max(0, len(text) - hide)] + "*" * min(hide, len(text))
    cut = visible if len(visible) <= _LONGEST_SHOWN else visible[:_LONGEST_SHOWN] + "..."
    return ascii(cut) if not cut.isprintable() else f"'{cut}'"
