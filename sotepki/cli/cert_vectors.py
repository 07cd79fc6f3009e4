"""``sotepki cert defects`` and ``sotepki cert vectors``: the catalogue of defects, and its files for a validator."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from sotepki.cli.context import emit, progress_wanted


@click.command("defects")
def defects() -> None:
    """List the catalogue of defects with the verdict that each must get."""
    from sotepki.x509.defects import load_defects

    known = list(load_defects().values())
    rows = [
        {
            "id": defect.id,
            "title": defect.title,
            "group": defect.group,
            "base": str(defect.base),
            "expected": {"path": defect.path.as_dict(), "lint": defect.lint.as_dict()},
        }
        for defect in known
    ]
    lines = []
    for defect in known:
        rules = " ".join(one.rule for one in (defect.path, defect.lint) if one.rule)
        lines.append(f"{defect.id:<38} path {defect.path.verdict}, lint {defect.lint.verdict}  {rules}")
        lines.append(f"{'':<4}{defect.title}")
    emit(rows, "\n".join(lines))


@click.command("vectors")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--defect", "names", multiple=True, metavar="ID", help="Only this one; may be given several times.")
@click.option("--at", metavar="TIME", help="The moment the vectors are judged at; without it now.")
def vectors(out: Path, names: Sequence[str], at: str | None) -> None:
    """Build the defects and good certificates into the new directory OUT, with OUT/index.json.

    A TEST hierarchy is made for them and its keys are thrown away. The shape of the index is
    docs/schemas/vectors.schema.json; 'sotepki cert verify --index OUT/index.json' judges them again.
    """
    from sotepki.cli.cert_verify import moment_of
    from sotepki.clock import SystemClock
    from sotepki.x509.defects import DefectWorld, find_defect, fresh_keys, load_defects
    from sotepki.x509.defects.vectors import write_vectors

    chosen = [find_defect(name) for name in dict.fromkeys(names)] or list(load_defects().values())
    moment = moment_of(at) if at else SystemClock().now()
    world = DefectWorld(moment, fresh_keys())
    hidden = not progress_wanted()
    with click.progressbar(length=len(chosen), label="Building vectors", hidden=hidden, file=sys.stderr) as bar:
        index = write_vectors(out, world, defects=chosen, tell=lambda _name: bar.update(1))
    broken = sum(row["group"] != "good" for row in index["vectors"])
    emit(
        {
            "directory": str(out),
            "index": str(out / "index.json"),
            "vectors": len(index["vectors"]),
            "defects": broken,
        },
        f"{out}: {len(index['vectors'])} vectors, {broken} of them defects; index {out / 'index.json'}.",
    )
