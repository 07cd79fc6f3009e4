"""Reading contracts: their value, their ids, and the rows that they are kept in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from sotepki.dvv.registration.store import contract_id
from sotepki.dvv.registration.tables import ContractRow
from sotepki.errors import Misuse
from sotepki.identifiers import Oid

_CONTRACT_ID = re.compile(r"K([0-9]{1,9})")


@dataclass(frozen=True)
class Contract:
    """A contract; ``document`` is its text, ``signature`` the card's over it (empty with bank codes, or not signed).

    ``sign_by`` is the last day for a signature that is still to come.
    """

    id: str
    kind: str
    state: str
    organisation: Oid
    point: str
    language: str
    document: bytes
    details: Mapping[str, str]
    drawn_up_at: datetime
    in_force_at: datetime | None = None
    sign_by: date | None = None
    method: str = ""
    signed_at: datetime | None = None
    signature: bytes = b""
    certificate: bytes = b""
    reason: str = ""

    def as_dict(self) -> dict[str, object]:
        """The contract for JSON, without the signer's identity code."""
        return {
            "contract": self.id,
            "kind": self.kind,
            "state": self.state,
            "organisation": self.organisation.value,
            "point": self.point,
            "language": self.language,
            "details": dict(self.details),
            "drawn_up_at": self.drawn_up_at.isoformat(),
            "in_force_at": self.in_force_at.isoformat() if self.in_force_at else "",
            "sign_by": self.sign_by.isoformat() if self.sign_by else "",
            "signed_with": self.method,
            "signed_at": self.signed_at.isoformat() if self.signed_at else "",
            "reason": self.reason,
        }


def row_of_contract(session: Session, wanted: str) -> ContractRow:
    """The row of a contract id.

    Raises:
        Misuse: there is no such contract.
    """
    match = _CONTRACT_ID.fullmatch(wanted)
    row = session.get(ContractRow, int(match[1])) if match else None
    if row is None:
        raise Misuse(
            f"There is no contract {wanted[:40]!r}.", advice="List the contracts with 'sotepki contract list'."
        )
    return row


def as_contract(row: ContractRow) -> Contract:
    """The value of a row."""
    return Contract(
        id=contract_id(row.number),
        kind=row.kind,
        state=row.state,
        organisation=Oid(row.organisation),
        point=row.point,
        language=row.language,
        document=row.document,
        details=json.loads(row.details),
        drawn_up_at=row.drawn_up_at,
        in_force_at=row.in_force_at,
        sign_by=row.sign_by,
        method=row.method or "",
        signed_at=row.signed_at,
        signature=row.signature or b"",
        certificate=row.certificate or b"",
        reason=row.reason or "",
    )
