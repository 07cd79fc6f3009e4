"""Pictures of prescriptions: who signs which document, and how one version follows another."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from pictures import ACCENT, INK, LINE, PAPER


def who_signs(
    rows: Mapping[str, Collection[str]], signers: Mapping[str, str], *, signs: str = "signs", not_so: str = "no"
) -> Figure:
    """A grid: documents down, signers across; dark says that this signer's signature is the right one.

    Args:
        signers: id of the signer to the words above its column.
        signs: the word in a dark field.
        not_so: the word in a pale one.
    """
    figure, axes = plt.subplots(figsize=(8.5, 0.42 * len(rows) + 0.9), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(-2.3, len(signers) - 0.4)
    axes.set_ylim(len(rows) - 0.45, -1.35)
    for column, words in enumerate(signers.values()):
        axes.text(column, -0.85, words, ha="center", va="center", fontsize=9, fontweight="bold", color=INK)
    for row, (document, allowed) in enumerate(rows.items()):
        axes.text(-0.6, row, document, ha="right", va="center", fontsize=9, color=INK)
        for column, signer in enumerate(signers):
            right = signer in allowed
            axes.add_patch(
                Rectangle((column - 0.46, row - 0.38), 0.92, 0.76, facecolor=ACCENT if right else PAPER,
                          edgecolor=LINE, linewidth=0.8)
            )  # fmt: skip
            axes.text(column, row, signs if right else not_so, ha="center", va="center", fontsize=8.5,
                      color="white" if right else LINE)  # fmt: skip
    plt.close(figure)
    return figure


def versions(steps: Sequence[tuple[str, str, str]], *, replaces: str = "replaces") -> Figure:
    """Versions of one prescription from left to right: name, role of its author, number of the version.

    Args:
        replaces: the word over each arrow.
    """
    figure, axes = plt.subplots(figsize=(8.5, 1.7), layout="constrained")
    axes.set_axis_off()
    axes.set_xlim(-0.75, len(steps) - 0.25)
    axes.set_ylim(-0.62, 0.62)
    for place, (name, role, version) in enumerate(steps):
        newest = place == len(steps) - 1
        axes.add_patch(
            FancyBboxPatch((place - 0.34, -0.3), 0.68, 0.6, boxstyle="round,pad=0.02,rounding_size=0.06", zorder=3,
                           facecolor=ACCENT if newest else PAPER, edgecolor=INK, linewidth=1.1)
        )  # fmt: skip
        ink = "white" if newest else INK
        axes.text(place, 0.12, name, ha="center", va="center", fontsize=9, fontweight="bold", color=ink, zorder=4)
        axes.text(place, -0.12, role, ha="center", va="center", fontsize=8, color=ink, zorder=4)
        axes.text(place, -0.48, version, ha="center", va="center", fontsize=8.5, color=LINE)
        if place:
            axes.add_patch(
                FancyArrowPatch((place - 0.36, 0), (place - 0.64, 0), arrowstyle="-|>", mutation_scale=14, color=LINE,
                                linewidth=1.3, zorder=2)
            )  # fmt: skip
            axes.text(place - 0.5, 0.12, replaces, ha="center", va="bottom", fontsize=7.5, color=LINE)
    plt.close(figure)
    return figure
