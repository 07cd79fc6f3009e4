"""``sotepki serve``: the services of a workspace on loopback, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace, read_input
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.scs import PinRequest, PinSource
    from sotepki.tokens import Pin
    from sotepki.workspace import Workspace

_PIN_FILE_LIMIT = 1024
_PORT = click.IntRange(0, 65535)


@dataclass(frozen=True)
class _Line:
    """One service as it is printed."""

    name: str
    url: str
    purpose: str


@click.command("serve")
@click.option("--publication-port", type=_PORT, default=8880, show_default=True, help="CRLs, OCSP, CA certificates.")
@click.option("--kanta-port", type=_PORT, default=8443, show_default=True, help="The archive over mutual TLS.")
@click.option("--kela-port", type=_PORT, default=8881, show_default=True, help="Validation service and status page.")
@click.option("--scs", "with_scs", is_flag=True, help="Also the Signature Creation Service of a workstation.")
@click.option("--scs-port", type=_PORT, default=53952, show_default=True, help="The Signature Creation Service.")
@click.option("--card", "card_number", help="Put this card into the reader of the SCS (implies --scs).")
@click.option("--pins", "pin_file", help="File with PIN1 and PIN2, one a line, typed at every signature (for CI).")
@pass_workspace
def command(
    workspace: Workspace,
    publication_port: int,
    kanta_port: int,
    kela_port: int,
    with_scs: bool,
    scs_port: int,
    card_number: str | None,
    pin_file: str | None,
) -> None:
    """Start the services of the workspace on 127.0.0.1 and print where they are.

    Port 0 takes a free one. Ctrl-C or SIGTERM stops them; what was acknowledged is kept. One line for each request
    goes to standard error.
    """
    from sotepki import loopback
    from sotepki.kela import ARCHIVE_PATH, VALIDATION_PATH, public_application
    from sotepki.services import KANTA_HOST, running_services

    _log_requests()
    with _stopped() as stop, ExitStack() as stack:
        services = stack.enter_context(
            running_services(workspace, publication_port=publication_port, kanta_port=kanta_port)
        )
        kela_url = stack.enter_context(loopback.running(public_application(services.kanta), port=kela_port))
        kanta = services.kanta_url.replace("127.0.0.1", "localhost")
        lines = [
            _Line("publication", services.publication_url, "revocation lists, CA certificates and OCSP"),
            _Line("kanta", kanta + ARCHIVE_PATH, "takes message frames over mutual TLS (POST)"),
            _Line(
                "validation", kela_url + VALIDATION_PATH, "validates a document, in the public service's shape (POST)"
            ),
            _Line("status", kela_url + "/status", "recent requests and refused handshakes, with their rules"),
        ]
        if with_scs or card_number:
            lines.append(_scs(workspace, stack, stop, scs_port, card_number, pin_file))
        hosts = f"127.0.0.1 {KANTA_HOST}"
        emit(
            {"services": [asdict(line) for line in lines], "trust": str(services.trust_file), "hosts": hosts},
            "\n".join(
                [
                    *(f"{line.name:<12} {line.url}\n{'':<12} {line.purpose}" for line in lines),
                    f"{'trust':<12} {services.trust_file}",
                    f"{'':<12} the TEST root, for example curl --cacert",
                    f"{'hosts':<12} {hosts}",
                    f"{'':<12} for /etc/hosts, or curl --resolve; Kanta's certificate names localhost too",
                    "Ctrl-C stops.",
                ]
            ),
        )
        sys.stdout.flush()
        while not stop.wait(1.0):
            pass
    click.echo("Stopped.", err=True)


def _scs(
    workspace: Workspace,
    stack: ExitStack,
    stop: threading.Event,
    port: int,
    card_number: str | None,
    pin_file: str | None,
) -> _Line:
    from sotepki import scs

    pins = _pins_of(pin_file) if pin_file else _terminal_pins(stop)
    card = stack.enter_context(workspace.cards.insert(card_number)) if card_number else None
    service = scs.SignatureService(lambda: card, pins, workspace.authorities.chain("sote-persons"))
    chain = scs.local_certificate(workspace.directory / "scs" / "localhost.pem", workspace.clock.now())
    url = stack.enter_context(scs.running(service, chain, port=port))
    reader = f"card {card_number}" if card_number else "no card"
    return _Line("scs", url, f"/version and /sign, {reader} in the reader; trust {chain.with_suffix('.crt')}")


def _pins_of(pin_file: str) -> PinSource:
    from sotepki.scs import PinKind
    from sotepki.tokens import Pin

    lines = read_input(pin_file, limit=_PIN_FILE_LIMIT).decode("ascii", errors="replace").split()
    if len(lines) != 2:
        raise Misuse(f"The file {Path(pin_file).name} must hold PIN1 and PIN2, one a line.")
    pins = {PinKind.PIN1: Pin(lines[0]), PinKind.PIN2: Pin(lines[1])}
    return lambda request: pins[request.kind]


def _terminal_pins(stop: threading.Event) -> PinSource:
    """Asks on the terminal; without a terminal every question counts as cancelled."""
    from sotepki.tokens import Pin

    def ask(request: PinRequest, answer: list[Pin]) -> None:
        who = request.origin or "a program on this machine"
        try:
            answer.append(Pin(click.prompt(f"{request.kind} for {who}", hide_input=True, err=True)))
        except click.Abort:
            return

    def source(request: PinRequest) -> Pin | None:
        if not sys.stdin.isatty():
            return None
        answer: list[Pin] = []
        # A thread of its own, so that a question that nobody answers does not keep the service from stopping.
        question = threading.Thread(target=ask, args=(request, answer), daemon=True)
        question.start()
        while question.is_alive() and not stop.is_set():
            question.join(0.2)
        return answer[0] if answer else None

    return source


@contextmanager
def _stopped() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; the earlier handlers come back afterwards."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _log_requests() -> None:
    import logging

    logging.basicConfig(format="time=%(asctime)s level=%(levelname)s from=%(name)s %(message)s")
    logging.getLogger("sotepki").setLevel(logging.INFO)
