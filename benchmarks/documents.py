"""Signing and verifying a 35 kB document beside python-xmlsec, on the same document in one run.

Signing is parse, sign, serialise on both sides, with the key in memory, loaded beforehand; ours also looks at all
that a careful signer looks at. python-xmlsec gets the document with an empty signature template in it, with exactly
the transforms, digests and key information that sotepki writes. Verifying is the signature alone: parse, resolve,
digests, signature value; python-xmlsec has its public key loaded beforehand, sotepki takes it from the certificate in
the document each time. Each side's output is verified by the other before anything is timed. The sides take turns,
and processor time is counted, so that another process on the machine weighs on all alike or on none. The garbage
collector rests, as in ``timeit``.

There are two builds of python-xmlsec. ``vs_xmlsec`` is the wheel from PyPI, which brings its own OpenSSL;
``vs_debian_xmlsec`` is Debian's package python3-xmlsec on the system's OpenSSL, in a process of its own. Where the
package is not installed, its figures are left out.

With RSA-3072 the private-key operation is most of the work, and its time is that of the OpenSSL which a side brings;
``documents.sign.rsa3072.limit`` in the rates says how fast signing could be here if everything else took no time.
"""

from __future__ import annotations

import gc
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from benchmarks import _xmlsec_side
from benchmarks._xmlsec_side import Material, XmlsecSide, processor_time
from sotepki.documents import SignatureKind, Signer, build_social_document, sign_carefully
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

_DEBIAN_PYTHON = "/usr/bin/python3"

Turn = Callable[[int], float]
"""Does an operation a number of times; the answer is seconds of processor time."""


@dataclass(frozen=True)
class Side:
    """One of those that are compared, on one key's document."""

    sign: Turn
    verify: Turn


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
    debian = _debian_has_xmlsec()
    if not debian:
        print("documents: python3-xmlsec of Debian is not installed, so it is not compared with.", file=sys.stderr)
    for name, key in keys.items():
        rates[f"documents.sign.{name}.limit"] = round(_raw_rate(key), 1)
        with _sides(key, debian) as (ours, peers):
            for what in ("sign", "verify"):
                own, *others = _rates([getattr(side, what) for side in (ours, *peers.values())], seconds)
                rates[f"documents.{what}.{name}"] = round(own, 1)
                for peer, rate in zip(peers, others, strict=True):
                    rates[f"documents.{what}.{name}.{peer}"] = round(rate, 1)
                    ratios[f"documents.{what}.{name}.vs_{peer}"] = round(own / rate, 3)
    return {"name": "documents", "ratios": ratios, "rates": rates}


@contextmanager
def _sides(key: SigningKey, debian: bool) -> Iterator[tuple[Side, dict[str, Side]]]:
    """Our side and the peers by name, after each has verified what the other signed."""
    certificate = _certificate(key)
    unsigned = _document()
    signer = Signer(SignatureKind.PROFESSIONAL, key, certificate, _AUTHOR)

    def sign() -> bytes:
        return sign_carefully(unsigned, signer, _AT)

    signed = sign()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    material = Material(
        template=_template(signed).decode(),
        signed=signed.decode(),
        key=private.decode(),
        certificate=certificate.public_bytes(Encoding.PEM).decode(),
    )
    wheel = XmlsecSide(material)
    wheel.verify()
    _verify(wheel.sign())
    ours = Side(partial(processor_time, sign), partial(processor_time, partial(_verify, signed)))
    peers = {"xmlsec": Side(partial(processor_time, wheel.sign), partial(processor_time, wheel.verify))}
    if not debian:
        yield ours, peers
        return
    with _debian_side(material) as side:
        yield ours, peers | {"debian_xmlsec": side}


def _verify(signed: bytes) -> None:
    document = read_xml(signed)
    found = document.root.find(f".//{{{DS}}}Signature")
    if found is None or verify_signature(document, found).findings:
        raise SystemExit("A signature does not verify, so there is nothing to compare.")


def _debian_has_xmlsec() -> bool:
    try:
        return subprocess.run([_DEBIAN_PYTHON, "-I", "-c", "import xmlsec"], capture_output=True).returncode == 0
    except OSError:
        return False


@contextmanager
def _debian_side(material: Material) -> Iterator[Side]:
    """Debian's python-xmlsec in a process of its own, which has verified our signature and we its."""
    program = [_DEBIAN_PYTHON, "-I", _xmlsec_side.__file__]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        questions, answers = process.stdin, process.stdout

        def ask(question: str) -> Any:
            print(question, file=questions, flush=True)
            return json.loads(answers.readline())

        _verify(ask(json.dumps(asdict(material))).encode())
        yield Side(lambda count: float(ask(f"sign {count}")), lambda count: float(ask(f"verify {count}")))


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


def _rates(turns: Sequence[Turn], seconds: float) -> list[float]:
    """Operations per second of processor time, by the median of turns of about fifty milliseconds."""
    counts = [max(1, round(0.05 / max(turn(5) / 5, 1e-6))) for turn in turns]
    times: list[list[float]] = [[] for _ in turns]
    collecting = gc.isenabled()
    gc.disable()
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end or not times[-1]:
            for turn, count, found in zip(turns, counts, times, strict=True):
                found.append(turn(count) / count)
    finally:
        if collecting:
            gc.enable()
    return [1 / statistics.median(found) for found in times]


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
