"""Signing and verifying a 35 kB document beside python-xmlsec, on the same document in one run.

Signing is parse, sign, serialise on both sides with the key in memory. python-xmlsec gets the document with an empty
signature template in it, with exactly the transforms, digests and key information that sotepki writes, and its key
loaded beforehand. Verifying is the signature alone: parse, resolve, digests, signature value; python-xmlsec has its
public key loaded beforehand, sotepki takes it from the certificate in the document each time. Each side's output is
verified by the other before anything is timed. The two sides take turns, and processor time is counted, so that
another process on the machine weighs on both alike or on neither. The garbage collector rests, as in ``timeit``.

With RSA-3072 the private-key operation is most of the work and the same on both sides;
``documents.sign.rsa3072.limit`` in the rates says how fast signing could be if everything else took no time.
"""

from __future__ import annotations

import gc
import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from sotepki.documents import build_social_document, sign_as_professional
from sotepki.identifiers import BusinessId, Hetu, Oid, RegistrationNumber
from sotepki.registers import Organisation, Person, Professional, ProfessionalRight, Register, RightKind
from sotepki.xmldsig import DS, SigningKey, read_xml, verify_signature

SIZE = 35_000
"""Bytes of the unsigned document, about."""

_AT = datetime(2026, 3, 1, 9, 15, 30, tzinfo=UTC)
_RIGHT = ProfessionalRight(
    "710", RightKind.LICENSED, Register.SUOSIKKI, "sosiaalityöntekijä", "socialarbetare", date(2020, 1, 1)
)
_AUTHOR = Professional(RegistrationNumber("12345678901"), Person(Hetu("210281-9988"), "Eero", "Öhman"), (_RIGHT,))


@dataclass(frozen=True)
class Sides:
    """One key's document and the operations of both sides on it."""

    sign: Callable[[], bytes]
    sign_xmlsec: Callable[[], bytes]
    verify: Callable[[], bool]
    verify_xmlsec: Callable[[], bool]


def measure(seconds: float = 2.0) -> dict[str, Any]:
    """Rates (operations per second of processor time) and ratios to python-xmlsec.

    Args:
        seconds: wall time for each of the four comparisons, about.
    """
    ratios: dict[str, float] = {}
    rates: dict[str, float] = {}
    keys: dict[str, SigningKey] = {
        "rsa3072": rsa.generate_private_key(65537, 3072),
        "p384": ec.generate_private_key(ec.SECP384R1()),
    }
    for name, key in keys.items():
        sides = _sides(key)
        rates[f"documents.sign.{name}.limit"] = round(_raw_rate(key), 1)
        for what, ours, theirs in (
            ("sign", sides.sign, sides.sign_xmlsec),
            ("verify", sides.verify, sides.verify_xmlsec),
        ):
            own, peer = _rates(ours, theirs, seconds)
            rates[f"documents.{what}.{name}"] = round(own, 1)
            rates[f"documents.{what}.{name}.xmlsec"] = round(peer, 1)
            ratios[f"documents.{what}.{name}.vs_xmlsec"] = round(own / peer, 3)
    return {"name": "documents", "ratios": ratios, "rates": rates}


def _sides(key: SigningKey) -> Sides:
    certificate = _certificate(key)
    unsigned = _document()

    def sign() -> bytes:
        return sign_as_professional(unsigned, key=key, certificate=certificate, professional=_AUTHOR, at=_AT)

    signed = sign()
    template = _template(signed)
    private = xmlsec.Key.from_memory(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        xmlsec.KeyFormat.PEM,
    )
    public = xmlsec.Key.from_memory(certificate.public_bytes(serialization.Encoding.PEM), xmlsec.KeyFormat.CERT_PEM)

    def sign_xmlsec() -> bytes:
        root = etree.fromstring(template)
        xmlsec.tree.add_ids(root, ["ID"])
        context = xmlsec.SignatureContext()
        context.key = private
        context.sign(root.find(f".//{{{DS}}}Signature"))
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    def verify() -> bool:
        document = read_xml(signed)
        found = document.root.find(f".//{{{DS}}}Signature")
        return found is not None and not verify_signature(document, found).findings

    def verify_xmlsec(data: bytes = signed) -> bool:
        root = etree.fromstring(data)
        xmlsec.tree.add_ids(root, ["ID"])
        context = xmlsec.SignatureContext()
        context.key = public
        context.verify(root.find(f".//{{{DS}}}Signature"))
        return True

    theirs = read_xml(sign_xmlsec())
    found = theirs.root.find(f".//{{{DS}}}Signature")
    if found is None or verify_signature(theirs, found).findings or not verify() or not verify_xmlsec():
        raise SystemExit("The two sides do not verify each other's signatures, so there is nothing to compare.")
    return Sides(sign, sign_xmlsec, verify, verify_xmlsec)


def _raw_rate(key: SigningKey) -> float:
    """Bare private-key operations per second of processor time."""
    times = []
    for _ in range(20):
        begin = time.process_time()
        for _ in range(20):
            if isinstance(key, rsa.RSAPrivateKey):
                key.sign(b"TEST", padding.PKCS1v15(), hashes.SHA256())
            else:
                key.sign(b"TEST", ec.ECDSA(hashes.SHA384()))
        times.append((time.process_time() - begin) / 20)
    return 1 / statistics.median(times)


def _template(signed: bytes) -> bytes:
    """The document as sotepki signed it, with digests and signature value emptied for python-xmlsec to fill."""
    return re.sub(rb"<ds:(DigestValue|SignatureValue)>[^<]*</", rb"<ds:\1></", signed)


def _rates(ours: Callable[[], object], theirs: Callable[[], object], seconds: float) -> tuple[float, float]:
    """Operations per second of processor time, by the median of turns of about fifty milliseconds."""
    turns = (ours, theirs)
    counts = [_per_turn(operation) for operation in turns]
    times: tuple[list[float], list[float]] = ([], [])
    collecting = gc.isenabled()
    gc.disable()
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end or not times[1]:
            for side, operation in enumerate(turns):
                begin = time.process_time()
                for _ in range(counts[side]):
                    operation()
                times[side].append((time.process_time() - begin) / counts[side])
    finally:
        if collecting:
            gc.enable()
    return 1 / statistics.median(times[0]), 1 / statistics.median(times[1])


def _per_turn(operation: Callable[[], object]) -> int:
    """How many operations make a turn."""
    begin = time.process_time()
    for _ in range(5):
        operation()
    return max(1, round(0.05 / max((time.process_time() - begin) / 5, 1e-6)))


def _document() -> bytes:
    organisation = Organisation(
        Oid("1.2.246.10.12345671.10.0"), "TESTI Hyvinvointialue", BusinessId("1234567-1"), "county", "Oulu", True
    )
    paragraph = "Asiakkaan kanssa on sovittu tuesta, sen tavoitteista ja seurannasta TESTI-ympäristössä. " * 4

    def with_paragraphs(count: int) -> bytes:
        return build_social_document(
            client=Person(Hetu("010181-900C"), "Asta", "Äärelä"),
            organisation=organisation,
            author=_AUTHOR,
            document_oid=Oid("1.2.246.10.12345671.93.2026.1"),
            created=_AT - timedelta(minutes=5),
            paragraphs=[paragraph] * count,
        )

    one, two = len(with_paragraphs(1)), len(with_paragraphs(2))
    return with_paragraphs(max(1, round(1 + (SIZE - one) / (two - one))))


def _certificate(key: SigningKey) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FI"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, str(_AUTHOR.registration_number)),
            x509.NameAttribute(NameOID.COMMON_NAME, "TEST benchmark"),
        ]
    )
    usage = x509.KeyUsage(False, True, False, False, False, False, False, False, False)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(_AT - timedelta(days=1)).not_valid_after(_AT + timedelta(days=1))
    )
    return builder.add_extension(usage, True).sign(key, hashes.SHA256())


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0)))
