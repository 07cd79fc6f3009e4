"""A registration point at work with every kind of card: what the tests of Vartti share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from office_world import (
    CLINIC,
    COLLEAGUE,
    COUNTY,
    NURSE,
    PHYSICIAN,
    REGISTRAR,
    WITHOUT_RIGHT,
    FakeKeys,
    World,
    make_world,
)
from test_dvv_vartti_rules import PASSPORT, fill_points

from sotepki.card import KeyUse
from sotepki.dvv.vartti.office import CardOrder, CardRequest, Employment, Vartti
from sotepki.identifiers import Hetu, Oid
from sotepki.x509.status import CertificateState

CLERK = Employment("Osastosihteeri", "other")
CARER = Employment("Hoiva-avustaja", "patient-care")


class FakeAuthorisations:
    """Which organisation authorised which point, in place of the contracts."""

    def __init__(self, vartti: Vartti) -> None:
        self.given: set[tuple[str, Oid]] = set()
        vartti.points.authorised = lambda organisation, point_id: (point_id, organisation) in self.given  # type: ignore[method-assign]


@dataclass
class Office:
    """Vartti with its world; the shortcuts take a card as far as a test needs it."""

    world: World
    vartti: Vartti
    authorisations: FakeAuthorisations

    def order(self, applicant: Hetu = PHYSICIAN, registrar: Hetu = REGISTRAR, **more: object) -> CardOrder:
        point = str(more.pop("point", ""))
        request = replace(CardRequest(applicant, PASSPORT), **more)  # type: ignore[arg-type]
        return self.vartti.place_order(request, registrar=registrar, point=point)

    def staff_order(
        self, applicant: Hetu = WITHOUT_RIGHT, registrar: Hetu = REGISTRAR, kind: str = "personnel", **more: object
    ) -> CardOrder:
        arguments: dict[str, object] = {"employer": COUNTY, "employment": CLERK, **more}
        return self.order(applicant, registrar, kind=kind, **arguments)

    def delivered(self, order: CardOrder) -> str:
        return self.vartti.personalise(order.id).card_number

    def in_use(self, order: CardOrder) -> str:
        number = self.delivered(order)
        self.vartti.hand_over(number, registrar=REGISTRAR, identity=PASSPORT)
        return self.vartti.note_activation(number, actor=order.hetu).card_number

    def sign(self, number: str, challenge: bytes, use: KeyUse = KeyUse.AUTHENTICATION) -> bytes:
        key = self.world.shelf.made[number].keys[use]
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key.sign(challenge, ec.ECDSA(hashes.SHA256()))

    def renew(self, number: str) -> CardOrder:
        challenge = self.vartti.renewal_challenge(number)
        return self.vartti.renew(number, challenge, self.sign(number, challenge))

    def at_the_window(self, number: str, days_before: int = 60) -> None:
        """Move the time so that the card has ``days_before`` days left."""
        not_after = self.vartti.card(number).not_after
        assert not_after is not None
        self.world.clock.moment = not_after - timedelta(days=days_before)

    def good(self) -> list[x509.Certificate]:
        """The certificates that are not revoked."""
        return [one.certificate for one in self.world.authorities.ledger if one.status.state is CertificateState.GOOD]

    def letters(self, part: str = "activation-code") -> list[str]:
        return [path.read_text() for path in self.world.outbox("letters") if part in path.name]


def make_office(directory: Path) -> Office:
    world = make_world(directory)
    vartti = Vartti(
        world.records, world.authorities, world.population, world.rights, world.shelf, FakeKeys(),
        world.organisations,
    )  # fmt: skip
    fill_points(vartti.points)
    # One registrar outlasts the cards, so that tests can go years ahead.
    vartti.points.add_registrar(
        COLLEAGUE, "public", trained_on=date(2025, 1, 1), valid_to=date(2090, 1, 1), actor="dvv"
    )
    return Office(world, vartti, FakeAuthorisations(vartti))


__all__ = ["CARER", "CLERK", "CLINIC", "NURSE", "FakeAuthorisations", "Office", "date", "make_office"]
