"""Values of Kanta's settings as people write them in YAML: one that is not what it should be is told, not guessed at.

Every function raises ``ValueError`` with the part of a sentence that names the setting, its value and what it may be.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, TypeVar

C = TypeVar("C", bound=StrEnum)

_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_LONGEST_SHOWN = 60


def whole(name: str, value: Any, least: int, most: int) -> int:
    """A whole number within bounds."""
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name} is {_shown(value)}, it is a whole number from {least} to {most}")
    return value


def number(name: str, value: Any, least: float, most: float, *, nought: str = "") -> float:
    """A number within bounds, or 0 where that means something of its own, which ``nought`` says."""
    if type(value) not in (int, float) or not (least <= value <= most or (nought and value == 0)):
        besides = f"0 ({nought}) or " if nought else ""
        raise ValueError(f"{name} is {_shown(value)}, it is {besides}a number from {least:g} to {most:g}")
    return float(value)


def truth(name: str, value: Any) -> bool:
    """true or false; a word in quotes would count as true, whatever it says."""
    if type(value) is not bool:
        raise ValueError(f"{name} is {_shown(value)}, it is true or false (without quotes)")
    return value


def element_name(name: str, value: Any) -> str:
    """The name of an element of XML, without a prefix."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"{name} is {_shown(value)}, it is the name of a message, such as MCCI_IN000002FI01")
    return value


def words(name: str, value: Any) -> tuple[str, ...]:
    """A list of words or codes. A bare word is no list: it would be taken for the list of its letters."""
    if not isinstance(value, list | tuple) or not all(type(one) in (str, int) and one != "" for one in value):
        raise ValueError(f"{name} is {_shown(value)}, it is a list of words in brackets, such as [SP1, SP17]")
    return tuple(map(str, value))


def choice(name: str, value: Any, known: type[C]) -> C:
    """One of several words."""
    if value not in list(known):
        raise ValueError(f"{name} is {_shown(value)}, it is {' or '.join(known)}")
    return known(value)


def choices(name: str, value: Any, known: type[C]) -> frozenset[C]:
    """A list of such words."""
    return frozenset(choice(f"an entry of {name}", one, known) for one in words(name, value))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
