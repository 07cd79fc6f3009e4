"""Customer accounts of the e-service: opened after strong identification, then colleagues are invited.

With a certificate card the person signs a challenge with the authentication key. Bank codes and mobile certificates
are those of TEST identities: the code of the 900-series that is given stands for the bank's word.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sotepki.dvv.office_seams import Certification
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.registration.card_signature import CardSignature, SignedFor, signer_of
from sotepki.dvv.service_certificates.data import service_data, service_rules
from sotepki.dvv.service_certificates.store import user_of
from sotepki.dvv.service_certificates.tables import AccountUserRow, CustomerAccountRow, LoginChallengeRow
from sotepki.errors import Refused
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Records, Transaction
from sotepki.registers import OrganisationRegister

CARD = "certificate-card"


@dataclass(frozen=True)
class CardLogin:
    """The answer to a challenge: the challenge itself, and the signature of the card's authentication key over it."""

    challenge: bytes
    signature: CardSignature


@dataclass(frozen=True)
class CustomerAccounts:
    """The accounts; ``organisations`` is THL's SOTE organisation register."""

    records: Records
    authorities: Certification
    organisations: OrganisationRegister

    def login_challenge(self, organisation: Oid, user: Hetu) -> bytes:
        """A text for ``user`` to sign with the authentication key of a card; it serves once, for some minutes."""
        with self.records.change(office="dvv", actor="customer") as tx:
            challenge = (
                f"sotepki TEST login to {organisation} at {tx.now.isoformat()} {secrets.token_hex(16)}".encode()
            )
            tx.session.add(
                LoginChallengeRow(
                    digest=_digest(challenge), organisation=organisation.value, hetu=user.value, given_at=tx.now
                )
            )
            tx.journal("account.login-challenge", organisation.value)
            return challenge

    def open(self, organisation: Oid, *, user: Hetu, identified_with: str, login: CardLogin | None = None) -> None:
        """See ``ServiceCertificates.open_account``."""
        subject = organisation.value
        with (
            refusals_journalled(self.records, actor="customer", step="open-account", subject=subject),
            self.records.change(office="dvv", actor="customer") as tx,
        ):
            if self.organisations.organisation(organisation) is None:
                sentence = f"The organisation {organisation} is not in THL's SOTE organisation register."
                raise service_rules().refusal("account.organisation-register", sentence, subject=subject)
            if identified_with not in service_data().strong_identification:
                sentence = f"{identified_with[:40]!r} is not a strong identification."
                raise service_rules().refusal("account.strong-identification", sentence, subject=subject)
            if identified_with == CARD:
                self._check_login(tx, organisation, user, login)
            if tx.session.get(CustomerAccountRow, organisation.value) is None:
                tx.session.add(CustomerAccountRow(organisation=organisation.value, opened_at=tx.now))
                tx.session.flush()
            number = _add_user(tx.session, organisation, user, identified_with, tx.now)
            tx.journal("account.opened", organisation.value, user=str(number), identified_with=identified_with)

    def invite(self, organisation: Oid, *, by: Hetu, user: Hetu) -> None:
        """See ``ServiceCertificates.invite``."""
        with (
            refusals_journalled(self.records, actor="customer", step="invite", subject=organisation.value),
            self.records.change(office="dvv", actor="customer") as tx,
        ):
            inviter = self._member(tx, organisation, by, "invites")
            number = _add_user(tx.session, organisation, user, "invited", tx.now)
            tx.journal("account.user-invited", organisation.value, user=str(number), by=str(inviter.id))

    def users(self, organisation: Oid) -> int:
        """How many users an account has."""
        query = select(func.count()).where(AccountUserRow.organisation == organisation.value)
        with self.records.look() as session:
            return session.scalar(query) or 0

    def _member(self, tx: Transaction, organisation: Oid, person: Hetu, does: str) -> AccountUserRow:
        member = user_of(tx.session, organisation, person)
        if member is None:
            sentence = f"The person who {does} is not a user of the account of {organisation}."
            raise service_rules().refusal("application.account", sentence, subject=organisation.value)
        return member

    def _check_login(self, tx: Transaction, organisation: Oid, user: Hetu, login: CardLogin | None) -> None:
        if login is None:
            raise _no_login("No challenge was signed.", organisation)
        row = tx.session.get(LoginChallengeRow, _digest(login.challenge))
        if row is None or (row.organisation, row.hetu) != (organisation.value, user.value):
            raise _no_login("The challenge was not given to this person for this account.", organisation)
        if row.used_at is not None:
            raise _no_login("The challenge has been used already.", organisation)
        if tx.now - row.given_at > timedelta(minutes=service_data().login_minutes):
            raise _no_login(f"The challenge was given at {row.given_at:%H:%M} and is too old.", organisation)
        signer = signer_of(
            login.signature, login.challenge, SignedFor.LOGIN,
            authorities=self.authorities, session=tx.session, at=tx.now,
        )  # fmt: skip
        if isinstance(signer, str):
            raise _no_login(signer, organisation)
        if signer.hetu != user:
            raise _no_login("The card belongs to another person.", organisation)
        row.used_at = tx.now


def _no_login(sentence: str, organisation: Oid) -> Refused:
    return service_rules().refusal("account.card-login", sentence, subject=organisation.value)


def _add_user(session: Session, organisation: Oid, user: Hetu, identified_with: str, at: datetime) -> int:
    row = user_of(session, organisation, user)
    if row is None:
        row = AccountUserRow(
            organisation=organisation.value, hetu=user.value, identified_with=identified_with, added_at=at
        )
        session.add(row)
        session.flush()
    return row.id


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
