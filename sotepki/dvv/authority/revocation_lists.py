"""Certificate revocation lists: numbers that only grow, entries kept long enough, files replaced whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sotepki.dvv.authority import ledger
from sotepki.dvv.authority.certification import OFFICE
from sotepki.dvv.authority.plan import AuthorityPlan, ListPolicy
from sotepki.dvv.authority.tables import RevocationListRow, RevocationRow
from sotepki.errors import Fault, Misuse, SotepkiError
from sotepki.records import Records, write_atomically
from sotepki.x509.crl import RevokedEntry, build_crl
from sotepki.x509.issuing import Issuer


@dataclass(frozen=True)
class SignedList:
    """A list that was signed under a number of its own, not yet published.

    ``entries`` stand on the list; ``revocations`` counts all that the authority ever made, expired ones too.
    """

    number: int
    entries: int
    revocations: int
    this_update: datetime
    next_update: datetime
    crl: x509.CertificateRevocationList


def list_path(directory: Path, publication_id: str) -> Path:
    """Where the list of an authority is published under ``directory``."""
    return directory / "crl" / f"{publication_id}.crl"


def sign_list(records: Records, plan: AuthorityPlan, issuer: Issuer, policy: ListPolicy, *, actor: str) -> SignedList:
    """Take the next number, collect the entries of that moment and sign the list.

    Number and entries are read in one transaction, so a list with a higher number never lacks an entry of a lower
    one. A crash after it costs a number.
    """
    with records.change(OFFICE, actor) as tx:
        row = ledger.locked_authority(tx.session, plan.id)
        row.crl_number += 1
        number, this_update = row.crl_number, tx.now.replace(microsecond=0)
        entries, revocations = _entries(tx.session, plan.id), _revocations(tx.session, plan.id)
        tx.journal("crl-number-taken", plan.id, number=str(number))
    next_update = this_update + policy.next_update
    crl = build_crl(issuer, entries, number=number, this_update=this_update, next_update=next_update)
    return SignedList(number, len(entries), revocations, this_update, next_update, crl)


def publish_list(records: Records, plan: AuthorityPlan, signed: SignedList, directory: Path, *, actor: str) -> bool:
    """Replace the published list of an authority; False if a list with a higher number has been published.

    The file is written while the authority's row is held, so that of two publishers the later number stays. When the
    file cannot be written, nothing is recorded.
    """
    content = signed.crl.public_bytes(Encoding.DER)
    with records.change(OFFICE, actor) as tx:
        ledger.locked_authority(tx.session, plan.id)
        latest = latest_number(tx.session, plan.id)
        if latest is not None and latest >= signed.number:
            tx.journal("crl-overtaken", plan.id, number=str(signed.number), by=str(latest))
            return False
        tx.session.add(
            RevocationListRow(
                authority_id=plan.id,
                number=signed.number,
                this_update=signed.this_update,
                next_update=signed.next_update,
                entries=signed.entries,
                revocations=signed.revocations,
                sha256=hashlib.sha256(content).hexdigest(),
            )
        )
        tx.session.flush()
        tx.journal("crl-published", plan.id, number=str(signed.number), entries=str(signed.entries))
        write_atomically(list_path(directory, plan.publication_id), content)
        return True


def due(session: Session, plan: AuthorityPlan, policy: ListPolicy, directory: Path, now: datetime) -> bool:
    """Whether a new list is wanted: none is there, the last one is old, or something was revoked after it."""
    last = session.scalars(
        select(RevocationListRow)
        .where(RevocationListRow.authority_id == plan.id)
        .order_by(RevocationListRow.number.desc())
        .limit(1)
    ).first()
    if last is None or not list_path(directory, plan.publication_id).exists():
        return True
    if not last.this_update <= now < last.this_update + policy.republish_after:
        return True
    return _revocations(session, plan.id) != last.revocations


def publish_each(authorities: Iterable[str], publish: Callable[[str], int | None]) -> dict[str, int]:
    """Publish the lists of several authorities; gives the numbers of those that ``publish`` has published.

    Raises:
        Fault, Misuse: one could not be published; who relies on the others has theirs none the less.
    """
    published: dict[str, int] = {}
    failed: dict[str, SotepkiError | OSError] = {}
    for authority_id in authorities:
        try:
            number = publish(authority_id)
        except (SotepkiError, OSError) as error:
            failed[authority_id] = error
            continue
        if number is not None:
            published[authority_id] = number
    if failed:
        first = next(iter(failed.values()))
        if isinstance(first, Misuse):  # nothing is broken: its own sentence says what to do
            raise first
        why = first.sentence if isinstance(first, SotepkiError) else f"{first.strerror or first}."
        advice = first.advice if isinstance(first, SotepkiError) else ""
        lists = f"list of {', '.join(failed)}" if len(failed) == 1 else f"lists of {', '.join(failed)}"
        raise Fault(f"The revocation {lists} cannot be published: {why}", advice=advice) from first
    return published


def _kept(session: Session, authority_id: str) -> datetime | None:
    """The moment whose unexpired entries must still be listed: that of the list before (RFC 5280 3.3)."""
    return session.scalars(
        select(func.max(RevocationListRow.this_update)).where(RevocationListRow.authority_id == authority_id)
    ).one()


def _entries(session: Session, authority_id: str) -> list[RevokedEntry]:
    query = (
        select(RevocationRow.serial, RevocationRow.revoked_at, RevocationRow.reason)
        .where(RevocationRow.authority_id == authority_id)
        .order_by(RevocationRow.revoked_at, RevocationRow.certificate_id)
    )
    kept = _kept(session, authority_id)
    if kept is not None:
        query = query.where(RevocationRow.expires_at >= kept)
    # By the connection: a million rows through the object mapper would take longer than the whole list.
    rows = session.connection().execute(query)
    reasons = {reason.value: reason for reason in x509.ReasonFlags}
    return [RevokedEntry(int(serial, 16), revoked_at, reasons[reason]) for serial, revoked_at, reason in rows]


def _revocations(session: Session, authority_id: str) -> int:
    return session.scalars(
        select(func.count()).select_from(RevocationRow).where(RevocationRow.authority_id == authority_id)
    ).one()


def latest_number(session: Session, authority_id: str) -> int | None:
    """The number of the list of an authority that is published; None if there is none yet."""
    return session.scalars(
        select(func.max(RevocationListRow.number)).where(RevocationListRow.authority_id == authority_id)
    ).one()
