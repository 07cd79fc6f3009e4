"""``sotepki figures``: the ministry's view, as tables (text, JSON, CSV) and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, output_format, pass_workspace
from sotepki.cli.lazy import offers_formats
from sotepki.errors import Misuse

if TYPE_CHECKING:
    import pandas as pd

    from sotepki.workspace import Workspace


@click.command("figures")
@click.argument("table", required=False)
@click.option("--pictures", type=click.Path(path_type=Path, file_okay=False), help="Write every picture into there.")
@click.option(
    "--kind", type=click.Choice(["svg", "png", "pdf"]), default="svg", show_default=True, help="Of pictures."
)
@pass_workspace
@offers_formats("csv")
def command(workspace: Workspace, table: str | None, pictures: Path | None, kind: str) -> None:
    """Overall figures: cards, certificates, revocations, lapses, waiting, refusals, rights.

    TABLE is one of them; without it all are printed. CSV is of one table. No person can be found in any.
    """
    from sotepki.ministry import COLUMNS, collect

    if table is not None and table not in COLUMNS:
        raise Misuse(f"There is no table {table[:40]!r}; there are: {', '.join(COLUMNS)}.")
    if output_format() == "csv" and table is None:
        raise Misuse("CSV is of one table.", advice=f"Name one: {', '.join(COLUMNS)}.")
    figures = collect(workspace.records)
    if pictures is not None:
        from sotepki.ministry.pictures import save_all

        written = [str(path) for path in save_all(figures, pictures, kind=kind)]
        emit({"pictures": written}, "\n".join(written))
        return
    chosen = {name: frame for name, frame in figures.tables() if table in (None, name)}
    if output_format() == "csv":
        click.echo(_csv(next(iter(chosen.values()))), nl=False)
        return
    emit(
        {"at": figures.at.isoformat(), **{name: _rows(frame) for name, frame in chosen.items()}},
        lambda: "\n\n".join(f"{COLUMNS[name].title}\n{_text(frame)}" for name, frame in chosen.items()),
    )


def _csv(frame: pd.DataFrame) -> str:
    """The table as CSV; its words are defused for spreadsheets, its numbers and moments are left alone."""
    from sotepki.records.csv_cells import defused

    words = {
        str(name): column.astype(object).map(defused, na_action="ignore")
        for name, column in frame.select_dtypes("category").items()
    }
    return str(frame.assign(**words).to_csv(index=False))


def _rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [
        {str(key): value.isoformat() if hasattr(value, "isoformat") else value for key, value in row.items()}
        for row in plain.to_dict(orient="records")
    ]


def _text(frame: pd.DataFrame) -> str:
    if frame.empty:
        return "  nothing yet"
    short = frame.copy()
    for name in short.select_dtypes("datetimetz").columns:
        short[name] = short[name].dt.strftime("%Y-%m-%d")
    return str(short.to_string(index=False, float_format="%.1f", na_rep="-"))
