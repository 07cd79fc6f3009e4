"""What a page believes of an SCS's answer: a signature by the card in the chain over what was sent."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from functools import cache
from typing import Any

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from scs_world import PIN2, START, MemoryCard, rsa_key

from sotepki.errors import Refused
from sotepki.scs import EcdsaForm, SignatureService, load_settings
from sotepki.scs.answers import ScsAnswer, read_answer

CONTENT = b"asiakirja"
KINDS = ["rsa", "ec"]


@cache
def card(kind: str, number: int = 2) -> MemoryCard:
    return MemoryCard(signature=rsa_key(number) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1()))


def answered(kind: str, form: EcdsaForm = EcdsaForm.RAW, *, digest: bool = False, **fields: Any) -> dict[str, Any]:
    settings = dataclasses.replace(load_settings("1.2"), ecdsa=form)
    service = SignatureService(lambda: card(kind), lambda _asked: PIN2, (), settings)
    sent = hashlib.sha256(CONTENT).digest() if digest else CONTENT
    row = {
        "content": base64.b64encode(sent).decode(),
        "contentType": "digest" if digest else "data",
        "selector": {"keyusages": ["nonRepudiation"]},
    }
    return service.sign(json.dumps({**row, **fields}).encode())


def rule_of(row: dict[str, Any]) -> str:
    """The rule by which an answer is refused; empty if it is believed."""
    try:
        read_answer(row).verify(CONTENT)
    except Refused as refused:
        return refused.rule
    return ""


@pytest.mark.parametrize("form", list(EcdsaForm))
@pytest.mark.parametrize("digest", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_verifies_in_both_forms_over_data_and_digest(kind: str, digest: bool, form: EcdsaForm) -> None:
    answer = read_answer(answered(kind, form, digest=digest))
    answer.verify(hashlib.sha256(CONTENT).digest() if digest else CONTENT, is_digest=digest)


@pytest.mark.parametrize("signature_type", ["signature", "signature-plain", "cms", "cms-pades"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_of_another_card_is_not_believed(kind: str, signature_type: str) -> None:
    """A page that believed it would log anybody in as the holder of the certificate that was sent along."""
    row = answered(kind, signatureType=signature_type)
    assert rule_of(row) == ""
    other = card(kind, 3).certificates["signature"]
    stranger = base64.b64encode(other.public_bytes(Encoding.DER)).decode()
    assert rule_of({**row, "chain": [stranger, *row["chain"][1:]]}) == "scs.answer.signature"


@pytest.mark.parametrize(("kind", "algorithm"), [("rsa", "rsassa_pkcs1v15"), ("ec", "sha256_ecdsa")])
def test_a_cms_signature_names_its_signer_and_algorithm(kind: str, algorithm: str) -> None:
    """Other readers find certificate and algorithm by these names, and by nothing else."""
    row = answered(kind, signatureType="cms")
    signed = cms.ContentInfo.load(base64.b64decode(row["signature"]))["content"]
    (signer,) = signed["signer_infos"]
    certificate = card(kind).certificates["signature"]
    assert signer["sid"].chosen["serial_number"].native == certificate.serial_number
    assert signer["signature_algorithm"]["algorithm"].native == algorithm
    assert signer["digest_algorithm"]["algorithm"].native == "sha256"
    (named,) = (one["values"][0] for one in signer["signed_attrs"] if one["type"].native == "signing_certificate_v2")
    fingerprint = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    assert named["certs"][0]["cert_hash"].native == fingerprint
    assert len(signed["certificates"]) == len(row["chain"]) == 3


def changed_cms(**changes: Any) -> dict[str, Any]:
    """A good CMS signature with something of its SignedData exchanged."""
    row = answered("rsa", signatureType="cms")
    message = cms.ContentInfo.load(base64.b64decode(row["signature"]))
    for name, value in changes.items():
        message["content"][name] = value(message["content"][name])
    return {**row, "signature": base64.b64encode(message.dump(force=True)).decode()}


def test_a_cms_signature_with_other_content_attached_is_not_believed() -> None:
    """A reader that opens the message would see another document than the one that was verified."""
    other = {"content_type": "data", "content": b"another document"}
    assert rule_of(changed_cms()) == ""
    assert rule_of(changed_cms(encap_content_info=lambda _old: other)) == "scs.answer.signature"


def bare_cms(kind: str, *, signed: bytes = CONTENT, **signer: Any) -> dict[str, Any]:
    """An answer with a CMS signature as ``openssl cms -sign -noattr`` makes it, attached nothing."""
    row, key = answered(kind, signatureType="cms"), card(kind).signature
    message = cms.ContentInfo.load(base64.b64decode(row["signature"]))
    message["content"]["encap_content_info"] = {"content_type": "data"}
    value = (
        key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(key, rsa.RSAPrivateKey)
        else key.sign(signed, ec.ECDSA(hashes.SHA256()))
    )
    (info,) = message["content"]["signer_infos"]
    parts = {name: info[name] for name in ("version", "sid", "digest_algorithm", "signature_algorithm")}
    message["content"]["signer_infos"] = [cms.SignerInfo({**parts, "signature": value, **signer})]
    return {**row, "signature": base64.b64encode(message.dump(force=True)).decode()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_cms_signature_without_signed_attributes_is_over_the_content(kind: str) -> None:
    """RFC 5652 5.3 allows it for data, so another vendor's service may answer so; it ended in a traceback."""
    row = bare_cms(kind)
    assert rule_of(row) == ""
    read_answer(row).verify(hashlib.sha256(CONTENT).digest(), is_digest=True)
    assert rule_of(bare_cms(kind, signed=b"another document")) == "scs.answer.signature"


@pytest.mark.parametrize("algorithm", ["md5", "sha3_256"])
def test_a_cms_signature_of_an_unknown_digest_is_not_believed(algorithm: str) -> None:
    assert rule_of(bare_cms("rsa", digest_algorithm={"algorithm": algorithm})) == "scs.answer.signature"


def test_a_cms_signature_without_attributes_is_of_data_and_of_nothing_else() -> None:
    """Attributes must be there for any other type of content (RFC 5652 5.3)."""
    row = bare_cms("rsa")
    message = cms.ContentInfo.load(base64.b64decode(row["signature"]))
    message["content"]["encap_content_info"] = {"content_type": "1.2.246.1"}
    changed = {**row, "signature": base64.b64encode(message.dump(force=True)).decode()}
    assert rule_of(changed) == "scs.answer.signature"


@pytest.mark.parametrize("left", ["content_type", "message_digest", ""])
@pytest.mark.parametrize("times", [0, 2])
def test_a_cms_signature_has_its_two_attributes_once(left: str, times: int) -> None:
    """RFC 5652 11.1 and 11.2; what lacked one ended in a traceback, however well it was signed."""
    row = answered("rsa", signatureType="cms")
    message = cms.ContentInfo.load(base64.b64decode(row["signature"]))
    (signer,) = message["content"]["signer_infos"]
    kept = [one for one in signer["signed_attrs"] for _ in range(times if one["type"].native == left else 1)]
    attributes = cms.CMSAttributes(kept)
    key = card("rsa").signature
    assert isinstance(key, rsa.RSAPrivateKey)
    signer["signed_attrs"] = attributes
    signer["signature"] = key.sign(attributes.dump(), padding.PKCS1v15(), hashes.SHA256())
    changed = {**row, "signature": base64.b64encode(message.dump(force=True)).decode()}
    assert rule_of(changed) == ("scs.answer.signature" if left else "")


def test_a_cms_signature_of_two_is_not_believed() -> None:
    """Only one of them would have been verified."""
    assert rule_of(changed_cms(signer_infos=lambda old: [*old, *old])) == "scs.answer.signature"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"status": "fine"}, "scs.answer.form"),
        ({"status": None}, "scs.answer.form"),
        ({"reasonCode": "200"}, "scs.answer.form"),
        ({"status": "failed"}, "scs.answer.refused"),
        ({"reasonCode": 500}, "scs.answer.refused"),
        ({"chain": []}, "scs.answer.form"),
        ({"chain": "x"}, "scs.answer.form"),
        ({"chain": ["AAAA"]}, "scs.answer.form"),
        ({"chain": ["!"]}, "scs.answer.form"),
        ({"signature": "%%%%"}, "scs.answer.form"),
        ({"signature": "AAAA"}, "scs.answer.signature"),
        ({"signature": "AAAA", "signatureType": "cms"}, "scs.answer.signature"),
        ({"signatureAlgorithm": "MD5withRSA"}, "scs.answer.form"),
        ({"signatureAlgorithm": "SHA512withRSA"}, "scs.answer.signature"),
        ({"signatureType": 7}, "scs.answer.form"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_does_not_fit_is_refused_with_its_rule(kind: str, changes: dict[str, Any], rule: str) -> None:
    """Status and reason code must both say yes; a page that looks at one only takes a refusal for a signature."""
    assert rule_of({**answered(kind), **changes}) == rule


def test_a_chain_is_no_longer_than_sixteen() -> None:
    row = answered("rsa")
    link = row["chain"][-1]
    assert len(read_answer({**row, "chain": [row["chain"][0], *[link] * 15]}).chain) == 16
    with pytest.raises(Refused, match="no chain"):
        read_answer({**row, "chain": [row["chain"][0], *[link] * 16]})


def test_a_key_that_no_card_has_is_a_refusal_and_not_a_fault() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST Ed25519")])
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 7, START, START.replace(year=2027))
    answer = ScsAnswer("1.2", True, 200, "", b"x" * 64, "signature", "SHA256withRSA", (certificate.sign(key, None),))
    with pytest.raises(Refused, match="does not verify"):
        answer.verify(CONTENT)
    with pytest.raises(Refused, match="did not sign"):
        _ = dataclasses.replace(answer, chain=()).certificate
