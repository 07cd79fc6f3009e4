"""The certificate authorities: issuing, serial numbers, revocation, revocation lists, responders."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from authority_world import START, World, card_subject, holder_key, new_world
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.dvv.authority.tables import CertificateRow, RevocationListRow, SerialRow
from sotepki.errors import Fault, Refused
from sotepki.records import JournalEntry, first_break
from sotepki.x509.status import CertificateState

COMPROMISE = x509.ReasonFlags.key_compromise
SUPERSEDED = x509.ReasonFlags.superseded


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = new_world(tmp_path)
    yield world
    world.records.database.close()


def _key_id(world: World, authority_id: str) -> bytes:
    certificate = world.authorities.certificate(authority_id)
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def _listed(crl: x509.CertificateRevocationList) -> set[int]:
    return {entry.serial_number for entry in crl}


def _read_list(world: World, publication_id: str) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl((world.published / "crl" / f"{publication_id}.crl").read_bytes())


def _number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


# ------------------------------------------------------------------------------------------------------- issuing


def test_an_issued_certificate_verifies_and_is_good_in_the_records(world: World) -> None:
    certificate = world.card_certificate()
    certificate.verify_directly_issued_by(world.authorities.certificate("sote-persons"))
    status = world.authorities.status(_key_id(world, "sote-persons"), certificate.serial_number)
    assert status.state is CertificateState.GOOD
    (issued,) = world.authorities.issued(holder="00000000001")
    assert issued.certificate == certificate
    assert (issued.authority_id, issued.profile) == ("sote-persons", "professional-signature-rsa")
    assert issued.not_after == certificate.not_valid_after_utc


def test_serial_numbers_have_the_forms_of_the_field(world: World) -> None:
    assert world.card_certificate().serial_number.bit_length() <= 31
    assert 105 <= world.server_certificate().serial_number.bit_length() <= 120


def test_a_certificate_of_one_authority_is_unknown_under_the_key_of_another(world: World) -> None:
    certificate = world.card_certificate()
    status = world.authorities.status(_key_id(world, "sote-services"), certificate.serial_number)
    assert status.state is CertificateState.UNKNOWN


def test_an_authority_issues_only_its_own_kinds(world: World) -> None:
    with pytest.raises(Refused) as caught:
        world.authorities.issue(
            "sote-services", "professional-signature-rsa", subject=card_subject(),
            public_key=holder_key().public_key(), actor="test", holder="00000000001",
        )  # fmt: skip
    assert caught.value.rule == "authority.profile"


def test_an_unknown_authority_is_refused_and_an_unknown_profile_is_a_fault(world: World) -> None:
    with pytest.raises(Refused) as caught:
        world.authorities.certificate("moon")
    assert caught.value.rule == "authority.unknown"
    with pytest.raises(Fault, match="no-such"):
        world.authorities.issue_many("root", "no-such", [], actor="test")


def test_what_the_profile_refuses_leaves_no_certificate_behind(world: World) -> None:
    before = len(world.authorities.issued())
    with pytest.raises(Refused):
        world.authorities.issue(
            "sote-persons", "professional-signature-rsa", subject=card_subject() | {"serial_number": "17"},
            public_key=holder_key().public_key(), actor="test", holder="17",
        )  # fmt: skip
    assert len(world.authorities.issued()) == before


def test_no_certificate_outlives_its_authority(world: World) -> None:
    order = CertificateOrder(
        card_subject(), holder_key().public_key(), "00000000001", not_after=START + timedelta(days=365 * 21)
    )
    with pytest.raises(Refused) as caught:
        world.authorities.issue_many("sote-persons", "professional-signature-rsa", [order], actor="test")
    assert caught.value.rule == "authority.validity"
    world.clock.advance(timedelta(days=365 * 18))
    late = world.card_certificate()
    end = world.authorities.certificate("sote-persons").not_valid_after_utc
    assert end - timedelta(days=1) < late.not_valid_after_utc <= end


def test_an_expired_authority_issues_nothing(world: World) -> None:
    world.clock.advance(timedelta(days=365 * 20 + 30))
    with pytest.raises(Refused) as caught:
        world.card_certificate()
    assert caught.value.rule == "authority.expired"


def test_many_certificates_are_issued_together_or_not_at_all(world: World) -> None:
    key = holder_key().public_key()
    orders = [CertificateOrder(card_subject(n), key, f"{n:011d}") for n in range(1, 6)]
    certificates = world.authorities.issue_many("sote-persons", "professional-signature-rsa", orders, actor="test")
    assert len({certificate.serial_number for certificate in certificates}) == 5
    before = len(world.authorities.issued())
    broken = [*orders, CertificateOrder(card_subject() | {"serial_number": "x"}, key, "x")]
    with pytest.raises(Refused):
        world.authorities.issue_many("sote-persons", "professional-signature-rsa", broken, actor="test")
    assert len(world.authorities.issued()) == before


def test_every_change_is_in_the_journal_and_the_chain_is_whole(world: World) -> None:
    certificate = world.card_certificate()
    world.authorities.revoke(certificate, reason=COMPROMISE, actor="test")
    world.authorities.publish(world.published)
    with world.records.look() as session:
        assert first_break(session) is None
        actions = set(session.scalars(select(JournalEntry.action)))
    assert {
        "authority-created", "serial-reserved", "certificate-issued", "certificate-revoked", "crl-published",
    } <= actions  # fmt: skip


def test_eight_threads_issuing_at_once_never_share_a_serial_number(world: World) -> None:
    made: list[x509.Certificate] = []
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(6):
                made.append(world.card_certificate(number * 10 + step + 1))
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)

    holder_key()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len({certificate.serial_number for certificate in made}) == len(made) == 48
    with world.records.look() as session:
        rows = session.scalars(select(CertificateRow.serial).where(CertificateRow.authority_id == "sote-persons"))
        assert {f"{certificate.serial_number:08x}" for certificate in made} <= set(rows)


def test_a_serial_number_that_was_taken_cannot_be_taken_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the counter were lost, the unique key stops the second certificate before it is signed."""
    certificate = world.card_certificate()
    monkeypatch.setattr("sotepki.dvv.authority.certification.person_serial", lambda _n: certificate.serial_number)
    with pytest.raises(Fault):
        world.card_certificate(2)
    with world.records.look() as session:
        taken = session.scalars(select(SerialRow.serial).where(SerialRow.authority_id == "sote-persons")).all()
    assert len(taken) == len(set(taken))


# ---------------------------------------------------------------------------------------------------- revocation


def test_a_revocation_is_seen_at_once_with_its_time_and_reason(world: World) -> None:
    certificate = world.card_certificate()
    status = world.authorities.revoke(certificate, reason=COMPROMISE, actor="test")
    assert status == world.authorities.status(_key_id(world, "sote-persons"), certificate.serial_number)
    assert (status.state, status.revoked_at, status.reason) == (CertificateState.REVOKED, START, COMPROMISE)


def test_the_revoked_certificates_of_an_authority_are_told(world: World) -> None:
    """Whoever shows many certificates asks once, and hears of no other authority's and of none in force."""
    revoked, in_force = world.card_certificate(1), world.card_certificate(2)
    status = world.authorities.revoke(revoked, reason=COMPROMISE, actor="test")
    assert world.authorities.revocations("sote-persons") == {revoked.serial_number: status}
    assert world.authorities.revocations("sote-persons", serial_number=in_force.serial_number) == {}
    assert world.authorities.revocations("sote-services") == {}


def test_a_second_revocation_is_refused_and_changes_nothing(world: World) -> None:
    certificate = world.card_certificate()
    first = world.authorities.revoke(certificate, reason=COMPROMISE, actor="test")
    world.clock.advance(timedelta(hours=1))
    with pytest.raises(Refused) as caught:
        world.authorities.revoke(("sote-persons", certificate.serial_number), reason=SUPERSEDED, actor="test")
    assert caught.value.rule == "revocation.final"
    assert world.authorities.status(_key_id(world, "sote-persons"), certificate.serial_number) == first


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        (x509.ReasonFlags.certificate_hold, "revocation.no-hold"),
        (x509.ReasonFlags.remove_from_crl, "revocation.no-hold"),
        (x509.ReasonFlags.ca_compromise, "revocation.reason"),
        (x509.ReasonFlags.aa_compromise, "revocation.reason"),
    ],
)
def test_reasons_that_are_not_in_use_are_refused(world: World, reason: x509.ReasonFlags, rule: str) -> None:
    certificate = world.card_certificate()
    with pytest.raises(Refused) as caught:
        world.authorities.revoke(certificate, reason=reason, actor="test")
    assert caught.value.rule == rule
    assert world.authorities.issued(holder="00000000001")[0].status.state is CertificateState.GOOD


def test_a_revoked_certificate_cannot_be_restored_by_taking_it_from_the_list(world: World) -> None:
    certificate = world.card_certificate()
    world.authorities.revoke(certificate, reason=COMPROMISE, actor="test")
    with pytest.raises(Refused, match="removeFromCRL"):
        world.authorities.revoke(certificate, reason=x509.ReasonFlags.remove_from_crl, actor="test")
    assert certificate.serial_number in _listed(world.authorities.sign_crl("sote-persons").crl)


def test_the_end_of_employment_is_no_reason_for_a_server_certificate(world: World) -> None:
    with pytest.raises(Refused) as caught:
        world.authorities.revoke(
            world.server_certificate(), reason=x509.ReasonFlags.affiliation_changed, actor="test"
        )
    assert caught.value.rule == "revocation.reason"


def test_a_certificate_that_was_not_issued_here_cannot_be_revoked(world: World, tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        world.authorities.revoke(("sote-persons", 12345), reason=COMPROMISE, actor="test")
    assert caught.value.rule == "revocation.unknown-certificate"
    (tmp_path / "other").mkdir()
    stranger = new_world(tmp_path / "other").card_certificate(7)  # same keys and serial number, other certificate
    world.card_certificate(1)
    with pytest.raises(Refused) as caught:
        world.authorities.revoke(stranger, reason=COMPROMISE, actor="test")
    assert caught.value.rule == "revocation.unknown-certificate"


def test_an_expired_certificate_is_not_revoked_any_more(world: World) -> None:
    certificate = world.server_certificate()
    world.clock.advance(timedelta(days=400))
    with pytest.raises(Refused) as caught:
        world.authorities.revoke(certificate, reason=COMPROMISE, actor="test")
    assert caught.value.rule == "revocation.expired"


def test_a_revoked_authority_issues_nothing_any_more(world: World) -> None:
    world.authorities.revoke(
        world.authorities.certificate("sote-services"), reason=x509.ReasonFlags.ca_compromise, actor="test"
    )
    with pytest.raises(Refused) as caught:
        world.server_certificate()
    assert caught.value.rule == "authority.expired"
    world.card_certificate()


def test_of_eight_threads_that_revoke_one_certificate_one_succeeds(world: World) -> None:
    certificate = world.card_certificate()
    answers: list[str] = []

    def work() -> None:
        try:
            world.authorities.revoke(certificate, reason=COMPROMISE, actor="test")
            answers.append("revoked")
        except Refused as refused:
            answers.append(refused.rule)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["revocation.final"] * 7 + ["revoked"]


# ---------------------------------------------------------------------------------------------- revocation lists


def test_the_published_list_names_the_revoked_certificate_with_its_reason(world: World) -> None:
    """And says when the next one comes at the latest (publication.next-update): without it nobody can tell a stale
    list."""
    certificate = world.card_certificate()
    world.authorities.revoke(certificate, reason=COMPROMISE, actor="test")
    world.authorities.publish(world.published)
    crl = _read_list(world, "dvvtshp2rc")
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    assert entry is not None
    assert entry.revocation_date_utc == START
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is COMPROMISE
    key = world.authorities.certificate("sote-persons").public_key()
    assert crl.is_signature_valid(key)  # type: ignore[arg-type]
    assert crl.next_update_utc == START + timedelta(hours=24)
    assert not _listed(_read_list(world, "dvvtshsp3rc"))


def test_list_numbers_only_grow_also_when_the_directory_is_lost(world: World, tmp_path: Path) -> None:
    numbers = [world.authorities.publish(world.published)["sote-persons"] for _ in range(3)]
    numbers.append(world.authorities.publish(tmp_path / "elsewhere")["sote-persons"])
    world.authorities.sign_crl("sote-persons")
    numbers.append(world.authorities.publish(world.published)["sote-persons"])
    assert numbers == sorted(set(numbers))
    assert _number(_read_list(world, "dvvtshp2rc")) == numbers[-1]


def test_an_entry_stays_until_the_certificate_ends_and_on_one_list_after_it(world: World) -> None:
    """Rule publication.entry-kept: a signature made before the end can be judged long after it."""
    certificate = world.server_certificate()
    world.authorities.revoke(certificate, reason=COMPROMISE, actor="test")
    world.authorities.publish(world.published)
    world.clock.moment = certificate.not_valid_after_utc - timedelta(minutes=1)
    world.authorities.publish(world.published)
    assert certificate.serial_number in _listed(_read_list(world, "dvvtshsp3rc"))
    world.clock.advance(timedelta(days=2))
    world.authorities.publish(world.published)
    assert certificate.serial_number in _listed(_read_list(world, "dvvtshsp3rc"))
    world.clock.advance(timedelta(days=1))
    world.authorities.publish(world.published)
    assert certificate.serial_number not in _listed(_read_list(world, "dvvtshsp3rc"))
    status = world.authorities.status(_key_id(world, "sote-services"), certificate.serial_number)
    assert status.state is CertificateState.REVOKED


def test_a_list_is_due_when_missing_old_or_overtaken_by_a_revocation(world: World) -> None:
    due = world.authorities.publish_if_due
    assert set(due(world.published)) == set(world.authorities.made())
    assert due(world.published) == {}
    world.authorities.revoke(world.card_certificate(), reason=COMPROMISE, actor="test")
    assert set(due(world.published)) == {"sote-persons"}
    assert due(world.published) == {}
    world.clock.advance(timedelta(hours=13))
    roots = {"root", "root-ec"}  # their lists last longer
    assert set(due(world.published)) == set(world.authorities.made()) - roots
    (world.published / "crl" / "dvvtest3rc.crl").unlink()
    assert set(due(world.published)) == {"root"}


def test_an_overtaken_list_does_not_replace_a_newer_one(world: World) -> None:
    from sotepki.dvv.authority import revocation_lists

    plan = world.authorities.plan.authorities["sote-persons"]
    slow = world.authorities.sign_crl("sote-persons")
    newer = world.authorities.publish(world.published)["sote-persons"]
    assert newer > slow.number
    assert not revocation_lists.publish_list(world.records, plan, slow, world.published, actor="slow")
    assert _number(_read_list(world, "dvvtshp2rc")) == newer


def test_when_the_disk_refuses_nothing_is_recorded_and_the_old_list_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.authorities.publish(world.published)
    old = _number(_read_list(world, "dvvtshp2rc"))

    def full(target: Path, content: bytes) -> None:
        raise Fault(f"The file {target} cannot be written: No space left on device.")

    monkeypatch.setattr("sotepki.dvv.authority.revocation_lists.write_atomically", full)
    with pytest.raises(Fault, match="No space left"):
        world.authorities.publish(world.published)
    monkeypatch.undo()
    with world.records.look() as session:
        recorded = session.scalars(
            select(RevocationListRow.number).where(RevocationListRow.authority_id == "sote-persons")
        )
        assert max(recorded) == old
    assert world.authorities.publish(world.published)["sote-persons"] > old


def test_the_published_ca_certificates_are_der_of_the_authorities(world: World) -> None:
    world.authorities.publish(world.published)
    for authority_id in world.authorities.made():
        plan = world.authorities.plan.authorities[authority_id]
        content = (world.published / "ca" / f"{plan.publication_id}.crt").read_bytes()
        assert content == world.authorities.certificate(authority_id).public_bytes(Encoding.DER)


# ------------------------------------------------------------------------------------------------ OCSP responders


def _responder_certificates(world: World) -> list[x509.Certificate]:
    return [issued.certificate for issued in world.authorities.issued(holder="responder:sote-persons")]


def test_each_authority_has_its_own_delegated_responder(world: World) -> None:
    for authority_id in world.authorities.made():
        (issued,) = world.authorities.issued(holder=f"responder:{authority_id}")
        issued.certificate.verify_directly_issued_by(world.authorities.certificate(authority_id))
        usage = issued.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usage) == [x509.ExtendedKeyUsageOID.OCSP_SIGNING]
        (name,) = issued.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert len(name.value) <= 64


def test_the_responder_certificate_is_renewed_before_it_ends(world: World) -> None:
    world.authorities.responder("sote-persons")
    assert len(_responder_certificates(world)) == 1
    world.clock.advance(timedelta(days=80))
    world.authorities.responder("sote-persons")
    first, second = _responder_certificates(world)
    assert second.not_valid_after_utc > first.not_valid_after_utc
    world.authorities.responder("sote-persons")
    assert len(_responder_certificates(world)) == 2


def test_a_responder_whose_certificate_is_revoked_gets_a_new_one(world: World) -> None:
    world.authorities.responder("sote-persons")
    world.authorities.revoke(_responder_certificates(world)[0], reason=COMPROMISE, actor="test")
    world.authorities.responder("sote-persons")
    assert len(_responder_certificates(world)) == 2
