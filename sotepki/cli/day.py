"""A day on the command line: ``YYYY-MM-DD``. Who writes it as on a Finnish form is told how to write it here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click


class Day(click.DateTime):
    """A day as a ``datetime`` at midnight; anything else is refused in a sentence."""

    name = "day"

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def get_metavar(self, *_args: Any, **_more: Any) -> str:
        return "DAY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            day: datetime = super().convert(value, param, ctx)
        except click.BadParameter:
            raise click.BadParameter(_sentence(str(value)), ctx=ctx, param=param) from None
        return day


DAY = Day()


def _sentence(text: str) -> str:
    try:
        meant = datetime.strptime(text.strip(), "%d.%m.%Y")
    except ValueError:
        return f"{text[:40]!r} is not a day. Write YYYY-MM-DD, as in 2027-12-31."
    return f"write {text.strip()} as {meant:%Y-%m-%d}."
