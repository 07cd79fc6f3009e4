"""``sotepki serve``: the services of a workspace on loopback, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.foreground import stopped, wait
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.services import House
    from sotepki.workspace import Workspace

_PORT = click.IntRange(0, 65535)
_PROCESSES = click.IntRange(1, 64)
_HOW_TO_START = "Name it with --only too; --scs starts the SCS and its workstation."


class _ServeCommand(click.Command):
    """A command with a port option for every service of the catalogue, made when it is needed."""

    _made = False

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        if not self._made:
            from sotepki.services import catalogue

            self._made = True
            for service in catalogue().values():
                options = [f"--{service.name}-port", _parameter(service.name)]
                self.params.append(
                    click.Option(options, type=_PORT, help=f"Default {service.port}: {service.purpose}.")
                )
        return super().get_params(ctx)


def _names(_context: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    if names:
        from sotepki.serving.hosts import host_name

        for name in names:
            if not name or host_name(name) != name.lower():
                raise click.BadParameter(f"{name!r} is not a host name; give it alone, without https:// and port.")
    return names


@click.command("serve", cls=_ServeCommand)
@click.option("--only", multiple=True, metavar="SERVICE", help="Start only this service (may be given again).")
@click.option("--free-ports", is_flag=True, help="Take free ports where none is named.")
@click.option(
    "--kanta-processes", "processes", type=_PROCESSES, help="Serve Kanta by so many processes; best one a processor."
)
@click.option(
    "--ocsp-down",
    type=click.Choice(["refuse", "accept-with-warning"]),
    help="What Kanta does while no OCSP responder answers.",
)
@click.option(
    "--host-name", "host_names", multiple=True, metavar="NAME", callback=_names, help="Pages answer under it too."
)
@click.option("--scs", "with_scs", is_flag=True, help="Also the Signature Creation Service and its workstation.")
@click.option("--card", "card_number", help="Put this card into the reader of the SCS (implies --scs).")
@click.option("--pins", "pin_file", help="File with PIN1 and PIN2, one a line, typed at every signature (for CI).")
@click.option("--terminal", is_flag=True, help="Ask for PINs here instead of on the workstation's page.")
@pass_workspace
def command(
    workspace: Workspace,
    /,
    only: tuple[str, ...],
    free_ports: bool,
    processes: int | None,
    ocsp_down: str | None,
    host_names: tuple[str, ...],
    with_scs: bool,
    card_number: str | None,
    pin_file: str | None,
    terminal: bool,
    **ports: int | None,
) -> None:
    """Start the services of the workspace on 127.0.0.1 and print where they are and what each is for.

    Port 0 takes a free one. Ctrl-C or SIGTERM stops them; what was acknowledged is kept. One line of JSON for each
    request goes to standard error. With the printed lines in the hosts file, the addresses of certificates work too.
    """
    from sotepki.cli.scs_pins import file_pins, terminal_pins
    from sotepki.kela import WhenStatusUnavailable
    from sotepki.services import catalogue, chosen, environments_of, running_house
    from sotepki.services.worker import prepare_process

    if pin_file and terminal:
        raise Misuse("Give either --pins or --terminal.")
    scs = ("scs", "workstation") if with_scs or card_number else ()
    services = chosen(catalogue(), only, scs)
    asked = {name: ports[_parameter(name)] for name in catalogue()}
    named = {name: port for name, port in asked.items() if port is not None}
    # Publication may be that of another house: Kanta asks its responder there.
    for name in set(named) - {service.name for service in services} - {"publication"}:
        raise Misuse(f"--{name}-port is given, but the service {name} is not started.", advice=_HOW_TO_START)
    if free_ports:
        named = {service.name: 0 for service in services} | named
    if processes is None and any(service.spread for service in services):
        processes = max(one.settings.processes for one in environments_of(workspace).values())
    prepare_process()
    with stopped() as stop:
        pins = file_pins(pin_file) if pin_file else terminal_pins(stop) if terminal else None
        options: dict[str, object] = {"card": card_number, "pins": pins}
        if ocsp_down:
            options["when_status_unavailable"] = WhenStatusUnavailable(ocsp_down)
        with running_house(
            workspace, services, ports=named, options=options, processes=processes or 1, host_names=host_names
        ) as house:
            _tell(house)
            _warn(house)
            wait(stop)
    click.echo("Stopped.", err=True)


def _parameter(service: str) -> str:
    """The name of the parameter that holds the port of a service."""
    return "port_" + service.replace("-", "_")


def _tell(house: House) -> None:
    rows = [
        {"name": name, "url": one.address, "base": one.url, "purpose": one.service.purpose}
        for name, one in house.started.items()
    ]
    width = max(len(name) for name in ("trust", "hosts", *house.started)) + 2
    lines = [f"{row['name']:<{width}}{row['url']}\n{'':<{width}}{row['purpose']}" for row in rows]
    hosts = house.hosts()
    lines += [
        f"{'trust':<{width}}{house.trust_file}",
        f"{'':<{width}}the TEST root, for example curl --cacert",
    ]
    if hosts:
        lines += [
            f"{'hosts':<{width}}" + f"\n{'':<{width}}".join(hosts),
            f"{'':<{width}}for /etc/hosts, or curl --resolve; certificates of servers name localhost too",
        ]
    emit(
        {"services": rows, "trust": str(house.trust_file), "hosts": hosts},
        "\n".join([*lines, "Ctrl-C stops."]),
    )
    sys.stdout.flush()


def _warn(house: House) -> None:
    for name, one in house.started.items():
        if one.application.warning:
            click.echo(f"{name}: {one.application.warning}", err=True)
