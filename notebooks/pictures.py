"""Pictures for the notebooks: drawn from data, readable in grey print and by the colour-blind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

INK = "#1b2a3a"
PAPER = "#f4f6f8"
LINE = "#5b6b7b"
ACCENT = "#0b5394"


@dataclass(frozen=True)
class Actor:
    """An actor at a place of the picture; ``x`` and ``y`` count boxes from the left and from below."""

    name: str
    duty: str
    x: float
    y: float


@dataclass(frozen=True)
class Deed:
    """What one actor does for another."""

    by: str
    to: str
    what: str


ACTORS = (
    Actor("Valvira", "grants professional rights", 0, 2),
    Actor("DVV", "issues certificates and cards", 1.95, 2),
    Actor("THL", "keeps the organisation register", 3.9, 2),
    Actor("Professional", "holds a card, signs", 0, 1),
    Actor("Registrar", "checks identity, orders in Vartti", 1.95, 1),
    Actor("Service provider", "runs the information system", 3.9, 1),
    Actor("Kanta (Kela)", "accepts what is rightly signed and sent", 1.95, 0),
)

DEEDS = (
    Deed("Valvira", "DVV", "rights in force"),
    Deed("THL", "DVV", "who is who"),
    Deed("Registrar", "DVV", "card order"),
    Deed("Registrar", "Professional", "card"),
    Deed("DVV", "Service provider", "service certificates"),
    Deed("Professional", "Kanta (Kela)", "signed document"),
    Deed("Service provider", "Kanta (Kela)", "mutual TLS"),
)


def actors(people: Sequence[Actor] = ACTORS, deeds: Sequence[Deed] = DEEDS) -> Figure:
    """The actors and what they do for one another."""
    figure, axes = plt.subplots(figsize=(10.5, 5.2), layout="constrained")
    axes.set_xlim(-0.75, 4.65)
    axes.set_ylim(-0.45, 2.45)
    axes.set_axis_off()
    places = {actor.name: actor for actor in people}
    boxes = {actor.name: _box(axes, actor) for actor in people}
    for deed in deeds:
        _arrow(axes, places, boxes, deed)
    plt.close(figure)
    return figure


def validity(spans: Mapping[str, tuple[float, float]], *, unit: str = "years from today") -> Figure:
    """Bars from begin to end, one for each name, the longest first."""
    figure, axes = plt.subplots(figsize=(8.5, 0.42 * len(spans) + 1.0), layout="constrained")
    ordered = sorted(spans.items(), key=lambda item: item[1][1] - item[1][0])
    for row, (name, (begin, end)) in enumerate(ordered):
        axes.barh(row, end - begin, left=begin, color=ACCENT, height=0.55)
        axes.text(end, row, f" {end:.0f}" if end >= 2 else f" {end:.1f}", va="center", color=INK, fontsize=9)
        axes.text(begin, row, f"{name} ", va="center", ha="right", color=INK, fontsize=9)
    axes.set_yticks([])
    axes.set_xlabel(unit, color=INK)
    axes.axvline(0, color=LINE, linewidth=0.8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    plt.close(figure)
    return figure


def _box(axes: Axes, actor: Actor) -> FancyBboxPatch:
    width, height = 1.2, 0.44
    box = FancyBboxPatch(
        (actor.x - width / 2, actor.y - height / 2), width, height,
        boxstyle="round,pad=0.02,rounding_size=0.06", facecolor=PAPER, edgecolor=INK, linewidth=1.1, zorder=3,
    )  # fmt: skip
    axes.add_patch(box)
    axes.text(actor.x, actor.y + 0.07, actor.name, ha="center", va="center", fontweight="bold", color=INK, zorder=4)
    axes.text(actor.x, actor.y - 0.1, actor.duty, ha="center", va="center", fontsize=7.5, color=INK, zorder=4)
    return box


def _arrow(axes: Axes, places: Mapping[str, Actor], boxes: Mapping[str, FancyBboxPatch], deed: Deed) -> None:
    begin, end = places[deed.by], places[deed.to]
    axes.add_patch(
        FancyArrowPatch(
            (begin.x, begin.y), (end.x, end.y), patchA=boxes[deed.by], patchB=boxes[deed.to], shrinkA=2, shrinkB=3,
            arrowstyle="-|>", mutation_scale=14, color=LINE, linewidth=1.2, zorder=5,
        )
    )  # fmt: skip
    axes.text(
        (begin.x + end.x) / 2, (begin.y + end.y) / 2, deed.what, ha="center", va="center", fontsize=8, color=ACCENT,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0}, zorder=6,
    )  # fmt: skip
