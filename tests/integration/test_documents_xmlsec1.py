"""Our documents in the eyes of others: xmlsec1 and signxml accept what we sign and reject what was changed.

Certificates are issued by the real profiles under a fresh TEST hierarchy, so that the chain is judged as well.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier
from signxml.exceptions import SignXMLException

from sotepki.cli import root as cli
from sotepki.clock import SystemClock
from sotepki.documents import (
    SignatureKind,
    SignatureStyle,
    Signer,
    VerificationContext,
    build_frame,
    build_social_document,
    open_frame,
    sign_as_professional,
    sign_as_system,
    sign_document,
    verify_document,
)
from sotepki.evidence import Verdict
from sotepki.identifiers import BusinessId, Hetu, Oid, RegistrationNumber
from sotepki.registers import Organisation, Person, Professional, ProfessionalRight, Register, RightKind
from sotepki.x509.crl import RevokedEntry, build_crl
from sotepki.x509.issuing import Issuer, issue
from sotepki.x509.profiles import load_profiles
from sotepki.x509.serials import person_serial, service_serial
from sotepki.xmldsig import DS, EXCLUSIVE

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="xmlsec1 is not installed"),
]

RIGHT = ProfessionalRight("T40", RightKind.LICENSED, Register.SUOSIKKI, "sosiaalityöntekijä", "socialarbetare",
                          date(2020, 1, 1))  # fmt: skip
AUTHOR = Professional(RegistrationNumber("90000000017"), Person(Hetu("210281-9988"), "Eero", "Öhman"), (RIGHT,))
ORGANISATION = Organisation(
    Oid("1.2.246.10.12345671.10.0"), "TESTI Hyvinvointialue", BusinessId("1234567-1"), "county", "Oulu", True
)
IDS = ["--id-attr:ID", "urn:hl7-org:v3:nonXMLBody", "--id-attr:ID", "urn:hl7finland:signatureTimestamp"]


@dataclass
class Lab:
    """A hierarchy with a card and a system, and signed documents by name."""

    directory: Path
    root: x509.Certificate
    person_ca: Issuer
    service_ca: Issuer
    card_key: rsa.RSAPrivateKey
    card: x509.Certificate
    system_key: rsa.RSAPrivateKey
    system: x509.Certificate
    documents: Mapping[str, bytes]

    def context(self, **changes: object) -> VerificationContext:
        arguments: dict[str, object] = {
            "trust": (self.root,),
            "intermediates": self.authorities,
            "at": SystemClock().now(),
            "revocation": False,
            **changes,
        }
        return VerificationContext(**arguments)  # type: ignore[arg-type]

    @property
    def authorities(self) -> tuple[x509.Certificate, ...]:
        found = (self.person_ca.certificate, self.service_ca.certificate)
        return tuple(certificate for certificate in found if certificate is not None)

    def xmlsec1(self, document: bytes, number: int = 1) -> subprocess.CompletedProcess[str]:
        """Let xmlsec1 verify the ``number``-th signature, with the chain to our root."""
        path = self.directory / "document.xml"
        path.write_bytes(document)
        command = ["xmlsec1", "--verify", *IDS, "--node-xpath", f"(//*[local-name()='Signature'])[{number}]"]
        command += ["--trusted-pem", str(self.directory / "root.pem")]
        for name in ("person.pem", "service.pem"):
            command += ["--untrusted-pem", str(self.directory / name)]
        return subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=60, check=False)


def unsigned(author: Professional | None, number: int) -> bytes:
    return build_social_document(
        client=Person(Hetu("010181-900C"), "Asta", "Äärelä"),
        organisation=ORGANISATION,
        author=author,
        document_oid=Oid(f"1.2.246.10.12345671.93.2026.{number}"),
        created=SystemClock().now() - timedelta(minutes=1),
        paragraphs=["Merkkejä: <&> \"'\t ä€"] * 40,
    )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    directory, profiles, now = tmp_path_factory.mktemp("documents"), load_profiles(), SystemClock().now()
    begin = now - timedelta(days=1)
    keys = {name: rsa.generate_private_key(65537, 4096) for name in ("root", "person", "service", "system")}
    card_key = rsa.generate_private_key(65537, 3072)
    top = issue(profiles["test-root-rsa"], subject={}, public_key=keys["root"].public_key(),
                issuer=Issuer(None, keys["root"]), serial_number=service_serial(now), not_before=begin)  # fmt: skip
    top_issuer = Issuer(top, keys["root"])
    issuers = {
        name: Issuer(
            issue(profiles[profile], subject={}, public_key=keys[name].public_key(), issuer=top_issuer,
                  serial_number=service_serial(now), not_before=begin),
            keys[name],
        )
        for name, profile in (("person", "test-sote-person-ca-rsa"), ("service", "test-sote-service-ca-rsa"))
    }  # fmt: skip
    number = str(AUTHOR.registration_number)
    card = issue(
        profiles["professional-signature-rsa"],
        subject={"title": "T40 sosiaalityöntekijä, socialarbetare", "serial_number": number, "given_name": "Eero",
                 "surname": "Öhman", "common_name": f"Öhman Eero {number}"},
        public_key=card_key.public_key(), issuer=issuers["person"], serial_number=person_serial(70001),
        not_before=begin,
    )  # fmt: skip
    system = issue(
        profiles["test-system-signature"],
        subject={"state": "Pohjois-Pohjanmaa", "locality": "Oulu", "organisation": ORGANISATION.name,
                 "serial_number": str(ORGANISATION.oid), "common_name": "TESTI asiakastieto"},
        public_key=keys["system"].public_key(), issuer=issuers["service"], serial_number=service_serial(now),
        not_before=begin,
    )  # fmt: skip
    for name, certificate in (("root", top), ("person", issuers["person"].certificate),
                              ("service", issuers["service"].certificate), ("system", system)):  # fmt: skip
        assert certificate is not None
        (directory / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    by_card = sign_as_professional(unsigned(AUTHOR, 1), key=card_key, certificate=card, professional=AUTHOR, at=now)
    by_system = sign_as_system(unsigned(None, 2), key=keys["system"], certificate=system, at=now)
    both = sign_as_system(by_card, key=keys["system"], certificate=system, at=now)
    documents = {"card": by_card, "system": by_system, "both": both, "crlf": by_card.replace(b"\n", b"\r\n")}
    return Lab(
        directory, top, issuers["person"], issuers["service"], card_key, card, keys["system"], system, documents
    )


@pytest.mark.parametrize("name", ["card", "system", "both", "crlf"])
def test_xmlsec1_and_we_accept_every_signature(lab: Lab, name: str) -> None:
    """If xmlsec1 refused our documents, no vendor could check them with what they have."""
    document = lab.documents[name]
    report = verify_document(document, lab.context())
    assert (report.verdict, report.findings) == (Verdict.VALID, ())
    for number in range(1, len(report.signatures) + 1):
        done = lab.xmlsec1(document, number)
        assert done.returncode == 0, done.stderr
        assert "2/2" in done.stderr + done.stdout


@pytest.mark.parametrize("name", ["card", "system"])
@pytest.mark.parametrize("change", ["body", "timestamp", "signed-info", "value", "re-indented"])
def test_xmlsec1_and_we_reject_the_changed_document(lab: Lab, name: str, change: str) -> None:
    """A changed document must fail everywhere, or one of the verifiers looks at the wrong thing."""
    document = lab.documents[name]
    if change == "body":
        place = document.index(b'"B64">') + 50
        changed = document[:place] + bytes([document[place] ^ 1]) + document[place + 1 :]
    elif change == "timestamp":
        place = document.index(b"</hl7fi:signatureTimestamp>") - 2
        changed = document[:place] + bytes([document[place] ^ 1]) + document[place + 1 :]
    elif change == "signed-info":
        changed = document.replace(b"<ds:SignedInfo>", b"<ds:SignedInfo> ")
    elif change == "value":
        place = document.index(b"<ds:SignatureValue>") + 30
        changed = document[:place] + (b"A" if document[place : place + 1] != b"A" else b"B") + document[place + 1 :]
    else:
        tree = etree.fromstring(document)
        etree.indent(tree)
        changed = etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
    assert verify_document(changed, lab.context()).verdict is Verdict.INVALID
    assert lab.xmlsec1(changed).returncode != 0


def listing_default(lab: Lab, *, honoured: bool) -> bytes:
    """The card's document signed anew, with ``#default`` in every PrefixList, by lxml and the key alone."""
    root = etree.fromstring(lab.documents["card"])
    for step in root.iter(f"{{{DS}}}Transform", f"{{{DS}}}CanonicalizationMethod"):
        etree.SubElement(step, f"{{{EXCLUSIVE}}}InclusiveNamespaces", PrefixList="#default")

    def form(element: etree._Element) -> bytes:
        octets = etree.tostring(element, method="c14n", exclusive=True)
        return re.sub(rb"^<[^\s>]++(?! xmlns=)", rb'\g<0> xmlns="urn:hl7-org:v3"', octets) if honoured else octets

    for reference in root.iter(f"{{{DS}}}Reference"):
        (element,) = root.iterfind(f".//*[@ID='{(reference.get('URI') or '')[1:]}']")
        value = next(reference.iter(f"{{{DS}}}DigestValue"))
        value.text = base64.b64encode(hashlib.sha256(form(element)).digest()).decode()
    octets = form(next(root.iter(f"{{{DS}}}SignedInfo")))
    made = lab.card_key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    next(root.iter(f"{{{DS}}}SignatureValue")).text = base64.b64encode(made).decode()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


@pytest.mark.parametrize("honoured", [True, False])
def test_xmlsec1_and_we_agree_about_the_default_namespace_in_a_prefix_list(lab: Lab, honoured: bool) -> None:
    """Good documents were called changed, and one that was signed as if the list were empty was called valid."""
    document = listing_default(lab, honoured=honoured)
    done = lab.xmlsec1(document)
    assert (done.returncode == 0) is honoured, done.stderr
    assert (verify_document(document, lab.context()).verdict is Verdict.VALID) is honoured


def test_xmlsec1_accepts_the_other_forms_of_the_field(lab: Lab) -> None:
    """Default namespaces, timestamp first and the enveloped transform are made by other vendors."""
    for style in (SignatureStyle(prefix="", ds_prefix=""), SignatureStyle(timestamp_first=True, enveloped=True)):
        signed = sign_as_system(
            unsigned(None, 3), key=lab.system_key, certificate=lab.system, at=SystemClock().now(), style=style
        )
        done = lab.xmlsec1(signed)
        assert done.returncode == 0, done.stderr
        assert verify_document(signed, lab.context()).verdict is Verdict.VALID


def test_an_elliptic_curve_signature_verifies_elsewhere(lab: Lab) -> None:
    """P-384 with raw r and s, as XML Signature wants it, checked with xmlsec1 under a certificate of its own."""
    key = ec.generate_private_key(ec.SECP384R1())
    now = SystemClock().now()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST P-384")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9)).sign(key, hashes.SHA384())
    )  # fmt: skip
    signed = sign_document(unsigned(None, 4), Signer(SignatureKind.SYSTEM, key, certificate), now)
    path = lab.directory / "p384.xml"
    path.write_bytes(signed)
    command = ["xmlsec1", "--verify", "--insecure", *IDS, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert verify_document(signed, lab.context()).signatures[0].intact


@pytest.mark.parametrize("name", ["card", "system"])
def test_signxml_accepts_ours_and_rejects_the_changed_one(lab: Lab, name: str) -> None:
    """A second independent verifier, in Python, sees the same two elements."""
    document = lab.documents[name]
    certificate = lab.card if name == "card" else lab.system
    configuration = SignatureConfiguration(expect_references=2, location=".//")

    def results(data: bytes) -> list[str]:
        verified = XMLVerifier().verify(
            data, x509_cert=certificate, id_attribute="ID", expect_config=configuration, validate_schema=True
        )
        return [etree.QName(result.signed_xml).localname for result in verified]

    assert results(document) == ["nonXMLBody", "signatureTimestamp"]
    place = document.index(b'"B64">') + 50
    with pytest.raises((SignXMLException, ValueError)):
        results(document[:place] + bytes([document[place] ^ 1]) + document[place + 1 :])


def test_a_revocation_list_speaks_in_the_verdict(lab: Lab) -> None:
    """The card is on its CA's list since before the signature: refused; on none: accepted."""
    now = SystemClock().now()
    for revoked, expected in ((True, Verdict.INVALID), (False, Verdict.VALID)):
        entries = [RevokedEntry(lab.card.serial_number, now - timedelta(hours=2), x509.ReasonFlags.key_compromise)]
        crl = build_crl(lab.person_ca, entries if revoked else [], number=1, this_update=now - timedelta(hours=1),
                        next_update=now + timedelta(days=1))  # fmt: skip
        report = verify_document(lab.documents["card"], lab.context(revocation=True, crls=(crl,)))
        assert report.verdict is expected, report.findings


def test_the_document_survives_its_frame(lab: Lab) -> None:
    """Framed, opened and verified: the signature is still whole."""
    frame = build_frame(lab.documents["system"], message_id=Oid("1.2.246.10.12345671.94.1"), sender=ORGANISATION.oid,
                        at=SystemClock().now())  # fmt: skip
    assert lab.xmlsec1(open_frame(frame).document).returncode == 0


def test_the_command_line_signs_and_verifies_without_a_workspace(lab: Lab) -> None:
    """A vendor with a key, a certificate and our root needs nothing else; exit code and verdict tell the result."""
    directory = lab.directory
    (directory / "system.key").write_bytes(
        lab.system_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (directory / "in.xml").write_bytes(unsigned(None, 5))
    trust = ["--trust", str(directory / "root.pem"), "--intermediates", str(directory / "service.pem")]
    none = ["--workspace", str(directory / "nowhere")]

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, list(arguments), standalone_mode=False)
        return (result.return_value or 0) if result.exception is None else 1, result.output

    key, certificate = str(directory / "system.key"), str(directory / "system.pem")
    code, output = run("document", "sign", str(directory / "in.xml"), str(directory / "out.xml"), "--system", key,
                       "--certificate", certificate, *none)  # fmt: skip
    assert code == 0, output
    code, output = run("document", "verify", str(directory / "out.xml"), *trust, "--no-revocation", *none)
    assert (code, output.splitlines()[0].endswith("valid")) == (0, True), output
    code, output = run("document", "verify", str(directory / "in.xml"), *trust, "--format", "json", *none)
    assert code == 1
    assert '"doc.signature.missing"' in output
