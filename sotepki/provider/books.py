"""What a provider notes down of its own arrangements: technical support, system, access point, models, training."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import select

from sotepki.clock import finnish_day
from sotepki.errors import Refused
from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.provider.join_lists import join_data
from sotepki.provider.refusals import OFFICE, refusals_journalled, refuse_note
from sotepki.provider.tables import ArrangementRow, SupportContactRow, TrainingRow
from sotepki.provider.task_list import provider_rules
from sotepki.records import Records
from sotepki.registers import OrganisationRegister

MODEL = "operating-model:"

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}")
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ]{4,24}")


class Arrangement(StrEnum):
    """What is arranged once for an organisation (operating models: ``MODEL`` and their id)."""

    SYSTEM = "information-system"
    ACCESS_POINT = "access-point"


@dataclass(frozen=True)
class SupportContact:
    """Technical support: who is called, and when they answer."""

    name: str
    email: str
    telephone: str
    hours: str

    def as_dict(self) -> dict[str, str]:
        """The contact for JSON."""
        return asdict(self)


class Books:
    """The notes of one organisation."""

    def __init__(self, records: Records, organisations: OrganisationRegister, organisation: Oid) -> None:
        self.records = records
        self.organisations = organisations
        self.organisation = organisation

    # --- asking -----------------------------------------------------------------------------------------------------

    def support(self) -> SupportContact | None:
        """The technical support contact, or None."""
        with self.records.look() as session:
            row = session.get(SupportContactRow, self.organisation.value)
            return SupportContact(row.name, row.email, row.telephone, row.hours) if row else None

    def arranged(self) -> Mapping[str, tuple[str, date]]:
        """What is arranged: kind to value and day."""
        query = select(ArrangementRow).where(ArrangementRow.organisation == self.organisation.value)
        with self.records.look() as session:
            return {row.kind: (row.value, row.agreed_on) for row in session.scalars(query)}

    def trained(self, topic: str) -> Mapping[RegistrationNumber, date]:
        """Who was trained on a topic, and when last."""
        query = select(TrainingRow).where(
            TrainingRow.organisation == self.organisation.value, TrainingRow.topic == topic
        )
        with self.records.look() as session:
            return {RegistrationNumber(row.registration_number): row.trained_on for row in session.scalars(query)}

    # --- noting -----------------------------------------------------------------------------------------------------

    def name_support(self, contact: SupportContact, *, actor: str) -> SupportContact:
        """Name the technical support contact; the one before is replaced.

        Raises:
            Refused: ``books.organisation``, ``books.text`` or ``books.support``.
        """
        with refusals_journalled(self.records, actor=actor, step="support", subject=self.organisation.value):
            self._known()
            for text, longest in ((contact.name, 200), (contact.hours, 100)):
                refuse_note(text, longest)
            if not _EMAIL.fullmatch(contact.email) or not _TELEPHONE.fullmatch(contact.telephone):
                raise _refusal("books.support", "The contact needs an e-mail address and a telephone number.")
            with self.records.change(OFFICE, actor) as tx:
                row = SupportContactRow(organisation=self.organisation.value, named_at=tx.now, **contact.as_dict())
                tx.session.merge(row)
                tx.session.flush()
                tx.journal("support named", self.organisation.value, name=contact.name)
        return contact

    def arrange(self, kind: str, value: str, *, agreed_on: date | None = None, actor: str) -> None:
        """Note the information system, the access point, or that an operating model is agreed on (``MODEL`` + id).

        Raises:
            Refused: ``books.organisation``, ``books.text``, ``books.model`` or ``books.day``.
        """
        with refusals_journalled(self.records, actor=actor, step="arrange", subject=self.organisation.value):
            self._known()
            if kind not in (*Arrangement, *(f"{MODEL}{model}" for model in join_data().models)):
                known = ", ".join(join_data().models)
                model = kind.removeprefix(MODEL)
                raise _refusal("books.model", f"There is no operating model {model[:40]!r}; there are: {known}.")
            refuse_note(value, 300)
            day = self._day(agreed_on)
            with self.records.change(OFFICE, actor) as tx:
                tx.session.merge(
                    ArrangementRow(organisation=self.organisation.value, kind=kind, value=value, agreed_on=day)
                )
                tx.session.flush()
                tx.journal("arranged", self.organisation.value, kind=kind, value=value, agreed_on=day.isoformat())

    def train(
        self, numbers: Collection[RegistrationNumber], topic: str, *, trained_on: date | None = None, actor: str
    ) -> None:
        """Note that professionals were trained on a topic.

        Raises:
            Refused: ``books.organisation``, ``books.topic`` or ``books.day``.
        """
        with refusals_journalled(self.records, actor=actor, step="train", subject=self.organisation.value):
            self._known()
            if topic not in join_data().topics:
                known = ", ".join(join_data().topics)
                raise _refusal("books.topic", f"There is no topic {topic[:40]!r}; there are: {known}.")
            day = self._day(trained_on)
            with self.records.change(OFFICE, actor) as tx:
                for number in numbers:
                    key = {"registration_number": number.value, "topic": topic}
                    tx.session.merge(TrainingRow(organisation=self.organisation.value, trained_on=day, **key))
                    tx.journal("trained", number.value, topic=topic, trained_on=day.isoformat())
                if not numbers:
                    tx.journal("trained", self.organisation.value, topic=topic, people="0")
                tx.session.flush()

    # ----------------------------------------------------------------------------------------------------------------

    def _known(self) -> None:
        if self.organisations.organisation(self.organisation) is None:
            raise _refusal("books.organisation", f"{self.organisation} is not in the organisation register.")

    def _day(self, day: date | None) -> date:
        today = finnish_day(self.records.clock.now())
        if day is not None and day > today:
            raise _refusal("books.day", f"{day} is still to come.")
        return day or today


def _refusal(rule: str, sentence: str) -> Refused:
    return provider_rules().refusal(rule, sentence)
