"""Pictures of a certificate authority: the trees it is made of, and for how long which answer may be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import matplotlib.pyplot as plt
from cryptography.x509.oid import NameOID
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch
from pictures import ACCENT, INK, LINE, PAPER

from sotepki.dvv import Authorities

PALE = "#c9d6e2"
_TRUE, _UNTRUE = (ACCENT, ""), (PALE, "///")


@dataclass(frozen=True)
class Node:
    """A certificate authority in its tree; ``made`` False is drawn dashed: planned, not there yet."""

    id: str
    lines: tuple[str, ...]
    issuer: str | None
    made: bool = True


def nodes_of(authorities: Authorities) -> list[Node]:
    """The authorities of a workspace's plan, with what is known of those that are made."""
    made = set(authorities.made())
    nodes = []
    for plan in authorities.plan.authorities.values():
        lines: tuple[str, ...] = (plan.title, str(plan.key), "not made yet")
        if plan.id in made:
            own = authorities.certificate(plan.id)
            (name,) = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            lines = (str(name.value), str(plan.key), f"until {own.not_valid_after_utc.year}", plan.publication_id)
        nodes.append(Node(plan.id, lines, plan.issuer, plan.id in made))
    return nodes


def trees(nodes: Sequence[Node]) -> Figure:
    """Roots on the left, what they issue on the right; one tree below the other."""
    rows = _rows(nodes)
    height = max(rows.values()) + 1
    figure, axes = plt.subplots(figsize=(8.5, 0.66 * height + 0.2), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(-0.1, 10)
    axes.set_ylim(height - 0.4, -0.6)
    for node in nodes:
        left, width = (0.0, 3.6) if node.issuer is None else (4.8, 5.1)
        row = rows[node.id]
        axes.add_patch(
            FancyBboxPatch(
                (left, row - 0.36), width, 0.72, boxstyle="round,pad=0.02,rounding_size=0.08", edgecolor=INK,
                facecolor=PAPER if node.made else "white", linewidth=1.1 if node.made else 0.9,
                linestyle="-" if node.made else "--",
            )
        )  # fmt: skip
        first, *rest = node.lines
        axes.text(left + 0.12, row - 0.13, first, va="center", fontsize=8, fontweight="bold", color=INK)
        axes.text(left + 0.12, row + 0.17, "   ".join(rest), va="center", fontsize=7.5, color=INK)
        if node.issuer is not None:
            axes.plot((3.65, 4.2, 4.2, 4.75), (rows[node.issuer], rows[node.issuer], row, row), color=LINE, lw=1.1,
                      linestyle="-" if node.made else "--", zorder=0)  # fmt: skip
    plt.close(figure)
    return figure


def windows(spans: Mapping[str, tuple[datetime, datetime]], marks: Mapping[str, datetime]) -> Figure:
    """For how long an answer may be believed: a bar each, hatched where the first mark made it untrue."""
    begin = min(start for start, _ in spans.values())
    turning = min(marks.values())
    figure, axes = plt.subplots(figsize=(8.5, 0.46 * len(spans) + 1.45), layout="constrained")
    for row, (start, end) in enumerate(spans.values()):
        true_until = end if start >= turning else min(end, turning)
        for left, right, (colour, hatch) in ((start, true_until, _TRUE), (true_until, end, _UNTRUE)):
            if right > left:
                axes.barh(row, _hours(right - left), left=_hours(left - begin), height=0.55, color=colour,
                          hatch=hatch, edgecolor=INK, linewidth=0.8)  # fmt: skip
    for name, moment in marks.items():
        axes.axvline(_hours(moment - begin), color=INK, linestyle="--", linewidth=1)
        axes.text(_hours(moment - begin), -0.85, f" {name}", color=INK, fontsize=9, va="center")
    fills = [Patch(facecolor=colour, hatch=hatch, edgecolor=INK) for colour, hatch in (_TRUE, _UNTRUE)]
    axes.legend(fills, ("true", "may be believed, and is not true any more"), frameon=False, fontsize=9, ncols=2,
                loc="lower center", bbox_to_anchor=(0.5, 1.0))  # fmt: skip
    axes.set_yticks(range(len(spans)), list(spans), color=INK, fontsize=9)
    axes.set_ylim(len(spans) - 0.5, -1.15)
    axes.set_xlabel("hours", color=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    plt.close(figure)
    return figure


def _rows(nodes: Sequence[Node]) -> dict[str, float]:
    """The row of each node: those without issuees one below the other, roots in the middle of theirs."""
    rows: dict[str, float] = {}
    free = 0.0
    for root in (node for node in nodes if node.issuer is None):
        below = [node for node in nodes if node.issuer == root.id]
        for node in below:
            rows[node.id] = free
            free += 1
        rows[root.id] = free - (len(below) + 1) / 2 if below else free
        free += 0.5 if below else 1.5
    return rows


def _hours(span: timedelta) -> float:
    return span.total_seconds() / 3600
