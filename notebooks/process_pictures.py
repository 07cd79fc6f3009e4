"""Pictures of processes: the way through a state machine, a list of duties as it empties, the questions at a gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from textwrap import fill

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from phrases import Speaker
from pictures import ACCENT, INK, LINE, PAPER

from sotepki.states import SAME, StateMachine

PALE = "#c9d6e2"
_WIDTH, _HEIGHT = 1.5, 0.5
_LINE_OF_A_BOX = 18  # letters


def way(machine: StateMachine, taken: Sequence[str], say: Speaker | None = None) -> Figure:
    """A state machine with the way that was taken through it: its states above in order, the others below.

    Steps between two visited states that were not taken are left out; docs/state-machines.md has them all.

    Args:
        taken: names of states, in the order in which they were visited; a state may come again.
        say: has a phrase ``state-X`` for each state and ``step X`` for each step; without it, ids are shown.
    """
    visited = list(dict.fromkeys(taken))
    places = _places(machine, visited)
    columns, rows = (max(place[part] for place in places.values()) + 1 for part in (0, 1))
    steps = set(pairwise(taken))
    longest = max(abs(visited.index(begin) - visited.index(end)) for begin, end in steps)
    top = -(0.6 if longest == 1 and not _returns(taken) else _apex(max(longest, 1)) + 0.25)
    bottom = 1.3 * (rows - 1) + 0.55
    figure, axes = plt.subplots(figsize=(max(8.5, 1.75 * columns), bottom - top), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(-0.95, 2.15 * (columns - 1) + 0.95)
    axes.set_ylim(bottom, top)
    for (origin, target), names in _ways(machine).items():
        gone = (origin, target) in steps
        if gone or target not in visited:
            told = [say(f"step {name}") if say else name for name in names] if gone else []
            _step(axes, places[origin], places[target], " / ".join(told), gone=gone)
    for name, place in places.items():
        _state(axes, place, say(f"state-{name}") if say else name, reached=name in visited)
    plt.close(figure)
    return figure


def board(
    items: Mapping[str, Sequence[str]],
    columns: Sequence[str],
    *,
    words: Mapping[str, str] | None = None,
    legend: str = "open stands in the way, warning does not",
) -> Figure:
    """A list of duties at several moments: dark is done, white is open, hatched is open and only warns.

    Args:
        items: name of the duty to its state at each moment: ``done``, ``open`` or ``warning``.
        columns: the moments.
        words: other words for the states, by state.
        legend: the line below.
    """
    figure, axes = plt.subplots(figsize=(8.5, 0.33 * len(items) + 0.9), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(-3.1, len(columns) - 0.4)
    axes.set_ylim(len(items) + 0.5, -1.2)
    for column, moment in enumerate(columns):
        axes.text(column, -0.85, moment, ha="center", va="center", fontsize=9, fontweight="bold", color=INK)
    for row, (name, states) in enumerate(items.items()):
        axes.text(-0.65, row, name, ha="right", va="center", fontsize=9, color=INK)
        for column, state in enumerate(states):
            _cell(axes, column, row, state, (words or {}).get(state, state))
    axes.text(-0.65, len(items) + 0.1, legend, ha="right", va="center", fontsize=8, color=LINE)
    plt.close(figure)
    return figure


def gates(questions: Sequence[str], attempts: Mapping[str, tuple[int | None, str]]) -> Figure:
    """How far each attempt came: a line through the questions until the one that stopped it.

    Args:
        attempts: name to the number of the question that stopped it (None: none did), and the answer.
    """
    figure, axes = plt.subplots(figsize=(10.0, 0.38 * len(attempts) + 1.1), layout="constrained")
    axes.set_axis_off()
    last = len(questions)
    axes.set_xlim(-3.4, last + 0.9)
    axes.set_ylim(len(attempts) - 0.4, -1.7)
    for column, question in enumerate(questions):
        axes.text(column, -1.0, question.replace(" ", "\n"), ha="center", va="center", fontsize=8.5, color=INK,
                  fontweight="bold")  # fmt: skip
        axes.plot((column, column), (-0.45, len(attempts) - 0.55), color=PALE, linewidth=1.4, zorder=1)
    for row, (name, (stopped, answer)) in enumerate(attempts.items()):
        end = last - 0.3 if stopped is None else stopped
        axes.text(-0.75, row, name, ha="right", va="center", fontsize=9, color=INK)
        axes.plot((-0.6, end), (row, row), color=ACCENT, linewidth=2.2, zorder=2, solid_capstyle="butt")
        mark, face = ("o", ACCENT) if stopped is None else ("X", "white")
        axes.plot(end, row, mark, color=face, markeredgecolor=INK, markersize=9, zorder=3)
        axes.text(last + 0.15, row, answer, ha="left", va="center", fontsize=9, color=INK, fontweight="bold")
    plt.close(figure)
    return figure


def _cell(axes: Axes, column: int, row: int, state: str, word: str) -> None:
    face, hatch, ink = {"done": (ACCENT, "", "white"), "warning": (PALE, "///", INK)}.get(state, ("white", "", INK))
    axes.add_patch(
        Rectangle((column - 0.42, row - 0.37), 0.84, 0.74, facecolor=face, hatch=hatch, edgecolor=LINE, lw=0.8)
    )
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1} if hatch else None
    axes.text(column, row, word, ha="center", va="center", fontsize=8.5, color=ink, bbox=paper)


def _ways(machine: StateMachine) -> dict[tuple[str, str], list[str]]:
    """Which steps lead from a state to another one."""
    found: dict[tuple[str, str], list[str]] = {}
    for step in machine.transitions.values():
        if step.target == SAME:
            continue
        for origin in machine.states:
            if origin in step.sources and origin != step.target:
                found.setdefault((origin, step.target), []).append(step.name)
    return found


def _places(machine: StateMachine, visited: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Column and row of each state: those visited in the first row, the others below what leads to them."""
    places = {name: (column, 0) for column, name in enumerate(visited)}
    for name in machine.states:
        if name in places:
            continue
        before = [places[origin][0] for origin, target in _ways(machine) if target == name and origin in places]
        column, row = (min(before) if before else 0), 1
        while (column, row) in places.values():
            column, row = (column + 1, row) if column + 1 < len(visited) else (0, row + 1)
        places[name] = (column, row)
    return places


def _centre(place: tuple[int, int]) -> tuple[float, float]:
    return 2.15 * place[0], 1.3 * place[1]


def _state(axes: Axes, place: tuple[int, int], name: str, *, reached: bool) -> None:
    x, y = _centre(place)
    box = FancyBboxPatch(
        (x - _WIDTH / 2, y - _HEIGHT / 2), _WIDTH, _HEIGHT, boxstyle="round,pad=0.03,rounding_size=0.1",
        facecolor=ACCENT if reached else PAPER, edgecolor=INK, linewidth=1.0, zorder=3,
    )  # fmt: skip
    axes.add_patch(box)
    axes.text(x, y, fill(name, _LINE_OF_A_BOX, break_on_hyphens=False), ha="center", va="center", fontsize=8,
              zorder=4, color="white" if reached else INK, fontweight="bold" if reached else "normal")  # fmt: skip


def _returns(taken: Sequence[str]) -> bool:
    return len(set(taken)) < len(taken)


def _apex(columns: int) -> float:
    """How high above the middle of the row the arc over so many columns rises."""
    return _HEIGHT / 2 + 0.15 * 2.15 * columns


def _step(axes: Axes, begin: tuple[int, int], end: tuple[int, int], label: str, *, gone: bool) -> None:
    (x, y), (u, v) = _centre(begin), _centre(end)
    bend, height = 0.0, 0.38
    if y != v:
        side = _HEIGHT / 2 if v > y else -_HEIGHT / 2
        start, finish = (x, y + side), (u, v - side)
    elif end[0] == begin[0] + 1:
        start, finish = (x + _WIDTH / 2, y), (u - _WIDTH / 2, v)
    else:  # back, or over other states: an arc above the row
        start, finish = (x, y - _HEIGHT / 2), (u, v - _HEIGHT / 2)
        bend, height = (0.3 if u < x else -0.3), -_apex(abs(begin[0] - end[0]))
    arrow = FancyArrowPatch(
        start, finish, connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>", mutation_scale=13, shrinkA=2, shrinkB=3,
        color=ACCENT if gone else LINE, linewidth=2 if gone else 0.9, zorder=2,
        linestyle="-" if gone else (0, (4, 3)),
    )  # fmt: skip
    axes.add_patch(arrow)
    axes.text((x + u) / 2, y + height, label, ha="center", va="center", fontsize=7.5, color=ACCENT, zorder=5,
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if label else None)  # fmt: skip
