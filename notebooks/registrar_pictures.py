"""Pictures for the registrar's notebook: what is in place and what lacks, two ways of one card, a day at the desk.

Words come from the caller, in the reader's language; everything else is drawn from the offices' books.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from phrases import Speaker
from pictures import ACCENT, INK, LINE, PAPER

from sotepki.clock import HELSINKI, finnish_day
from sotepki.dvv.vartti.orders import TakenStep
from sotepki.records import JournalEntry

# What the journal calls the deeds that the picture of the day shows.
_TOLD = frozenset(
    f"card-order.{step}" for step in ("place", "hand-over", "activate", "new-code", "confirm-closed", "found")
) | {"contract.sign-afterwards", "spare.received", "spare.issued", "spare.emptied"}


@dataclass(frozen=True)
class Stop:
    """A day on the way of a card or a letter."""

    day: date
    what: str


@dataclass(frozen=True)
class Deed:
    """Something at the desk: done, or refused under a rule."""

    at: datetime
    what: str
    rule: str = ""


def readiness(lacking: Mapping[str, Sequence[str]], rules: Mapping[str, str], *, there: str, lacks: str) -> Figure:
    """Which of the rules are kept at each moment.

    Args:
        lacking: moment to the ids of the rules that are not kept then.
        rules: id to what it asks, in a few words.
        there: the word in a field that is in place.
        lacks: the word in a field that is not.
    """
    moments = list(lacking)
    figure, axes = plt.subplots(figsize=(9.5, 0.42 * len(rules) + 0.75), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(-2.05, len(moments) - 0.45)
    axes.set_ylim(len(rules) - 0.45, -1.15)
    for column, moment in enumerate(moments):
        axes.text(column, -0.8, moment, ha="center", va="center", fontsize=9, fontweight="bold", color=INK)
    for row, (rule, words) in enumerate(rules.items()):
        axes.text(-0.55, row, words, ha="right", va="center", fontsize=9, color=INK)
        for column, moment in enumerate(moments):
            kept = rule not in lacking[moment]
            axes.add_patch(
                Rectangle((column - 0.46, row - 0.38), 0.92, 0.76, facecolor=ACCENT if kept else "white",
                          edgecolor=LINE, linewidth=0.8)
            )  # fmt: skip
            axes.text(column, row, there if kept else lacks, ha="center", va="center", fontsize=8.5,
                      color="white" if kept else INK)  # fmt: skip
    plt.close(figure)
    return figure


def two_ways(ways: Mapping[str, Sequence[Stop]]) -> Figure:
    """One line of days for each thing that travels, with its stops; labels change sides and cover none."""
    figure, axes = plt.subplots(figsize=(9.5, 1.35 * len(ways) + 0.6), layout="constrained")
    for row, (thing, stops) in enumerate(ways.items()):
        days = [_number(stop.day) for stop in stops]
        axes.plot(days, [row] * len(days), color=ACCENT, linewidth=2.4, zorder=2, solid_capstyle="round",
                  linestyle="-" if row == 0 else (0, (4, 2)))  # fmt: skip
        axes.plot(days, [row] * len(days), "o", color="white", markeredgecolor=INK, markersize=8, zorder=3)
        for place, (day, stop) in enumerate(zip(days, stops, strict=True)):
            above = place % 2 == 0
            axes.annotate(
                f"{stop.what}\n{stop.day.day}.{stop.day.month}.", (day, row), xytext=(0, 11 if above else -11),
                textcoords="offset points", ha="center", va="bottom" if above else "top", fontsize=8.5, color=INK,
            )  # fmt: skip
        axes.text(-0.01, row, thing, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=9.5,
                  fontweight="bold", color=INK)  # fmt: skip
    every = [_number(stop.day) for stops in ways.values() for stop in stops]
    axes.set_xlim(min(every) - 2.2, max(every) + 2.2)
    axes.set_ylim(len(ways) - 0.35, -0.65)
    _bare(axes)
    plt.close(figure)
    return figure


def day_at_the_desk(deeds: Sequence[Deed]) -> Figure:
    """The day from above to below: a filled circle was done, a cross was refused, and by which rule."""
    figure, axes = plt.subplots(figsize=(9.5, 0.3 * len(deeds) + 0.5), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(0, 10)
    axes.set_ylim(len(deeds) - 0.4, -0.6)
    axes.axvline(1.0, color=LINE, linewidth=1.2, zorder=1)
    former = ""
    for row, deed in enumerate(deeds):
        moment = f"{deed.at.astimezone(HELSINKI):%H.%M}"
        if moment != former:
            axes.add_patch(Rectangle((0.05, row - 0.4), 0.72, 0.8, facecolor=PAPER, edgecolor="none", zorder=0))
            axes.text(0.41, row, moment, ha="center", va="center", fontsize=9, fontweight="bold", color=INK)
        former = moment
        axes.plot(1.0, row, "X" if deed.rule else "o", color="white" if deed.rule else ACCENT, markeredgecolor=INK,
                  markersize=9 if deed.rule else 8, zorder=3)  # fmt: skip
        axes.text(1.25, row, deed.what, ha="left", va="center", fontsize=9, color=INK)
        if deed.rule:
            axes.text(9.95, row, deed.rule, ha="right", va="center", fontsize=8.5, family="monospace", color=LINE)
    plt.close(figure)
    return figure


def stops_of(history: Sequence[TakenStep], say: Speaker, *steps: str) -> list[Stop]:
    """Those steps of a card's history that are named, each with its Finnish day; ``say`` has a phrase for each."""
    days = {step.step: finnish_day(step.at) for step in history}
    return [Stop(days[step], say(f"stop {step}")) for step in steps if step in days]


def deeds_of(entries: Sequence[JournalEntry], say: Speaker) -> list[Deed]:
    """The entries of the journal that somebody at the desk would tell of; steps within another one are left out."""
    deeds = []
    for entry in entries:
        details = json.loads(entry.details)
        if entry.action == "refused":
            deeds.append(Deed(entry.at, say("refused at", what=say(f"tried {details['step']}")), details["rule"]))
        elif entry.action in _TOLD:
            deeds.append(Deed(entry.at, say(f"did {entry.action}", id=entry.subject.removeprefix("spare card "))))
    return deeds


def _number(day: date) -> float:
    return float(date2num(datetime(day.year, day.month, day.day) + timedelta(hours=12)))  # type: ignore[no-untyped-call]


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
