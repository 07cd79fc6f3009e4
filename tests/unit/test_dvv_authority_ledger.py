"""What the authorities' ledger says of a certificate, how it counts, and what the journal keeps of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from authority_world import START, World, card_subject, holder_key, new_world
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sqlalchemy import select

from sotepki.cli import run
from sotepki.clock import end_of_finnish_day, finnish_day
from sotepki.dvv.authority import ledger, revocation_lists
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.dvv.authority.tables import CertificateRow, RevocationListRow
from sotepki.errors import Fault, Refused
from sotepki.records import JournalEntry, write_atomically
from sotepki.workspace import Workspace
from sotepki.x509.serials import person_serial, serial_text
from sotepki.x509.status import CertificateState

COMPROMISE = x509.ReasonFlags.key_compromise
SPARE, PERSONS = "sote-temporary", "sote-persons"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = new_world(tmp_path)
    yield made
    made.records.database.close()


def orders(count: int) -> list[CertificateOrder]:
    key = holder_key().public_key()
    return [CertificateOrder(card_subject(n), key, f"{n:011d}") for n in range(1, count + 1)]


def cards(world: World, count: int) -> list[int]:
    """The serial numbers of cards that were ordered together."""
    made = world.authorities.issue_many(PERSONS, "professional-signature-rsa", orders(count), actor="test")
    return [certificate.serial_number for certificate in made]


def spare(world: World) -> x509.Certificate:
    (order,) = orders(1)
    return world.authorities.issue_many(SPARE, "spare-signature-rsa", [order], actor="test")[0]


def journalled(world: World, action: str) -> tuple[str, dict[str, str]]:
    """Subject and details of the last entry of an action."""
    query = select(JournalEntry).where(JournalEntry.action == action).order_by(JournalEntry.sequence.desc())
    with world.records.look() as session:
        entry = session.scalars(query).first()
    assert entry is not None
    return entry.subject, json.loads(entry.details)


# ---------------------------------------------------------------------------------------------------- serial numbers


def test_cards_are_numbered_on_however_many_are_ordered_at_once(world: World) -> None:
    """A gap or a step back runs into numbers that are taken, and the next order fails."""
    numbers = [*cards(world, 1), *cards(world, 5), *cards(world, 1), *cards(world, 2)]
    assert numbers == [numbers[0] + step for step in range(9)]


def test_a_number_that_is_taken_is_passed_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes, or two random numbers, may meet: the customer gets a certificate all the same."""
    (taken,) = cards(world, 1)
    met = [taken, taken]
    monkeypatch.setattr(
        "sotepki.dvv.authority.certification.person_serial", lambda n: met.pop() if met else person_serial(n)
    )
    assert cards(world, 1) == [taken + 1]


def test_a_number_that_is_taken_again_and_again_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (taken,) = cards(world, 1)
    monkeypatch.setattr("sotepki.dvv.authority.certification.person_serial", lambda _n: taken)
    with pytest.raises(Fault, match="3 times a serial number that is taken") as caught:
        cards(world, 1)
    assert caught.value.rule == "serial.unique"


def test_a_disk_that_is_full_is_said_as_such(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking a fault of the disk for a number that is taken would send the person after the wrong thing."""

    def full(*_given: object) -> None:
        raise Fault("The disk is full.")

    monkeypatch.setattr(ledger, "take_serials", full)
    with pytest.raises(Fault, match="The disk is full"):
        cards(world, 1)


# ----------------------------------------------------------------------------------------------------------- an order


def server(world: World, **wishes: Any) -> x509.Certificate:
    name = "kanta.testi.example"
    subject = {"country": "FI", "state": "Finland", "locality": "Helsinki", "organisation": "Testi"}
    order = CertificateOrder(
        subject | {"common_name": name}, holder_key(1).public_key(), "1.2.246.10.0000000.10.0", dns_names=(name,),
        **{"extended_key_usage": ("server-auth",)} | wishes,
    )  # fmt: skip
    return world.authorities.issue_many("sote-services", "test-server", [order], actor="test")[0]


def test_a_certificate_ends_when_it_was_asked_to(world: World) -> None:
    """One for a month's test would be good for a year, or be refused without cause."""
    wanted = end_of_finnish_day(finnish_day(START) + timedelta(days=30))
    assert server(world, not_after=wanted).not_valid_after_utc == wanted


@pytest.mark.parametrize("asked", [("client-auth",), ("server-auth",), ("client-auth", "server-auth")])
def test_a_server_gets_the_usages_that_were_asked_for_and_no_other(world: World, asked: tuple[str, ...]) -> None:
    oids = {"client-auth": ExtendedKeyUsageOID.CLIENT_AUTH, "server-auth": ExtendedKeyUsageOID.SERVER_AUTH}
    made = server(world, extended_key_usage=asked)
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [oids[one] for one in asked]


def test_the_books_have_the_times_of_the_certificate_and_of_the_list(world: World) -> None:
    """X.509 knows no parts of a second: an entry would leave the list, or a service its certificate, too early."""
    world.clock.moment = START + timedelta(microseconds=654321)
    made = world.card_certificate()
    signed = world.authorities.sign_crl(PERSONS)
    assert (signed.this_update, signed.next_update) == (signed.crl.last_update_utc, signed.crl.next_update_utc)
    with world.records.look() as session:
        row = session.scalars(select(CertificateRow).where(CertificateRow.holder == "00000000001")).one()
    assert (row.not_before, row.not_after) == (made.not_valid_before_utc, made.not_valid_after_utc)


# --------------------------------------------------------------------------------------- one certificate, not another


def test_of_two_cards_with_one_serial_number_the_one_that_was_named_is_revoked(world: World) -> None:
    """Every authority of cards counts from the same number: the wrong person's card would be revoked."""
    card, other = world.card_certificate(), spare(world)
    assert card.serial_number == other.serial_number
    world.authorities.revoke(other, reason=COMPROMISE, actor="test")
    assert set(world.authorities.revocations(SPARE)) == {other.serial_number}
    assert world.authorities.revocations(PERSONS) == {}
    world.authorities.revoke((PERSONS, card.serial_number), reason=COMPROMISE, actor="test")
    assert set(world.authorities.revocations(PERSONS)) == {card.serial_number}


def test_every_certificate_is_told_once_with_its_own_state(world: World) -> None:
    """One revocation must not show on another certificate, nor a certificate come twice."""
    first, second = world.card_certificate(1), world.card_certificate(2)
    server = world.server_certificate()
    world.authorities.revoke(first, reason=COMPROMISE, actor="test")
    told = [one for one in world.authorities.issued(authority_id=PERSONS) if one.holder.isdecimal()]
    assert [(one.certificate, one.status.state) for one in told] == [
        (first, CertificateState.REVOKED), (second, CertificateState.GOOD),
    ]  # fmt: skip
    assert (told[0].status.revoked_at, told[0].status.reason) == (START, COMPROMISE)
    (alone,) = world.authorities.issued(serial_number=server.serial_number)
    assert (alone.certificate, alone.authority_id) == (server, "sote-services")
    assert world.authorities.issued(serial_number=server.serial_number, authority_id=PERSONS) == []


@pytest.mark.parametrize(
    "naming",
    [None, x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(x509.Name([]))], 1)],
    ids=["nothing", "issuer and serial number"],
)
def test_a_certificate_that_names_no_key_of_its_issuer_is_not_ours(
    world: World, naming: x509.AuthorityKeyIdentifier | None
) -> None:
    """Certificates come from outside: one without a key identifier is no error of the program."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST stranger")])
    key = holder_key(1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, START, START + timedelta(days=1))
    if naming is not None:
        builder = builder.add_extension(naming, critical=False)
    stranger = builder.sign(key, hashes.SHA256())
    assert world.authorities.authority_of(stranger) is None
    with pytest.raises(Refused) as caught:
        world.authorities.revoke(stranger, reason=COMPROMISE, actor="test")
    assert caught.value.rule == "revocation.unknown-certificate"


@pytest.mark.parametrize(
    "asking",
    [
        lambda world: world.authorities.revoke(("moon", 1), reason=COMPROMISE, actor="test"),
        lambda world: world.authorities.sign_crl("moon"),
        lambda world: in_session(world, lambda session: ledger.locked_authority(session, "moon")),
        lambda world: in_session(world, lambda session: ledger.count_serials(session, "moon", 1)),
    ],
    ids=["revoke", "sign_crl", "locked_authority", "count_serials"],
)
def test_an_authority_that_is_not_there_is_said(world: World, asking: Callable[[World], object]) -> None:
    with pytest.raises(Refused) as caught:
        asking(world)
    assert caught.value.rule == "authority.unknown"


def in_session(world: World, work: Callable[..., object]) -> object:
    with world.records.database.writing() as session:
        return work(session)


# -------------------------------------------------------------------------------------------------- lists, responders


def test_the_list_of_a_root_holds_as_long_as_its_plan_says(world: World) -> None:
    """A relying party would take the root's list for stale after a day, and refuse every card."""
    crl = world.authorities.sign_crl("root").crl
    assert crl.next_update_utc == START + timedelta(hours=720)


def test_a_list_is_published_once(world: World) -> None:
    plan = world.authorities.plan.authorities[PERSONS]
    signed = world.authorities.sign_crl(PERSONS)
    published = [
        revocation_lists.publish_list(world.records, plan, signed, world.published, actor="test") for _ in range(2)
    ]
    assert published == [True, False]
    assert journalled(world, "crl-overtaken") == (PERSONS, {"number": "1", "by": "1"})


def test_a_publisher_that_was_overtaken_names_the_list_that_stands(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number that a person is told is that of the list in the file, not of one that nobody ever saw."""
    assert world.authorities.list_number(PERSONS) is None
    sign, others = world.authorities.sign_crl, [None]

    def overtaken(authority_id: str, *, actor: str) -> revocation_lists.SignedList:
        signed = sign(authority_id, actor=actor)
        if authority_id == PERSONS and others:
            others.pop()
            world.authorities.publish(world.published)
        return signed

    monkeypatch.setattr(world.authorities, "sign_crl", overtaken)
    assert world.authorities.publish(world.published)[PERSONS] == 2
    assert world.authorities.list_number(PERSONS) == 2


def test_the_command_names_the_list_that_another_process_published(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the revocation 'sotepki serve' is faster: no list is due any more, and one is named."""
    certificate = world.card_certificate()
    publish = world.authorities.publish_if_due

    def late(directory: Path) -> dict[str, int]:
        publish(directory)
        return publish(directory)

    monkeypatch.setattr(world.authorities, "publish_if_due", late)
    monkeypatch.setattr(Workspace, "open", lambda _directory: nullcontext(world))
    serial = serial_text(certificate.serial_number)
    assert run(["revoke", "certificate", serial, "--reason", "not-needed"]) == 0
    assert "Revocation list 1 is published." in capsys.readouterr().out


def test_a_list_that_was_written_but_not_recorded_is_published_anew(world: World) -> None:
    """A power cut between the file and the books must not stop every list from then on."""
    file = revocation_lists.list_path(world.published, "dvvtshp2rc")
    file.parent.mkdir(parents=True)
    file.write_bytes(world.authorities.sign_crl(PERSONS).crl.public_bytes(Encoding.DER))
    assert world.authorities.publish_if_due(world.published)[PERSONS] == 2


@pytest.mark.parametrize(
    "error", [Fault("The file cannot be written: No space left on device."), OSError(28, "No space left on device")]
)
def test_a_list_that_cannot_be_written_keeps_no_other_authority_from_publishing(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """One unwritable file, and the lists of all authorities after it went stale."""

    def refused(target: Path, content: bytes) -> None:
        if target.name == "dvvtshp2rc.crl":
            raise error
        write_atomically(target, content)

    monkeypatch.setattr("sotepki.dvv.authority.revocation_lists.write_atomically", refused)
    sentence = "The revocation list of sote-persons cannot be published: .*No space left on device.$"
    for publish in (world.authorities.publish_if_due, world.authorities.publish):
        with pytest.raises(Fault, match=sentence):
            publish(world.published)
    lists = {path.name for path in (world.published / "crl").iterdir()}
    assert lists == {
        f"{world.authorities.plan.authorities[one].publication_id}.crl"
        for one in world.authorities.made()
        if one != "sote-persons"
    }


def test_an_entry_stands_on_the_next_list_if_its_certificate_was_in_force_at_the_last_one(world: World) -> None:
    """Rule publication.entry-kept, to the second: the certificate is valid at its own end too (RFC 5280 4.1.2.5)."""
    certificate = world.server_certificate()
    world.authorities.revoke(certificate, reason=COMPROMISE, actor="test")
    world.clock.moment = certificate.not_valid_after_utc
    world.authorities.publish(world.published)
    world.clock.advance(timedelta(days=1))
    assert certificate.serial_number in {
        entry.serial_number for entry in world.authorities.sign_crl("sote-services").crl
    }


def responders(world: World) -> int:
    return len(world.authorities.issued(holder=f"responder:{PERSONS}"))


def test_ocsp_answers_are_signed_with_the_responders_own_certificate(world: World) -> None:
    """Not with a card of the same authority, though it lasts longer; nor with one that is not valid yet."""
    card = world.card_certificate()
    first = world.authorities.responder(PERSONS).responder_certificate
    assert first != card and "OCSP" in first.subject.rfc4514_string()
    world.clock.advance(timedelta(days=80))
    second = world.authorities.responder(PERSONS).responder_certificate
    for _ in range(3):
        world.clock.advance(timedelta(hours=1))
        assert world.authorities.responder(PERSONS).responder_certificate == second
    assert responders(world) == 2, "each new one waits for the last to come near its end"
    world.clock.moment = START + timedelta(days=1)
    assert world.authorities.responder(PERSONS).responder_certificate == first
    assert responders(world) == 2


# ------------------------------------------------------------------------------------------------------- the journal


def test_the_journal_says_what_was_issued_to_whom_and_what_became_of_it(world: World) -> None:
    """Who asks years later which card had which number finds it in the journal alone."""
    numbers = [serial_text(one) for one in cards(world, 2)]
    assert journalled(world, "serial-reserved") == (
        PERSONS, {"count": "2", "first": numbers[0], "last": numbers[1]},
    )  # fmt: skip
    issued = {"authority": PERSONS, "profile": "professional-signature-rsa"}
    assert journalled(world, "certificate-issued") == (
        "2 certificates", issued | {"serials": " ".join(numbers), "holders": "00000000001 00000000002"},
    )  # fmt: skip
    certificate = world.card_certificate(3)
    serial = serial_text(certificate.serial_number)
    assert journalled(world, "certificate-issued") == (serial, issued | {"serials": serial, "holders": "00000000003"})
    world.authorities.revoke(certificate, reason=COMPROMISE, actor="test")
    assert journalled(world, "certificate-revoked") == (
        serial, {"authority": PERSONS, "holder": "00000000003", "reason": "keyCompromise"},
    )  # fmt: skip
    number = world.authorities.publish(world.published)[PERSONS]
    with world.records.look() as session:
        row = session.get_one(RevocationListRow, (PERSONS, number))
        said = session.scalars(select(JournalEntry.details).where(
            JournalEntry.action.in_(["crl-number-taken", "crl-published"]), JournalEntry.subject == PERSONS
        )).all()  # fmt: skip
    assert (row.entries, row.revocations) == (1, 1)
    assert [json.loads(one) for one in said] == [{"number": str(number)}, {"number": str(number), "entries": "1"}]
