"""Pictures for the professional's notebook: the face of a card, and the lives of several cards one after another.

Words come from the caller, in the reader's language; everything else is drawn from the card and from Vartti's books.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import YearLocator, date2num
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from pictures import ACCENT, INK, LINE, PAPER


@dataclass(frozen=True)
class Face:
    """What is printed on the front of a card (docs/field/registration.md 2, row card front)."""

    title: str
    surname: str
    given_name: str
    profession: str
    registration_number: str
    serial: str
    valid_to: str


@dataclass(frozen=True)
class Life:
    """A card from its first use to its end, if it has ended; ``how`` says what became of it."""

    name: str
    used: date
    ended: date | None
    valid_to: date
    how: str


def card_face(face: Face, labels: Sequence[str]) -> Figure:
    """The front of a card, as far as public sources tell what stands on it; the places are a choice.

    Args:
        labels: the words above registration number, card number and last day.
    """
    figure, axes = plt.subplots(figsize=(5.6, 3.5), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(0, 85.6)  # millimetres of ISO/IEC 7810 ID-1
    axes.set_ylim(0, 54)
    axes.set_aspect("equal")
    axes.add_patch(FancyBboxPatch((2, 2), 81.6, 50, boxstyle="round,pad=0,rounding_size=3", facecolor=PAPER,
                                  edgecolor=INK, linewidth=1.4))  # fmt: skip
    axes.add_patch(Rectangle((2.5, 42.2), 80.6, 0.5, facecolor=ACCENT, edgecolor="none"))
    axes.text(6, 46.4, face.title, va="center", fontsize=8.5, fontweight="bold", color=INK)
    axes.text(79.5, 46.4, "TEST", va="center", ha="right", fontsize=10, fontweight="bold", color=ACCENT)
    _chip(axes, 7, 22)
    axes.text(27, 35.5, face.surname.upper(), va="center", fontsize=12, fontweight="bold", color=INK)
    axes.text(27, 30.2, face.given_name, va="center", fontsize=11, color=INK)
    axes.text(27, 24.6, face.profession, va="center", fontsize=8.5, color=INK)
    values = (face.registration_number, face.serial, face.valid_to)
    for place, (label, value) in enumerate(zip(labels, values, strict=True)):
        axes.text(7 + 27.5 * place, 12.5, label, va="center", fontsize=6.5, color=LINE)
        axes.text(7 + 27.5 * place, 8, value, va="center", fontsize=9, color=INK)
    plt.close(figure)
    return figure


def lives(cards: Sequence[Life], today: date) -> Figure:
    """One line a card: how long it could be valid (pale), how long it was in use (dark), a cross at its end."""
    figure, axes = plt.subplots(figsize=(9.5, 0.62 * len(cards) + 0.9), layout="constrained")
    axes.axvline(_number(today), color=LINE, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    for row, card in enumerate(cards):
        begin, end, last = (_number(day) for day in (card.used, card.ended or today, card.valid_to))
        axes.barh(row, last - begin, left=begin, height=0.34, facecolor=PAPER, edgecolor=LINE, linewidth=0.8)
        axes.barh(row, end - begin, left=begin, height=0.34, facecolor=ACCENT)
        if card.ended:
            axes.plot(end, row, "X", color="white", markeredgecolor=INK, markersize=9, zorder=3)
        axes.text(begin, row - 0.28, f"{card.name}: {card.how}", va="bottom", fontsize=8.5, color=INK)
    axes.set_ylim(len(cards) - 0.6, -0.75)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(YearLocator())  # type: ignore[no-untyped-call]
    axes.xaxis_date()
    axes.tick_params(colors=INK, labelsize=8.5)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    plt.close(figure)
    return figure


def _chip(axes: Axes, left: float, bottom: float) -> None:
    """The contacts."""
    axes.add_patch(FancyBboxPatch((left, bottom), 12.5, 11.5, boxstyle="round,pad=0,rounding_size=1.5",
                                  facecolor="white", edgecolor=LINE, linewidth=1.0))  # fmt: skip
    for part in (1, 2):
        axes.plot((left, left + 12.5), (bottom + 11.5 * part / 3,) * 2, color=LINE, linewidth=0.8)
    axes.plot((left + 6.25,) * 2, (bottom, bottom + 11.5), color=LINE, linewidth=0.8)


def _number(day: date) -> float:
    return float(date2num(day))  # type: ignore[no-untyped-call]
