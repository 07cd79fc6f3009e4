"""Reading the tables of a system's TOML file: each mistake gets one sentence that says what to write instead."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sotepki.errors import Misuse

_ESCAPE_SIGNS = ("hex value", "escape")
"""What tomllib says of a backslash that begins no escape, as in a path of Windows."""
_ESCAPE_ADVICE = "In double quotes a backslash begins an escape: write C:/..., or put the path in single quotes."


@dataclass(frozen=True)
class Row:
    """One table; ``name`` is empty for the file itself. Paths count from the file."""

    values: Mapping[str, Any]
    name: str
    file: Path

    @classmethod
    def read(cls, path: Path) -> Row:
        """The file as a whole.

        Raises:
            Misuse: it cannot be read or is not TOML.
        """
        try:
            # Editors on Windows may put a byte order mark in front, which TOML does not know.
            return cls(tomllib.loads(path.read_text(encoding="utf-8-sig")), "", path)
        except OSError as error:
            raise Misuse(f"The file {path} cannot be read: {error.strerror}.", subject=str(path)) from None
        except UnicodeDecodeError:
            sentence = f"The file {path} is not TOML: it is not in UTF-8."
            advice = "Save it as UTF-8; editors on Windows may choose ANSI or UTF-16."
            raise Misuse(sentence, advice=advice, subject=str(path)) from None
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            advice = _ESCAPE_ADVICE if any(sign in str(error) for sign in _ESCAPE_SIGNS) else ""
            raise Misuse(f"The file {path} is not TOML: {error}.", advice=advice, subject=str(path)) from None

    @property
    def base(self) -> Path:
        """The directory of the file."""
        return self.file.resolve().parent

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def only(self, known: Sequence[str]) -> None:
        """Refuse unknown keys, naming the nearest known one."""
        where = f"{self.file.name}, table [{self.name}]," if self.name else self.file.name
        for key in self.values:
            if key not in known:
                near = get_close_matches(key, known, n=1, cutoff=0.5)
                advice = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(known)}."
                raise Misuse(f"{where} has the unknown key {key!r}.", advice=advice)

    def table(self, name: str, known: Sequence[str]) -> Row | None:
        """A table of the file; None if it is not there."""
        if name not in self.values:
            return None
        value = self.values[name]
        if not isinstance(value, dict):
            raise Misuse(f"In {self.file.name}, {name} must be a table, written as [{name}].")
        row = Row(value, name, self.file)
        row.only(known)
        return row

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or not value:
            raise self.wrong(key, "must be a text")
        return value

    def texts(self, key: str, default: Sequence[str] | None = None) -> list[str]:
        """A list of texts."""
        value = self.values.get(key, default)
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise self.wrong(key, "must be a list of texts")
        return value

    def number(self, key: str, default: float, least: float, most: float) -> float:
        """A number within limits."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise self.wrong(key, f"must be a number from {least:g} to {most:g}")
        return float(value)

    def truth(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "must be true or false")
        return value

    def path(self, key: str) -> Path:
        """A path, counted from the file."""
        return self.base / self.text(key)

    def directory(self, key: str = "directory") -> Path:
        """A directory that is there."""
        place = self.path(key)
        if not place.is_dir():
            raise Misuse(f"In {self.file.name}, [{self.name}], there is no directory {place}.")
        return place

    def matches(self, key: str) -> list[Path]:
        """The files that patterns name."""
        found: list[Path] = []
        for pattern in self.texts(key, []):
            place = self.base / pattern  # an absolute pattern stays as it is
            if os.path.lexists(place) or not any(c in pattern for c in "*?["):
                found.append(place)
                continue
            absolute = Path(pattern).anchor
            some = sorted(Path(absolute or self.base).glob(pattern.removeprefix(absolute)))
            if not some:
                raise Misuse(f"In {self.file.name}, [{self.name}], nothing matches {pattern!r}.")
            found += some
        return found

    def wrong(self, key: str, sentence: str) -> Misuse:
        """The error for a value of the wrong kind."""
        return Misuse(f"In {self.file.name}, {self.name + '.' if self.name else ''}{key} {sentence}.")
