"""For developers: the models of every room, how they differ from the revisions, and new revisions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import UpgradeOps
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from sotepki.records.database import Base, Database, UtcDateTime
from sotepki.records.migrations import VERSIONS, apply, directory, revisions
from sotepki.records.migrations.models import load_models

FIRST = "0001_first_release"
LONGEST = 32
"""Characters of a revision's name that Alembic's table holds."""

_TEXT = '''"""{title}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {previous}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the database from the revision before to this one."""
{body}
'''


def differences(connection: Connection) -> list[Any]:
    """What a revision would have to change so that a database has the schema of the models."""
    load_models()
    return list(compare_metadata(_context(connection), Base.metadata))


def write_first() -> Path:
    """Write the first revision anew from the models. Only as long as no version has been released."""
    load_models()
    database = Database("sqlite://")
    with database.engine.connect() as connection:
        return _write(connection, FIRST, previous=None, title="The schema of the first release")


def write_next(title: str) -> Path:
    """Write a revision with what the models have and the revisions lack; to be read and mended by hand."""
    load_models()
    known = revisions()
    name = "_".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
    database = Database("sqlite://")
    apply(database, None, known[-1])
    with database.engine.connect() as connection:
        return _write(
            connection, f"{len(known) + 1:04d}_{name}"[:LONGEST], previous=known[-1], title=title.rstrip(".")
        )


def _write(connection: Connection, revision: str, *, previous: str | None, title: str) -> Path:
    operations = produce_migrations(_context(connection), Base.metadata).upgrade_ops
    assert isinstance(operations, UpgradeOps)
    code = render_python_code(operations, render_as_batch=previous is not None, render_item=_plain_type)
    body = "\n".join(line for line in code.splitlines() if "###" not in line)
    target = directory() / VERSIONS / f"{revision}.py"
    quoted = f'"{previous}"' if previous else "None"
    target.write_text(
        _TEXT.format(title=title, revision=revision, previous=quoted, body="    " + body.strip()), encoding="utf-8"
    )
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", target], check=True)
    return target


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": Base.metadata})


def _plain_type(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """A revision stands for itself: it names no class of this package, which may change later."""
    return "sa.DateTime()" if kind == "type" and isinstance(item, UtcDateTime) else False


def main(arguments: Sequence[str]) -> int:
    """``regenerate`` or ``revision TITLE``."""
    match list(arguments):
        case ["regenerate"]:
            print(write_first())
        case ["revision", title]:
            print(write_next(title))
        case _:
            print("usage: python -m sotepki.records.migrations regenerate | revision TITLE", file=sys.stderr)
            return 2
    return 0
