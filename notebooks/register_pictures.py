"""Pictures of registers: periods on a line of time, who says what at which moment, the states of a thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import dist

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from pictures import ACCENT, INK, LINE, PAPER

from sotepki.registers import Professional
from sotepki.states import StateMachine

PALE = "#c9d6e2"

# What a bar or a field means: colour, hatching, and the word for the legend.
IN_FORCE, RESTRICTED, ENDED = "in force", "restricted", "ended"
_FILLS = {IN_FORCE: (ACCENT, ""), RESTRICTED: (PALE, "///"), ENDED: ("white", "...")}


@dataclass(frozen=True)
class Period:
    """A bar on the line of time; ``meaning`` is one of ``IN_FORCE``, ``RESTRICTED`` and ``ENDED``."""

    row: str
    begin: date
    end: date
    meaning: str = IN_FORCE


def rights_of(people: Iterable[Professional | None], today: date, until: date) -> list[Period]:
    """A bar for each period of a right of each person, cut off at ``until``."""
    found = []
    for person in filter(None, people):
        for right in person.rights:
            end = min(filter(None, (right.valid_to, right.ended_at and right.ended_at.date(), until)))
            meaning = ENDED if end < today else RESTRICTED if right.restrictions else IN_FORCE
            found.append(Period(f"{person.person.surname}: {right.code}", right.valid_from, end, meaning))
    return found


def periods(bars: Sequence[Period], *, today: date | None = None) -> Figure:
    """One row for each name, in the order in which they come, with a bar for each period."""
    rows = list(dict.fromkeys(bar.row for bar in bars))
    figure, axes = plt.subplots(figsize=(8.5, 0.42 * len(rows) + 1.15), layout="constrained")
    for bar in bars:
        colour, hatch = _FILLS[bar.meaning]
        begin, end = date2num(bar.begin), date2num(bar.end)  # type: ignore[no-untyped-call]
        axes.barh(rows.index(bar.row), end - begin, left=begin, height=0.55, color=colour, hatch=hatch,
                  edgecolor=INK, linewidth=0.8)  # fmt: skip
    if today is not None:
        axes.axvline(date2num(today), color=INK, linestyle="--", linewidth=1)  # type: ignore[no-untyped-call]
    axes.xaxis_date()
    axes.set_yticks(range(len(rows)), rows, color=INK, fontsize=9)
    axes.invert_yaxis()
    _meanings(axes, [meaning for meaning in _FILLS if any(bar.meaning == meaning for bar in bars)])
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    plt.close(figure)
    return figure


def who_says_what(says: Mapping[str, Sequence[tuple[str, str]]], moments: Sequence[str]) -> Figure:
    """A grid: who is asked down, moments across; each field holds a short word and a meaning as in ``Period``."""
    figure, axes = plt.subplots(figsize=(8.5, 0.5 * len(says) + 0.85), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(-2.1, len(moments) - 0.45)
    axes.set_ylim(len(says) - 0.4, -1.35)
    for column, moment in enumerate(moments):
        axes.text(column, -0.9, moment.replace(", ", ",\n"), ha="center", va="center", color=INK, fontsize=9,
                  fontweight="bold")  # fmt: skip
    for row, (who, fields) in enumerate(says.items()):
        axes.text(-0.62, row, who, ha="right", va="center", color=INK, fontsize=9)
        for column, (word, meaning) in enumerate(fields):
            colour, hatch = _FILLS[meaning]
            axes.add_patch(Rectangle((column - 0.46, row - 0.4), 0.92, 0.8, facecolor=colour, hatch=hatch,
                                     edgecolor=LINE, linewidth=0.8))  # fmt: skip
            paper = None if colour == ACCENT else {"facecolor": "white", "edgecolor": "none", "pad": 1}
            axes.text(column, row, word, ha="center", va="center", fontsize=8.5, bbox=paper,
                      color="white" if colour == ACCENT else INK)  # fmt: skip
    plt.close(figure)
    return figure


def states(
    machine: StateMachine, places: Mapping[str, tuple[float, float]], *, here: str = "", wide: float = 1.25
) -> Figure:
    """The states of a machine at their places and the steps between them; ``here`` is drawn dark.

    Raises:
        KeyError: a state has no place, so the picture would leave something out.
    """
    across, up = [x for x, _ in places.values()], [y for _, y in places.values()]
    figure, axes = plt.subplots(figsize=(8.5, 1.15 * (max(up) - min(up)) + 1.3), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(min(across) - wide, max(across) + wide)
    axes.set_ylim(min(up) - 0.55, max(up) + 0.6)
    boxes = {}
    for state in machine.states:
        x, y = places[state]
        dark = state == here
        boxes[state] = FancyBboxPatch(
            (x - wide / 2, y - 0.17), wide, 0.34, boxstyle="round,pad=0.02,rounding_size=0.08",
            facecolor=ACCENT if dark else PAPER, edgecolor=INK, linewidth=1.6 if state == machine.initial else 0.9,
            zorder=3,
        )  # fmt: skip
        axes.add_patch(boxes[state])
        axes.text(x, y, state, ha="center", va="center", fontsize=9.5, fontweight="bold", zorder=4,
                  color="white" if dark else INK)  # fmt: skip
    for (begin, end), names in _steps(machine).items():
        bend = max(0.22, 0.75 / dist(places[begin], places[end]))
        axes.add_patch(
            FancyArrowPatch(
                places[begin], places[end], patchA=boxes[begin], patchB=boxes[end], shrinkA=2, shrinkB=3,
                connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>", mutation_scale=12, color=LINE, linewidth=1.1,
                zorder=2,
            )
        )  # fmt: skip
        x, y = _middle(places[begin], places[end], bend)
        axes.text(x, y, "\n".join(names), ha="center", va="center", fontsize=8, color=ACCENT, zorder=5,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})  # fmt: skip
    plt.close(figure)
    return figure


def _steps(machine: StateMachine) -> dict[tuple[str, str], list[str]]:
    """The names of the steps by the states that they join."""
    found: dict[tuple[str, str], list[str]] = {}
    for step in machine.transitions.values():
        for begin in sorted(step.sources):
            end = step.target_from(begin)
            if end != begin:
                found.setdefault((begin, end), []).append(step.name)
    return found


def _middle(begin: tuple[float, float], end: tuple[float, float], bend: float) -> tuple[float, float]:
    """The middle of a bent arrow."""
    (x, y), (u, v) = begin, end
    return (x + u) / 2 + bend / 2 * (v - y), (y + v) / 2 - bend / 2 * (u - x)


def _meanings(axes: Axes, meanings: Sequence[str]) -> None:
    marks = [
        Rectangle((0, 0), 1, 1, facecolor=_FILLS[one][0], hatch=_FILLS[one][1], edgecolor=INK, linewidth=0.8)
        for one in meanings
    ]
    axes.legend(marks, meanings, frameon=False, fontsize=9, ncols=len(meanings), loc="lower center",
                bbox_to_anchor=(0.5, 1.0))  # fmt: skip
