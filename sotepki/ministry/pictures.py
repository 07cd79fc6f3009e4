"""The figures as pictures: one calm style that prints in grey.

Lightness and hatching carry what colour might lose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from sotepki.errors import Misuse
from sotepki.ministry.figures import Figures

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ImportError as error:  # pragma: no cover - matplotlib belongs to the extra 'lab'
    raise Misuse("Pictures need matplotlib.", advice="Install the project with its extra 'lab'.") from error

INK, LINE = "#1b2a3a", "#5b6b7b"
# Three shades of one hue, far apart in lightness, each with a hatching of its own.
SHADES = ("#0b5394", "#7fa8d1", "#dbe7f3")
HATCHES = ("", "///", "...")
MOST = 18
"""Bars in a picture; the rest is summed up in the last."""


def picture_of(name: str, figures: Figures) -> Figure:
    """One picture by the name of its table."""
    return _PICTURES[name](figures)


def save_all(figures: Figures, directory: Path, *, kind: str = "svg") -> list[Path]:
    """Write every picture into a directory (made if need be); the files, in the order of the tables."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, draw in _PICTURES.items():
        target = directory / f"{name}.{kind}"
        # A fixed date and salt: the same figures give the same file.
        metadata = {"Date": None} if kind == "svg" else None
        draw(figures).savefig(target, metadata=metadata)
        written.append(target)
    return written


def bars(frame: pd.DataFrame, title: str, unit: str) -> Figure:
    """Horizontal bars, one for each row of the index; several columns stand in one bar, one after the other."""
    frame = _shortened(frame)
    figure = Figure(figsize=(8.5, 0.36 * max(len(frame), 1) + 1.5), layout="constrained")
    axes: Axes = figure.subplots()
    left = pd.Series(0.0, index=frame.index)
    places = range(len(frame))
    for number, column in enumerate(frame.columns):
        axes.barh(
            places,
            frame[column],
            left=left,
            height=0.6,
            color=SHADES[number % len(SHADES)],
            hatch=HATCHES[number % len(HATCHES)],
            edgecolor=INK,
            linewidth=0.6,
            label=str(column).replace("_", " "),
        )
        left = left + frame[column]
    for place, total in zip(places, left, strict=True):
        axes.text(total, place, f" {total:.3g}" if total % 1 else f" {total:.0f}", va="center", color=INK, fontsize=8)
    axes.set_yticks(list(places), [str(label) for label in frame.index], color=INK, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(unit, color=INK, fontsize=9)
    axes.set_title(title, color=INK, fontsize=11, loc="left")
    axes.tick_params(colors=LINE)
    axes.margins(x=0.08)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if len(frame.columns) > 1 and len(frame):
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    if frame.empty:
        axes.text(0.5, 0.5, "nothing yet", transform=axes.transAxes, ha="center", color=LINE)
    return figure


def _shortened(frame: pd.DataFrame) -> pd.DataFrame:
    ordered = frame.assign(_total=frame.sum(axis=1)).sort_values("_total", ascending=False, kind="stable")
    ordered = ordered.drop(columns="_total")
    if len(ordered) <= MOST:
        return ordered
    rest = ordered.iloc[MOST - 1 :].sum().to_frame(f"{len(ordered) - MOST + 1} others").T
    return pd.concat([ordered.iloc[: MOST - 1], rest])


def _counts(frame: pd.DataFrame, index: str, columns: list[str]) -> pd.DataFrame:
    return frame.assign(**{index: frame[index].astype(str)}).groupby(index)[columns].sum()


def _cards(figures: Figures) -> Figure:
    frame = figures.cards.astype({"kind": str, "state": str})
    frame = frame.assign(order=frame["kind"] + ", " + frame["state"]).set_index("order")[["count"]]
    return bars(frame, "Card orders by kind and state", "orders")


def _certificates(figures: Figures) -> Figure:
    frame = _counts(figures.certificates, "profile", ["in_force", "expired", "revoked"])
    return bars(frame, "Certificates by profile", "certificates")


def _revocations(figures: Figures) -> Figure:
    return bars(_counts(figures.revocations, "reason", ["count"]), "Revocations by reason", "certificates")


def _lapses(figures: Figures) -> Figure:
    return bars(_counts(figures.lapses, "what", ["count"]), "What ended because its time was over", "")


def _waiting(figures: Figures) -> Figure:
    frame = _counts(figures.waiting, "what", ["median"]).fillna(0.0)
    return bars(frame, "Waiting times, median", "days")


def _refusals(figures: Figures) -> Figure:
    return bars(_counts(figures.refusals, "rule", ["count"]), "Refusals by rule", "refusals")


def _rights(figures: Figures) -> Figure:
    frame = figures.rights.assign(unrestricted=figures.rights["in_force"] - figures.rights["restricted"])
    return bars(_counts(frame, "title_fi", ["unrestricted", "restricted"]), "Rights in force", "rights")


_PICTURES: Mapping[str, Callable[[Figures], Figure]] = {
    "cards": _cards,
    "certificates": _certificates,
    "revocations": _revocations,
    "lapses": _lapses,
    "waiting": _waiting,
    "refusals": _refusals,
    "rights": _rights,
}
