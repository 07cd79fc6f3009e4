"""``sotepki joint-testing``: Kela's register of joint tests and of approved systems, and notices of change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.day import DAY

if TYPE_CHECKING:
    from sotepki.kela import Approval, ChangeNotice, JointTestRole, JointTestState
    from sotepki.workspace import Workspace

Command = Callable[..., Any]

_NUMBER = click.IntRange(1, 1_000_000_000)
_ACTORS = {"supplier": "supplier", "kela": "kela-official"}


def _actor(who: str) -> Callable[[Command], Command]:
    return click.option("--actor", default=_ACTORS[who], show_default=True, help="Who does it, for the journal.")


def _role(_context: click.Context, _option: click.Parameter, value: str) -> JointTestRole:
    from sotepki.kela import JointTestRole

    return JointTestRole(value)


def _step(who: str) -> Callable[[Command], Command]:
    """Who takes a step: ``--role`` (by default ``who``) and ``--actor``; the command also gets the workspace."""
    role = click.option(
        "--role",
        type=click.Choice(list(_ACTORS)),
        default=who,
        show_default=True,
        callback=_role,
        help="Whose step it is.",
    )
    return lambda command: role(_actor(who)(pass_workspace(command)))


@click.group("joint-testing")
def command() -> None:
    """Kela: joint tests (yhteistestaus), the register of approved systems, notices of change.

    NUMBER is the number of a joint test, APPROVAL an id such as TEST-KJ-0001, NOTICE one such as TEST-KM-0001.
    """


@command.command("register")
@click.argument("system")
@click.option("--version", required=True, help="Of the system.")
@click.option("--supplier", required=True, help="OID of the supplier.")
@click.option("--class", "system_class", required=True, help="A2, A3 or wellbeing-A are tested.")
@click.option("--content", required=True, help="What is tested, such as a Kanta service.")
@click.option("--begins", type=DAY, required=True, help="When testing is to begin, YYYY-MM-DD.")
@click.option("--received", type=DAY, help="When the registration came, if it is entered later; without it today.")
@_actor("supplier")
@pass_workspace
def register(
    workspace: Workspace,
    system: str,
    version: str,
    supplier: str,
    system_class: str,
    content: str,
    begins: date,
    received: date | None,
    actor: str,
) -> None:
    """Register a version of a system for one content."""
    from sotepki.errors import Misuse
    from sotepki.identifiers import Oid
    from sotepki.kela import SystemClass

    if system_class not in [*SystemClass]:
        raise Misuse(f"There is no class {system_class[:20]!r}; there are: {', '.join(SystemClass)}.")
    number = workspace.joint_tests.register(
        system=system,
        version=version,
        supplier=Oid.parse(supplier),
        system_class=SystemClass(system_class),
        content=content,
        begins_on=begins,
        received_on=received,
        actor=actor,
    )
    _emit_test(workspace.joint_tests.state(number))


@command.command("pretests")
@click.argument("number", type=_NUMBER)
@click.option("--errors", type=click.IntRange(0, 100_000), required=True, help="How many significant errors.")
@_step("supplier")
def pretests(workspace: Workspace, number: int, errors: int, **by: Any) -> None:
    """Report on the pre-test cases (esitestitapaukset)."""
    workspace.joint_tests.report_pretests(number, significant_errors=errors, **by)
    _emit_test(workspace.joint_tests.state(number))


@command.command("phase")
@click.argument("number", type=_NUMBER)
@click.argument("phase", type=click.IntRange(1, 3))
@click.option("--passed/--failed", required=True, help="The result.")
@_step("kela")
def phase_(workspace: Workspace, number: int, phase: int, passed: bool, **by: Any) -> None:
    """Record the result of phase 1, 2 or 3."""
    workspace.joint_tests.finish_phase(number, phase, passed=passed, **by)
    _emit_test(workspace.joint_tests.state(number))


@command.command("statement")
@click.argument("number", type=_NUMBER)
@_step("kela")
def statement(workspace: Workspace, number: int, **by: Any) -> None:
    """Give Kela's statement (yhteistestauslausunto); with it the version comes into the register."""
    workspace.joint_tests.give_statement(number, **by)
    _emit_test(workspace.joint_tests.state(number))


@command.command("cancel")
@click.argument("number", type=_NUMBER)
@_step("supplier")
def cancel(workspace: Workspace, number: int, **by: Any) -> None:
    """Give a joint test up."""
    workspace.joint_tests.cancel(number, **by)
    _emit_test(workspace.joint_tests.state(number))


@command.command("show")
@click.argument("number", type=_NUMBER)
@pass_workspace
def show(workspace: Workspace, number: int) -> None:
    """Show a joint test."""
    _emit_test(workspace.joint_tests.state(number))


@command.command("list")
@pass_workspace
def list_(workspace: Workspace) -> None:
    """List the joint tests."""
    found = workspace.joint_tests.all()
    emit([one.as_dict() for one in found], lambda: "\n".join(map(_test_line, found)) or "No joint test yet.")


@command.command("approved")
@click.option("--system", default="", help="Only this system.")
@pass_workspace
def approved(workspace: Workspace, system: str) -> None:
    """List the register of approved systems."""
    found = [one for one in workspace.approvals.all() if system in ("", one.system)]
    emit(
        [one.as_dict() for one in found],
        lambda: (
            "\n".join(map(_approval_line, found))
            or ("Nothing was found." if system else "No system is approved yet.")
        ),
    )


@command.command("check")
@click.argument("system")
@click.argument("version")
@pass_workspace
def check(workspace: Workspace, system: str, version: str) -> None:
    """Say which entry covers a version of a system; refused if none does."""
    entry = workspace.approvals.require(system, version)
    emit(entry.as_dict(), workspace.approvals.coverage(system, version).reason)


@command.command("withdraw")
@click.argument("approval")
@click.option("--reason", default="", help="Why, in a few words.")
@_step("kela")
def withdraw(workspace: Workspace, approval: str, reason: str, **by: Any) -> None:
    """Take a version off the register of approved systems."""
    found = workspace.approvals.withdraw(approval, reason=reason, **by)
    emit(found.as_dict(), _approval_line(found))


@command.command("changes")
def changes() -> None:
    """What each kind of change of an approved system needs."""
    from dataclasses import asdict

    from sotepki.kela import change_kinds

    found = change_kinds().values()
    emit(
        [asdict(one) for one in found],
        "\n".join(f"{one.id:<20} {one.text}\n{'':<20} needs: {one.needs} ({one.grade})" for one in found),
    )


@command.command("change")
@click.argument("approval")
@click.argument("kind")
@click.option("--version", required=True, help="The new version.")
@click.option("--description", required=True, help="What changes.")
@click.option("--on", "day", type=DAY, help="When it is tested, or when the renewed certificate ends, YYYY-MM-DD.")
@_actor("supplier")
@pass_workspace
def change(
    workspace: Workspace, approval: str, kind: str, version: str, description: str, day: date | None, actor: str
) -> None:
    """Give notice of a change (muutosilmoitus)."""
    _emit_notice(
        workspace.change_notices.report(
            approval,
            kind,
            version=version,
            description=description,
            effective_on=day,
            actor=actor,
        )
    )


@command.command("require-test")
@click.argument("notice")
@click.option("--reason", default="", help="Why, in a few words.")
@_step("kela")
def require_test(workspace: Workspace, notice: str, reason: str, **by: Any) -> None:
    """Kela wants a change to be jointly tested."""
    _emit_notice(workspace.change_notices.require_test(notice, reason=reason, **by))


@command.command("accept")
@click.argument("notice")
@click.option("--joint-test", type=_NUMBER, help="The joint test of the new version, if one was required.")
@_step("kela")
def accept(workspace: Workspace, notice: str, joint_test: int | None, **by: Any) -> None:
    """Kela accepts a change; the approval covers the new version."""
    _emit_notice(workspace.change_notices.accept(notice, joint_test=joint_test, **by))


@command.command("cancel-change")
@click.argument("notice")
@_step("supplier")
def cancel_change(workspace: Workspace, notice: str, **by: Any) -> None:
    """Take a notice of change back."""
    _emit_notice(workspace.change_notices.cancel(notice, **by))


@command.command("notices")
@pass_workspace
def notices(workspace: Workspace) -> None:
    """List the notices of change."""
    found = workspace.change_notices.all()
    emit([one.as_dict() for one in found], lambda: "\n".join(map(_notice_line, found)) or "No notice yet.")


def _test_line(test: JointTestState) -> str:
    return f"{test.number}  {test.state:<10} {test.system} {test.version}, {test.system_class}: {test.content}"


def _emit_test(test: JointTestState) -> None:
    lines = [_test_line(test)]
    if test.pretest_errors is not None:
        lines.append(f"  pre-test cases: {test.pretest_errors} significant errors")
    lines += [f"  phase {phase}: {'passed' if passed else 'failed'}" for phase, passed in test.phases.items()]
    if test.statement:
        lines.append(f"  statement {test.statement.number}, {test.statement.date}")
    emit(test.as_dict(), "\n".join(lines))


def _approval_line(found: Approval) -> str:
    versions = ", ".join(found.versions)
    reason = f" ({found.reason})" if found.reason else ""
    return f"{found.id}  {found.state:<9} {found.system} {versions}: {found.content}, {found.statement}{reason}"


def _notice_line(found: ChangeNotice) -> str:
    return f"{found.id}  {found.state:<13} {found.approval} to {found.version}, {found.kind}: {found.description}"


def _emit_notice(found: ChangeNotice) -> None:
    emit(found.as_dict(), _notice_line(found))
