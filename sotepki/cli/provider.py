"""``sotepki provider``: the duties of a service provider or pharmacy: access, sweeps, notes, joining Kanta."""

from __future__ import annotations

import ssl
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.day import DAY
from sotepki.cli.provider_plans import plan
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.provider import Access, AttributeClient, Provider, Readiness, Sweep
    from sotepki.workspace import Workspace

_FILE = click.Path(path_type=Path, dir_okay=False)
_ACTOR = click.option("--actor", default="administrator", show_default=True, help="Who does it, for the journal.")
_ON = click.option("--on", "day", type=DAY, help="Which day, YYYY-MM-DD; today if left out.")


@click.group("provider")
def command() -> None:
    """A provider's or pharmacy's duties: access by task and right, sweeps, plans, technical support, joining Kanta.

    ORGANISATION is an OID such as 1.2.246.10.99000018.10.0, NUMBER an 11-digit registration number.
    """


command.add_command(plan)


@command.command("tasks")
def tasks_() -> None:
    """List the tasks that access is given by."""
    from sotepki.provider import tasks

    rows = [
        {
            "task": one.id,
            "title": one.title,
            "registers": sorted(one.registers),
            "prescriber": one.prescriber,
            "barred_by": sorted(one.barred_by),
        }
        for one in tasks().values()
    ]
    emit(rows, "\n".join(f"{one.id:<16} {one.title}" for one in tasks().values()))


@command.command("grant")
@click.argument("organisation")
@click.argument("number")
@click.argument("task")
@_ACTOR
@pass_workspace
def grant(workspace: Workspace, organisation: str, number: str, task: str, actor: str) -> None:
    """Give a professional a task."""
    from sotepki.identifiers import RegistrationNumber

    access = _provider(workspace, organisation).grant_access(RegistrationNumber.parse(number), task, actor=actor)
    emit(_access(access), f"{access.registration_number} has the task {access.task}")


@command.command("end")
@click.argument("organisation")
@click.argument("number")
@click.argument("task")
@click.option("--reason", required=True, help="Why, in a few words.")
@_ACTOR
@pass_workspace
def end(workspace: Workspace, organisation: str, number: str, task: str, reason: str, actor: str) -> None:
    """Take a task away."""
    from sotepki.identifiers import RegistrationNumber

    provider = _provider(workspace, organisation)
    access = provider.access.end(
        provider.organisation, RegistrationNumber.parse(number), task, actor=actor, reason=reason
    )
    emit(_access(access), f"{access.registration_number} no longer has the task {access.task}")


@command.command("access")
@click.argument("organisation")
@pass_workspace
def access_(workspace: Workspace, organisation: str) -> None:
    """List the tasks that are held, and what is wrong with any."""
    provider = _provider(workspace, organisation)
    lost = {one.id: found for one, found in provider.access.without_right(provider.organisation)}
    held = provider.access.held(provider.organisation)
    rows = [{**_access(one), "open": lost[one.id].sentence if one.id in lost else ""} for one in held]
    lines = [f"{row['registration_number']}  {row['task']:<16} {row['open'] or 'in order'}" for row in rows]
    emit(rows, "\n".join(lines) or "Nobody has access.")


@command.command("may")
@click.argument("organisation")
@click.argument("number")
@click.argument("task")
@pass_workspace
def may(workspace: Workspace, organisation: str, number: str, task: str) -> int:
    """Say whether a person may do a task now; exit code 1 if not."""
    from sotepki.identifiers import RegistrationNumber

    allowed = _provider(workspace, organisation).may(RegistrationNumber.parse(number), task)
    emit({"allowed": allowed}, "yes" if allowed else "no")
    return 0 if allowed else 1


@command.command("sweep")
@click.argument("organisation")
@click.option("--url", default="", help="Ask the role and attribute service there, instead of the register itself.")
@click.option("--certificate", type=_FILE, help="With --url: the provider's service certificate and chain, PEM.")
@click.option("--key", type=_FILE, help="With --url: its private key, PEM.")
@click.option("--roots", type=_FILE, help="With --url: the CA certificates that the service is trusted by, PEM.")
@click.option("--server-name", default="", help="With --url: the name in the service's certificate.")
@_ACTOR
@pass_workspace
def sweep(
    workspace: Workspace,
    organisation: str,
    url: str,
    certificate: Path | None,
    key: Path | None,
    roots: Path | None,
    server_name: str,
    actor: str,
) -> int:
    """Check the staff's rights and end what no longer rests on one; exit code 3 if the service did not answer."""
    provider = _provider(workspace, organisation)
    if not url:
        if certificate or key or roots or server_name:
            raise Misuse("--certificate, --key, --roots and --server-name go with --url.")
        return _emit_sweep(provider.sweep(actor=actor))
    with _client(url, certificate, key, roots, server_name) as client:
        return _emit_sweep(provider.sweep(actor=actor, asked=client))


@command.command("schedule")
@click.argument("organisation")
@click.option("--every", "hours", type=int, required=True, help="Hours between two sweeps, 1 to 24.")
@_ACTOR
@pass_workspace
def schedule(workspace: Workspace, organisation: str, hours: int, actor: str) -> None:
    """Let the sweep run by itself: whenever the workspace is used and it is due, also by 'sotepki clock advance'."""
    from sotepki.identifiers import Oid

    found = workspace.sweep_schedule.set(Oid.parse(organisation), hours, actor=actor)
    emit(
        {"organisation": organisation, "hours": hours, "next_at": found.next_at.isoformat()},
        f"{organisation} is swept every {hours} hours, next at {found.next_at:%Y-%m-%d %H:%M}Z",
    )


@command.command("support")
@click.argument("organisation")
@click.option("--name", default="", help="Who gives technical support; without it, the contact is shown.")
@click.option("--email", default="", help="Their e-mail address.")
@click.option("--telephone", default="", help="Their telephone number, such as +358 40 000 0000.")
@click.option("--hours", default="day and night", show_default=True, help="When they answer.")
@_ACTOR
@pass_workspace
def support(
    workspace: Workspace, organisation: str, name: str, email: str, telephone: str, hours: str, actor: str
) -> None:
    """Name or show who gives technical support."""
    from sotepki.provider import SupportContact

    books = _provider(workspace, organisation).books
    if not name and (email or telephone):
        raise Misuse("The contact has no name.", advice="Give --name, too; without any, the contact is shown.")
    if name:
        books.name_support(SupportContact(name, email, telephone, hours), actor=actor)
    found = books.support()
    emit(
        found.as_dict() if found else None,
        f"{found.name}, {found.email}, {found.telephone}, {found.hours}" if found else "Nobody is named.",
    )


@command.command("system")
@click.argument("organisation")
@click.argument("system")
@_ON
@_ACTOR
@pass_workspace
def system_(workspace: Workspace, organisation: str, system: str, day: date | None, actor: str) -> None:
    """Name the information system by its id in the register of information systems (TEST-IS-0001)."""
    from sotepki.provider import Arrangement

    workspace.supervision.system(system)
    _arrange(workspace, organisation, Arrangement.SYSTEM, system, day, actor)


@command.command("access-point")
@click.argument("organisation")
@click.argument("description")
@_ON
@_ACTOR
@pass_workspace
def access_point(workspace: Workspace, organisation: str, description: str, day: date | None, actor: str) -> None:
    """Note the access point to Kanta, one's own or an intermediary's."""
    from sotepki.provider import Arrangement

    _arrange(workspace, organisation, Arrangement.ACCESS_POINT, description, day, actor)


@command.command("model")
@click.argument("organisation")
@click.argument("model")
@click.option("--document", default="agreed", show_default=True, help="Where it is written down.")
@_ON
@_ACTOR
@pass_workspace
def model_(workspace: Workspace, organisation: str, model: str, document: str, day: date | None, actor: str) -> None:
    """Note that an operating model (toimintamalli) is agreed on."""
    from sotepki.provider import MODEL

    _arrange(workspace, organisation, f"{MODEL}{model}", document, day, actor)


@command.command("train")
@click.argument("organisation")
@click.argument("topic")
@click.argument("numbers", nargs=-1)
@click.option("--everybody", is_flag=True, help="All who have access.")
@_ON
@_ACTOR
@pass_workspace
def train(
    workspace: Workspace,
    organisation: str,
    topic: str,
    numbers: tuple[str, ...],
    everybody: bool,
    day: date | None,
    actor: str,
) -> None:
    """Note who was trained on a topic."""
    from sotepki.identifiers import RegistrationNumber
    from sotepki.valvira.holdings import unknown_number

    provider = _provider(workspace, organisation)
    people = {RegistrationNumber.parse(number) for number in numbers}
    if everybody:
        people |= {one.registration_number for one in provider.access.held(provider.organisation)}
    if not people:
        who = "Nobody has access yet." if everybody else "Nobody is named."
        raise Misuse(who, advice="Give registration numbers, or --everybody when access has been given.")
    for one in people:
        if workspace.valvira.professional(one) is None:
            raise unknown_number(one)
    provider.books.train(sorted(people, key=str), topic, trained_on=day, actor=actor)
    emit({"topic": topic, "people": sorted(map(str, people))}, f"{len(people)} trained on {topic}")


@command.command("lists")
def lists() -> None:
    """List the Kanta services that an organisation can join, and what each list asks for."""
    from sotepki.provider import join_data

    found = join_data().lists.values()
    rows = [{"list": one.id, "title": one.title, "items": list(one.rules)} for one in found]
    emit(rows, "\n".join(f"{one.id:<26} {len(one.rules):>2} items  {one.title}" for one in found))


@command.command("joining")
@click.argument("organisation")
@click.argument("service")
@pass_workspace
def joining(workspace: Workspace, organisation: str, service: str) -> int:
    """Evaluate what joining a Kanta service needs, with a reason for each open item; exit code 1 if not ready."""
    from sotepki.identifiers import Oid

    # Not _provider: that the organisation is not in the register is the first item of the list.
    provider = workspace.provider(Oid.parse(organisation))
    found = provider.readiness(provider.facts(service))
    emit(
        {"ready": found.ready, "items": [item.as_dict() for item in found.items]},
        lambda: _readiness_text(found, service),
    )
    return 0 if found.ready else 1


def _provider(workspace: Workspace, organisation: str) -> Provider:
    """The office of an organisation in the register; of a mistyped one it would be said that all is in order."""
    from sotepki.identifiers import Oid

    provider = workspace.provider(Oid.parse(organisation))
    provider.access.refuse_unknown(provider.organisation)
    return provider


def _arrange(workspace: Workspace, organisation: str, kind: str, value: str, day: date | None, actor: str) -> None:
    _provider(workspace, organisation).books.arrange(kind, value, agreed_on=day, actor=actor)
    emit({"organisation": organisation, "kind": kind, "value": value}, f"{kind}: {value}")


def _access(access: Access) -> dict[str, object]:
    return {
        "organisation": access.organisation.value,
        "registration_number": access.registration_number.value,
        "task": access.task,
        "granted_at": access.granted_at.isoformat(),
        "ended_at": access.ended_at.isoformat() if access.ended_at else None,
        "ended_by": access.ended_by,
    }


def _client(
    url: str, certificate: Path | None, key: Path | None, roots: Path | None, server_name: str
) -> AttributeClient:
    from sotepki.provider import AttributeClient

    if certificate is None or key is None or roots is None:
        raise Misuse("With --url, --certificate, --key and --roots are needed.")
    for path in (certificate, key, roots):
        if not path.is_file():
            raise Misuse(f"There is no file {path}.", advice="Check the path.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=roots)
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise Misuse(f"The certificate, its key and the roots do not make a client: {error}.") from error
    return AttributeClient(url, context, server_name=server_name)


def _emit_sweep(sweep: Sweep) -> int:
    lines = [f"{sweep.checked} access rights checked, {len(sweep.ended)} ended"]
    lines += [
        f"  {one.registration_number}  {one.task}: {reason} [{one.ended_by}]"
        for one, reason in zip(sweep.ended, sweep.reasons, strict=True)
    ]
    if sweep.unanswered:
        lines.append(f"  {sweep.unanswered} not answered and left as they are: {sweep.trouble}")
    emit(sweep.as_dict(), "\n".join(lines))
    return 3 if sweep.unanswered else 0


def _readiness_text(found: Readiness, service: str) -> str:
    lines = [f"{service}: {'ready' if found.ready else 'not ready'}, {len(found.open)} of {len(found.items)} open"]
    for item in found.items:
        mark = "done" if item.met else "OPEN"
        lines.append(f"  {mark}  {item.rule.removeprefix('join.')}: {item.reason}")
        if item.finding:
            lines.append(f"        {item.finding.severity}, {item.finding.grade}: {item.finding.advice}")
    return "\n".join(lines)
