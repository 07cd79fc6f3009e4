"""``sotepki scs``: the Signature Creation Service of a workstation, its test page, and a client for any of them."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace, read_input, workspace_directory
from sotepki.cli.foreground import log_requests, stopped, wait
from sotepki.cli.scs_pins import file_pins, terminal_pins
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from sotepki.scs import CardInReader
    from sotepki.scs.answers import ScsAnswer
    from sotepki.scs.client import ScsClient
    from sotepki.scs.readers import ShelfReader
    from sotepki.workspace import Workspace

_PORT = click.IntRange(0, 65535)
_SERVICE = "https://127.0.0.1:53952"
_LONGEST = 16 * 1024 * 1024
_observed = click.option(
    "--observed-certificate", "observed", is_flag=True, help="The certificate in the form of one open implementation."
)


@click.group("scs")
def command() -> None:
    """The Signature Creation Service on localhost: serve, trust, page, quirks; version, login, sign as a client."""


@command.command("serve")
@click.option("--card", "number", help="Put this card of the workspace into the reader.")
@click.option("--pcsc", "reader", help="Use a PC/SC reader instead: its number, a part of its name, or 'any'.")
@click.option("--pkcs11", "module", help="Use the cards of a PKCS#11 module instead: the path of its library.")
@click.option("--port", type=_PORT, default=53952, show_default=True, help="Where pages call.")
@click.option("--scs-version", default="1.1", show_default=True, help="1.1, 1.2 or 1.3.")
@click.option("--quirk", "quirk_names", multiple=True, help="A habit of some implementations; see 'scs quirks'.")
@click.option("--pins", "pin_file", help="File with PIN1 and PIN2, one a line; 'cancel' for a user who cancels.")
@click.option("--terminal", is_flag=True, help="Ask for PINs here instead of on the workstation's page.")
@click.option("--page-port", type=_PORT, default=53960, show_default=True, help="The workstation's page.")
@click.option("--old-ports", is_flag=True, help="Answer on 8089, 23124 and the first free old HTTP port too.")
@_observed
def serve(
    number: str | None,
    reader: str | None,
    module: str | None,
    port: int,
    scs_version: str,
    quirk_names: tuple[str, ...],
    pin_file: str | None,
    terminal: bool,
    page_port: int,
    old_ports: bool,
    observed: bool,
) -> None:
    """Serve one workstation on 127.0.0.1 until Ctrl-C: /version, /sign, and a page with reader and PIN pad."""
    from sotepki import loopback
    from sotepki.scs import SignatureService, load_settings, running, running_on_old_ports, tls_context
    from sotepki.scs.pins import PinDesk
    from sotepki.scs.workstation import Workstation

    if sum(map(bool, (number, reader, module))) > 1:
        raise Misuse("Give one of --card, --pcsc and --pkcs11.")
    settings = load_settings(scs_version).with_quirks(quirk_names)
    chain = _certificate(observed=observed)
    log_requests()
    with stopped() as stop, ExitStack() as stack:
        source, shelf = _reader(stack, number, reader, module)
        desk = PinDesk()
        station = Workstation(source, desk, shelf)
        pins = file_pins(pin_file) if pin_file else terminal_pins(stop) if terminal else desk
        service = SignatureService(source, pins, (), settings, station.note)
        url = stack.enter_context(running(service, chain, port=port))
        old = stack.enter_context(running_on_old_ports(service, chain)) if old_ports else []
        page = stack.enter_context(loopback.running(station.application(), tls_context(chain), port=page_port))
        trust = chain.with_suffix(".crt")
        how = "sotepki scs trust --observed-certificate" if observed else "sotepki scs trust"
        addresses = {"scs": url, "old": old, "workstation": page, "trust": str(trust)}
        lines = [
            f"scs          {url}\n             /version and /sign in the form of {scs_version}",
            *(f"             {one}" for one in old),
            f"workstation  {page}\n             reader and PIN pad; keep it open in the browser",
            f"trust        {trust}\n             '{how}' says how",
            "Ctrl-C stops.",
        ]
        emit({**addresses, "version": scs_version, "card": number}, "\n".join(lines))
        sys.stdout.flush()
        wait(stop)
    click.echo("Stopped.", err=True)


def _reader(
    stack: ExitStack, number: str | None, reader: str | None, module: str | None
) -> tuple[Callable[[], CardInReader | None], ShelfReader | None]:
    """Where the service finds its card; also the reader of the workspace's cards, if it is that one."""
    if module:
        from sotepki.scs.pkcs11_reader import Pkcs11Reader

        return stack.enter_context(Pkcs11Reader(Path(module))), None
    if reader:
        from sotepki.scs.pcsc_reader import PcscReader

        return stack.enter_context(PcscReader("" if reader == "any" else reader)), None
    from sotepki.card import CardShelf
    from sotepki.scs import readers

    shelf = stack.enter_context(readers.ShelfReader(CardShelf(workspace_directory() / "cards")))
    if number:
        shelf.insert(number)
    return shelf, shelf


@command.command("trust")
@_observed
def trust(observed: bool) -> None:
    """Print how browsers and systems are made to trust the certificate of the local service."""
    from sotepki.scs.trusting import fingerprint, spki_pin, trust_steps

    path = _certificate(observed=observed).with_suffix(".crt")
    steps = trust_steps(path)
    lines = [f"The certificate {path}", f"SHA-256 {fingerprint(path)}"]
    lines += [f"\n{system}:\n  {step}" for system, step in steps.items()]
    lines.append("\nIts key lies beside it and can be read by its owner only; take the trust away when you are done.")
    emit(
        {"certificate": str(path), "sha256": fingerprint(path), "spki_pin": spki_pin(path), "steps": dict(steps)},
        "\n".join(lines),
    )


@command.command("quirks")
def quirks() -> None:
    """List the habits that 'scs serve --quirk' can take on, with their evidence."""
    from sotepki.scs import quirks as known

    rows = [
        {"quirk": name, "text": one.text, "source": one.source, "grade": one.grade} for name, one in known().items()
    ]
    emit(
        rows, "\n".join(f"{row['quirk']:<20} {row['text']}\n{'':<20} {row['source']}: {row['grade']}" for row in rows)
    )


@command.command("page")
@click.option("--port", type=_PORT, default=53961, show_default=True, help="Where the page is.")
@click.option("--scs", "scs_url", default=_SERVICE, show_default=True, help="The service that the page calls first.")
@click.option("--publication", default="http://127.0.0.1:8880", show_default=True, help="Where OCSP answers.")
@pass_workspace
def page(workspace: Workspace, port: int, scs_url: str, publication: str) -> None:
    """Serve a page that drives any SCS on this machine and judges what it answers."""
    from sotepki import loopback
    from sotepki.kela import OcspOverHttp, reached_at
    from sotepki.scs import tls_context
    from sotepki.scs.explaining import Trusted
    from sotepki.scs.test_page import TestPage

    chain = _certificate()
    log_requests()
    authorities = workspace.authorities
    status = OcspOverHttp(workspace.clock, reached_at(publication))
    made = tuple(authorities.certificate(one) for one in authorities.made())
    trusted = Trusted(authorities.roots, made, status)
    app = TestPage(trusted, workspace.clock, scs_url).application()
    with stopped() as stop, loopback.running(app, tls_context(chain), port=port) as url:
        emit({"page": url, "scs": scs_url}, f"page         {url}\n             Ctrl-C stops.")
        sys.stdout.flush()
        wait(stop)


@command.command("version")
@click.option("--scs", "url", default=_SERVICE, show_default=True, help="The service.")
@click.option("--trust", "trust_file", help="Its certificate (PEM); by default the workspace's, if there is one.")
@_observed
def version(url: str, trust_file: str | None, observed: bool) -> None:
    """Ask a service for its version and what it offers."""
    found = _client(url, trust_file, "", observed=observed).version()
    card = {True: "a card is in the reader", False: "no card in the reader", None: "it does not tell of cards"}
    rows = [f"{key:<20} {value}" for key, value in found.raw.items()]
    emit(
        {**found.raw, "card_present": found.card_present},
        "\n".join([*rows, f"{'card':<20} {card[found.card_present]}"]),
    )


@command.command("login")
@click.option("--scs", "url", default=_SERVICE, show_default=True, help="The service.")
@click.option("--trust", "trust_file", help="Its certificate (PEM); by default the workspace's, if there is one.")
@click.option("--origin", default="https://localhost", show_default=True, help="The site that the login is for.")
@_observed
def login(url: str, trust_file: str | None, origin: str, observed: bool) -> None:
    """Have a fresh login challenge signed, and verify the signature."""
    import secrets

    from sotepki.scs import challenge_content
    from sotepki.scs.test_page import challenge_form

    client = _client(url, trust_file, origin, observed=observed)
    nonce, form = secrets.token_urlsafe(48), challenge_form(client.version().version)
    answer = client.login(nonce, form)
    answer.verify(challenge_content(origin, nonce, form))
    _emit_signed(answer)


@command.command("sign")
@click.argument("file")
@click.option("--scs", "url", default=_SERVICE, show_default=True, help="The service.")
@click.option("--trust", "trust_file", help="Its certificate (PEM); by default the workspace's, if there is one.")
@click.option("--origin", default="", help="Sent as Origin, as a browser would.")
@click.option("--type", "signature_type", default="signature", show_default=True, help="signature, cms, cms-pades.")
@click.option("--hash", "hash_name", default="SHA256", show_default=True, help="As /version lists them.")
@click.option("--digest", is_flag=True, help="Send the digest of the file instead of the file.")
@click.option("--output", default="", help="Where to write the signature.")
@_observed
@writes("output")
def sign(
    file: str,
    url: str,
    trust_file: str | None,
    origin: str,
    signature_type: str,
    hash_name: str,
    digest: bool,
    output: str,
    observed: bool,
) -> None:
    """Have a file signed with the signature key, and verify the signature."""
    import hashlib

    from sotepki.scs.request import HASHES

    content = read_input(file, limit=_LONGEST)
    if digest:
        if hash_name not in HASHES:
            raise Misuse(f"There is no hash algorithm {hash_name!r}; there are {', '.join(HASHES)}.")
        content = hashlib.new(HASHES[hash_name].name, content).digest()
    client = _client(url, trust_file, origin, observed=observed)
    answer = client.sign(content, is_digest=digest, hash_name=hash_name, signature_type=signature_type)
    answer.verify(content, is_digest=digest)
    if output:
        write_output(output, answer.signature)
    _emit_signed(answer)


def _emit_signed(answer: ScsAnswer) -> None:
    import base64

    from sotepki.x509.names import readable

    subject = readable(answer.certificate.subject)
    emit(
        {
            "signature": base64.b64encode(answer.signature).decode("ascii"),
            "signatureAlgorithm": answer.signature_algorithm,
            "signatureType": answer.signature_type,
            "subject": subject,
            "chain": len(answer.chain),
            "verified": True,
        },
        f"Signed by {subject}\n{answer.signature_type}, {answer.signature_algorithm}, "
        f"{len(answer.chain)} certificates. The signature verifies; the chain was not judged.",
    )


def _client(url: str, trust_file: str | None, origin: str, *, observed: bool) -> ScsClient:
    from sotepki.scs.client import ScsClient
    from sotepki.x509.tls import tls_of

    own = workspace_directory() / "scs" / _certificate_name(observed=observed).replace(".pem", ".crt")
    path = Path(trust_file) if trust_file else own if own.exists() else None
    if path is not None and not path.exists():
        raise Misuse(f"There is no file {path}.")
    return ScsClient(url, tls_of(path), origin)


def _certificate(*, observed: bool = False) -> Path:
    """The local certificate of the workspace. Browsers judge it by the machine's time, so that is when it is made."""
    from sotepki.clock import SystemClock
    from sotepki.scs import CertificateVariant, local_certificate

    directory = workspace_directory().absolute()  # the path is told to browsers and curl elsewhere
    if not (directory / "workspace.json").is_file():  # the key must not lie about in some other directory
        raise Misuse(
            f"There is no workspace in {directory}.",
            advice=f"Make one with 'sotepki init --workspace {directory}', or name yours with --workspace.",
        )
    variant = CertificateVariant.OBSERVED if observed else CertificateVariant.CLEAN
    path = directory / "scs" / _certificate_name(observed=observed)
    return local_certificate(path, SystemClock().now(), variant)


def _certificate_name(*, observed: bool) -> str:
    return "localhost-observed.pem" if observed else "localhost.pem"
