"""A year in the registers, as data: who graduates, who orders a card and waits for it, what is refused, what ends.

The ministry's figures need something to count. What happens stands in the tables below, by month; everything goes
through the offices, so what is counted are their own books. The people are made for it: 900-series identity codes,
names of trees and waters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count

from sotepki.dvv import ApplicationKind, IdentityProof, TechnicalContact
from sotepki.errors import Refused
from sotepki.identifiers import Hetu, RegistrationNumber
from sotepki.journey import Cast, load_cast, make_request
from sotepki.journey.card_holder import passport
from sotepki.ministry import Figures, collect
from sotepki.registers import Person
from sotepki.workspace import Workspace

GRADUATES: Mapping[int, Mapping[str, int]] = {
    1: {"001": 2, "T06": 4, "T40": 1},
    2: {"T06": 1, "T12": 2},
    3: {"001": 1, "T06": 2, "T41": 1},
    4: {"T12": 3},
    5: {"001": 2, "T06": 6, "T12": 4, "T40": 2},
    6: {"001": 6, "T06": 9, "T12": 8, "T40": 4, "T41": 5},
    8: {"001": 1, "T05": 2},
    9: {"T06": 3, "T12": 1},
    10: {"001": 1, "T40": 1},
    12: {"001": 4, "T06": 7, "T12": 5, "T41": 2},
}
"""Rights granted, by month and code."""

CARDS = (
    (2, "physician", 12), (3, "nurse", 14), (3, "social-worker", 9), (5, "psychologist", 21), (9, "geronomi", 16),
    (12, "dentist", None),
)  # fmt: skip
"""Orders: month, who, and the days until the card was there; None is still waiting at the end of the year."""

CLOSINGS = ((6, "nurse", "lost"), (11, "geronomi", "broken"))
REFUSED_ORDERS = (
    (2, "employee-without-right", "passport"), (4, "prescribing-nurse", "driving-licence"),
    (4, "student-whose-right-lapsed", "passport"), (7, "registrar-county-1", "passport"),
    (10, "pharmacist", "kela-card"), (10, "nurse-whose-right-was-removed", "passport"),
)  # fmt: skip
"""Orders that cannot be taken: month, applicant, and the document that was shown."""

REFUSED_TASKS = ((3, "nurse", "prescribing"), (8, "social-worker", "prescribing"), (8, "nurse", "prescribing"))
RESTRICTED, REMOVED = ((5, "prescribing-nurse", "T13"), (9, "physician", "001")), ((7, "practical-nurse", "T12"),)
APPLICATIONS = ((4, "social-services", 6), (6, "clinic", 15), (9, "hospital", 5))
"""Applications for a server certificate: month, organisation, and the days until DVV took its decision."""

_TREES = ("Koivu", "Mänty", "Pihlaja", "Haapa", "Leppä", "Kataja", "Tammi", "Saarni", "Vaahtera", "Lehmus")
_WATERS = ("niemi", "lahti", "ranta", "salmi", "järvi", "joki", "koski", "lampi", "saari", "lähde")


@dataclass
class Year:
    """A year that begins on 1 January of ``year``; ``months`` lets it happen."""

    workspace: Workspace
    year: int
    cast: Cast = field(default_factory=load_cast)
    _numbers: Iterator[int] = field(default_factory=count)

    def months(self) -> Iterator[tuple[date, Figures]]:
        """Let each month happen, and give its last day with the figures of that day."""
        for month in range(1, 13):
            self._until(date(self.year, month, 3))
            for deed in (self._rights, self._cards, self._refusals, self._applications):
                deed(month)
            first_of_next = date(self.year + month // 12, month % 12 + 1, 1)
            self._until(first_of_next)
            yield first_of_next - timedelta(days=1), collect(self.workspace.records)

    def _until(self, day: date) -> None:
        clock = self.workspace.clock
        wanted = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
        if wanted > clock.now():
            clock.advance(wanted - clock.now())
            self.workspace.catch_up()

    def _after(self, days: int) -> None:
        self._until(self.workspace.clock.now().date() + timedelta(days=days))

    def _rights(self, month: int) -> None:
        valvira = self.workspace.valvira
        for code, how_many in GRADUATES.get(month, {}).items():
            for _ in range(how_many):
                person = self.workspace.population.register_person(self._somebody(), actor="year")
                valvira.grant_right(person, code, actor="valvira")
        for _, part, code in (one for one in RESTRICTED if one[0] == month):
            number = self._number(part)
            valvira.restrict_right(number, code, ["10"], actor="valvira", reason="valvontapäätös")
        for _, part, code in (one for one in REMOVED if one[0] == month):
            valvira.remove_right(self._number(part), code, actor="valvira", reason="oma pyyntö")

    def _cards(self, month: int) -> None:
        vartti, registrar = self.workspace.vartti, self.cast.person("registrar-county-1")
        for _, part, days in (one for one in CARDS if one[0] == month):
            order = vartti.order_professional_card(
                registrar=registrar, applicant=self.cast.person(part), identity=passport(self.workspace)
            )
            if days is not None:
                self._after(days)
                made = vartti.personalise(order.id)
                vartti.hand_over(made.card_number, registrar=registrar, identity=passport(self.workspace))
        for _, part, reason in (one for one in CLOSINGS if one[0] == month):
            (card,) = vartti.orders(hetu=self.cast.person(part))
            vartti.close_card(card.card_number, reason, self.cast.person(part))

    def _refusals(self, month: int) -> None:
        registrar = self.cast.person("registrar-county-1")
        for _, part, document in (one for one in REFUSED_ORDERS if one[0] == month):
            seen = IdentityProof(document, valid_to=date(self.year + 2, 1, 1))
            try:
                self.workspace.vartti.order_professional_card(
                    registrar=registrar, applicant=self.cast.person(part), identity=seen
                )
            except Refused:
                continue
            raise AssertionError(f"The order for the {part} was taken.")
        hospital = self.workspace.provider(self.cast.organisation("hospital"))
        for _, part, task in (one for one in REFUSED_TASKS if one[0] == month):
            try:
                hospital.grant_access(self._number(part), task, actor="hospital")
            except Refused:
                continue
            raise AssertionError(f"The {part} was given {task}.")

    def _applications(self, month: int) -> None:
        office, user = self.workspace.service_certificates, self.cast.person("technical-contact")
        for _, key, days in (one for one in APPLICATIONS if one[0] == month):
            organisation = self.workspace.thl.organisation(self.cast.organisation(key))
            assert organisation is not None
            office.open_account(organisation.oid, user=user)
            host = f"kanta.{organisation.domains[0]}"
            contact = TechnicalContact("Tekninen Yhteyshenkilö TEST", f"tekninen.tuki@{organisation.domains[0]}")
            application = office.apply(
                organisation=organisation.oid, kind=ApplicationKind.SERVER, user=user, contact=contact
            )
            place = {"C": "FI", "ST": "Finland", "L": organisation.municipality, "O": organisation.name, "CN": host}
            made = make_request(self.workspace.directory / "requests", key, place, dns_names=(host,))
            office.attach_csr(application, made.request.read_bytes())
            self._after(days)
            office.process(application)

    def _number(self, part: str) -> RegistrationNumber:
        found = self.workspace.valvira.professional_of(self.cast.person(part))
        assert found is not None
        return found.registration_number

    def _somebody(self) -> Person:
        number = next(self._numbers)
        born = date(1998 + number % 2, 1 + number % 12, 1 + number % 28)
        surname = _TREES[number % 10] + _WATERS[number // 10 % 10]
        return Person(Hetu.of(born, "-", 910 + number % 80), "Testi", surname)
