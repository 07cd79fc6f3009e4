"""Pictures of a card: its file tree, what went over the contacts, and the tries that are left."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from pictures import ACCENT, INK, LINE, PAPER


def file_tree(files: Sequence[tuple[int, str, str, int]]) -> Figure:
    """Files at their depth: identifier, name, and a bar as long as the file.

    Args:
        files: depth, identifier in hexadecimal, name, length in bytes (0 for a directory).
    """
    figure, axes = plt.subplots(figsize=(8.5, 0.34 * len(files) + 0.4), layout="constrained")
    axes.set_axis_off()
    longest = max(length for _, _, _, length in files)
    axes.set_xlim(0, 10)
    axes.set_ylim(len(files) - 0.4, -0.7)
    for row, (depth, identifier, name, length) in enumerate(files):
        left = 0.4 * depth
        axes.text(left, row, identifier, va="center", family="monospace", fontsize=9, color=ACCENT, fontweight="bold")
        axes.text(left + 0.75, row, name, va="center", fontsize=9, color=INK)
        if length:
            axes.add_patch(Rectangle((5.6, row - 0.3), 3.3 * length / longest, 0.6, facecolor=ACCENT))
            axes.text(5.7 + 3.3 * length / longest, row, str(length), va="center", fontsize=9, color=INK)
    axes.text(5.6, -0.65, "bytes", va="center", fontsize=9, color=LINE)
    plt.close(figure)
    return figure


def conversation(exchanges: Sequence[tuple[str, int, str, int]]) -> Figure:
    """A sequence diagram: what the reader asks, how many bytes go, what the card answers, how many come back."""
    figure, axes = plt.subplots(figsize=(8.5, 0.62 * len(exchanges) + 0.8), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(-0.9, 8.9)
    bottom = len(exchanges) + 0.1
    axes.set_ylim(bottom, -0.75)
    for place, name in ((0.0, "reader"), (8.0, "card")):
        axes.plot((place, place), (-0.3, bottom), color=LINE, linewidth=1)
        axes.text(place, -0.5, name, ha="center", va="center", fontweight="bold", color=INK,
                  bbox={"boxstyle": "round,pad=0.35", "facecolor": PAPER, "edgecolor": INK})  # fmt: skip
    for row, (asked, sent, answered, received) in enumerate(exchanges):
        for at, begin, end, text, count in ((row, 0, 8, asked, sent), (row + 0.45, 8, 0, answered, received)):
            forth = begin == 0
            axes.annotate("", (end, at + 0.2), (begin, at + 0.2),
                          arrowprops={"arrowstyle": "-|>", "color": ACCENT if forth else LINE, "lw": 1.2,
                                      "linestyle": "-" if forth else "--"})  # fmt: skip
            axes.text(4, at + 0.16, text, ha="center", va="bottom", fontsize=8.5, color=INK)
            axes.text(-0.12 if forth else 8.12, at + 0.2, f"{count} B", ha="right" if forth else "left", va="center",
                      fontsize=8.5, color=LINE)  # fmt: skip
    plt.close(figure)
    return figure


def tries_left(
    steps: Sequence[tuple[str, int]], most: int = 5, *, left: str = "tries left", locked: str = "locked"
) -> Figure:
    """The retry counter after each step, as a staircase; 0 is locked. ``left`` and ``locked`` are its words."""
    figure, axes = plt.subplots(figsize=(8.5, 2.9), layout="constrained")
    places = range(len(steps))
    values = [tries for _, tries in steps]
    axes.bar(places, values, color=ACCENT, width=0.55)
    for place, value in zip(places, values, strict=True):
        axes.text(place, value + 0.1, str(value) if value else locked, ha="center", color=INK, fontsize=9,
                  fontweight="normal" if value else "bold")  # fmt: skip
    axes.set_xticks(list(places), [what.replace(", ", ",\n") for what, _ in steps], fontsize=8.5, color=INK)
    axes.set_ylim(0, most + 0.8)
    axes.set_ylabel(left, color=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    plt.close(figure)
    return figure
