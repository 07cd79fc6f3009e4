"""How applications stand: what the e-service wrote down, and over it what the authority's ledger says.

A certificate may be revoked past the e-service, as by ``sotepki revoke``. Only the ledger knows of that; so it is
asked whenever applications are shown, and nothing of it is copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sotepki.dvv.authority.reasons import reason_called
from sotepki.dvv.office_seams import Certification
from sotepki.dvv.service_certificates.content import ApplicationKind
from sotepki.dvv.service_certificates.store import Application
from sotepki.x509.status import CertificateStatus

REVOKED = "revoked"
COVERED = frozenset({"issued", "expired"})
"""Own states of the e-service that a revocation in the ledger goes before; one that is in hand there goes its way."""


def as_they_stand(applications: Iterable[Application], authorities: Certification) -> list[Application]:
    """The applications, those whose certificate was revoked past the e-service as ``revoked``."""
    found = list(applications)
    serials = {one.id: int(one.serial, 16) for one in found if one.serial and one.state in COVERED}
    asked = {_authority(one) for one in found if one.id in serials}
    only = next(iter(serials.values())) if len(serials) == 1 else None
    revoked = {name: authorities.revocations(name, serial_number=only) for name in asked}
    return [
        _revoked(one, revoked[_authority(one)].get(serials[one.id])) if one.id in serials else one for one in found
    ]


def _authority(application: Application) -> str:
    return ApplicationKind(application.kind).data.authority


def _revoked(application: Application, status: CertificateStatus | None) -> Application:
    if status is None:
        return application
    known = reason_called(status.reason.value) if status.reason else None
    return replace(
        application,
        state=REVOKED,
        revoked_at=status.revoked_at,
        revocation_reason=known.id if known else "",
        revoked_elsewhere=True,
    )
