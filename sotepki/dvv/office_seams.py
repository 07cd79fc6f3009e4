"""What the offices need of the certificate authorities, of the card production and of the key pool, as Protocols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.errors import Refused
from sotepki.x509.status import CertificateState, CertificateStatus

PERSONS = "sote-persons"
SERVICES = "sote-services"

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class Issued(Protocol):
    """A certificate in the ledger of the authorities."""

    @property
    def authority_id(self) -> str: ...

    @property
    def profile(self) -> str: ...

    @property
    def serial_number(self) -> int: ...

    @property
    def not_after(self) -> datetime: ...

    @property
    def status(self) -> CertificateStatus: ...

    @property
    def certificate(self) -> x509.Certificate: ...


class Certification(Protocol):
    """The certificate authorities as the offices use them."""

    def chain(self, authority_id: str) -> Sequence[x509.Certificate]: ...

    def issue(
        self,
        authority_id: str,
        profile_id: str,
        *,
        subject: Mapping[str, str],
        public_key: PublicKey,
        actor: str,
        not_after: datetime | None = None,
        dns_names: Sequence[str] = (),
        extended_key_usage: Sequence[str] = (),
        holder: str,
    ) -> x509.Certificate: ...

    def issue_many(
        self, authority_id: str, profile_id: str, orders: Sequence[CertificateOrder], *, actor: str
    ) -> Sequence[x509.Certificate]: ...

    def revoke(self, reference: tuple[str, int], *, reason: x509.ReasonFlags, actor: str) -> object: ...

    def issued(
        self, *, serial_number: int | None = None, holder: str | None = None, authority_id: str | None = None
    ) -> Sequence[Issued]: ...

    def revocations(
        self, authority_id: str, *, serial_number: int | None = None
    ) -> Mapping[int, CertificateStatus]: ...


def in_force(issued: Iterable[Issued], at: datetime) -> list[Issued]:
    """Those that are neither revoked nor expired."""
    return [one for one in issued if one.status.state is CertificateState.GOOD and one.not_after >= at]


def revoke_all(
    authorities: Certification, authority_id: str, holder: str, *, reason: x509.ReasonFlags, actor: str, at: datetime
) -> int:
    """Revoke every certificate of ``holder`` that is in force; repeating it does no harm. Returns how many."""
    waiting = in_force(authorities.issued(holder=holder, authority_id=authority_id), at)
    for one in waiting:
        try:
            authorities.revoke((authority_id, one.serial_number), reason=reason, actor=actor)
        except Refused as refused:
            if refused.rule != "revocation.final":  # somebody else was quicker, which is just as well
                raise
    return len(waiting)
