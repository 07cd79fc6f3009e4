"""What must hold of a workspace after any interruption, once it has been opened again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.card import KeyUse
from sotepki.dvv.authority.tables import CertificateRow, RevocationRow, SerialRow
from sotepki.records import OutboxItem, first_break
from sotepki.workspace import Workspace
from sotepki.x509.status import CertificateState

GOOD = CertificateState.GOOD


def violations(workspace: Workspace, acknowledged: Iterable[tuple[str, str]], signed: Iterable[str]) -> list[str]:
    """Sentences, one for each thing that is not as it must be.

    ``acknowledged`` is what the offices answered before they were killed, ``signed`` each serial number that a
    certificate authority's key ever signed.
    """
    facts, numbers = list(acknowledged), list(signed)
    with workspace.records.look() as session:
        found = [*_journal(session), *_serials(session, numbers), *_outbox(session, workspace)]
    found += _cards(workspace)
    found += _applications(workspace)
    found += _lists(workspace)
    return found + _kept(workspace, facts)


def _journal(session: Session) -> list[str]:
    broken = first_break(session)
    return [f"journal: {broken}"] if broken else []


def _serials(session: Session, signed: list[str]) -> list[str]:
    twice = [serial for serial, count in Counter(signed).items() if count > 1]
    reserved = {int(one, 16) for one in session.scalars(select(SerialRow.serial))}
    recorded = {int(one, 16) for one in session.scalars(select(CertificateRow.serial))}
    found = [f"serial number {one} was signed twice" for one in twice]
    found += [
        f"serial number {one} was signed before it was reserved" for one in signed if int(one, 16) not in reserved
    ]
    found += [f"certificate {one:x} has no reserved number" for one in recorded - reserved]
    for row in session.scalars(select(CertificateRow)):
        if x509.load_der_x509_certificate(row.der).serial_number != int(row.serial, 16):
            found.append(f"certificate {row.serial} is recorded under another number")
    return found


def _outbox(session: Session, workspace: Workspace) -> list[str]:
    directory = workspace.records.outbox_directory
    found = []
    expected = set()
    for row in session.scalars(select(OutboxItem)):
        path = directory / row.channel / f"{row.id:06d}-{row.name}"
        expected.add(path)
        if not row.delivered or row.content is not None:
            found.append(f"posting {row.id} ({row.name}) waits still")
        elif not path.exists() or not path.stat().st_size:
            found.append(f"posting {row.id} ({row.name}) has no file")
    files = {path for path in directory.glob("*/*") if path.is_file()}
    found += [f"the file {path.name} is no posting" for path in files - expected if not path.name.startswith(".")]
    return found + [f"the part {path.name} was left behind" for path in files if path.name.startswith(".")]


def _cards(workspace: Workspace) -> list[str]:
    found = []
    orders = {order.card_number: order for order in workspace.vartti.orders() if order.card_number}
    on_the_shelf = set(workspace.cards.numbers())
    names = Counter(
        path.name.split("-", 1)[1] for path in (workspace.records.outbox_directory / "letters").glob("*-*")
    )
    for order in workspace.vartti.orders():
        if order.state in ("in-production", "closing"):
            found.append(f"{order.id} is {order.state} after the restart")
    for number, order in orders.items():
        issued = workspace.authorities.issued(holder=f"{order.registration_number} card {number}")
        good = {one.serial_number for one in issued if one.status.state is GOOD}
        made = number in on_the_shelf
        of_the_card = (
            {one.serial_number for one in workspace.cards.read(number).certificates.values()} if made else set()
        )
        if order.signature_serial and not made:
            found.append(f"{order.id} is {order.state} without a card")
        expected = set() if order.closed_at or not made else of_the_card
        if good != expected:
            found.append(
                f"{order.id} ({order.state}): certificates in force {good} are not those of the card {expected}"
            )
        if (
            order.signature_serial
            and {int(order.signature_serial, 16), int(order.authentication_serial, 16)} != of_the_card
        ):
            found.append(f"{order.id} names other certificates than its card bears")
        letters = names[f"activation-code-{number}.txt"]
        if letters != (1 if order.signature_serial else 0):
            found.append(f"{order.id} ({order.state}) has {letters} letters with its code")
    found += [
        f"the card {number} has no order" for number in on_the_shelf - set(orders) if number in _ordered(workspace)
    ]
    return found


def _ordered(workspace: Workspace) -> set[str]:
    """The cards of the shelf that are of Vartti's number series (blanks and test cards are not)."""
    holder = re.compile(r" card (\d+)$")
    return {match[1] for one in workspace.authorities.issued() if (match := holder.search(one.holder))}


def _applications(workspace: Workspace) -> list[str]:
    found = []
    mails = Counter(
        path.name.split("-", 1)[1] for path in (workspace.records.outbox_directory / "emails").glob("*-*")
    )
    for one in workspace.service_certificates.applications():
        issued = workspace.authorities.issued(holder=f"{one.organisation} application {one.id}")
        good = [cert for cert in issued if cert.status.state is GOOD]
        if one.state in ("approved", "revocation-requested"):
            found.append(f"{one.id} is {one.state} after the restart")
        if len(issued) > 1:
            found.append(f"{one.id} has {len(issued)} certificates")
        if bool(one.serial) != bool(issued):
            found.append(f"{one.id} ({one.state}) and its certificate do not fit together")
        if good and one.revoked_at:
            found.append(f"{one.id} is revoked and its certificate is in force")
        if mails[f"{one.id}-delivery.eml"] != (1 if one.serial else 0):
            found.append(f"{one.id} was delivered {mails[f'{one.id}-delivery.eml']} times")
        here = one.revoked_at is not None and not one.revoked_elsewhere
        if mails[f"{one.id}-revoked.eml"] != int(here):
            found.append(f"the revocation of {one.id} was mailed {mails[f'{one.id}-revoked.eml']} times")
    return found


def _lists(workspace: Workspace) -> list[str]:
    workspace.authorities.publish_if_due(workspace.published)
    listed = {
        entry.serial_number
        for path in (workspace.published / "crl").glob("*.crl")
        for entry in x509.load_der_x509_crl(path.read_bytes())
    }
    with workspace.records.look() as session:
        revoked = {int(one, 16) for one in session.scalars(select(RevocationRow.serial))}
    return [f"the revoked certificate {one:x} is in no list" for one in revoked - listed]


def _kept(workspace: Workspace, facts: list[tuple[str, str]]) -> list[str]:
    """What was answered once stands for ever."""
    found = []
    orders = {order.id: order for order in workspace.vartti.orders()}
    applications = {one.id: one for one in workspace.service_certificates.applications()}
    names = {path.name.split("-", 1)[1] for path in (workspace.records.outbox_directory / "letters").glob("*-*")}
    for kind, subject in facts:
        match kind:
            case "ordered" | "delivered" | "handed-over" | "closed":
                order = orders.get(subject)
                lost = (
                    order is None
                    or (kind != "ordered" and not order.signature_serial)
                    or (kind == "handed-over" and not order.handed_over_at)
                    or (kind == "closed" and not order.closed_at)
                )
            case "applied" | "issued" | "revoked":
                one = applications.get(subject)
                lost = (
                    one is None or (kind == "issued" and not one.serial) or (kind == "revoked" and not one.revoked_at)
                )
            case "wrote":
                lost = not {f"{subject}-1.txt", f"{subject}-2.txt"} <= names
            case "certificate" | "revoked-certificate" | "published":
                issued = workspace.authorities.issued(serial_number=int(subject, 16))
                lost = len(issued) != 1 or (kind != "certificate" and issued[0].status.state is GOOD)
            case _:
                lost = True
        if lost:
            found.append(f"{subject} was acknowledged as {kind}, and is not")
    return found


def usable(workspace: Workspace, number: str) -> list[str]:
    """Whether the card answers to the code of its letter, and signs with the key of its certificate."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    from sotepki.tokens import Pin

    (letter,) = (workspace.records.outbox_directory / "letters").glob(f"*-activation-code-{number}.txt")
    code = next(line.strip() for line in letter.read_text().splitlines() if line.strip().isdigit())
    with workspace.cards.insert(number) as card:
        card.activate(Pin(code), Pin("1234"), Pin("567890"))
        card.verify_pin2(Pin("567890"))
        key = card.signature_key
        public = workspace.cards.read(number).certificates[KeyUse.SIGNATURE].public_key()
        assert isinstance(key, rsa.RSAPrivateKey) and isinstance(public, rsa.RSAPublicKey)
        try:
            public.verify(
                key.sign(b"TEST", padding.PKCS1v15(), hashes.SHA256()), b"TEST", padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return [f"the card {number} signs with another key than its certificate's"]
    return []


def leftovers(directory: Path) -> list[str]:
    """Half-made cards that no run will clear."""
    return [f"{path.name} was left" for path in directory.glob("*.partial")]
