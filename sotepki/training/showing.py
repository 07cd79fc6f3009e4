"""How a task, a hint and the answer of a check look: as plain text, and framed in a notebook.

The frame differs by its border and by words, not by colour alone, so that it prints in grey.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from sotepki.evidence import load_yaml, refuse_unknown_keys
from sotepki.resources import package_file
from sotepki.training.tasks import ENGLISH, LANGUAGES

WIDTH = 100
_CODE = re.compile(r"`([^`]+)`")
_STRESS = re.compile(r"\*([^*\s][^*]*)\*")


class Look(StrEnum):
    """What kind of frame: its border."""

    TASK = "solid"
    HINT = "dotted"
    DONE = "double"
    NOT_YET = "dashed"


@dataclass(frozen=True)
class Shown:
    """Something to be shown: a heading, and paragraphs that may have a label.

    ``done`` is true for the answer of a check that found the task done; so ``bool(task.check())`` tells it.
    """

    heading: str
    paragraphs: Sequence[tuple[str, str]]
    look: Look
    done: bool = False

    def __bool__(self) -> bool:
        return self.done

    def __repr__(self) -> str:
        lines = [self.heading]
        for label, text in self.paragraphs:
            begin = f"{label}: " if label else ""
            lines += textwrap.wrap(begin + text, WIDTH, initial_indent="  ", subsequent_indent="  ")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [f"<p style='margin:.2em 0'><b>{_inline(self.heading)}</b></p>"]
        for label, text in self.paragraphs:
            begin = f"<i>{html.escape(label)}:</i> " if label else ""
            parts.append(f"<p style='margin:.4em 0'>{begin}{_inline(text)}</p>")
        style = f"border-left:5px {self.look} #4477aa;padding:.3em 0 .3em 1em;max-width:48em"
        return f"<div style='{style}'>{''.join(parts)}</div>"


def _inline(text: str) -> str:
    """The little Markdown that texts of tasks have: `code` and *stress*."""
    return _STRESS.sub(r"<em>\1</em>", _CODE.sub(r"<code>\1</code>", html.escape(text)))


def phrase(name: str, language: str, **values: object) -> str:
    """A phrase of the frame (``phrases.yaml``), in English where it was not translated."""
    row = _phrases()[name]
    return row.get(language, row[ENGLISH]).format(**values)


def state_in_words(state: str, language: str) -> str:
    """A state of an order, a card, a contract or a point as people say it; one without words as its id."""
    return states().get(state, {}).get(language, state)


@cache
def states() -> Mapping[str, Mapping[str, str]]:
    """The words for states (``states.yaml``) by id and language; the notebooks say them, too."""
    return _read("states.yaml")


@cache
def _phrases() -> Mapping[str, Mapping[str, str]]:
    return _read("phrases.yaml")


def _read(file: str) -> Mapping[str, Mapping[str, str]]:
    raw: Mapping[str, Mapping[str, str]] = load_yaml(package_file("training", file))
    for name, row in raw.items():
        refuse_unknown_keys(row, LANGUAGES, f"The phrase {name} in {file}")
    return raw
