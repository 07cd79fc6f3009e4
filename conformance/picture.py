"""The matrix as a picture: a dot where a case (row) catches a broken system (column), drawn as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import groupby

from conformance.declaring import Case
from conformance.sut.mutants import Mutant

_CELL, _LEFT, _TOP = 5, 150, 96
_SHADES = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#8a6100", "#35607e")


def matrix_picture(cases: Sequence[Case], mutants: Sequence[Mutant], caught: Mapping[str, Set[str]]) -> str:
    """The SVG; rows are grouped by area, columns by the part of the system that is broken.

    Args:
        caught: for each mutant the cases that caught it.
    """
    rows = sorted(cases, key=lambda case: str(case.area))
    columns = sorted(mutants, key=lambda mutant: str(mutant.facet))
    width, height = _LEFT + _CELL * len(columns) + 10, _TOP + _CELL * len(rows) + 10
    place = {case.id: number for number, case in enumerate(rows)}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="9" role="img">',
        "<title>Which case catches which broken system</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    lines += _bands(rows, len(columns))
    lines += _heads(columns, len(rows))
    shades = {facet: _SHADES[n % len(_SHADES)] for n, facet in enumerate(dict.fromkeys(m.facet for m in columns))}
    for number, mutant in enumerate(columns):
        for case_id in sorted(caught.get(mutant.id, ())):
            if case_id in place:
                x, y = _LEFT + _CELL * number, _TOP + _CELL * place[case_id]
                lines.append(
                    f'<rect x="{x}" y="{y}" width="{_CELL - 1}" height="{_CELL - 1}" fill="{shades[mutant.facet]}">'
                    f"<title>{case_id} catches {mutant.id}</title></rect>"
                )
    return "\n".join([*lines, "</svg>", ""])


def _bands(rows: Sequence[Case], width: int) -> list[str]:
    lines, at = [], 0
    for number, (area, members) in enumerate(groupby(rows, key=lambda case: case.area)):
        count = len(list(members))
        y, tall = _TOP + _CELL * at, _CELL * count
        if number % 2 == 0:
            lines.append(f'<rect x="0" y="{y}" width="{_LEFT + _CELL * width}" height="{tall}" fill="#f1f4f6"/>')
        lines.append(f'<text x="6" y="{y + min(tall, 9) - 1}" fill="#1c2733">{area} ({count})</text>')
        at += count
    return lines


def _heads(columns: Sequence[Mutant], height: int) -> list[str]:
    lines, at, text_at = [], 0, 0
    for facet, members in groupby(columns, key=lambda mutant: mutant.facet):
        count = len(list(members))
        x = _LEFT + _CELL * at
        lines.append(
            f'<line x1="{x - 0.5}" y1="{_TOP - 4}" x2="{x - 0.5}" y2="{_TOP + _CELL * height}" stroke="#d8dee4"/>'
        )
        text_at = max(x + 8, text_at + 11)
        lines.append(
            f'<text transform="translate({text_at} {_TOP - 6}) rotate(-60)" fill="#1c2733">{facet} ({count})</text>'
        )
        at += count
    return lines
