"""Contracts of organisations with DVV: drawn up in the e-service, signed with a certificate card, approved by DVV.

The card's signature key signs the bytes of the contract, and the signature is verified before it is taken. Who has no
card yet, because there is no registration point to get one from, sends the contract first and signs it afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day, months_after
from sotepki.dvv.office_seams import Certification
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.registration.card_signature import CardSignature, CardSigner, SignedFor, signer_of
from sotepki.dvv.registration.contract_document import LANGUAGES, contract_document
from sotepki.dvv.registration.contract_guards import CONTRACT_GUARDS, ContractCase
from sotepki.dvv.registration.contract_store import Contract, as_contract, row_of_contract
from sotepki.dvv.registration.data import contract_machine, registration_data
from sotepki.dvv.registration.standing import keep_up
from sotepki.dvv.registration.store import RegistrationPoint, as_point, contract_id
from sotepki.dvv.registration.tables import ContractDocumentRow, ContractRow, RegistrationPointRow
from sotepki.dvv.service_certificates.store import user_of
from sotepki.errors import Misuse
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Records, Transaction
from sotepki.registers import OrganisationRegister
from sotepki.states import Step

DVV = "dvv"
CARD = "certificate-card"


@dataclass(frozen=True)
class Contracts:
    """The contracts of the e-service; ``organisations`` is THL's SOTE organisation register."""

    records: Records
    authorities: Certification
    organisations: OrganisationRegister

    def draw_up(
        self,
        kind: str,
        organisation: Oid,
        *,
        signer: Hetu,
        delivery_address: str,
        contact: str,
        point: str = "",
        serves_all: bool = False,
        language: str = "fi",
    ) -> Contract:
        """Draw up a contract of a kind of ``registration.yaml``; ``signer`` is the user who is to sign it.

        ``point`` is the point that an authorisation names, ``serves_all`` the duty of a public provider.

        Raises:
            Refused: a rule for drawing up says no.
            Misuse: there are no texts in ``language``.
        """
        if language not in LANGUAGES:
            raise Misuse(
                f"There is no contract in {language[:10]!r}.", advice=f"Choose one of: {', '.join(LANGUAGES)}."
            )
        details = {"delivery-address": delivery_address.strip(), "contact": contact.strip()}
        found = self.organisations.organisation(organisation)
        subject = f"contract of {organisation}"
        with self._change("customer", "draw-up", subject) as tx:
            case = ContractCase(
                now=tx.now,
                kind=kind,
                organisation=found,
                member=user_of(tx.session, organisation, signer) is not None,
                details=details,
                point=_point(tx.session, point),
                serves_all=serves_all,
            )
            step = _step("draw-up", contract_machine().initial, "customer", case, subject)
            assert found is not None  # the guards of the step saw to it
            row = ContractRow(
                state=step.target,
                kind=kind,
                organisation=organisation.value,
                signer=signer.value,
                language=language,
                details=json.dumps(details, ensure_ascii=False, sort_keys=True),
                point=point if kind == "authorisation" else "",
                document=b"",
                drawn_up_at=tx.now,
                changed_at=tx.now,
            )
            tx.session.add(row)
            tx.session.flush()
            row.document = contract_document(
                number=contract_id(row.number), kind=kind, organisation=found, language=language,
                day=finnish_day(tx.now), details=details, point=row.point, serves_all=serves_all,
            )  # fmt: skip
            return _note(tx, row, step, kind=kind)

    def attach_document(self, contract: str, kind: str, name: str, content: bytes, *, by: Hetu) -> Contract:
        """Attach a document, such as the employment certificate of an authorisation.

        Raises:
            Refused: the contract is decided, or ``by`` is not a user of the account.
            Misuse: there is no such contract, or the document is empty.
        """
        if not content or not kind.strip():
            raise Misuse("An empty document is not taken.")
        with self._change("customer", "attach-document", contract) as tx:
            row = row_of_contract(tx.session, contract)
            step = _step("attach-document", row.state, "customer", self._case(tx, row, by), contract)
            tx.session.add(
                ContractDocumentRow(
                    contract=row.number, kind=kind[:40], name=name[:200], content=content, attached_at=tx.now
                )
            )
            return _note(tx, row, step, kind=kind[:40])

    def sign(
        self, contract: str, *, by: Hetu, method: str = CARD, signature: CardSignature | None = None
    ) -> Contract:
        """Sign a contract that was drawn up, sent back, or sent before; with a card its ``signature`` is given.

        Raises:
            Refused: the method does not fit, or the signature is not the signer's own card's over these bytes.
            Misuse: there is no such contract.
        """
        with self._change("customer", "sign", contract) as tx:
            row = row_of_contract(tx.session, contract)
            signer = self._signer(tx, row, signature) if method == CARD else ""
            case = replace(
                self._case(tx, row, by),
                method=method,
                signer=signer,
                named=Hetu(row.signer),
                signing=by,
            )
            name = "sign-afterwards" if row.state == "in-force-unsigned" else "sign"
            step = _step(name, row.state, "customer", case, contract)
            row.method, row.signed_at, row.sign_by, row.reason = method, tx.now, None, ""
            if isinstance(signer, CardSigner) and signature is not None:
                row.signature, row.certificate = signature.signature, signer.certificate
                return _note(tx, row, step, method=method, certificate=signer.serial)
            return _note(tx, row, step, method=method)

    def send_unsigned(self, contract: str, *, by: Hetu) -> Contract:
        """Send a contract for a registration point that is signed afterwards, when the signer has a card."""
        with self._change("customer", "send-unsigned", contract) as tx:
            row = row_of_contract(tx.session, contract)
            step = _step("send-unsigned", row.state, "customer", self._case(tx, row, by), contract)
            row.reason = ""
            return _note(tx, row, step)

    def approve(self, contract: str, *, officer: str = DVV) -> Contract:
        """Approve a contract as DVV; one that is not signed yet gets a last day for signing.

        Raises:
            Refused: it was not sent, an attachment is missing, or the point is not open any more.
            Misuse: there is no such contract.
        """
        with self._change(officer, "approve", contract) as tx:
            row = row_of_contract(tx.session, contract)
            unsigned = row.state == "unsigned"
            name = "approve-unsigned" if unsigned else "approve"
            step = _step(name, row.state, DVV, self._case(tx, row), contract)
            row.in_force_at = tx.now
            if unsigned:
                row.sign_by = months_after(finnish_day(tx.now), registration_data().sign_within_months)
            approved = _note(tx, row, step, officer=officer)
            _keep_up_points(tx, row)
            return approved

    def send_back(self, contract: str, *, reason: str, officer: str = DVV) -> Contract:
        """Send a contract back to the organisation with a reason."""
        with self._change(officer, "return", contract) as tx:
            row = row_of_contract(tx.session, contract)
            step = _step("return", row.state, DVV, replace(self._case(tx, row), reason=reason), contract)
            row.reason = reason[:500]
            return _note(tx, row, step, officer=officer)

    def end(self, contract: str, *, reason: str, by: Hetu | str) -> Contract:
        """End a contract, as a user of the account or as ``"dvv"``; its points fall below the requirements."""
        role = "customer" if isinstance(by, Hetu) else by
        with self._change(role, "end", contract) as tx:
            row = row_of_contract(tx.session, contract)
            case = replace(self._case(tx, row, by if isinstance(by, Hetu) else None), reason=reason)
            step = _step("end", row.state, role, case, contract)
            row.reason = reason[:500]
            ended = _note(tx, row, step, reason=reason[:200])
            _keep_up_points(tx, row)
            return ended

    def follow_time(self) -> list[Contract]:
        """End the contracts that were not signed in time."""
        today = finnish_day(self.records.clock.now())
        late = select(ContractRow).where(ContractRow.state == "in-force-unsigned", ContractRow.sign_by < today)
        with self.records.look() as session:
            if session.scalars(late).first() is None:
                return []
        ended = []
        with self.records.change(office="dvv", actor="clock") as tx:
            rows = tx.session.scalars(late).all()
            if not rows:  # another process was quicker
                tx.journal("contract.lapse", "nothing")
            for row in rows:
                step = _step("lapse", row.state, "clock", self._case(tx, row), contract_id(row.number))
                row.reason = "not signed in time"
                ended.append(_note(tx, row, step))
                _keep_up_points(tx, row)
        return ended

    def contract(self, contract: str) -> Contract:
        """One contract by its id; ``Misuse`` if there is none."""
        with self.records.look() as session:
            return as_contract(row_of_contract(session, contract))

    def contracts(self, *, organisation: Oid | None = None) -> list[Contract]:
        """All contracts, or those of an organisation, oldest first."""
        query = select(ContractRow).order_by(ContractRow.number)
        if organisation is not None:
            query = query.where(ContractRow.organisation == organisation.value)
        with self.records.look() as session:
            return [as_contract(row) for row in session.scalars(query)]

    def _signer(self, tx: Transaction, row: ContractRow, signature: CardSignature | None) -> CardSigner | str:
        if signature is None:
            return "No signature of a card was given."
        return signer_of(
            signature, row.document, SignedFor.CONTRACT,
            authorities=self.authorities, session=tx.session, at=tx.now,
        )  # fmt: skip

    def _case(self, tx: Transaction, row: ContractRow, by: Hetu | None = None) -> ContractCase:
        documents = select(ContractDocumentRow.kind).where(ContractDocumentRow.contract == row.number)
        return ContractCase(
            now=tx.now,
            kind=row.kind,
            organisation=self.organisations.organisation(Oid(row.organisation)),
            member=by is None or user_of(tx.session, Oid(row.organisation), by) is not None,
            details=MappingProxyType(json.loads(row.details)),
            point=_point(tx.session, row.point),
            attachments=frozenset(tx.session.scalars(documents)),
            sign_by=row.sign_by,
        )

    @contextmanager
    def _change(self, actor: str, step: str, subject: str) -> Iterator[Transaction]:
        with (
            refusals_journalled(self.records, actor=actor, step=step, subject=subject),
            self.records.change(office="dvv", actor=actor) as tx,
        ):
            yield tx


def _keep_up_points(tx: Transaction, row: ContractRow) -> None:
    for point in tx.session.scalars(select(RegistrationPointRow).where(RegistrationPointRow.contract == row.number)):
        keep_up(tx, point)


def _point(session: Session, point_id: str) -> RegistrationPoint | None:
    row = session.get(RegistrationPointRow, point_id) if point_id else None
    return as_point(row) if row is not None else None


def _step(name: str, state: str, role: str, case: ContractCase, subject: str) -> Step:
    return contract_machine().step(name, state=state, actor=role, guards=CONTRACT_GUARDS, case=case, subject=subject)


def _note(tx: Transaction, row: ContractRow, step: Step, **details: str) -> Contract:
    origin, row.state, row.changed_at = row.state, step.target, tx.now
    tx.session.flush()
    tx.journal(
        f"contract.{step.transition.name}",
        contract_id(row.number),
        from_state=origin,
        to_state=step.target,
        organisation=row.organisation,
        **details,
    )
    return as_contract(row)
