"""Versions and families: corrections, cancellations, prescriptions, patient records; environments kept apart."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from kela_world import KelaWorld, new_world

from sotepki.documents import (
    build_document,
    build_frame,
    correct_document,
    sign_as_professional,
    sign_as_system,
)
from sotepki.errors import Fault, Refused
from sotepki.kela import AckCode, Acknowledgement, Kanta, load_environments, load_settings
from sotepki.kela.tables import ArchivedDocument
from sotepki.kela.versions import check_relation, replaced_documents


@pytest.fixture
def world(tmp_path: Path) -> Iterator[KelaWorld]:
    world = new_world(tmp_path)
    yield world
    world.records.database.close()


def _send(kanta: Kanta, world: KelaWorld, document: bytes, part: str = "county") -> Acknowledgement:
    return kanta.archive(world.frame(document, part), world.client(part).certificate)


def _signed(world: KelaWorld, document: bytes) -> bytes:
    signer = world.system()
    return sign_as_system(document, key=signer.private_key, certificate=signer.certificate, at=world.clock.now())


def _corrected(world: KelaWorld, document: bytes) -> bytes:
    world.advance(minutes=1)
    return _signed(world, correct_document(document, document_oid=world.oid(), at=world.clock.now()))


def _health(world: KelaWorld, kind: str, part: str, **more: object) -> bytes:
    person, card = world.population.person(world.cast.person("nurse")), world.card(part)
    assert person is not None
    unsigned = build_document(
        kind,
        client=person,
        organisation=world.organisation(),
        author=world.professional(part),
        document_oid=world.oid(),
        created=world.clock.now(),
        **more,  # type: ignore[arg-type]
    )
    return sign_as_professional(
        unsigned,
        key=card.private_key,
        certificate=card.certificate,
        professional=world.professional(part),
        at=world.clock.now(),
    )


# -------------------------------------------------------------------------------------------------- corrections


def test_a_correction_replaces_the_document_and_both_can_be_retrieved(world: KelaWorld) -> None:
    kanta, client, first = world.kanta(), world.client().certificate, world.system_signed()
    one = _send(kanta, world, first)
    two = _send(kanta, world, _corrected(world, first))
    assert (one.code, two.code) == (AckCode.ACCEPTED, AckCode.ACCEPTED), two.findings
    told = kanta.describe(two.document_id, client)
    assert (told["version"], told["replaces"]) == (2, one.document_id)
    assert [row["document_id"] for row in told["versions"]] == [one.document_id, two.document_id]
    assert kanta.describe(one.document_id, client)["replaced_by"] == two.document_id
    assert kanta.retrieve(one.document_id, client) == first


def test_a_correction_with_the_old_signature_left_in_is_refused(world: KelaWorld) -> None:
    kanta, first = world.kanta(), world.system_signed()
    _send(kanta, world, first)
    stale = first.replace(b'versionNumber value="1"', b'versionNumber value="2"')
    corrected = correct_document(first, document_oid=world.oid(), at=world.clock.now())
    cut = first[first.index(b"<hl7fi:signature ") : first.index(b"</hl7fi:signatureCollection>")]
    answer = _send(
        kanta, world, corrected.replace(b"</hl7fi:signatureCollection>", cut + b"</hl7fi:signatureCollection>")
    )
    assert answer.code is AckCode.ERROR, "the signature of the old version is not one of the new version"
    assert _send(kanta, world, stale).code is AckCode.ERROR


def test_a_correction_of_a_document_that_is_not_archived_is_refused(world: KelaWorld) -> None:
    answer = _send(world.kanta(), world, _corrected(world, world.document()))
    assert (answer.code, answer.rules) == (AckCode.ERROR, ("kanta.version.parent",))


def test_a_document_of_another_organisation_cannot_be_replaced_and_is_not_even_known(world: KelaWorld) -> None:
    kanta, first = world.kanta(), world.card_signed()
    own = _send(kanta, world, first)
    assert own.accepted
    foreign = world.document("clinic")
    signer = world.system("clinic")
    relation = correct_document(first, document_oid=world.oid(), at=world.clock.now())
    marked = relation[relation.index(b"<relatedDocument") : relation.index(b"</relatedDocument>") + 18]
    place = foreign.index(b"<componentOf" if b"<componentOf" in foreign else b"<hl7fi:localSocialHeader")
    document = foreign[:place] + marked + foreign[place:]
    document = document.replace(b'versionNumber value="1"', b'versionNumber value="2"')
    signed = sign_as_system(document, key=signer.private_key, certificate=signer.certificate, at=world.clock.now())
    answer = _send(kanta, world, signed, "clinic")
    assert "kanta.version.parent" in answer.rules and answer.code is AckCode.ERROR
    assert kanta.describe(own.document_id, world.client().certificate)["replaced_by"] == ""


def test_a_document_is_replaced_once_and_the_newest_version_is_corrected(world: KelaWorld) -> None:
    kanta, first = world.kanta(), world.system_signed()
    _send(kanta, world, first)
    second = _corrected(world, first)
    assert _send(kanta, world, second).accepted
    again = _send(kanta, world, _corrected(world, first))
    assert (again.code, again.rules) == (AckCode.ERROR, ("kanta.version.replaced",))
    assert _send(kanta, world, _corrected(world, second)).accepted


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b'versionNumber value="2"', b'versionNumber value="3"', "kanta.version.set"),
        (b'typeCode="RPLC"', b'typeCode="APND"', "kanta.version.relation"),
    ],
)
def test_a_correction_that_does_not_follow_its_parent_is_refused(
    world: KelaWorld, old: bytes, new: bytes, rule: str
) -> None:
    kanta, first = world.kanta(), world.system_signed()
    _send(kanta, world, first)
    corrected = correct_document(first, document_oid=world.oid(), at=world.clock.now())
    assert old in corrected
    answer = _send(kanta, world, _signed(world, corrected.replace(old, new)))
    assert answer.code is AckCode.ERROR and rule in answer.rules


# ------------------------------------------------------------------------------------------------ health care


def test_a_prescription_is_kept_by_kela_and_seen_by_its_sender_only(world: KelaWorld) -> None:
    kanta, client = world.kanta(), world.client().certificate
    prescription = _health(world, "prescription", "physician")
    answer = _send(kanta, world, prescription)
    assert answer.code is AckCode.ACCEPTED, answer.findings
    assert kanta.describe(answer.document_id, client)["family"] == "prescription"
    with pytest.raises(Refused):
        kanta.retrieve(answer.document_id, world.client("clinic").certificate)
    with world.records.look() as session:
        row = session.get(ArchivedDocument, ("current", answer.document_id))
    assert row is not None and (row.custodian, row.owner) == (
        "1.2.246.10.2462460.19.1",
        world.organisation().oid.value,
    )


def test_a_prescription_is_cancelled_by_a_document_that_replaces_it(world: KelaWorld) -> None:
    kanta, prescription = world.kanta(), _health(world, "prescription", "physician")
    first = _send(kanta, world, prescription)
    world.advance(minutes=1)
    card = world.card("physician")
    unsigned = correct_document(
        prescription, document_oid=world.oid(), at=world.clock.now(), kind="prescription-cancellation"
    )
    cancellation = sign_as_professional(
        unsigned,
        key=card.private_key,
        certificate=card.certificate,
        professional=world.professional("physician"),
        at=world.clock.now(),
    )
    answer = _send(kanta, world, cancellation)
    assert answer.code is AckCode.ACCEPTED, answer.findings
    assert kanta.describe(first.document_id, world.client().certificate)["replaced_by"] == answer.document_id


def test_a_patient_record_is_archived(world: KelaWorld) -> None:
    answer = _send(world.kanta(), world, _health(world, "visit-note", "physician"))
    assert answer.code is AckCode.ACCEPTED, answer.findings


def test_a_social_document_in_the_frame_of_health_care_is_told_so(world: KelaWorld) -> None:
    frame = world.frame(world.system_signed()).replace(b"RCMR_IN200002FI01", b"RCMR_IN100002FI01")
    answer = world.kanta().archive(frame, world.client().certificate)
    assert "frame.family" in answer.rules


# -------------------------------------------------------------------------------------- authorities, environments


def test_a_system_signature_of_the_ec_tree_is_accepted(world: KelaWorld) -> None:
    private_key, organisation = ec.generate_private_key(ec.SECP384R1()), world.organisation()
    certificate = world.authorities.issue(
        "sote-services-ec",
        "test-system-signature-ec",
        subject=world._subject(organisation)
        | {"serial_number": organisation.oid.value, "common_name": "Asiakas TEST"},
        public_key=private_key.public_key(),
        actor="test",
        holder=organisation.oid.value,
    )
    document = sign_as_system(world.document(), key=private_key, certificate=certificate, at=world.clock.now())
    answer = _send(world.kanta(), world, document)
    assert answer.code is AckCode.ACCEPTED, answer.findings


def test_a_ca_that_is_founded_while_the_archive_runs_is_found(world: KelaWorld) -> None:
    kanta, persons = world.kanta(), (world.authorities.certificate("sote-persons"),)
    early = dataclasses.replace(kanta.trust, authorities=kanta.trust.service_authorities)
    early = dataclasses.replace(early, founded_later=lambda: persons)
    answer = _send(dataclasses.replace(kanta, trust=early), world, world.card_signed())
    assert answer.code is AckCode.ACCEPTED, answer.findings


def test_an_organisation_card_does_not_sign_sote_documents(world: KelaWorld) -> None:
    assert world.authorities.certificate("general-ec") not in world.trust().authorities


def test_environments_keep_their_records_and_their_rules_apart(world: KelaWorld) -> None:
    environments = load_environments()
    current, following = (
        dataclasses.replace(world.kanta(), settings=environments[name].settings) for name in ("current", "next")
    )
    document, client = world.system_signed(), world.client().certificate
    frame = build_frame(
        document,
        message_id=world.oid(),
        sender=world.organisation().oid,
        at=world.clock.now(),
        service_request="SP99",
    )
    assert current.archive(frame, client).code is AckCode.ACCEPTED, "a warning in the current version"
    refused = following.archive(frame, client)
    assert (refused.code, refused.rules) == (AckCode.ERROR, ("kanta.message.service-request",))
    good = world.frame(document)
    assert following.archive(good, client).code is AckCode.ACCEPTED, "the other environment knows nothing of it"
    assert [line.outcome for line in following.requests()] == ["AA", "AE"]
    assert [line.outcome for line in current.requests()] == ["AA"]


def test_environments_of_a_workspace_are_read_and_typos_in_them_are_refused(tmp_path: Path) -> None:
    row = (
        "own:\n  title: t\n  version: v\n  source: s\n  grade: inferred\n  basis: choice\n  refuses_also: [{}]\n  {}"
    )
    path = tmp_path / "environments.yaml"
    path.write_text(row.format("frame.receiver", "settings: {read_seconds: 3}"), encoding="utf-8")
    own = load_environments(path)["own"]
    assert own.settings.read_seconds == 3 and "frame.receiver" in own.settings.refuses
    for rule, settings in (("no.such.rule", "settings: {}"), ("frame.receiver", "settings: {typo: 1}")):
        path = tmp_path / f"{rule}.yaml"
        path.write_text(row.format(rule, settings), encoding="utf-8")
        with pytest.raises(Fault):
            load_environments(path)


def test_a_usage_situation_that_is_missing_is_named(world: KelaWorld) -> None:
    frame = world.frame(world.system_signed()).replace(b"1.2.246.537.6.1289.201901", b"1.2.246.537.6.1289.201902")
    assert "kanta.message.usage" in world.kanta().archive(frame, world.client().certificate).rules


def test_content_that_was_changed_in_the_database_is_not_given_out(world: KelaWorld) -> None:
    kanta, client = world.kanta(), world.client().certificate
    answer = _send(kanta, world, world.system_signed())
    with world.records.change("test", "intruder") as tx:
        row = tx.session.get(ArchivedDocument, ("current", answer.document_id))
        assert row is not None
        row.content = row.content + b" "
        tx.journal("document changed", answer.document_id)
    with pytest.raises(Fault, match="not as it was archived"):
        kanta.retrieve(answer.document_id, client)


def test_remembered_answers_do_not_outlive_their_second(world: KelaWorld) -> None:
    remembering = dataclasses.replace(load_settings(), memory_seconds=0.2)
    kanta, client = dataclasses.replace(world.kanta(), settings=remembering), world.client()
    assert _send(kanta, world, world.system_signed()).accepted
    world.revoke(client.certificate)
    time.sleep(0.25)
    answer = kanta.archive(world.frame(world.system_signed()), client.certificate)
    assert (answer.code, answer.rules) == (AckCode.REJECTED, ("kanta.client.revoked",))


@pytest.mark.parametrize(
    ("replaces", "version", "good"),
    [((), 1, True), (("a",), 2, True), (("a",), 1, True), ((), 2, False), (("",), 2, False), (("a", "b"), 2, False)],
)
def test_a_later_version_names_the_one_document_that_it_replaces(
    replaces: tuple[str, ...], version: int, good: bool
) -> None:
    """With two, or one without an id, nobody could tell later which of them is the older version."""
    assert [one.rule for one in check_relation(replaces, version)] == ([] if good else ["kanta.version.relation"])


RELATED = (
    "<?xml version='1.0' encoding='{0}'?><ClinicalDocument xmlns='urn:hl7-org:v3'><relatedDocument typeCode='{1}'>"
    "<parentDocument>{2}</parentDocument></relatedDocument></ClinicalDocument>"
)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("document", "named"),
    [
        (RELATED.format("UTF-8", "RPLC", "<id root='1.2.3'/>").encode(), ("1.2.3",)),
        (RELATED.format("UTF-16", "RPLC", "<id root='1.2.3'/>").encode("utf-16"), ()),
        (RELATED.format("UTF-8", "APND", "<id root='1.2.3'/>").encode(), ()),
        (RELATED.format("UTF-8", "RPLC", "<id/>").encode(), ("",)),
        (RELATED.format("UTF-8", "RPLC", "").encode(), ("",)),
        (b"not XML", ()),
    ],
)
def test_what_a_document_replaces_is_read_whatever_its_number(
    document: bytes, named: tuple[str, ...], version: int
) -> None:
    """A first version that replaces another would be stored as if it stood alone."""
    assert replaced_documents(document, SimpleNamespace(version=version)) == named  # type: ignore[arg-type]
