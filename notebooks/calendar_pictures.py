"""Pictures of time: spans of validity against today, and a calendar of deadlines with the months that are closed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

import matplotlib.dates as dates
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pictures import ACCENT, INK, LINE

PALE = "#c9d6e2"


def spans(
    rows: Mapping[str, tuple[date, date]],
    *,
    today: date,
    marks: Mapping[str, date] | None = None,
    now: str = "today",
) -> Figure:
    """A bar for each name from its first to its last day, with today and other days as upright lines.

    Args:
        now: the word at today's line.
    """
    figure, axes = plt.subplots(figsize=(8.5, 0.5 * len(rows) + 1.1), layout="constrained")
    for row, (first, last) in enumerate(rows.values()):
        over = last < today
        axes.barh(row, (last - first).days, left=_number(first), height=0.5, color=PALE if over else ACCENT,
                  hatch="///" if over else "", edgecolor=INK, linewidth=0.8)  # fmt: skip
        axes.text(_number(last), row, f" {last:%d.%m.%Y}", va="center", fontsize=8.5, color=INK)
    for name, day in {now: today, **(marks or {})}.items():
        axes.axvline(_number(day), color=INK, linewidth=1.2, linestyle="-" if name == now else "--")
        axes.text(_number(day), -0.85, name, ha="center", va="center", fontsize=8.5, color=INK)
    axes.set_yticks(range(len(rows)), list(rows), fontsize=9, color=INK)
    axes.set_ylim(len(rows) - 0.5, -1.15)
    first, last = min(one for one, _ in rows.values()), max(one for _, one in rows.values())
    _axis(axes, first, last + (last - first) / 6)
    plt.close(figure)
    return figure


def deadlines(
    events: Sequence[tuple[date, str]], *, today: date, closed: Collection[int] = (), last: date | None = None
) -> Figure:
    """A line of time with days to keep; months in ``closed`` are hatched, days that have passed are white."""
    figure, axes = plt.subplots(figsize=(10.0, 0.45 * len(events) + 1.2), layout="constrained")
    ordered = sorted(events)
    end = last or ordered[-1][0] + timedelta(days=45)
    begin = min(today, ordered[0][0]) - timedelta(days=10)
    for month in _months(begin, end):
        if month.month in closed:
            axes.axvspan(_number(month), _number(_next(month)), facecolor="white", edgecolor=PALE, hatch="////")
            axes.text(_number(month) + 15, len(ordered) - 0.4, "closed", ha="center", va="bottom", fontsize=8,
                      color=LINE)  # fmt: skip
    for row, (day, text) in enumerate(ordered):
        late = day < today
        axes.plot((_number(day), _number(day)), (row, len(ordered) - 0.35), color=PALE, linewidth=1, zorder=1)
        axes.plot(
            _number(day), row, "D", color="white" if late else ACCENT, markeredgecolor=INK, markersize=8, zorder=3
        )
        beyond = day > begin + (end - begin) * 0.55
        axes.text(_number(day) + (-6 if beyond else 6), row, f"{day:%d.%m.%Y}  {text}", va="center", fontsize=8.5,
                  ha="right" if beyond else "left", color=INK, zorder=4,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
    axes.axvline(_number(today), color=INK, linewidth=1.2)
    axes.text(_number(today), -0.95, "today", ha="center", va="center", fontsize=8.5, color=INK)
    axes.set_yticks([])
    axes.set_ylim(len(ordered) - 0.3, -1.2)
    _axis(axes, begin, end)
    plt.close(figure)
    return figure


def _axis(axes: Axes, first: date, last: date) -> None:
    axes.set_xlim(_number(first), _number(last))
    months = max(1, round((last - first).days / 30 / 9))
    axes.xaxis.set_major_locator(dates.MonthLocator(interval=months))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(dates.DateFormatter("%m/%Y"))  # type: ignore[no-untyped-call]
    axes.tick_params(axis="x", labelsize=8.5, colors=INK)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _number(day: date) -> float:
    return float(dates.date2num(day))  # type: ignore[no-untyped-call]


def _months(first: date, last: date) -> list[date]:
    found = [first.replace(day=1)]
    while _next(found[-1]) <= last:
        found.append(_next(found[-1]))
    return found


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
