"""``sotepki provider plan``: the information-security plan and the self-monitoring plan."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace, read_input
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.provider.plans import Plan, Plans
    from sotepki.workspace import Workspace

_DAY = click.DateTime(["%Y-%m-%d"])
_ACTOR = click.option("--actor", default="administrator", show_default=True, help="Who does it, for the journal.")
_ROLE = click.option(
    "--role", type=click.Choice(["author", "management"]), help="Whose step it is; by default the one who may."
)
_REVIEW_BY = click.option("--review-by", type=_DAY, required=True, help="The day of the next review, YYYY-MM-DD.")


@click.group("plan")
def plan() -> None:
    """Plans: begin a version, write its parts, approve it, review it.

    KIND is information-security (tietoturvasuunnitelma) or self-monitoring (omavalvontasuunnitelma).
    """


@plan.command("parts")
@click.argument("kind")
@pass_workspace
def parts(workspace: Workspace, kind: str) -> None:
    """List what a kind of plan must tell, each with its source and grade."""
    from sotepki.provider.plans import plan_kinds, plan_rules

    if kind not in plan_kinds():
        raise plan_rules().refusal("plan.kind", f"There is no kind of plan {kind[:40]!a}.")
    found = plan_kinds()[kind]
    emit(
        {
            "kind": found.id,
            "title_fi": found.title_fi,
            "review_months": found.review_months,
            "parts": [
                {"part": one.id, "text": one.text, "source": one.source, "grade": one.grade.value}
                for one in found.parts.values()
            ],
        },
        "\n".join(
            [
                f"{found.id} ({found.title_fi}), reviewed every {found.review_months} months",
                *(f"  {one.id:<24} {one.text} ({one.grade})" for one in found.parts.values()),
            ]
        ),
    )


@plan.command("begin")
@click.argument("organisation")
@click.argument("kind")
@_ACTOR
@pass_workspace
def begin(workspace: Workspace, organisation: str, kind: str, actor: str) -> None:
    """Begin the next version; it takes over the texts of the one in force."""
    from sotepki.identifiers import Oid

    _emit(_plans(workspace).begin(Oid.parse(organisation), kind, actor=actor))


@plan.command("write")
@click.argument("organisation")
@click.argument("kind")
@click.argument("part")
@click.argument("text", required=False)
@click.option("--file", type=click.Path(path_type=Path), help="Read the text from a file ('-': standard input).")
@_ROLE
@_ACTOR
@pass_workspace
def write(
    workspace: Workspace,
    organisation: str,
    kind: str,
    part: str,
    text: str | None,
    file: Path | None,
    role: str | None,
    actor: str,
) -> None:
    """Write a part of the draft."""
    from sotepki.identifiers import Oid
    from sotepki.provider.plans import Role

    if (text is None) == (file is None):
        raise Misuse("A part is written from TEXT or from --file, one of the two.")
    if file is not None:
        try:
            text = read_input(file, limit=1024 * 1024).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Misuse(f"{file} is not UTF-8 text.") from error
    _emit(
        _plans(workspace).write(
            Oid.parse(organisation), kind, part, text or "", actor=actor, role=Role(role or "author")
        )
    )


@plan.command("approve")
@click.argument("organisation")
@click.argument("kind")
@_REVIEW_BY
@_ROLE
@_ACTOR
@pass_workspace
def approve(
    workspace: Workspace, organisation: str, kind: str, review_by: datetime, role: str | None, actor: str
) -> None:
    """Approve the draft; the version that was in force is superseded."""
    from sotepki.identifiers import Oid
    from sotepki.provider.plans import Role

    _emit(
        _plans(workspace).approve(
            Oid.parse(organisation), kind, review_by=review_by.date(), actor=actor, role=Role(role or "management")
        )
    )


@plan.command("review")
@click.argument("organisation")
@click.argument("kind")
@_REVIEW_BY
@_ROLE
@_ACTOR
@pass_workspace
def review(
    workspace: Workspace, organisation: str, kind: str, review_by: datetime, role: str | None, actor: str
) -> None:
    """Note that the plan in force was reviewed and holds."""
    from sotepki.identifiers import Oid
    from sotepki.provider.plans import Role

    _emit(
        _plans(workspace).review(
            Oid.parse(organisation), kind, review_by=review_by.date(), actor=actor, role=Role(role or "management")
        )
    )


@plan.command("discard")
@click.argument("organisation")
@click.argument("kind")
@_ROLE
@_ACTOR
@pass_workspace
def discard(workspace: Workspace, organisation: str, kind: str, role: str | None, actor: str) -> None:
    """Give the draft up."""
    from sotepki.identifiers import Oid
    from sotepki.provider.plans import Role

    _emit(_plans(workspace).discard(Oid.parse(organisation), kind, actor=actor, role=Role(role or "author")))


@plan.command("list")
@click.argument("organisation")
@pass_workspace
def list_(workspace: Workspace, organisation: str) -> None:
    """List the versions of an organisation's plans."""
    from sotepki.identifiers import Oid

    found = _plans(workspace).versions(Oid.parse(organisation))
    emit([one.as_dict() for one in found], lambda: "\n".join(map(_line, found)) or "No plan has been begun.")


def _plans(workspace: Workspace) -> Plans:
    from sotepki.provider.plans import Plans

    return Plans(workspace.records, workspace.thl)


def _line(found: Plan) -> str:
    review = f", next review by {found.review_by}" if found.review_by else ""
    return f"{found.kind} version {found.version}: {found.state}{review}"


def _emit(found: Plan) -> None:
    lines = [_line(found)]
    if found.state == "draft":
        lines.append(f"  still to be written: {', '.join(found.missing) or 'nothing'}")
    emit(found.as_dict(), "\n".join(lines))
