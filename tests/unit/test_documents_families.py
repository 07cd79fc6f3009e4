"""Every family of documents: made, signed by who may sign it, valid, and refused to everybody else."""

from __future__ import annotations

from datetime import timedelta

import document_families_world as families_world
import document_world as world
import pytest
from lxml import etree

from sotepki.documents.correcting import correct_document
from sotepki.documents.family import BodyReference, algorithm_rules, families
from sotepki.documents.frame import build_frame, open_frame
from sotepki.documents.frame_checks import check_frame
from sotepki.documents.making import build_document, kinds_of_documents
from sotepki.documents.signing import (
    SignatureStyle,
    sign_as_kanta,
    sign_as_professional,
    sign_as_system,
)
from sotepki.documents.times import hl7_time
from sotepki.documents.verification import verify_document
from sotepki.documents.vocabulary import SignatureKind, finland, hl7
from sotepki.errors import Misuse, Refused
from sotepki.evidence import Verdict
from sotepki.identifiers import Oid
from sotepki.x509.profiles import load_profiles
from sotepki.xmldsig import load_algorithms, read_xml

NEXT = Oid("1.2.246.10.12345671.93.2026.99")


@pytest.mark.parametrize(("kind", "signer"), list(families_world.every_kind()), ids=str)
def test_every_kind_is_signed_by_who_may_sign_it(kind: str, signer: SignatureKind) -> None:
    """A vendor of any family finds a good example here; a family that does not verify would teach wrongly."""
    report = verify_document(families_world.signed(kind, signer), world.context())
    assert (report.verdict, [f.rule for f in report.findings]) == (Verdict.VALID, [])
    (signature,) = report.signatures
    assert signature.kind is signer
    assert signature.intact


@pytest.mark.parametrize("style", list(families_world.every_style()), ids=lambda s: s[0])
@pytest.mark.parametrize("kind", ["client-plan", "visit-note"])
def test_every_form_is_valid(kind: str, style: tuple[str, SignatureStyle]) -> None:
    """Forms that occur in the field side by side are signed and verified alike; inclusive ones with a warning."""
    report = verify_document(families_world.signed(kind, SignatureKind.PROFESSIONAL, style[1]), world.context())
    assert report.verdict is Verdict.VALID
    assert {f.rule for f in report.findings} <= {"dsig.algorithm.inclusive"}


@pytest.mark.parametrize("kind", ["client-plan", "visit-note", "prescription"])
def test_a_changed_body_is_noticed_in_every_family(kind: str) -> None:
    """The one thing that a signature is for."""
    signed = families_world.signed(kind, SignatureKind.PROFESSIONAL)
    body = signed.index(b"<component>")
    changed = signed[:body] + signed[body:].replace(b"TESTI", b"TOSI ", 1)
    if changed == signed:  # the social-welfare body is base64
        place = signed.index(b'representation="B64">') + 60
        changed = signed[:place] + (b"A" if signed[place : place + 1] != b"A" else b"B") + signed[place + 1 :]
    assert changed != signed
    assert verify_document(changed, world.context()).verdict is Verdict.INVALID


@pytest.mark.parametrize("style", ["plain", "inclusive", "default-namespaces"])
def test_outside_the_signature_every_byte_survives(style: str) -> None:
    """Declaration, byte order mark, line ends, quotes and encoding are the vendor's; health care has CRLF too."""
    plain = families_world.document("visit-note")
    latin = plain.decode().replace('encoding="UTF-8"', "encoding='ISO-8859-1'").encode("latin-1")
    for unsigned in (plain, b"\xef\xbb\xbf" + plain, plain.replace(b"\n", b"\r\n"), latin):
        signed = sign_as_professional(
            unsigned,
            key=world.rsa_key("card"),
            certificate=families_world.prescriber_certificate(),
            professional=families_world.PRESCRIBER,
            at=world.NOW,
            style=families_world.STYLES[style],
        )
        begin = next(i for i, (a, b) in enumerate(zip(unsigned, signed, strict=False)) if a != b)
        # An insertion may begin with bytes that the text after it begins with too, so compare from both ends.
        assert signed[:begin] + signed[len(signed) - (len(unsigned) - begin) :] == unsigned
        assert verify_document(signed, world.context()).verdict is Verdict.VALID


def test_the_collection_stands_before_the_sender_in_health_care() -> None:
    """The order of localHeader is observed: signatureCollection, then sender."""
    root = read_xml(families_world.signed("prescription", SignatureKind.PROFESSIONAL)).root
    header = root.find(finland("localHeader"))
    assert header is not None
    assert [etree.QName(e).localname for e in header][-2:] == ["signatureCollection", "sender"]


def test_kanta_adds_its_signature_beside_the_prescribers() -> None:
    """The Prescription Centre signs what it keeps; the prescriber's own signature stays good."""
    twice = sign_as_kanta(
        families_world.signed("prescription", SignatureKind.PROFESSIONAL),
        key=world.rsa_key("kela"),
        certificate=families_world.kela_certificate(),
        at=world.NOW + timedelta(minutes=1),
    )
    report = verify_document(twice, world.context())
    assert report.verdict is Verdict.VALID
    assert [s.code for s in report.signatures] == ["1", "4"]


def test_a_system_does_not_sign_prescriptions() -> None:
    """Prescriptions are signed personally."""
    with pytest.raises(Refused) as caught:
        families_world.signed("prescription", SignatureKind.SYSTEM)
    assert caught.value.rule == "doc.signer"


def test_a_professional_does_not_sign_renewal_requests() -> None:
    """Renewal requests are not personally signed."""
    with pytest.raises(Refused) as caught:
        families_world.signed("renewal-request", SignatureKind.PROFESSIONAL)
    assert caught.value.rule == "doc.signer"


def test_a_card_without_the_prescribers_identifier_cannot_prescribe() -> None:
    """Cards of that kind exist and fail in the field; the signer hears it before the pharmacy does."""
    with pytest.raises(Refused) as caught:
        sign_as_professional(
            families_world.document("prescription"),
            key=world.rsa_key("card"),
            certificate=world.card_certificate(),
            professional=families_world.PRESCRIBER,
            at=world.NOW,
        )
    assert caught.value.rule == "doc.prescriber-id"


def test_only_kela_signs_as_kanta() -> None:
    """A provider's system certificate is no certificate of Kela's."""
    with pytest.raises(Refused) as caught:
        sign_as_kanta(
            families_world.document("prescription"),
            key=world.ec_key("system"),
            certificate=world.system_certificate(),
            at=world.NOW,
        )
    assert caught.value.rule == "doc.kela"


def test_a_system_signs_dispensing_for_the_pharmacy_not_for_kela() -> None:
    """The custodian of prescriptions is Kela, so the author's organisation counts; another one is refused."""
    other = world.certificate(
        world.ec_key("system"),
        "1.2.246.10.2462460.19.1",
        world.key_usage(digital_signature=True, non_repudiation=True),
    )
    with pytest.raises(Refused) as caught:
        sign_as_system(
            families_world.document("dispensing", None), key=world.ec_key("system"), certificate=other, at=world.NOW
        )
    assert caught.value.rule == "doc.organisation.author"


def test_a_body_without_id_is_not_referred_to_by_id() -> None:
    """Else the signature would refer to nothing, and every verifier would say so."""
    with pytest.raises(Refused) as caught:
        sign_as_system(
            families_world.document("visit-note", None),
            key=world.ec_key("system"),
            certificate=world.system_certificate(),
            at=world.NOW,
            style=SignatureStyle(body_reference=BodyReference.ID),
        )
    assert caught.value.rule == "doc.body.id"


def test_a_structured_body_may_have_an_id_that_names_no_document() -> None:
    """How structuredBody bears an ID is not known (docs/field/kanta.md 3.1): a vendor must not fail for its form."""
    document = families_world.document("visit-note").replace(b"<structuredBody>", b'<structuredBody ID="body">')
    signed = sign_as_system(
        document, key=world.ec_key("system"), certificate=world.system_certificate(), at=world.NOW
    )
    assert verify_document(signed, world.context()).findings == ()
    corrected = correct_document(signed, document_oid=NEXT, at=world.NOW)
    assert b'<structuredBody ID="body">' in corrected
    with pytest.raises(Refused, match=str(world.DOCUMENT)):
        sign_as_system(
            document,
            key=world.ec_key("system"),
            certificate=world.system_certificate(),
            at=world.NOW,
            style=SignatureStyle(body_reference=BodyReference.ID),
        )


def test_a_second_body_is_never_signed() -> None:
    """The XPath form would cover both bodies, and readers would show either."""
    document = families_world.document("visit-note", None)
    forged = document.replace(b"<hl7fi:localHeader>", b"<hl7fi:localHeader><structuredBody/>")
    with pytest.raises(Refused):
        sign_as_system(forged, key=world.ec_key("system"), certificate=world.system_certificate(), at=world.NOW)


@pytest.mark.parametrize("kind", ["client-plan", "visit-note", "prescription"])
def test_a_correction_drops_the_signature_and_names_what_it_replaces(kind: str) -> None:
    """A stale signature in a corrected document is a fault that the field tests for."""
    old = families_world.signed(kind, SignatureKind.PROFESSIONAL)
    later = world.NOW + timedelta(hours=1)
    corrected = correct_document(old, document_oid=NEXT, at=later)
    root = read_xml(corrected).root
    assert b"Signature>" not in corrected
    assert b"assignedAuthorSigner" not in corrected
    related = root.find(hl7("relatedDocument"))
    assert related is not None
    assert related.get("typeCode") == "RPLC"
    parent = related.find(f"{hl7('parentDocument')}/{hl7('id')}")
    assert parent is not None
    assert parent.get("root") == str(world.DOCUMENT)
    signed = sign_as_professional(
        corrected,
        key=world.rsa_key("card"),
        certificate=families_world.prescriber_certificate(),
        professional=families_world.PRESCRIBER,
        at=later,
    )
    report = verify_document(signed, world.context(at=later + timedelta(minutes=1)))
    assert (report.verdict, report.document_id, report.version) == (Verdict.VALID, str(NEXT), 2)
    assert report.set_id == str(world.DOCUMENT)


def test_a_correction_of_a_correction_replaces_the_newest() -> None:
    """One RPLC relation, to the version before."""
    once = correct_document(families_world.document("prescription-correction"), document_oid=NEXT, at=world.NOW)
    root = read_xml(once).root
    (related,) = root.findall(hl7("relatedDocument"))
    parent = related.find(f"{hl7('parentDocument')}/{hl7('id')}")
    assert parent is not None
    assert parent.get("root") == str(world.DOCUMENT)
    version = root.find(hl7("versionNumber"))
    assert version is not None
    assert version.get("value") == "3"


def test_a_correction_changes_nothing_else() -> None:
    """Unsigned documents with odd line ends and comments keep them; the text for people stays what it was."""
    old = families_world.document("visit-note").replace(b"\n", b"\r\n").replace(b"<title>", b"<!-- x --><title>", 1)
    new = correct_document(old, document_oid=NEXT, at=world.NOW)
    assert new.count(b"\r\n") == old.count(b"\r\n")
    assert b"<!-- x --><title>" in new
    assert new[new.index(b"<hl7fi:localHeader>") :] == old[old.index(b"<hl7fi:localHeader>") :]


def test_a_prescription_becomes_its_cancellation() -> None:
    """The type code follows the kind; a patient record has no cancellation of that sort."""
    old = families_world.signed("prescription", SignatureKind.PROFESSIONAL)
    new = correct_document(old, document_oid=NEXT, at=world.NOW, kind="prescription-cancellation")
    code = read_xml(new).root.find(hl7("code"))
    assert code is not None
    assert code.get("code") == families()["prescription"].kinds["prescription-cancellation"].code
    assert _authors(new) == [("LAL", hl7_time(world.CREATED)), ("MIT", hl7_time(world.NOW))]
    with pytest.raises(Refused) as caught:
        correct_document(
            families_world.document("visit-note"), document_oid=NEXT, at=world.NOW, kind="prescription-cancellation"
        )
    assert caught.value.rule == "doc.correction"


def _authors(document: bytes) -> list[tuple[str | None, str | None]]:
    """Role and time of each author."""
    return [
        (function.get("code"), time.get("value"))
        for author in read_xml(document).root.findall(hl7("author"))
        if (function := author.find(hl7("functionCode"))) is not None
        and (time := author.find(hl7("time"))) is not None
    ]


def test_after_several_corrections_the_first_and_the_current_author_are_listed() -> None:
    """Who started the medication stays; who corrected before the current corrector goes (docs/field/kanta.md 9)."""
    moments = [world.NOW + timedelta(hours=hour) for hour in range(3)]
    document = families_world.document("prescription")
    for number, moment in enumerate(moments, start=1):
        new_id = Oid(f"{NEXT}{number}")
        document = correct_document(document, document_oid=new_id, at=moment, kind="prescription-correction")
        assert _authors(document) == [("LAL", hl7_time(world.CREATED)), ("KOR", hl7_time(moment))]
    three = document.replace(b"</author>", b"</author>" + _author_element(document), 1)
    assert len(_authors(three)) == 3
    last = correct_document(three, document_oid=Oid(f"{NEXT}9"), at=world.NOW, kind="prescription-cancellation")
    assert [role for role, _ in _authors(last)] == ["LAL", "MIT"]
    assert verify_document(last, world.context()).authors == (str(families_world.PRESCRIBER.registration_number),) * 2


def _author_element(document: bytes) -> bytes:
    begin = document.rindex(b"<author>")
    return document[begin : document.rindex(b"</author>") + len(b"</author>")]


def test_a_correction_whose_only_author_is_the_corrector_stays_so() -> None:
    """A document that names no first author does not get an invented one."""
    old = families_world.document("prescription-correction")
    new = correct_document(old, document_oid=NEXT, at=world.NOW, kind="prescription-correction")
    assert _authors(new) == [("KOR", hl7_time(world.NOW))]


def test_a_document_of_a_system_does_not_become_a_cancellation() -> None:
    """Nobody would bear the role of the canceller."""
    with pytest.raises(Refused, match="names no author in a role") as caught:
        correct_document(
            families_world.document("renewal-request", None),
            document_oid=NEXT,
            at=world.NOW,
            kind="prescription-cancellation",
        )
    assert caught.value.rule == "doc.correction"


def test_a_correction_keeps_no_id() -> None:
    """Two documents under one id cannot be told apart."""
    with pytest.raises(Refused) as caught:
        correct_document(families_world.document("visit-note"), document_oid=world.DOCUMENT, at=world.NOW)
    assert caught.value.rule == "doc.correction"


def test_a_cancellation_needs_what_it_cancels() -> None:
    """A cancellation of nothing is a mistake of the caller."""
    with pytest.raises(Misuse):
        build_document(
            "prescription-cancellation",
            client=world.CLIENT,
            organisation=world.ORGANISATION,
            author=world.AUTHOR,
            document_oid=world.DOCUMENT,
            created=world.CREATED,
        )


def test_family_data_is_whole() -> None:
    """Every rule has a source; profiles and algorithms that are named exist; every kind can be made."""
    profiles, known = load_profiles(), load_algorithms()
    for family in families().values():
        rows = [family, family.header, family.carrier, family.body, family.frame, *family.references]
        rows += [*family.signatures.values(), *family.kinds.values()]
        assert all(row.source for row in rows)
        assert all(name in profiles for rule in family.signatures.values() for name in rule.profiles)
    assert all(row.uri in known.digests for row in algorithm_rules().digests)
    assert all(row.uri in known.signatures for row in algorithm_rules().signature_methods)
    assert all(row.uri in known.canonicalisations for row in algorithm_rules().canonicalisations)
    assert len(kinds_of_documents()) == 9


@pytest.mark.parametrize("kind", ["client-plan", "visit-note", "prescription"])
def test_a_frame_fits_its_document(kind: str) -> None:
    """What Kanta's access point compares first: ids, and the message that carries such documents."""
    signed = families_world.signed(kind, SignatureKind.PROFESSIONAL)
    data = build_frame(signed, message_id=NEXT, sender=world.ORGANISATION.oid, at=world.NOW)
    frame, report = open_frame(data), verify_document(signed, world.context())
    assert frame.document == signed
    assert check_frame(frame, report) == ()
    assert frame.service_request == ("SP1" if kind == "client-plan" else "")
    other = verify_document(
        families_world.signed("visit-note" if kind == "client-plan" else "client-plan", SignatureKind.PROFESSIONAL),
        world.context(),
    )
    assert "frame.family" in {finding.rule for finding in check_frame(frame, other)}
