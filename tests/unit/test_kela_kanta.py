"""The archive as a function: who may send, what is archived, and what every refusal names."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from kela_world import Client, KelaWorld, key, new_world
from lxml import etree

from sotepki.errors import Fault, Refused
from sotepki.evidence import Severity
from sotepki.identifiers import Oid
from sotepki.kela import AckCode, Kanta, RequestKind, WhenStatusUnavailable, load_settings
from sotepki.kela.acknowledgement import HL7, Acknowledgement
from sotepki.kela.tables import ArchivedDocument
from sotepki.records import first_break
from sotepki.x509.status import CertificateStatus


@pytest.fixture
def world(tmp_path: Path) -> Iterator[KelaWorld]:
    world = new_world(tmp_path)
    yield world
    world.records.database.close()


def _archived(world: KelaWorld) -> list[ArchivedDocument]:
    with world.records.look() as session:
        return list(session.query(ArchivedDocument))


def _send(kanta: Kanta, world: KelaWorld, document: bytes, client: Client | None = None) -> Acknowledgement:
    return kanta.archive(world.frame(document), (client or world.client()).certificate)


# ------------------------------------------------------------------------------------------------------ accepted


def test_a_system_signed_document_is_archived_byte_for_byte_under_its_custodian(world: KelaWorld) -> None:
    document = world.system_signed()
    answer = _send(world.kanta(), world, document)
    assert answer.code is AckCode.ACCEPTED, answer.findings
    (row,) = _archived(world)
    assert row.content == document
    assert row.custodian == world.organisation().oid.value
    assert answer.document_id == row.document_id


def test_a_document_signed_by_card_is_archived(world: KelaWorld) -> None:
    answer = _send(world.kanta(), world, world.card_signed())
    assert answer.code is AckCode.ACCEPTED, answer.findings


def test_the_same_message_again_gets_the_same_acknowledgement_and_archives_nothing(world: KelaWorld) -> None:
    kanta, client = world.kanta(), world.client()
    frame = world.frame(world.system_signed())
    first = kanta.archive(frame, client.certificate)
    world.advance(hours=1)
    again = kanta.archive(frame, client.certificate)
    assert again == first and again.as_xml() == first.as_xml()
    assert len(_archived(world)) == 1


def test_the_same_message_id_with_other_bytes_is_refused(world: KelaWorld) -> None:
    kanta, client, message = world.kanta(), world.client(), world.oid()
    kanta.archive(world.frame(world.system_signed(), message_id=message), client.certificate)
    answer = kanta.archive(world.frame(world.system_signed(), message_id=message), client.certificate)
    assert (answer.code, answer.rules) == (AckCode.REJECTED, ("kanta.message.id-reused",))
    assert len(_archived(world)) == 1


def test_messages_are_told_apart_by_root_and_extension_together(world: KelaWorld) -> None:
    """A vendor with one root and a running extension was told that the second message had been sent before."""
    kanta, client, root = world.kanta(), world.client().certificate, world.oid()
    named, messages = f'<id root="{root}"'.encode(), []
    for extension in ("1", "2"):
        frame = world.frame(world.system_signed(), message_id=root)
        assert frame.count(named) == 1
        messages.append(frame.replace(named, named + f' extension="{extension}"'.encode()))
    answers = [kanta.archive(message, client) for message in messages]
    assert [(one.code, one.message_id) for one in answers] == [("AA", f"{root}^1"), ("AA", f"{root}^2")]
    assert kanta.archive(messages[0], client) == answers[0]
    assert kanta.archive(messages[0] + b"\n", client).rules == ("kanta.message.id-reused",)
    assert kanta.requests(1)[0].message_id == f"{root}^1"
    target = etree.fromstring(answers[1].as_xml()).find(f".//{{{HL7}}}targetMessage/{{{HL7}}}id")
    assert target is not None and dict(target.attrib) == {"root": str(root), "extension": "2"}
    assert Acknowledgement.from_dict(answers[1].as_dict()) == answers[1]


def test_a_document_is_archived_once_even_in_a_new_message(world: KelaWorld) -> None:
    kanta, document = world.kanta(), world.system_signed()
    _send(kanta, world, document)
    answer = _send(kanta, world, document)
    assert answer.code is AckCode.ERROR
    assert "kanta.document.already-archived" in answer.rules


# ----------------------------------------------------------------------------------------------- the TLS client


def test_a_refused_client_is_told_the_rule(world: KelaWorld) -> None:
    document = world.system_signed()
    revoked = world.client()
    world.revoke(revoked.certificate)
    server_only = world.client(usages=("server-auth",))
    cases = {
        "kanta.client.missing": None,
        "kanta.client.revoked": revoked.certificate,
        "kanta.client.purpose": server_only.certificate,
        "kanta.client.issuer": world.card(profile="professional-authentication-rsa").certificate,
        "kanta.client.key-usage": world.system().certificate,
    }
    for rule, certificate in cases.items():
        answer = world.kanta().archive(world.frame(document), certificate)
        assert answer.code is AckCode.REJECTED, rule
        assert rule in answer.rules
    assert _archived(world) == []


def test_an_expired_client_certificate_is_refused_by_the_clock_of_the_workspace(world: KelaWorld) -> None:
    kanta, client, document = world.kanta(), world.client(), world.system_signed()
    assert _send(kanta, world, world.system_signed(), client).accepted, "the chain is remembered, its end too"
    world.advance(days=367)
    answer = _send(kanta, world, document, client)
    assert (answer.code, answer.rules[0]) == (AckCode.REJECTED, "kanta.client.validity")


def test_a_certificate_with_our_names_from_another_ca_is_refused(world: KelaWorld, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    ours = world.client().certificate
    forged = (
        x509.CertificateBuilder(extensions=list(ours.extensions))
        .subject_name(ours.subject)
        .issuer_name(ours.issuer)
        .public_key(key("forger").public_key())
        .serial_number(ours.serial_number)
        .not_valid_before(ours.not_valid_before_utc)
        .not_valid_after(ours.not_valid_after_utc)
        .sign(key("forger"), ours.signature_hash_algorithm)  # type: ignore[arg-type]
    )
    answer = world.kanta().archive(world.frame(world.system_signed()), forged)
    assert answer.rules == ("kanta.client.issuer",)


def test_another_organisation_may_not_send_for_this_one_until_its_access_point_is_registered(
    world: KelaWorld,
) -> None:
    kanta, host = world.kanta(), "liityntapiste.silta.test.example"
    intermediary = world.client("intermediary", host=host)
    answer = _send(kanta, world, world.system_signed(), intermediary)
    assert (answer.code, answer.rules) == (AckCode.REJECTED, ("kanta.client.organisation-sender",))
    county = world.organisation().oid
    kanta.access_points.register(host, world.organisation("intermediary").oid, [county], actor="kela")
    assert _send(kanta, world, world.system_signed(), intermediary).accepted
    kanta.access_points.register(host, world.organisation("intermediary").oid, [], actor="kela")
    assert not _send(kanta, world, world.system_signed(), intermediary).accepted


def test_who_may_not_act_for_the_sender_is_not_told_what_the_books_hold(world: KelaWorld) -> None:
    """A client of another organisation that had got hold of a message learned its acknowledgement by repeating it."""
    kanta, stranger = world.kanta(), world.client("clinic").certificate
    frame = world.frame(world.system_signed())
    assert kanta.archive(frame, world.client().certificate).accepted
    for message in (frame, frame + b"\n"):
        answer = kanta.archive(message, stranger)
        assert (answer.code, answer.document_id) == (AckCode.REJECTED, "")
        assert answer.rules == ("kanta.client.organisation-sender",)
    both = kanta.books.settle([kanta.judge.message(frame, one) for one in (stranger, world.client().certificate)])
    assert [answer.code for answer in both] == ["AR", "AA"]


def test_an_access_point_that_was_withdrawn_gets_no_acknowledgement_of_earlier_messages(world: KelaWorld) -> None:
    kanta, host = world.kanta(), "liityntapiste.silta.test.example"
    intermediary, owner = world.client("intermediary", host=host), world.organisation("intermediary").oid
    kanta.access_points.register(host, owner, [world.organisation().oid], actor="kela")
    frame = world.frame(world.system_signed())
    first = kanta.archive(frame, intermediary.certificate)
    assert first.accepted and kanta.archive(frame, intermediary.certificate) == first
    kanta.access_points.register(host, owner, [], actor="kela")
    answer = kanta.archive(frame, intermediary.certificate)
    assert (answer.code, answer.rules) == (AckCode.REJECTED, ("kanta.client.organisation-sender",))
    assert kanta.archive(frame, world.client().certificate) == first, "the sender itself gets it still"


def test_an_access_point_is_registered_only_for_organisations_of_the_register(world: KelaWorld) -> None:
    with pytest.raises(Refused) as refused:
        world.kanta().access_points.register("a.example", Oid("1.2.3"), [], actor="kela")
    assert refused.value.rule == "kanta.client.organisation-register"


@pytest.mark.parametrize("host", ["", "a b", "-a.example", "https://a.example", "a" * 300 + ".example", "127.0.0.1"])
def test_an_access_point_has_the_host_name_of_a_certificate(world: KelaWorld, host: str) -> None:
    with pytest.raises(Refused) as refused:
        world.kanta().access_points.register(host, world.organisation().oid, [], actor="kela")
    assert (refused.value.rule, bool(refused.value.advice)) == ("kanta.access-point.host", True)


def test_a_sender_outside_the_organisation_register_is_refused(world: KelaWorld) -> None:
    frame = world.frame(world.system_signed()).replace(
        world.organisation().oid.value.encode() + b'"', b'1.2.246.10.1.10.0"'
    )
    answer = world.kanta().archive(frame, world.client().certificate)
    assert (answer.code, answer.rules) == (AckCode.REJECTED, ("kanta.client.organisation-register",))


# ------------------------------------------------------------------------------------------------- the document


def test_a_document_changed_after_signing_is_refused_with_the_rule_named(world: KelaWorld) -> None:
    document = world.system_signed()
    root = etree.fromstring(document)
    text = next(root.iter("{urn:hl7-org:v3}nonXMLBody")).find("{urn:hl7-org:v3}text")
    assert text is not None
    text.text = base64.b64encode(b"<html>toinen</html>").decode()
    answer = _send(world.kanta(), world, etree.tostring(root))
    assert answer.code is AckCode.ERROR
    assert "doc.digest.body" in answer.rules
    assert _archived(world) == []


def test_a_professional_without_a_right_is_refused(world: KelaWorld) -> None:
    professional = world.professional()
    for right in professional.rights:
        world.valvira.remove_right(professional.registration_number, right.code, actor="valvira", reason="testi")
    world.advance(minutes=1)
    answer = _send(world.kanta(), world, world.card_signed())
    assert answer.code is AckCode.ERROR
    assert "doc.right" in answer.rules


def test_a_revoked_card_signs_nothing_that_is_archived(world: KelaWorld) -> None:
    card = world.card()
    world.revoke(card.certificate)
    world.advance(minutes=1)
    answer = _send(world.kanta(), world, world.card_signed(card=card))
    assert answer.code is AckCode.ERROR
    assert "doc.certificate.revoked" in answer.rules


def test_a_document_of_another_custodian_is_refused(world: KelaWorld) -> None:
    """Whether Kanta refuses what a professional signed is not known: it warns a vendor, and is refused by choice."""
    document = world.card_signed()
    frame = world.frame(document, "clinic")
    answer = world.kanta().archive(frame, world.client("clinic").certificate)
    (found,) = (one for one in answer.findings if one.rule == "kanta.document.custodian-sender")
    assert (answer.code, found.severity) == (AckCode.ERROR, Severity.WARNING)
    assert found.rule in load_settings().refuses


def test_an_unsigned_document_is_refused(world: KelaWorld) -> None:
    answer = _send(world.kanta(), world, world.document())
    assert answer.code is AckCode.ERROR
    assert "doc.signature.missing" in answer.rules


@pytest.mark.parametrize(
    "message",
    [b"", b"\x00\xff", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<a>" * 5000, b"{}"],
    ids=["empty", "octets", "other", "dtd", "deep", "json"],
)
def test_any_bytes_get_an_acknowledgement_that_names_a_rule(world: KelaWorld, message: bytes) -> None:
    answer = world.kanta().archive(message, world.client().certificate)
    assert answer.code is AckCode.REJECTED
    assert answer.rules and not answer.message_id
    etree.fromstring(answer.as_xml())


# ------------------------------------------------------------------------------------------ when OCSP is silent


def _silent(_certificate: x509.Certificate, _issuer: x509.Certificate) -> CertificateStatus:
    raise Fault("The responder does not answer.")


def test_when_ocsp_is_down_the_policy_of_the_settings_is_followed_and_said(world: KelaWorld) -> None:
    frame, client = world.frame(world.card_signed()), world.client().certificate
    kanta = dataclasses.replace(world.kanta(), status=_silent)
    refused = kanta.archive(frame, client)
    assert (refused.code, refused.rules) == (AckCode.REJECTED, ("kanta.client.status-unavailable",))
    lenient = dataclasses.replace(load_settings(), when_status_unavailable=WhenStatusUnavailable.WARN)
    accepted = dataclasses.replace(kanta, settings=lenient).archive(frame, client)
    assert accepted.code is AckCode.ACCEPTED
    assert {"kanta.client.status-unavailable", "kanta.document.status-unavailable"} <= set(accepted.rules)


def test_a_signer_who_cannot_be_asked_about_is_sent_back_to_try_again(world: KelaWorld) -> None:
    client = world.client().certificate

    def only_the_client(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        return world.kanta().status(certificate, issuer) if certificate == client else _silent(certificate, issuer)

    kanta = dataclasses.replace(world.kanta(), status=only_the_client)
    answer = kanta.archive(world.frame(world.card_signed()), client)
    assert answer.code is AckCode.REJECTED, "the document is not at fault"
    assert "kanta.document.status-unavailable" in answer.rules
    assert _archived(world) == []


# ------------------------------------------------------------------------------------------------------- records


def test_documents_come_back_only_to_their_own_custodian(world: KelaWorld) -> None:
    kanta, document = world.kanta(), world.system_signed()
    document_id = _send(kanta, world, document).document_id
    assert kanta.retrieve(document_id, world.client().certificate) == document
    for other, asked in ((world.client("clinic"), document_id), (world.client(), "1.2.3")):
        with pytest.raises(Refused) as refused:
            kanta.retrieve(asked, other.certificate)
        assert refused.value.rule == "kanta.document.unknown"
    revoked = world.client()
    world.revoke(revoked.certificate)
    with pytest.raises(Refused) as refused:
        kanta.retrieve(document_id, revoked.certificate)
    assert refused.value.rule == "kanta.client.revoked"


def test_every_request_is_logged_with_its_rules_and_without_personal_data(world: KelaWorld) -> None:
    kanta, card = world.kanta(), world.card(profile="professional-authentication-rsa")
    _send(kanta, world, world.card_signed())
    _send(kanta, world, world.document())
    kanta.archive(world.frame(world.document()), card.certificate)
    lines = kanta.requests()
    assert [line.outcome for line in lines] == ["AR", "AE", "AA"]
    assert lines[0].rules == ("kanta.client.issuer",)
    assert {line.kind for line in lines} == {RequestKind.ARCHIVE}
    person, told = world.professional().person, str([line.as_dict() for line in lines])
    for personal in (person.surname, person.hetu.value, world.professional().registration_number.value):
        assert personal not in told


def test_the_journal_stays_whole_and_holds_what_was_archived(world: KelaWorld) -> None:
    kanta = world.kanta()
    _send(kanta, world, world.system_signed())
    _send(kanta, world, world.document())
    with world.records.look() as session:
        assert first_break(session) is None


def test_a_log_that_cannot_be_written_does_not_swallow_the_answer(
    world: KelaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sotepki.kela import request_log

    def full(*_arguments: object) -> None:
        raise Fault("The disk is full, nothing was changed.")

    kanta = world.kanta()
    monkeypatch.setattr(request_log, "write", full)
    assert _send(kanta, world, world.document()).code is AckCode.ERROR
    answer = _send(kanta, world, world.system_signed())
    assert (answer.code, answer.rules) == (AckCode.REJECTED, ("kanta.service.fault",))
    assert _archived(world) == []


# -------------------------------------------------------------------------------------------- the acknowledgement


def test_the_acknowledgement_names_each_rule_with_its_text_in_xml_and_json(world: KelaWorld) -> None:
    answer = _send(world.kanta(), world, world.document())
    root = etree.fromstring(answer.as_xml())
    assert etree.QName(root).localname == "MCCI_IN000002FI01"
    acknowledgement = root.find(f"{{{HL7}}}acknowledgement")
    assert acknowledgement is not None and acknowledgement.get("typeCode") == "AE"
    target = acknowledgement.find(f"{{{HL7}}}targetMessage/{{{HL7}}}id")
    assert target is not None and dict(target.attrib) == {"root": answer.message_id}
    details = acknowledgement.findall(f"{{{HL7}}}acknowledgementDetail")
    codes = [detail.find(f"{{{HL7}}}code").get("code") for detail in details]  # type: ignore[union-attr]
    assert codes == [finding.rule for finding in answer.findings]
    assert all(detail.findtext(f"{{{HL7}}}text") for detail in details)
    assert Acknowledgement.from_dict(answer.as_dict()) == answer


def test_the_acknowledgement_stays_xml_whatever_a_client_sent(world: KelaWorld) -> None:
    answer = world.kanta().refuse("kanta.message.content-type", "a\x00b\ud800c\ufffe is not XML.", None)
    etree.fromstring(answer.as_xml())
