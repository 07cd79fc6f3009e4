"""A state machine as SVG: the states stand in a column, steps to the next state between them, all others in lanes.

Steps that lead down run on the right, steps that lead back on the left; the arrow and the name of a step stand at the
state that it leads to, a dot at each state that it leaves and where its lines join. A step that stays is written into
its state. Nothing is told by colour alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from sotepki.states import StateMachine, Transition

INK, PAPER, LINE, ACCENT = "#1b2a3a", "#f4f6f8", "#5b6b7b", "#0b5394"

# All lengths are pixels of the picture at its own size.
_LETTER = 6.3
_ROW = 20
_LANE = 16
_PADDING = 14
_BETWEEN = 22


@dataclass(frozen=True)
class _Lane:
    """A step that is drawn beside the column: the states that it leaves, and the one it leads to, by their places."""

    label: str
    origins: tuple[int, ...]
    target: int

    @property
    def places(self) -> tuple[int, ...]:
        return (*self.origins, self.target)

    @property
    def span(self) -> int:
        return max(self.places) - min(self.places)


@dataclass(frozen=True)
class _Sorted:
    """The steps of a machine by the way in which they are drawn."""

    straight: Mapping[int, Sequence[str]]
    staying: Mapping[int, Sequence[str]]
    down: Sequence[_Lane]
    back: Sequence[_Lane]


@dataclass(frozen=True)
class _Box:
    """Where a state stands."""

    top: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height


def as_svg(machine: StateMachine) -> str:
    """The picture of a machine, one file without references to others."""
    sorted_steps = _sort(machine)
    down, back = _Side(sorted_steps.down), _Side(sorted_steps.back)
    names = list(machine.states)
    width = 60 + _LETTER * max(
        [len(name) + 4 for name in names] + [len(s) for steps in sorted_steps.staying.values() for s in steps]
    )
    left, right = 10 + back.width, 10 + back.width + width
    between = {place: _BETWEEN + 15 * len(steps) for place, steps in sorted_steps.straight.items()}
    boxes: list[_Box] = []
    top = 46.0
    for place in range(len(names)):
        rows = max(down.ports(place), back.ports(place))
        height = max(34 + 15 * len(sorted_steps.staying.get(place, ())), rows * _ROW + 10)
        boxes.append(_Box(top, height))
        top += height + between.get(place, _BETWEEN)
    # The labels of straight steps stand right of the middle and may reach beyond the states.
    needed = (
        (left + right) / 2 + 10 + _LETTER * max([0, *(len(s) for r in sorted_steps.straight.values() for s in r)])
    )
    total = max(right + down.width, needed) + 10
    final = set(machine.final_states())
    parts = [
        *_begin(machine, total, boxes[-1].bottom + 12),
        *_initial(names.index(machine.initial), boxes, left, right),
    ]
    for lanes, edge, direction in ((down, right, 1), (back, left, -1)):
        parts += lanes.draw(boxes, edge, direction)
    for place, steps in sorted_steps.straight.items():
        parts += _straight((left + right) / 2, boxes[place].bottom, boxes[place + 1].top, steps)
    for place, name in enumerate(names):
        parts += _state(name, boxes[place], left, width, sorted_steps.staying.get(place, ()), name in final)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _sort(machine: StateMachine) -> _Sorted:
    places = {name: place for place, name in enumerate(machine.states)}
    straight: dict[int, list[str]] = defaultdict(list)
    staying: dict[int, list[str]] = defaultdict(list)
    down: list[_Lane] = []
    back: list[_Lane] = []
    for step in machine.transitions.values():
        origins = sorted(places[name] for name in step.sources)
        leaving = [place for place in origins if step.target_from(list(places)[place]) != list(places)[place]]
        for place in set(origins) - set(leaving):
            staying[place].append(step.name)
        if not leaving:
            continue
        target = places[step.target]
        before = tuple(place for place in leaving if place < target)
        after = tuple(place for place in leaving if place > target)
        if before == (target - 1,):
            straight[before[0]].append(_label(step))
        elif before:
            down.append(_Lane(_label(step), before, target))
        if after:
            back.append(_Lane(_label(step), after, target))
    return _Sorted(straight, staying, down, back)


def _label(step: Transition) -> str:
    return f"{step.name} ({', '.join(sorted(step.actors))})"


class _Side:
    """The lanes of one side: the nearest for the shortest steps, none over another."""

    def __init__(self, lanes: Sequence[_Lane]) -> None:
        self._columns: list[list[_Lane]] = []
        self._ports: dict[int, list[tuple[_Lane, bool]]] = defaultdict(list)
        for lane in sorted(lanes, key=lambda one: one.span):
            for column in self._columns:
                if all(max(lane.places) < min(o.places) or min(lane.places) > max(o.places) for o in column):
                    column.append(lane)
                    break
            else:
                self._columns.append([lane])
        for column in reversed(self._columns):  # the outer lanes get the outer ports, so that fewer lines cross
            for lane in column:
                self._ports[lane.target].append((lane, True))
                for place in lane.origins:
                    self._ports[place].append((lane, False))
        self._label_width = _LETTER * max((len(lane.label) for lane in lanes), default=0) + 24

    @property
    def width(self) -> float:
        return self._label_width + _LANE * len(self._columns) if self._columns else 0

    def ports(self, place: int) -> int:
        """How many lines end at a state."""
        return len(self._ports[place])

    def draw(self, boxes: Sequence[_Box], edge: float, direction: int) -> Iterator[str]:
        """Lines, arrows and names; ``direction`` is 1 for the right side and -1 for the left."""
        heights = {
            (id(lane), place, arrives): boxes[place].top + boxes[place].height * (number + 0.5) / len(ports)
            for place, ports in self._ports.items()
            for number, (lane, arrives) in enumerate(ports)
        }
        for number, column in enumerate(self._columns):
            x = edge + direction * (self._label_width + _LANE * (number + 0.5))
            for lane in column:
                arriving = heights[id(lane), lane.target, True]
                leaving = [heights[id(lane), place, False] for place in lane.origins]
                for y in leaving:
                    yield f'<path d="M{edge:.1f} {y:.1f}H{x:.1f}V{arriving:.1f}" class="line"/>'
                    yield f'<circle cx="{edge:.1f}" cy="{y:.1f}" r="3" class="dot"/>'
                farthest = max(leaving, key=lambda y: abs(y - arriving))
                for y in sorted(set(leaving) - {farthest}):
                    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" class="dot"/>'
                yield f'<path d="M{x:.1f} {arriving:.1f}H{edge + direction * 2:.1f}" class="line" {_ARROW}/>'
                anchor = "start" if direction > 0 else "end"
                yield _text(edge + direction * 14, arriving - 4, lane.label, anchor=anchor)


_ARROW = 'marker-end="url(#arrow)"'


def _begin(machine: StateMachine, width: float, height: float) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="{escape(machine.title)}">'
    )
    yield (
        "<style>text{font:11px 'DejaVu Sans',Verdana,sans-serif;fill:"
        + INK
        + "}.name{font-weight:bold;font-size:12px}"
        f".line{{fill:none;stroke:{LINE};stroke-width:1.3}}.dot{{fill:{LINE}}}"
        f".state{{fill:{PAPER};stroke:{INK};stroke-width:1.2}}.stay{{fill:{ACCENT}}}</style>"
    )
    yield (
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        f'orient="auto"><path d="M0 0L8 4L0 8z" fill="{LINE}"/></marker></defs>'
    )
    yield f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>'


def _initial(place: int, boxes: Sequence[_Box], left: float, right: float) -> Iterator[str]:
    x, top = (left + right) / 2, boxes[place].top
    if place == 0:
        yield f'<circle cx="{x:.1f}" cy="{top - 28:.1f}" r="6" fill="{INK}"/>'
        yield f'<path d="M{x:.1f} {top - 22:.1f}V{top - 2:.1f}" class="line" {_ARROW}/>'
    else:
        yield f'<circle cx="{left + 14:.1f}" cy="{top - 8:.1f}" r="6" fill="{INK}"/>'


def _straight(x: float, top: float, bottom: float, labels: Sequence[str]) -> Iterator[str]:
    yield f'<path d="M{x:.1f} {top:.1f}V{bottom - 2:.1f}" class="line" {_ARROW}/>'
    first = (top + bottom) / 2 - 7.5 * (len(labels) - 1) + 3
    for number, label in enumerate(labels):
        yield _text(x + 10, first + 15 * number, label)


def _state(name: str, box: _Box, left: float, width: float, staying: Sequence[str], final: bool) -> Iterator[str]:
    frame = '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="{}" class="state"/>'
    yield frame.format(left, box.top, width, box.height, 7)
    if final:
        yield frame.format(left + 3, box.top + 3, width - 6, box.height - 6, 5)
    middle = left + width / 2
    first = box.top + box.height / 2 + 4 - 7.5 * len(staying)
    yield _text(middle, first, name, anchor="middle", kind="name")
    for number, step in enumerate(staying):
        yield _text(middle, first + 15 * (number + 1), f"\u21bb {step}", anchor="middle", kind="stay")


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    styled = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{styled}>{escape(text)}</text>'
