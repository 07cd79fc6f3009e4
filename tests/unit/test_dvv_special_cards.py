"""Spare cards and test cards at DVV, with real profiles where the authorities of the plan are there."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from authority_world import holder_key, new_world
from office_world import (
    DUAL,
    NOW,
    PHYSICIAN,
    REGISTRAR,
    WITHOUT_RIGHT,
    FakeAuthorities,
    FakeShelf,
    World,
    make_world,
)
from registers_world import WORLD

from sotepki.card import KeyUse, Personalisation
from sotepki.clock import finnish_day
from sotepki.dvv import IdentityProof, RegistrationPoints, SpareCards, TestCards
from sotepki.dvv.vartti.card_certification import TEST_CARD_KINDS, card_certifications
from sotepki.dvv.vartti.spare_cards import spare_machine
from sotepki.errors import Refused
from sotepki.evidence import load_yaml
from sotepki.identifiers import Oid, Satu
from sotepki.records import Channel
from sotepki.resources import package_file
from sotepki.tokens import KeyKind, PrivateKey
from sotepki.tokens.pool import make_key
from sotepki.x509.lint import lint_certificate
from sotepki.x509.status import CertificateState

PASSPORT = IdentityProof("passport", date(2030, 1, 1))
LETTERS = str(Channel.LETTER)
ORDERER = Oid("1.2.246.10.12345671.10.0")


class HolderKeys:
    """Keys of the right kind, the RSA ones made once."""

    def __init__(self) -> None:
        self.number = 0

    def take(self, kind: KeyKind) -> PrivateKey:
        self.number += 1
        return make_key(kind) if kind is KeyKind.P_384 else holder_key(100 + self.number % 2)


class QuickKeys:
    def take(self, kind: KeyKind) -> PrivateKey:
        return make_key(KeyKind.P_256)


@dataclass
class SpareShelf:
    """Blanks in memory, with the shelf's rule that only a blank is personalised."""

    blanks: set[str] = field(default_factory=set)
    made: dict[str, Personalisation] = field(default_factory=dict)

    def has(self, number: str) -> bool:
        return number in self.blanks or number in self.made

    def add_blank(self, number: str, kind: str = "professional") -> None:
        self.blanks.add(number)

    def personalise_blank(self, order: Personalisation) -> None:
        order.check()
        self.blanks.remove(order.number)
        self.made[order.number] = order

    def empty(self, number: str) -> None:
        self.made.pop(number, None)
        self.blanks.add(number)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = make_world(tmp_path)
    plan = SimpleNamespace(authorities={row.authority for row in card_certifications().values()})
    made.authorities.plan = plan  # type: ignore[attr-defined]
    points = RegistrationPoints(made.records)
    points.found("P1", organisation=ORDERER, name="TESTI", public=True, actor="dvv")
    points.add_registrar(REGISTRAR, "P1", trained_on=date(2025, 1, 1), valid_to=date(2030, 1, 1), actor="dvv")
    return made


@pytest.fixture
def shelf() -> SpareShelf:
    return SpareShelf()


@pytest.fixture
def spare(world: World, shelf: SpareShelf) -> SpareCards:
    return SpareCards(world.records, world.authorities, world.population, world.rights, shelf, QuickKeys())  # type: ignore[arg-type]


def states(authorities: FakeAuthorities) -> list[CertificateState]:
    return [one.status.state for one in authorities.ledger]


def refusal(spare: SpareCards, number: str, **changes: object) -> str:
    wanted: dict[str, object] = {"registrar": REGISTRAR, "holder": PHYSICIAN, "identity": PASSPORT, **changes}
    with pytest.raises(Refused) as refused:
        spare.issue(number, **wanted)  # type: ignore[arg-type]
    return refused.value.rule


def test_a_blank_is_issued_returned_emptied_and_issued_again(
    world: World, spare: SpareCards, shelf: SpareShelf
) -> None:
    """The round of a spare card: no certificate of an earlier holder may be good when the next one has the card."""
    (blank,) = spare.receive_blanks(1, registrar=REGISTRAR)
    for turn in (1, 2):
        issued = spare.issue(blank.number, registrar=REGISTRAR, holder=PHYSICIAN, identity=PASSPORT, days=3)
        assert issued.state == "issued" and issued.activation_code is not None and len(issued.activation_code) == 8
        assert issued.not_after is not None and NOW < issued.not_after <= NOW + timedelta(days=3)
        made = shelf.made[blank.number]
        assert all(one.contents.not_valid_after_utc == issued.not_after for one in made.leaves.values())
        assert states(world.authorities).count(CertificateState.GOOD) == 2
        back = spare.take_back(blank.number, registrar=REGISTRAR)
        assert (back.state, back.registration_number, back.not_after) == ("blank", "", None)
        assert blank.number in shelf.blanks
        assert states(world.authorities) == [CertificateState.REVOKED] * 2 * turn
    assert all(PHYSICIAN.value not in str(entry) for entry in world.journal())


@pytest.mark.parametrize(
    ("given", "days", "last_day"),
    [
        ("2027-03-17T21:30:00+00:00", 14, date(2027, 3, 30)),  # half past eleven in the evening in Finland
        ("2027-03-27T21:30:00+00:00", 1, date(2027, 3, 27)),  # the last evening of winter time
        ("2027-10-30T21:30:00+00:00", 1, date(2027, 10, 31)),  # half past midnight; the day has 25 hours
        ("2027-10-19T21:30:00+00:00", 14, date(2027, 11, 2)),
    ],
)
def test_days_of_a_spare_card_are_finnish_days(
    world: World, spare: SpareCards, given: str, days: int, last_day: date
) -> None:
    """Clocks that are put forward or back in between give the holder no day more and none less."""
    world.clock.moment = datetime.fromisoformat(given)
    (blank,) = spare.receive_blanks(1, registrar=REGISTRAR)
    issued = spare.issue(blank.number, registrar=REGISTRAR, holder=PHYSICIAN, identity=PASSPORT, days=days)
    assert issued.not_after is not None
    assert finnish_day(issued.not_after) == last_day


def test_who_may_not_have_a_spare_card(spare: SpareCards, world: World) -> None:
    """The rules of ordinary cards hold at the spare-card desk too."""
    one, two = (card.number for card in spare.receive_blanks(2, registrar=REGISTRAR))
    assert refusal(spare, one, holder=WITHOUT_RIGHT) == "order.right.none"
    assert refusal(spare, one, holder=DUAL) == "order.right.choice"
    assert refusal(spare, one, holder=REGISTRAR) == "order.not-for-oneself"
    assert refusal(spare, one, registrar=PHYSICIAN) == "registrar.unknown"
    assert refusal(spare, one, identity=IdentityProof("driving-licence", date(2030, 1, 1))) == "order.identity.kind"
    assert refusal(spare, one, identity=IdentityProof("passport", date(2020, 1, 1))) == "order.identity.expired"
    assert refusal(spare, one, identity=replace(PASSPORT, in_person=False)) == "order.identity.in-person"
    assert refusal(spare, one, days=15) == "spare.days"
    assert refusal(spare, "12345") == "spare.unknown"
    spare.issue(one, registrar=REGISTRAR, holder=PHYSICIAN, identity=PASSPORT)
    assert refusal(spare, one) == "spare.state"
    assert refusal(spare, two) == "spare.one-card"
    assert {card.state for card in spare.cards(point="P1")} == {"issued", "blank"}
    with pytest.raises(Refused, match="blank"):
        spare.take_back(two, registrar=REGISTRAR)


def test_a_spare_card_is_the_registrars_business() -> None:
    """The holder cannot empty or issue a card by himself, whatever its state."""
    machine = spare_machine()
    for step, state in (("issue", "blank"), ("take-back", "issued"), ("empty", "returning")):
        with pytest.raises(Refused) as caught:
            machine.step(step, state=state, actor="holder", guards={}, case=None, subject="spare card")
        assert caught.value.rule == "spare.actor"


def test_an_interrupted_issue_is_begun_again(spare: SpareCards, world: World, shelf: SpareShelf) -> None:
    """Power goes after the certificates: their keys are lost, so they are revoked and new ones made."""
    (blank,) = spare.receive_blanks(1, registrar=REGISTRAR)
    personalise = shelf.personalise_blank

    def crash(order: Personalisation) -> None:
        raise KeyboardInterrupt

    shelf.personalise_blank = crash  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        spare.issue(blank.number, registrar=REGISTRAR, holder=PHYSICIAN, identity=PASSPORT)
    shelf.personalise_blank = personalise  # type: ignore[method-assign]
    assert refusal(spare, blank.number, holder=WITHOUT_RIGHT) == "order.right.none"
    issued = spare.issue(blank.number, registrar=REGISTRAR, holder=PHYSICIAN, identity=PASSPORT)
    assert issued.state == "issued"
    assert states(world.authorities) == [CertificateState.REVOKED] * 2 + [CertificateState.GOOD] * 2


def test_without_the_authority_nothing_is_begun(spare: SpareCards, world: World, shelf: SpareShelf) -> None:
    """A workspace without the temporary CA says so and leaves the blank a blank."""
    (blank,) = spare.receive_blanks(1, registrar=REGISTRAR)
    world.authorities.plan = SimpleNamespace(authorities={"sote-persons"})  # type: ignore[attr-defined]
    assert refusal(spare, blank.number) == "card-kind.authority"
    assert spare.cards()[0].state == "blank"
    assert not world.authorities.ledger


@pytest.mark.parametrize("kind", TEST_CARD_KINDS)
def test_a_set_of_test_cards_of_each_kind(world: World, kind: str) -> None:
    """Developers get cards with fictional holders, a letter for each, and no code stays in the books."""
    desk = TestCards(world.records, world.authorities, world.shelf, QuickKeys())  # type: ignore[arg-type]
    first, second = desk.order(kind, 2, organisation=ORDERER), desk.order(kind, 1, organisation=ORDERER)
    assert [card.order for card in first + second] == [1, 1, 2]
    assert len({card.number for card in first + second} & set(world.shelf.made)) == 3
    assert {card.state for card in first + second} == {"delivered"}
    letters = world.outbox(LETTERS)
    assert len(letters) == 3
    assert world.shelf.made[first[0].number].kind == kind
    assert world.shelf.made[first[0].number].activation_code.reveal() in letters[0].read_text(encoding="utf-8")
    assert len({card.identifier for card in first + second}) == 3
    if kind == "citizen":
        Satu.parse(first[0].identifier)


def test_the_rights_on_test_cards_are_of_the_code_list() -> None:
    """A system that looks the title's code up, as on every other card, would find none."""
    with (WORLD / "codes" / "professional-rights.csv").open(encoding="utf-8", newline="") as file:
        listed = {f"{row['code']} {row['name_fi']}, {row['name_sv']}" for row in csv.DictReader(file)}
    titles = load_yaml(package_file("dvv", "vartti", "test_identities.yaml"))["titles"]
    assert titles and set(titles) <= listed


def test_orders_of_test_cards_have_limits(world: World) -> None:
    """At most twenty in an order, of five kinds."""
    desk = TestCards(world.records, world.authorities, world.shelf, QuickKeys())  # type: ignore[arg-type]
    for kind, count, rule in (
        ("professional", 21, "test-card.count"), ("professional", 0, "test-card.count"), ("bus", 1, "test-card.kind"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            desk.order(kind, count, organisation=ORDERER)
        assert refused.value.rule == rule
    assert desk.cards() == []


def test_test_cards_that_no_certificate_fits_are_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order says why; the next start does not try them again, and is not stopped by them."""
    desk = TestCards(world.records, world.authorities, world.shelf, QuickKeys())  # type: ignore[arg-type]

    def expired(*_: object, **__: object) -> None:
        raise Refused("The authority's certificate has ended.", rule="authority.expired")

    monkeypatch.setattr(world.authorities, "issue", expired)
    with pytest.raises(Refused) as refused:
        desk.order("professional", 2, organisation=ORDERER)
    assert refused.value.rule == "authority.expired"
    assert [card.state for card in desk.cards()] == ["refused", "refused"]
    monkeypatch.undo()
    assert desk.resume() == 0
    assert len(desk.order("professional", 1, organisation=ORDERER)) == 1


def test_an_interrupted_order_of_test_cards_is_finished(world: World) -> None:
    """Killed after the second of three cards, the next run makes the rest, each once."""
    desk = TestCards(world.records, world.authorities, world.shelf, QuickKeys())  # type: ignore[arg-type]
    calls = []

    def crash(point: str) -> None:
        calls.append(point)
        if calls.count("before-card") == 2:
            raise KeyboardInterrupt

    world.shelf.at = crash
    with pytest.raises(KeyboardInterrupt):
        desk.order("professional", 3, organisation=ORDERER)
    world.shelf.at = lambda point: None
    assert desk.resume() == 2
    assert len(world.shelf.made) == len(world.outbox(LETTERS)) == 3
    assert states(world.authorities).count(CertificateState.REVOKED) == 2, "the keys of the second card died"


def test_test_cards_of_every_kind_are_issued_by_the_real_authorities(tmp_path: Path) -> None:
    """Content as in production: what the profile of a kind refuses could not be issued to a developer."""
    hierarchy, shelf = new_world(tmp_path), FakeShelf()
    desk = TestCards(hierarchy.records, hierarchy.authorities, shelf, HolderKeys())
    for kind in TEST_CARD_KINDS:
        (card,) = desk.order(kind, 1, organisation=ORDERER)
        made = shelf.made[card.number]
        assert made.issuers[0].subject == made.leaves[KeyUse.SIGNATURE].contents.issuer
        certification = card_certifications()[kind]
        holder = f"test card {card.number}"
        issued = hierarchy.authorities.issued(holder=holder, authority_id=certification.authority)
        assert {one.profile for one in issued} == set(certification.profiles.values())
        for certificate in made.certificates.values():
            report = lint_certificate(certificate)
            assert report.profile_id, report.nearest
    assert len(shelf.made) == len(TEST_CARD_KINDS)


@pytest.mark.parametrize(("kind", "authority"), [
    ("professional", "sote-persons-ec"), ("personnel", "sote-persons-ec"), ("actor", "sote-persons-ec"),
    ("organisation", "general-ec"), ("citizen", "general-ec"),
])  # fmt: skip
def test_test_cards_with_ec_keys_are_of_the_ec_tree(tmp_path: Path, kind: str, authority: str) -> None:
    """Developers prepare for the coming chip: P-384 keys, an EC chain, the content of the kind."""
    hierarchy, shelf = new_world(tmp_path), FakeShelf()
    desk = TestCards(hierarchy.records, hierarchy.authorities, shelf, HolderKeys())
    (card,) = desk.order(kind, 1, organisation=ORDERER, ec=True)
    made = shelf.made[card.number]
    assert card.kind == made.kind == kind
    assert made.issuers == hierarchy.authorities.chain(authority)
    issued = hierarchy.authorities.issued(holder=f"test card {card.number}")
    assert {one.profile for one in issued} == {f"{kind}-{use}-ec" for use in KeyUse}
    assert all(lint_certificate(certificate).profile_id for certificate in made.certificates.values())
