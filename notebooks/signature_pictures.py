"""Pictures of signed documents: what a signature covers, which accident breaks which part, who refuses what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from pictures import ACCENT, INK, LINE, PAPER

PALE = "#c9d6e2"


def coverage(elements: Sequence[tuple[int, str, int, bool]]) -> Figure:
    """The outline of a document: each element at its depth, with its length in octets; what is signed is dark.

    Args:
        elements: depth, name, length and whether a signature covers it.
    """
    figure, axes = plt.subplots(figsize=(8.5, 0.34 * len(elements) + 0.3), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(0, 10)
    axes.set_ylim(len(elements) - 0.4, -0.6)
    for row, (depth, name, length, covered) in enumerate(elements):
        left = 0.45 * depth
        axes.add_patch(
            Rectangle(
                (left, row - 0.4), 6.2 - left, 0.8, facecolor=ACCENT if covered else PAPER, edgecolor=LINE, lw=0.8
            )
        )
        axes.text(left + 0.12, row, name, va="center", fontsize=9, color="white" if covered else INK,
                  fontweight="bold" if covered else "normal")  # fmt: skip
        note = f"{length:,} octets".replace(",", " ") + ("   signed" if covered else "")
        axes.text(6.35, row, note, va="center", fontsize=9, color=INK, fontweight="bold" if covered else "normal")
    plt.close(figure)
    return figure


def broken_parts(rows: Mapping[str, Sequence[str]], parts: Sequence[str]) -> Figure:
    """A grid: accidents down, parts of the signature across; a dark square says that the part does not verify."""
    figure, axes = plt.subplots(figsize=(8.5, 0.36 * len(rows) + 0.7), layout="constrained")
    axes.set_xlim(-3.6, len(parts) - 0.4)
    axes.set_ylim(len(rows) - 0.4, -1.1)
    axes.set_axis_off()
    for column, part in enumerate(parts):
        axes.text(column, -0.75, part, ha="center", va="center", color=INK, fontsize=9, fontweight="bold")
    for row, (accident, broken) in enumerate(rows.items()):
        axes.text(-0.6, row, accident, ha="right", va="center", color=INK, fontsize=9)
        for column, part in enumerate(parts):
            hit = part in broken
            axes.add_patch(
                Rectangle((column - 0.42, row - 0.36), 0.84, 0.72, facecolor=ACCENT if hit else PAPER,
                          edgecolor=LINE, lw=0.8)
            )  # fmt: skip
            if hit:
                axes.text(column, row, "broken", ha="center", va="center", color="white", fontsize=8.5)
    plt.close(figure)
    return figure


def shares(groups: Mapping[str, Mapping[str, int]], legend: Sequence[str]) -> Figure:
    """Stacked bars, one for each group; the parts are told apart by shade and hatching and carry their numbers."""
    styles = ((ACCENT, ""), (PALE, "///"), ("white", "..."))
    figure, axes = plt.subplots(figsize=(8.5, 0.45 * len(groups) + 1.1), layout="constrained")
    for row, counts in enumerate(groups.values()):
        left = 0
        for (colour, hatch), part in zip(styles, legend, strict=False):
            width = counts.get(part, 0)
            axes.barh(row, width, left=left, color=colour, hatch=hatch, edgecolor=INK, height=0.6,
                      label=part if row == 0 else None)  # fmt: skip
            if width >= 2:
                paper = None if colour == ACCENT else {"facecolor": "white", "edgecolor": "none", "pad": 1}
                ink = "white" if colour == ACCENT else INK
                axes.text(left + width / 2, row, str(width), ha="center", va="center", fontsize=8.5, color=ink,
                          bbox=paper)  # fmt: skip
            left += width
    axes.set_yticks(range(len(groups)), list(groups), color=INK, fontsize=9)
    axes.invert_yaxis()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False, fontsize=9, ncols=len(legend), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    plt.close(figure)
    return figure
