"""``sotepki provider plan``: the information-security plan and the self-monitoring plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.context import emit, pass_workspace, read_input
from sotepki.cli.day import DAY
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.identifiers import Oid
    from sotepki.provider.plans import Plan, Plans, Role
    from sotepki.workspace import Workspace

Command = Callable[..., Any]

_ACTOR = click.option("--actor", default="administrator", show_default=True, help="Who does it, for the journal.")
_REVIEW_BY = click.option(
    "--review-by",
    type=DAY,
    required=True,
    help="The day of the next review, YYYY-MM-DD.",
)


def _oid(_context: click.Context, _argument: click.Parameter, value: str) -> Oid:
    from sotepki.identifiers import Oid

    return Oid.parse(value)


def _role(_context: click.Context, _option: click.Parameter, value: str) -> Role:
    from sotepki.provider.plans import Role

    return Role(value)


def _step(who: str) -> Callable[[Command], Command]:
    """The arguments of a step with a plan: whose plan of which kind, and who takes the step (by default ``who``)."""
    parts = (
        click.argument("organisation", callback=_oid),
        click.argument("kind"),
        click.option(
            "--role",
            type=click.Choice(["author", "management"]),
            default=who,
            callback=_role,
            help="Whose step it is; by default the one who may.",
        ),
        _ACTOR,
        pass_workspace,
    )

    def declared(command: Command) -> Command:
        for part in reversed(parts):
            command = part(command)
        return command

    return declared


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
        raise plan_rules().refusal("plan.kind", f"There is no kind of plan {kind[:40]!r}.")
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
@click.argument("organisation", callback=_oid)
@click.argument("kind")
@_ACTOR
@pass_workspace
def begin(workspace: Workspace, organisation: Oid, kind: str, actor: str) -> None:
    """Begin the next version; it takes over the texts of the one in force."""
    _emit(_plans(workspace).begin(organisation, kind, actor=actor))


@plan.command("write")
@_step("author")
@click.argument("part")
@click.argument("text", required=False)
@click.option("--file", type=click.Path(path_type=Path), help="Read the text from a file ('-': standard input).")
def write(
    workspace: Workspace, organisation: Oid, kind: str, part: str, text: str | None, file: Path | None, **by: Any
) -> None:
    """Write a part of the draft."""
    if (text is None) == (file is None):
        raise Misuse("A part is written from TEXT or from --file, one of the two.")
    if file is not None:
        text = text_of(file)
    _emit(_plans(workspace).write(organisation, kind, part, text or "", **by))


@plan.command("approve")
@_step("management")
@_REVIEW_BY
def approve(workspace: Workspace, organisation: Oid, kind: str, **by: Any) -> None:
    """Approve the draft; the version that was in force is superseded."""
    _emit(_plans(workspace).approve(organisation, kind, **by))


@plan.command("review")
@_step("management")
@_REVIEW_BY
def review(workspace: Workspace, organisation: Oid, kind: str, **by: Any) -> None:
    """Note that the plan in force was reviewed and holds."""
    _emit(_plans(workspace).review(organisation, kind, **by))


@plan.command("discard")
@_step("author")
def discard(workspace: Workspace, organisation: Oid, kind: str, **by: Any) -> None:
    """Give the draft up."""
    _emit(_plans(workspace).discard(organisation, kind, **by))


@plan.command("list")
@click.argument("organisation", callback=_oid)
@pass_workspace
def list_(workspace: Workspace, organisation: Oid) -> None:
    """List the versions of an organisation's plans."""
    found = _plans(workspace).versions(organisation)
    emit([one.as_dict() for one in found], lambda: "\n".join(map(_line, found)) or "No plan has been begun.")


def text_of(file: Path) -> str:
    """The text of a file as editors write it, without their byte order mark, Windows line ends and tabs.

    Raises:
        Misuse: it cannot be read, or is not UTF-8.
    """
    try:
        return read_input(file, limit=1024 * 1024).decode("utf-8-sig").replace("\r\n", "\n").expandtabs(4)
    except UnicodeDecodeError as error:
        raise Misuse(f"{file} is not UTF-8 text.", advice="Save it as UTF-8.") from error


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
