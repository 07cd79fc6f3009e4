"""Every family, every form and every algorithm in the eyes of xmlsec1 and signxml: they accept what we sign.

signxml reads no XPath transform and wants one KeyUsage that professionals do not have, so it judges the forms by Id.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml import DigestAlgorithm, SignatureConfiguration, SignatureMethod, XMLVerifier
from signxml.exceptions import SignXMLException

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

import document_families_world as families_world
import document_world as world

from sotepki.documents import SignatureKind, SignatureStyle, correct_document, sign_as_kanta, sign_as_professional
from sotepki.documents.family import BodyReference
from sotepki.identifiers import Oid
from sotepki.xmldsig import signature_method_for

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="xmlsec1 is not installed"),
]

IDS = [
    "--id-attr:ID", "urn:hl7-org:v3:nonXMLBody",
    "--id-attr:ID", "urn:hl7-org:v3:structuredBody",
    "--id-attr:ID", "urn:hl7finland:signatureTimestamp",
]  # fmt: skip
WHEN = (world.NOW + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")


def accepted(directory: Path, name: str, document: bytes, number: int = 1) -> str:
    """Empty if xmlsec1 accepts the ``number``-th signature with the chain to our root, else what it says."""
    file, root = directory / f"{name}.xml", directory / f"{name}.pem"
    file.write_bytes(document)
    root.write_bytes(world.root().public_bytes(Encoding.PEM))
    command = ["xmlsec1", "--verify", *IDS, "--node-xpath", f"(//*[local-name()='Signature'])[{number}]"]
    command += ["--trusted-pem", str(root), "--verification-time", WHEN, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode == 0 and "2/2" in done.stderr + done.stdout else done.stderr or "not verified"


def good_signatures() -> Iterator[tuple[str, bytes]]:
    """Every kind by every signer, every form in two families, P-384 with every hash, corrections, two signers."""
    for kind, signer in families_world.every_kind():
        yield f"{kind}-{signer}", families_world.signed(kind, signer)
    for name, style in families_world.every_style():
        for kind in ("client-plan", "visit-note"):
            yield f"{kind}-{name}", families_world.signed(kind, SignatureKind.PROFESSIONAL, style)
    for bits in ("256", "384", "512"):
        method = signature_method_for(
            world.ec_key("system"), f"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha{bits}"
        )
        style = SignatureStyle(signature_method=method)
        yield f"p384-sha{bits}", families_world.signed("client-plan", SignatureKind.SYSTEM, style)
    corrected = correct_document(
        families_world.signed("prescription", SignatureKind.PROFESSIONAL),
        document_oid=Oid("1.2.246.10.12345671.93.2026.99"),
        at=world.NOW,
    )
    yield (
        "corrected",
        sign_as_professional(
            corrected,
            key=world.rsa_key("card"),
            certificate=families_world.prescriber_certificate(),
            professional=families_world.PRESCRIBER,
            at=world.NOW,
        ),
    )


def test_xmlsec1_accepts_every_good_signature(tmp_path: Path) -> None:
    """A form that only we accept would send a vendor into joint testing with a broken signer."""
    documents = dict(good_signatures())
    assert len(documents) > 45
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda item: (item[0], accepted(tmp_path, *item)), documents.items())
    assert {name: said for name, said in answers if said} == {}


def test_xmlsec1_refuses_a_changed_body_in_both_reference_forms(tmp_path: Path) -> None:
    """The check above can fail: the XPath form covers the body for xmlsec1 as well."""
    for form in BodyReference:
        style = SignatureStyle(body_reference=form)
        signed = families_world.signed("visit-note", SignatureKind.PROFESSIONAL, style)
        begin = signed.index(b"<component>")
        changed = signed[:begin] + signed[begin:].replace(b"TESTI", b"TOSI.", 1)
        assert changed != signed
        assert accepted(tmp_path, str(form), changed)


def test_xmlsec1_accepts_kantas_signature_beside_the_prescribers(tmp_path: Path) -> None:
    """Parallel signatures: neither covers the other."""
    twice = sign_as_kanta(
        families_world.signed("prescription", SignatureKind.PROFESSIONAL),
        key=world.rsa_key("kela"),
        certificate=families_world.kela_certificate(),
        at=world.NOW,
    )
    assert [accepted(tmp_path, f"twice{number}", twice, number) for number in (1, 2)] == ["", ""]


def signxml_accepts(document: bytes) -> bool:
    """Whether signxml verifies the signature with the certificate in it and two references."""
    expect = SignatureConfiguration(
        expect_references=2,
        location=".//",
        signature_methods=frozenset(SignatureMethod),
        digest_algorithms=frozenset(DigestAlgorithm),
    )
    root = etree.fromstring(document)
    certificate = root.findtext(".//{http://www.w3.org/2000/09/xmldsig#}X509Certificate") or ""
    try:
        found = XMLVerifier().verify(
            root, x509_cert=certificate, validate_schema=False, id_attribute="ID", expect_config=expect
        )
    except SignXMLException:
        return False
    return isinstance(found, list) and len(found) == 2


BY_ID = [("client-plan", name, style) for name, style in families_world.every_style()]
BY_ID += [(kind, "by-id", families_world.STYLES["by-id"]) for kind in ("visit-note", "prescription")]


@pytest.mark.parametrize(("kind", "name", "style"), BY_ID, ids=[f"{kind}-{name}" for kind, name, _ in BY_ID])
def test_signxml_accepts_every_form_by_id(kind: str, name: str, style: SignatureStyle) -> None:
    """A second opinion in pure Python, with the canonicalisation of lxml and the signatures of pyca."""
    signed = families_world.signed(kind, SignatureKind.PROFESSIONAL, style)
    assert signxml_accepts(signed), name
    place = signed.rindex(b"</text>") if kind != "prescription" else signed.rindex(b"</name>")
    assert not signxml_accepts(signed[:place] + b"A" + signed[place:])
