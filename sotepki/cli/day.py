"""A day on the command line: ``YYYY-MM-DD``. For a day written the Finnish way the refusal gives this form."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import click


class Day(click.ParamType):  # type: ignore[type-arg]  # generic in the newest versions of click only
    """A day as a ``date``; anything else is refused in a sentence."""

    name = "day"

    def get_metavar(self, *_args: Any, **_more: Any) -> str:
        return "DAY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError:
            self.fail(_sentence(str(value)), param, ctx)


DAY = Day()


def _sentence(text: str) -> str:
    try:
        meant = datetime.strptime(text.strip(), "%d.%m.%Y")
    except ValueError:
        return f"{text[:40]!r} is not a day. Write YYYY-MM-DD, as in 2027-12-31."
    return f"write {text.strip()} as {meant:%Y-%m-%d}."
