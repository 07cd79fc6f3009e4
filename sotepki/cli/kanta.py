"""``sotepki kanta``: what the emulated Kanta was asked, why it refused, and the environments that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace, read_input
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.kela import Environment, RequestEntry
    from sotepki.workspace import Workspace

_COUNT = click.IntRange(1, 10_000)


@click.group("kanta")
def command() -> None:
    """The emulated Kanta: its requests and rules, refused certificates, frames, access points, environments."""


@command.command("requests")
@click.option("--count", type=_COUNT, default=20, show_default=True, help="How many, the newest first.")
@click.option("--refused", is_flag=True, help="Only what was refused.")
@click.option("--handshakes", is_flag=True, help="Only refused TLS handshakes, with OpenSSL's reason.")
@click.option("--environment", default="", help="Only those of one environment (current, next).")
@pass_workspace
def requests(workspace: Workspace, /, count: int, refused: bool, handshakes: bool, environment: str) -> None:
    """List requests with the rules that they broke. A client sees little of a refused handshake; here is the rest."""
    from sotepki.kela import RequestKind
    from sotepki.kela.request_log import newest

    if environment:
        _environment(workspace, environment)
    kind = RequestKind.HANDSHAKE if handshakes else None
    with workspace.records.look() as session:
        lines = newest(session, count, environment=environment, kind=kind, refused=refused)
    nothing = "Nothing was found." if refused or handshakes or environment else "No request yet."
    emit([line.as_dict() for line in lines], "\n".join(map(_text, lines)) or nothing)


def _environment(workspace: Workspace, name: str) -> Environment:
    from sotepki.services.house import environments_of

    known = environments_of(workspace)
    if name not in known:
        raise Misuse(f"There is no environment {name[:80]!r}.", advice=f"Environments: {', '.join(known)}.")
    return known[name]


@command.command("certificate")
@click.argument("sha256")
@click.option("--output", default="-", show_default=True, help="Where to write it (PEM).")
@writes("output")
@pass_workspace
def certificate(workspace: Workspace, /, sha256: str, output: str) -> None:
    """Write a client certificate that was refused in a handshake, by its SHA-256 as 'requests' shows it."""
    from cryptography.hazmat.primitives.serialization import Encoding

    from sotepki.kela.request_log import kept_certificate

    with workspace.records.look() as session:
        found = kept_certificate(session, sha256.lower().replace(":", ""))
    if found is None:
        raise Misuse(
            f"No refused certificate has the SHA-256 {sha256[:80]!r}.",
            advice="See 'sotepki kanta requests --handshakes'.",
        )
    write_output(output, found.public_bytes(Encoding.PEM))
    if output != "-":
        emit({"file": output, "sha256": sha256}, f"The refused certificate is in {output}.")


@command.command("access-point")
@click.argument("host_name")
@click.option("--operator", required=True, help="OID of the organisation that runs it.")
@click.option("--serves", multiple=True, help="OID of an organisation that it sends for (may be given again).")
@pass_workspace
def access_point(workspace: Workspace, /, host_name: str, operator: str, serves: tuple[str, ...]) -> None:
    """Register an access point (liityntäpiste) by the host name in its certificate, or change whom it serves."""
    from sotepki.identifiers import Oid
    from sotepki.kela import AccessPoints

    served = [Oid.parse(oid) for oid in serves]
    AccessPoints(workspace.records, workspace.thl).register(host_name, Oid.parse(operator), served, actor="kela")
    emit(
        {"host_name": host_name, "operator": operator, "serves": list(serves)},
        f"The access point {host_name} sends for {', '.join([operator, *serves])}.",
    )


@command.command("frame")
@click.argument("file")
@click.argument("out")
@click.option("--sender", required=True, help="OID of the organisation that sends.")
@click.option("--message-id", help="OID of the message; by default a new one under the sender.")
@click.option("--request", "service_request", default="SP1", show_default=True, help="SP1 or SP17.")
@click.option("--environment", help="Whose Kanta it is addressed to (current, next); by default that of 'current'.")
@writes("out")
@pass_workspace
def frame(
    workspace: Workspace,
    /,
    file: str,
    out: str,
    sender: str,
    message_id: str | None,
    service_request: str,
    environment: str | None,
) -> None:
    """Write the message frame around the signed document FILE to OUT, ready to be posted to Kanta."""
    from sotepki.documents import build_frame
    from sotepki.identifiers import Oid
    from sotepki.services.house import usual_receiver

    now, oid = workspace.clock.now(), Oid.parse(sender)
    message = Oid.parse(message_id) if message_id else oid.child(94, now.year, int(f"{now:%m%d%H%M%S%f}"))
    named = None if environment is None else _environment(workspace, environment)
    content = build_frame(
        read_input(file),
        message_id=message,
        sender=oid,
        at=now,
        service_request=service_request,
        receiver=usual_receiver(workspace) if named is None else named.settings.receiver.value,
    )
    write_output(out, content)
    if out != "-":
        emit({"file": out, "message_id": str(message)}, f"The message {message} is in {out}.")


@command.command("environments")
@pass_workspace
def environments(workspace: Workspace, /) -> None:
    """List the environments with the rules that each refuses by besides those that every receiver must."""
    from sotepki.services.house import environments_of

    rows = [
        {
            "environment": one.id,
            "title": one.title,
            "version": one.version,
            "when_status_unavailable": str(one.settings.when_status_unavailable),
            "refuses_by_choice": sorted(one.settings.refuses_by_choice),
        }
        for one in environments_of(workspace).values()
    ]
    texts = [
        f"{row['environment']:<10}{row['title']}\n" + "\n".join(f"{'':<10}refuses by {rule}" for rule in rules)
        for row, rules in ((row, row["refuses_by_choice"]) for row in rows)
    ]
    emit(rows, "\n".join(texts))


def _text(line: RequestEntry) -> str:
    when = line.at.strftime("%Y-%m-%d %H:%M:%S") if line.at else ""
    said = [f"{when}  {line.environment:<8} {line.kind:<10} {line.outcome:<13} {' '.join(line.rules)}".rstrip()]
    if line.reason:
        said.append(f"{'':<21}{line.reason}")
    if line.certificate_sha256 and line.outcome != "AA":
        said.append(f"{'':<21}certificate {line.certificate_serial} of {line.certificate_issuer or 'an unnamed CA'}")
        said.append(f"{'':<21}SHA-256 {line.certificate_sha256}")
    return "\n".join(said)
