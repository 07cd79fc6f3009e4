"""``sotepki document``: make, sign and verify Kanta documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.checks import FAILED, check_text
from sotepki.cli.context import emit, pass_workspace, read_input, workspace_directory, write_output
from sotepki.cli.document_trust import material
from sotepki.cli.pin_entry import pin_file_option, read_pins
from sotepki.errors import Misuse, Refused

if TYPE_CHECKING:
    from cryptography import x509

    from sotepki.registers import Organisation, Person, Professional
    from sotepki.workspace import Workspace
    from sotepki.xmldsig import SigningKey

_PRIVATE_KEY_LIMIT = 64 * 1024


@click.group("document")
def command() -> None:
    """Kanta documents: new, sign, verify. A FILE of '-' is standard input or output."""


@command.command("new")
@click.argument("out")
@click.option("--client", required=True, help="The client's personal identity code (900-series).")
@click.option("--organisation", required=True, help="OID of the organisation that keeps the document.")
@click.option("--author", help="Registration number of the professional who writes it; none for a system's document.")
@click.option(
    "--kind",
    type=click.Choice(["client-plan", "client-relationship"]),
    default="client-plan",
    show_default=True,
    help="Kind of document.",
)
@click.option("--title", default="", help="Title instead of the kind's own.")
@click.option("--oid", help="The document's OID; by default a new one under the organisation.")
@pass_workspace
def new(
    workspace: Workspace,
    out: str,
    client: str,
    organisation: str,
    author: str | None,
    kind: str,
    title: str,
    oid: str | None,
) -> None:
    """Write an unsigned social-welfare document about a person of the workspace to OUT."""
    from sotepki.documents import build_social_document
    from sotepki.identifiers import Oid, document_oid

    keeper = _organisation(workspace, organisation)
    now = workspace.clock.now()
    own = document_oid(keeper.business_id, int(f"{now:%Y%m%d%H%M%S%f}"))
    chosen = Oid.parse(oid) if oid else own
    document = build_social_document(
        client=_person(workspace, client),
        organisation=keeper,
        author=_professional(workspace, author) if author else None,
        document_oid=chosen,
        created=now,
        kind=kind,
        title=title,
    )
    write_output(out, document)
    _tell(out, {"file": out, "document_id": str(chosen)}, f"The document {chosen} is in {out}.")


@command.command("sign")
@click.argument("source", metavar="IN")
@click.argument("out")
@click.option("--card", metavar="NUMBER", help="Sign with the signature key of this card; asks for PIN2.")
@click.option("--system", metavar="KEYFILE", help="Sign with a system's private key (PEM, not encrypted).")
@click.option("--certificate", metavar="FILE", help="With --system: its system signature certificate (DER or PEM).")
@pin_file_option("PIN2")
def sign(
    source: str, out: str, card: str | None, system: str | None, certificate: str | None, pin_file: str | None
) -> None:
    """Sign the document IN in place and write it to OUT; everything else in it stays byte for byte.

    Give --card to sign as a professional, or --system with --certificate to sign as a system.
    """
    if bool(card) == bool(system) or bool(system) != bool(certificate):
        raise Misuse("Give either --card, or --system together with --certificate.")
    document = read_input(source)
    if card:
        signed, signer = _signed_by_card(document, card, pin_file)
    else:
        signed, signer = _signed_by_system(document, system or "", certificate or "")
    write_output(out, signed)
    _tell(out, {"file": out, "signer": signer}, f"Signed by {signer}: {out}.")


@command.command("verify")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--trust", multiple=True, metavar="FILE", help="Trusted roots; without it the workspace's.")
@click.option("--intermediates", multiple=True, metavar="FILE", help="Issuing CAs.")
@click.option("--crl", "crls", multiple=True, metavar="FILE", help="Revocation lists.")
@click.option("--ocsp", "responses", multiple=True, metavar="FILE", help="OCSP responses (DER).")
@click.option("--at", metavar="TIME", help="The moment of verification, as 2026-03-01T12:00:00Z; without it now.")
@click.option("--no-revocation", is_flag=True, help="Do not look at revocation at all.")
def verify(
    files: Sequence[str],
    trust: Sequence[str],
    intermediates: Sequence[str],
    crls: Sequence[str],
    responses: Sequence[str],
    at: str | None,
    no_revocation: bool,
) -> int:
    """Verify the signatures of each FILE: what is covered, intact, by whom, with what right.

    Without --trust the workspace gives its root, its CAs, its records of revocation, Valvira's rights and its time.
    With --trust no workspace is needed. JSON: one object for one FILE, a list for several.
    """
    from sotepki.documents import verify_document

    rows: list[dict[str, Any]] = []
    with material(trust, intermediates, crls, responses, at, revocation=not no_revocation) as context:
        for file in files:
            rows.append({"file": file} | verify_document(read_input(file), context).as_dict())
    emit(rows[0] if len(rows) == 1 else rows, lambda: "\n\n".join(_text(row) for row in rows))
    return FAILED if any(row["verdict"] != "valid" for row in rows) else 0


def _text(row: dict[str, Any]) -> str:
    lines = [check_text(row)]
    for signature in row["signatures"]:
        who = f"{signature['kind'] or 'unknown kind'} {signature['signer'] or 'unknown signer'}"
        state = "intact" if signature["intact"] else "not intact"
        lines.append(f"  signature: {who}, {signature['time'] or 'no time'}, {state}")
        lines += [f"    covers {path}" for path in signature["covered"]]
    return "\n".join(lines)


def _signed_by_card(document: bytes, number: str, pin_file: str | None) -> tuple[bytes, str]:
    from sotepki.documents import sign_as_professional
    from sotepki.workspace import Workspace

    with Workspace.open(workspace_directory()) as workspace:
        # PIN2 is asked for before the card is touched, so a mistyped number of lines costs no try.
        (pin2,) = read_pins(pin_file, ["PIN2"])
        with workspace.cards.insert(number) as card:
            professional = _professional(workspace, _holder(card.certificate("signature")))
            card.verify_pin2(pin2)
            signed = sign_as_professional(
                document,
                key=card.signature_key,
                certificate=card.certificate("signature"),
                professional=professional,
                at=workspace.clock.now(),
            )
        return signed, f"{professional.person.first_name} {professional.person.surname} (card {number})"


def _signed_by_system(document: bytes, key_file: str, certificate_file: str) -> tuple[bytes, str]:
    from sotepki.clock import SystemClock
    from sotepki.documents import sign_as_system
    from sotepki.workspace import Workspace
    from sotepki.x509.reading import read_certificates

    key = _private_key(key_file)
    certificate = read_certificates(read_input(certificate_file), name=certificate_file)[0]
    directory = workspace_directory()
    now = SystemClock().now()
    if directory.exists():
        with Workspace.open(directory) as workspace:
            now = workspace.clock.now()
    signed = sign_as_system(document, key=key, certificate=certificate, at=now)
    return signed, f"the system of {_holder(certificate)}"


def _private_key(file: str) -> SigningKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    data = read_input(file, limit=_PRIVATE_KEY_LIMIT)
    load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
    try:
        key = load(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Misuse(
            f"{file} is not a private key that can be read.",
            advice="Give an RSA or elliptic-curve key in PEM or DER, without a password.",
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise Misuse(f"The private key in {file} is neither RSA nor elliptic-curve.")
    return key


def _holder(certificate: x509.Certificate) -> str:
    from sotepki.documents.certificates import subject_serial_number

    return subject_serial_number(certificate)


def _person(workspace: Workspace, hetu: str) -> Person:
    from sotepki.identifiers import Hetu

    person = workspace.population.person(Hetu.parse(hetu))
    if person is None:
        raise Misuse("There is no such person in the Population Information System.", advice="Check the code.")
    return person


def _professional(workspace: Workspace, number: str) -> Professional:
    from sotepki.identifiers import RegistrationNumber

    professional = workspace.valvira.professional(RegistrationNumber.parse(number))
    if professional is None:
        raise Refused(
            f"The registration number {number} is not in Valvira's registers.",
            rule="doc.right",
            advice="Look the professional up with 'sotepki right'.",
        )
    return professional


def _organisation(workspace: Workspace, oid: str) -> Organisation:
    from sotepki.identifiers import Oid

    organisation = workspace.thl.organisation(Oid.parse(oid))
    if organisation is None:
        raise Misuse(f"The organisation {oid} is not in THL's SOTE organisation register.", advice="Check the OID.")
    return organisation


def _tell(out: str, data: dict[str, Any], text: str) -> None:
    """Say what was written, unless the document itself went to standard output."""
    if out != "-":
        emit(data, text)
