"""The chronicle of a bad day, drawn from what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from pictures import ACCENT, INK, LINE

_MARKS = {"AA": ("o", ACCENT, "accepted"), "AE": ("X", INK, "refused"), "AR": ("s", "white", "could not be judged")}


def chronicle(
    events: Sequence[tuple[datetime, str, str]],
    *,
    form: str = "%H:%M",
    meanings: Mapping[str, str] | None = None,
    heading: str = "Kanta's answer",
) -> Figure:
    """One line for each event, in the order of time, with a mark for Kanta's answer.

    Args:
        form: how the time is written (strftime).
        meanings: other words for what an answer means, by its code.
        heading: the words above the answers.
    """
    figure, axes = plt.subplots(figsize=(8.5, 0.36 * len(events) + 0.9), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(-0.3, 10)
    axes.set_ylim(len(events) - 0.4, -1.4)
    axes.plot((1.3, 1.3), (-0.4, len(events) - 0.6), color=LINE, linewidth=1, zorder=1)
    for row, (moment, what, code) in enumerate(events):
        mark, colour, meaning = _MARKS.get(str(code), ("D", LINE, str(code)))
        meaning = (meanings or {}).get(str(code), meaning)
        axes.text(1.0, row, f"{moment:{form}}", ha="right", va="center", fontsize=9, color=LINE)
        axes.plot(1.3, row, mark, color=colour, markeredgecolor=INK, markersize=9, zorder=2)
        axes.text(1.65, row, what, va="center", fontsize=9, color=INK)
        axes.text(7.4, row, f"{code}  {meaning}", va="center", fontsize=9, color=INK)
    axes.text(1.0, -1.0, "UTC", ha="right", va="center", fontsize=9, color=LINE)
    axes.text(7.4, -1.0, heading, va="center", fontsize=9, color=INK, fontweight="bold")
    plt.close(figure)
    return figure
