"""The rules that guard the steps of a contract, one function each (``states/contract.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

from sotepki.clock import finnish_day
from sotepki.dvv.registration.card_signature import CardSigner
from sotepki.dvv.registration.data import ContractKind, registration_data
from sotepki.dvv.registration.store import WORKING, RegistrationPoint
from sotepki.identifiers import Hetu, is_plain_line
from sotepki.registers import Organisation
from sotepki.states import Guard, Objection


@dataclass(frozen=True)
class ContractCase:
    """All that the rules look at. What a step does not concern is left as it is.

    ``signer`` is whose card signed, or a sentence why the signature does not count; ``named`` the signer that the
    contract names, ``signing`` the person who signs now.
    """

    now: datetime
    kind: str
    organisation: Organisation | None = None
    member: bool = True
    details: Mapping[str, str] = field(default_factory=dict)
    point: RegistrationPoint | None = None
    serves_all: bool = False
    attachments: frozenset[str] = frozenset()
    method: str = ""
    signer: CardSigner | str = ""
    named: Hetu | None = None
    signing: Hetu | None = None
    sign_by: date | None = None
    reason: str = ""

    @property
    def data(self) -> ContractKind | None:
        """What is known of the kind of contract; None if there is no such kind."""
        return registration_data().contracts.get(self.kind)


def _organisation_register(case: ContractCase) -> Objection | None:
    return None if case.organisation else Objection("The organisation is not in THL's SOTE organisation register.")


def _account(case: ContractCase) -> Objection | None:
    return None if case.member else Objection("The person is not a user of the organisation's customer account.")


def _kind(case: ContractCase) -> Objection | None:
    return None if case.data else Objection(f"There is no contract of the kind {case.kind[:40]!r}.")


def _details(case: ContractCase) -> Objection | None:
    missing = [name for name in (case.data.details if case.data else ()) if not case.details.get(name, "").strip()]
    if missing:
        return Objection(f"The contract lacks: {', '.join(missing)}.")
    long = [name for name, value in case.details.items() if len(value) > 300 or not is_plain_line(value)]
    return Objection(f"What the contract states is not plain text: {', '.join(long)}.") if long else None


def _authorised_point(case: ContractCase) -> Objection | None:
    if case.kind != "authorisation":
        return None
    if case.point is None:
        return Objection("The registration point that is to be authorised does not exist.")
    if not case.point.public or case.point.state not in WORKING:
        return Objection(f"The registration point {case.point.id} is not an open public one.")
    if case.organisation is not None and case.point.organisation == case.organisation.oid:
        return Objection(f"The registration point {case.point.id} is the organisation's own.")
    return None


def _serves_all(case: ContractCase) -> Objection | None:
    if case.kind != "registration-point" or case.organisation is None or not case.organisation.public:
        return None
    if case.serves_all:
        return None
    return Objection(f"{case.organisation.name} is a public provider and has not undertaken to serve all.")


def _attachments(case: ContractCase) -> Objection | None:
    missing = sorted((case.data.attachments if case.data else frozenset()) - case.attachments)
    return Objection(f"Not attached: {', '.join(missing)}.") if missing else None


def _method(case: ContractCase) -> Objection | None:
    if case.data is not None and case.method in case.data.methods:
        return None
    return Objection(f"A contract of the kind {case.kind} is not signed with {case.method[:40]!r}.")


def _signature(case: ContractCase) -> Objection | None:
    if case.signing != case.named:
        return Objection("The person is not the one whom the contract names as its signer.")
    if case.method != "certificate-card":
        return None
    if isinstance(case.signer, str):
        return Objection(case.signer or "No signature of a card was given.")
    if case.signer.hetu != case.named:
        return Objection("The card that signed belongs to another person than the signer.")
    return None


def _signature_later(case: ContractCase) -> Objection | None:
    if case.kind == "registration-point":
        return None
    return Objection("Only a contract for a registration point is signed afterwards.")


def _signing_time(case: ContractCase) -> Objection | None:
    if case.sign_by is not None and finnish_day(case.now) > case.sign_by:
        return None
    return Objection(f"The contract may be signed until {case.sign_by}.")


def _reason(case: ContractCase) -> Objection | None:
    return None if case.reason.strip() else Objection("No reason was given.")


CONTRACT_GUARDS: Mapping[str, Guard[ContractCase]] = MappingProxyType(
    {
        "contract.organisation-register": _organisation_register,
        "contract.account": _account,
        "contract.kind": _kind,
        "contract.details": _details,
        "contract.authorised-point": _authorised_point,
        "contract.public-serves-all": _serves_all,
        "contract.attachments": _attachments,
        "contract.method": _method,
        "contract.signature": _signature,
        "contract.signature-later": _signature_later,
        "contract.signing-time": _signing_time,
        "contract.reason": _reason,
    }
)
