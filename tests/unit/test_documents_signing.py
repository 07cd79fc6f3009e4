"""Signing in place: everything outside the signature survives, and a careful signer refuses what is not theirs."""

from __future__ import annotations

import difflib
from dataclasses import replace
from datetime import timedelta

import document_world as world
import pytest

from sotepki.documents import (
    SignatureKind,
    SignatureStyle,
    Signer,
    sign_as_professional,
    sign_as_system,
    sign_carefully,
    sign_document,
    verify_document,
)
from sotepki.errors import Misuse, Refused
from sotepki.evidence import Verdict
from sotepki.identifiers import RegistrationNumber
from sotepki.xmldsig import read_xml, signature_method_for


def outside(before: bytes, after: bytes) -> list[str]:
    """Bytes of ``before`` that signing deleted or replaced."""
    matcher = difflib.SequenceMatcher(None, before.decode("latin-1"), after.decode("latin-1"), autojunk=False)
    return [code[0] for code in matcher.get_opcodes() if code[0] not in ("equal", "insert")]


def as_professional(document: bytes) -> bytes:
    return world.signed_by_professional(document)


@pytest.mark.parametrize("kind", ["professional", "system"])
def test_a_signed_document_is_valid(kind: str) -> None:
    """The plain case for both signers; without it nothing else matters."""
    signed = world.signed_by_professional() if kind == "professional" else world.signed_by_system()
    report = verify_document(signed, world.context())
    assert (report.verdict, report.findings) == (Verdict.VALID, ())
    (signature,) = report.signatures
    assert str(signature.kind) == kind
    assert signature.time == world.NOW
    assert signature.covered == (
        "/ClinicalDocument/component/nonXMLBody",
        "/ClinicalDocument/localSocialHeader/signatureCollection/signature/signatureTimestamp",
    )


def test_only_the_signature_is_inserted() -> None:
    """A signer that writes the document anew breaks earlier signatures and other people's digests."""
    for unsigned in (
        world.unsigned(),
        b"\xef\xbb\xbf" + world.unsigned(),
        world.unsigned().replace(b"\n", b"\r\n"),
        world.unsigned().replace(
            b'<?xml version="1.0" encoding="UTF-8"?>', b"<?xml version='1.0'  encoding='utf-8' ?>"
        ),
        world.unsigned().replace(b"<realmCode", b"<!-- </hl7fi:localSocialHeader> --><realmCode"),
        world.unsigned().replace(b"</hl7fi:localSocialHeader>", b"</hl7fi:localSocialHeader\n >"),
        world.unsigned() + b"\n<!-- the end -->\n",
    ):
        signed = as_professional(unsigned)
        begin = next(i for i, (a, b) in enumerate(zip(unsigned, signed, strict=False)) if a != b)
        assert signed[:begin] == unsigned[:begin]
        assert signed.endswith(unsigned[begin:])
        assert verify_document(signed, world.context()).verdict is Verdict.VALID


def test_a_latin_document_keeps_its_encoding() -> None:
    """Names of professionals are written as character references where the encoding lacks a letter."""
    text = world.unsigned().decode().replace('encoding="UTF-8"', 'encoding="ISO-8859-1"')
    signed = as_professional(text.encode("latin-1"))
    assert verify_document(signed, world.context()).verdict is Verdict.VALID
    assert "Öhman".encode("latin-1") in signed


@pytest.mark.parametrize(
    "style",
    [
        SignatureStyle(timestamp_first=True),
        SignatureStyle(enveloped=True),
        SignatureStyle(prefix="", ds_prefix=""),
        SignatureStyle(prefix="ep2", ds_prefix="dsig"),
        SignatureStyle(digest_method="http://www.w3.org/2001/04/xmlenc#sha512"),
    ],
)
def test_the_forms_of_the_field_are_all_made_and_accepted(style: SignatureStyle) -> None:
    """Reference order, enveloped transform and prefixes vary between vendors; a checker that insists fails them."""
    signed = sign_as_system(
        world.unsigned(author=None), key=world.ec_key("system"), certificate=world.system_certificate(), at=world.NOW,
        style=style,
    )  # fmt: skip
    assert verify_document(signed, world.context()).verdict is Verdict.VALID


@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512"])
def test_stronger_hashes_with_rsa(hash_name: str) -> None:
    """RSA with SHA-384 and SHA-512 is in use elsewhere and must verify."""
    method = signature_method_for(world.rsa_key("card"), f"http://www.w3.org/2001/04/xmldsig-more#rsa-{hash_name}")
    signer = Signer(SignatureKind.PROFESSIONAL, world.rsa_key("card"), world.card_certificate(), world.AUTHOR)
    signed = sign_document(world.unsigned(), signer, world.NOW, SignatureStyle(signature_method=method))
    report = verify_document(signed, world.context())
    assert (report.verdict, report.signatures[0].method) == (Verdict.VALID, method.uri)


def test_parallel_signatures_do_not_disturb_each_other() -> None:
    """A second signature joins the collection; both stay valid, the professional's block stands once."""
    first = world.signed_by_professional()
    second = world.signed_by_professional(first, at=world.NOW + timedelta(minutes=4))
    third = sign_as_system(second, key=world.ec_key("system"), certificate=world.system_certificate(), at=world.NOW)
    report = verify_document(third, world.context())
    assert report.verdict is Verdict.VALID
    assert [str(signature.kind) for signature in report.signatures] == ["professional", "professional", "system"]
    assert third.count(b"</hl7fi:assignedAuthorSigner>") == 1
    assert outside(first, third) == []


def test_a_professional_signs_after_the_system() -> None:
    """The block about the signer comes with the professional's signature, wherever the collection came from."""
    both = world.signed_by_professional(world.signed_by_system(world.unsigned()))
    report = verify_document(both, world.context())
    assert (report.verdict, report.findings) == (Verdict.VALID, ())
    assert [str(signature.kind) for signature in report.signatures] == ["system", "professional"]


def test_two_signatures_at_one_moment_have_different_identifiers() -> None:
    """A clock that stands still must not lead to duplicate IDs, which every verifier refuses."""
    twice = world.signed_by_professional(world.signed_by_professional())
    assert len(read_xml(twice).identified) == 5


def test_a_professional_signs_only_their_own_document() -> None:
    """Another number in author or certificate would be refused by Kanta; the signer must hear of it first."""
    other = replace(world.AUTHOR, registration_number=RegistrationNumber("98765432109"))
    for document, professional in ((world.unsigned(), other), (world.unsigned(author=other), world.AUTHOR)):
        with pytest.raises(Refused) as caught:
            sign_as_professional(
                document, key=world.rsa_key("card"), certificate=world.card_certificate(), professional=professional,
                at=world.NOW,
            )  # fmt: skip
        assert caught.value.rule == "doc.registration-number"


def test_a_system_signs_only_for_its_organisation() -> None:
    """A system certificate of another organisation must not sign."""
    usage = world.key_usage(digital_signature=True, non_repudiation=True)
    foreign = world.certificate(world.ec_key("system"), "1.2.246.10.99999999.10.0", usage)
    with pytest.raises(Refused) as caught:
        sign_as_system(world.unsigned(author=None), key=world.ec_key("system"), certificate=foreign, at=world.NOW)
    assert caught.value.rule == "doc.organisation"


def test_the_wrong_certificate_of_a_card_is_refused() -> None:
    """Signing with the authentication certificate is the commonest mistake with card middleware."""
    number = str(world.AUTHOR.registration_number)
    wrong = world.certificate(world.rsa_key("card"), number, world.key_usage(digital_signature=True))
    with pytest.raises(Refused) as caught:
        sign_as_professional(
            world.unsigned(), key=world.rsa_key("card"), certificate=wrong, professional=world.AUTHOR, at=world.NOW
        )
    assert caught.value.rule == "doc.key-usage"


def test_a_key_that_is_not_the_certificates_is_refused() -> None:
    """A mixed-up key would give a signature that nobody can verify."""
    with pytest.raises(Refused) as caught:
        sign_as_system(
            world.unsigned(author=None),
            key=world.ec_key("other"),
            certificate=world.system_certificate(),
            at=world.NOW,
        )
    assert caught.value.rule == "doc.key"


def test_one_signer_signs_many_documents() -> None:
    """What is kept of a signer must not slip from one document, moment or style into the next."""
    who = {"key": world.rsa_key("card"), "certificate": world.card_certificate(), "professional": world.AUTHOR}
    signer = Signer(SignatureKind.PROFESSIONAL, **who)
    styles = (SignatureStyle(), SignatureStyle(prefix="", ds_prefix=""), SignatureStyle(timestamp_first=True))
    for document in (world.unsigned(), world.signed_by_system(world.unsigned())):
        for at in (world.NOW, world.NOW + timedelta(minutes=1)):
            for style in styles:
                anew = sign_as_professional(document, **who, at=at, style=style)
                assert sign_carefully(document, signer, at, style) == anew


def test_a_signer_that_does_not_fit_is_refused_every_time() -> None:
    """A run over an archive meets the wrong key at its first document and must not sign the second."""
    wrong = Signer(SignatureKind.SYSTEM, world.ec_key("other"), world.system_certificate())
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            sign_carefully(world.unsigned(author=None), wrong, world.NOW)
        assert caught.value.rule == "doc.key"
    nobody = Signer(SignatureKind.PROFESSIONAL, world.rsa_key("card"), world.card_certificate())
    with pytest.raises(Misuse, match="needs the professional"):
        sign_carefully(world.unsigned(), nobody, world.NOW)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"<component>", b"<component/><component>", "doc.structure"),
        (b'ID="OID', b'ID="oid', "doc.body.id"),
        (b"urn:hl7-org:v3", b"urn:hl7-org:v4", "doc.family"),
        (b"hl7fi:localSocialHeader", b"hl7fi:localHeader", "doc.structure"),
        (b"</ClinicalDocument>", b"", "xml.not-well-formed"),
    ],
)
def test_a_document_without_a_place_for_the_signature_is_refused(old: bytes, new: bytes, rule: str) -> None:
    """One sentence with the rule, and no half-signed file."""
    with pytest.raises(Refused) as caught:
        as_professional(world.unsigned().replace(old, new))
    assert caught.value.rule == rule


def test_an_empty_header_has_no_inside() -> None:
    """``<localSocialHeader/>`` has no end tag to write before; that is said instead of writing in the wrong place."""
    document = world.unsigned()
    begin, end = document.index(b"<hl7fi:localSocialHeader>"), document.index(b"</hl7fi:localSocialHeader>")
    emptied = document[:begin] + b"<hl7fi:localSocialHeader/>" + document[end + len(b"</hl7fi:localSocialHeader>") :]
    with pytest.raises(Refused):
        as_professional(emptied)


def test_an_emptied_collection_is_filled_again() -> None:
    """Correcting empties the old signatureCollection; some libraries then write it as an empty-element tag."""
    for emptied in (b"<hl7fi:signatureCollection/>", b"<hl7fi:signatureCollection></hl7fi:signatureCollection>"):
        document = world.unsigned().replace(b"</hl7fi:localSocialHeader>", emptied + b"</hl7fi:localSocialHeader>")
        signed = as_professional(document)
        assert verify_document(signed, world.context()).verdict is Verdict.VALID
        assert signed.count(b"</hl7fi:signatureCollection>") == 1
