"""``sotepki reference-system``: a vendor's information system to read, to try and to compare with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.foreground import log_requests, stopped, wait
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.workspace import Workspace

_PORT = click.IntRange(0, 65535)


@click.command("reference-system")
@click.option("--port", type=_PORT, default=53962, show_default=True, help="Where the system is.")
@click.option("--organisation", "oid", help="OID of the organisation; by default the test world's social services.")
@click.option("--staff", multiple=True, metavar="NUMBER", help="Give this registration number access (repeatable).")
@click.option("--kanta", default="https://127.0.0.1:8443", show_default=True, help="The archive of 'sotepki serve'.")
@click.option("--publication", default="http://127.0.0.1:8880", show_default=True, help="Where OCSP answers.")
@click.option(
    "--attributes", default="https://127.0.0.1:8445", show_default=True, help="Valvira's attribute service."
)
@click.option("--scs", "scs_url", default="https://127.0.0.1:53952", show_default=True, help="For the browser.")
@pass_workspace
def command(
    workspace: Workspace,
    port: int,
    oid: str | None,
    staff: tuple[str, ...],
    kanta: str,
    publication: str,
    attributes: str,
    scs_url: str,
) -> None:
    """Serve a small client information system on 127.0.0.1: log in by card, write, sign, send to Kanta.

    It runs beside 'sotepki serve' and 'sotepki scs serve'. Messages are addressed to the receiver of the environment
    'current' (kanta-environments.yaml), also with another archive at --kanta. Ctrl-C or SIGTERM stops it;
    sessions end with it.
    """
    from sotepki import loopback
    from sotepki.clock import SystemClock
    from sotepki.identifiers import Oid, RegistrationNumber
    from sotepki.journey import load_cast
    from sotepki.kela import OcspOverHttp, reached_at
    from sotepki.reference_system import ReferenceSystem
    from sotepki.reference_system.starting import give_access, surroundings
    from sotepki.scs import local_certificate, tls_context

    cast = load_cast()
    chosen = Oid.parse(oid) if oid else cast.organisation("social-services")
    organisation = workspace.thl.organisation(chosen)
    if organisation is None:
        raise Misuse(f"The organisation {chosen} is not in THL's register.")
    numbers = [RegistrationNumber.parse(number) for number in staff]
    status = OcspOverHttp(workspace.clock, reached_at(publication))
    world = surroundings(workspace, organisation, cast, status=status, kanta_url=kanta, attributes_url=attributes)
    give_access(workspace, organisation, numbers)
    chain = local_certificate(workspace.directory / "scs" / "localhost.pem", SystemClock().now())
    log_requests()
    system = ReferenceSystem(world, scs_url).application()
    with stopped() as stop, loopback.running(system, tls_context(chain), port=port) as url:
        emit(
            {"url": url, "organisation": organisation.name, "directory": str(world.directory)},
            f"system       {url}\n             {organisation.name}; log in by card\n"
            f"audit        {world.directory / 'audit.jsonl'}\nCtrl-C stops.",
        )
        sys.stdout.flush()
        wait(stop)
    click.echo("Stopped.", err=True)
