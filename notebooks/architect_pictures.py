"""Pictures for architects: growth over years, costs beside each other, loads with their ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pictures import ACCENT, INK, LINE

PALE = "#c9d6e2"
_STYLES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"), ("-", "v"))
_FILLS = ((ACCENT, ""), (PALE, "///"), ("white", "..."), (LINE, ""), ("white", ""))


def lines(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, across: str, up: str, logarithmic: bool = False
) -> Figure:
    """Curves by name, told apart by line and mark, with their names at their ends."""
    figure, axes = plt.subplots(figsize=(8.5, 3.6), layout="constrained")
    for (name, (xs, ys)), (line, mark) in zip(curves.items(), _STYLES, strict=False):
        axes.plot(xs, ys, line, marker=mark, color=ACCENT, markersize=5, label=name, markerfacecolor="white")
    if logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.legend(frameon=False, fontsize=9)
    _plain(axes, across, up)
    plt.close(figure)
    return figure


def stacked(bars: Mapping[str, Mapping[str, float]], *, across: str) -> Figure:
    """A stacked bar for each name; the parts are told apart by shade and hatching."""
    names = list(dict.fromkeys(part for parts in bars.values() for part in parts))
    figure, axes = plt.subplots(figsize=(8.5, 0.45 * len(bars) + 1.2), layout="constrained")
    left = dict.fromkeys(bars, 0.0)
    for name, (colour, hatch) in zip(names, _FILLS, strict=False):
        widths = [bars[bar].get(name, 0) for bar in bars]
        axes.barh(list(bars), widths, left=list(left.values()), color=colour, hatch=hatch, edgecolor=INK, height=0.6,
                  label=name, linewidth=0.8)  # fmt: skip
        left = {bar: left[bar] + width for bar, width in zip(bars, widths, strict=True)}
    axes.invert_yaxis()
    axes.legend(frameon=False, fontsize=9, ncols=len(names), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    _plain(axes, across, "")
    plt.close(figure)
    return figure


def ranges(rows: Mapping[str, tuple[float, float, float]], *, across: str, limit: float | None = None) -> Figure:
    """Low, middle and high of each row: a line with a dot; ``limit`` is drawn as a dashed line."""
    figure, axes = plt.subplots(figsize=(8.5, 0.4 * len(rows) + 0.9), layout="constrained")
    for row, (low, middle, high) in enumerate(rows.values()):
        axes.plot(
            (max(low, 1e-4), max(high, 1e-4)), (row, row), color=LINE, linewidth=5, solid_capstyle="butt", alpha=0.5
        )
        axes.plot(max(middle, 1e-4), row, "o", color=ACCENT, markersize=8)
    if limit is not None:
        axes.axvline(limit, color=INK, linestyle="--", linewidth=1)
        axes.text(limit, -0.75, " full", color=INK, fontsize=9, va="center")
    axes.set_yticks(range(len(rows)), list(rows), color=INK, fontsize=9)
    axes.set_ylim(len(rows) - 0.5, -1.0)
    axes.set_xscale("log")
    _plain(axes, across, "")
    plt.close(figure)
    return figure


def _plain(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(across, color=INK)
    axes.set_ylabel(up, color=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
