"""Signing 35 kB documents with a key in SoftHSM, beside the token's bare signing rate, with one process and with two.

A worker process has the token open and the documents in memory; signing is parse, sign, serialise, as in a bulk run
without the disk. Turns of bare signatures and of documents, in one worker and in both, follow one another, so that
another process on the machine weighs on all alike; each figure is the median of its turns. ``vs_token`` counts
the worker's processor time, what two workers are worth is wall time; ``token_by_two`` is the same with bare
signatures, the
most that two workers can reach on this machine at this time.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sotepki.documents import SignatureKind, Signer, build_social_document, sign_carefully
from sotepki.documents.bulk import TokenKey
from sotepki.identifiers import BusinessId, Hetu, Oid
from sotepki.registers import Organisation, Person
from sotepki.tokens import Pin, PrivateKey, TokenDirectory

SIZE = 35_000
AT = datetime(2026, 3, 1, 9, 15, 30, tzinfo=UTC)
_PIN = "24681357"
_TOKEN = "TEST benchmark"
_ORGANISATION = Organisation(
    Oid("1.2.246.10.12345671.10.0"), "TESTI Hyvinvointialue", BusinessId("1234567-1"), "county", "Oulu", True
)


def measure(seconds: float = 6.0) -> dict[str, Any]:
    """Documents and bare signatures per second, and their ratios; ``seconds`` of wall time for each key, about."""
    ratios: dict[str, float] = {}
    rates: dict[str, float] = {}
    keys: dict[str, PrivateKey] = {
        "rsa3072": rsa.generate_private_key(65537, 3072),
        "p384": ec.generate_private_key(ec.SECP384R1()),
    }
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with TokenDirectory(directory) as tokens:
            tokens.create_token(_TOKEN, Pin("87654321"), Pin(_PIN))
            with tokens.open(_TOKEN, Pin(_PIN)) as session:
                for label, key in keys.items():
                    session.import_key(key, label, label.encode())
        (directory / "pin").write_text(_PIN)
        for label, key in keys.items():
            found = _rates(directory, label, _certificate(key), seconds)
            name = f"documents_bulk.sign.{label}"
            rates |= {
                f"documents_bulk.token.{label}": round(found["raw"], 1),
                name: round(found["one"], 1),
                f"{name}.by_two": round(found["documents by two"], 1),
            }
            ratios[f"{name}.vs_token"] = round(found["one"] / found["raw"], 3)
            ratios[f"{name}.by_two"] = round(found["documents by two"] / found["documents by one"], 3)
            ratios[f"{name}.token_by_two"] = round(found["raw by two"] / found["raw by one"], 3)
    return {"name": "documents_bulk", "ratios": ratios, "rates": rates}


@dataclass
class _Worker:
    process: Any
    line: Connection

    def start(self, what: str, count: int) -> None:
        self.line.send((what, count))

    def done(self) -> float:
        """Seconds of processor time that the turn took."""
        return float(self.line.recv())


def _rates(directory: Path, label: str, certificate: bytes, seconds: float) -> dict[str, float]:
    """Operations per second: ``raw`` and ``one`` by processor time, the others by wall time."""
    workers = [_worker(directory, label, certificate) for _ in range(2)]
    first = workers[0]
    first.start("raw", 20)
    count = max(10, round(20 * 0.15 / first.done()))
    times: dict[str, list[float]] = {}
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end or len(times.get("documents by two", ())) < 5:
            for what, name in (("raw", "raw"), ("documents", "one")):
                begin = time.perf_counter()
                first.start(what, count)
                times.setdefault(name, []).append(first.done() / count)
                times.setdefault(f"{what} by one", []).append((time.perf_counter() - begin) / count)
            for what in ("raw", "documents"):
                begin = time.perf_counter()
                for worker in workers:
                    worker.start(what, count)
                for worker in workers:
                    worker.done()
                times.setdefault(f"{what} by two", []).append((time.perf_counter() - begin) / (2 * count))
    finally:
        for worker in workers:
            worker.start("end", 0)
            worker.process.join()
    return {name: 1 / statistics.median(turns) for name, turns in times.items()}


def _worker(directory: Path, label: str, certificate: bytes) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, directory, label, certificate), daemon=True)
    process.start()
    return _Worker(process, ours)


def serve(line: Connection, directory: Path, label: str, certificate: bytes) -> None:
    """The worker: opens the token, then works on what it is told, and says what processor time it took."""
    key = TokenKey(str(directory), _TOKEN, label, str(directory / "pin")).open()
    signer = Signer(SignatureKind.SYSTEM, key, x509.load_der_x509_certificate(certificate))
    document = _document()
    sign_carefully(document, signer, AT)
    while True:
        what, count = line.recv()
        if what == "end":
            return
        begin = time.process_time()
        for _ in range(count):
            if what == "documents":
                sign_carefully(document, signer, AT)
            elif isinstance(key, rsa.RSAPrivateKey):
                key.sign(b"TEST", padding.PKCS1v15(), hashes.SHA256())
            else:
                key.sign(b"TEST", ec.ECDSA(hashes.SHA384()))
        line.send(time.process_time() - begin)


def _document() -> bytes:
    paragraph = "Asiakkaan kanssa on sovittu tuesta, sen tavoitteista ja seurannasta TESTI-ympäristössä. " * 4

    def with_paragraphs(count: int) -> bytes:
        return build_social_document(
            client=Person(Hetu("010181-900C"), "Asta", "Äärelä"),
            organisation=_ORGANISATION,
            author=None,
            document_oid=Oid("1.2.246.10.12345671.93.2026.1"),
            created=AT - timedelta(minutes=5),
            paragraphs=[paragraph] * count,
        )

    one, two = len(with_paragraphs(1)), len(with_paragraphs(2))
    return with_paragraphs(max(1, round(1 + (SIZE - one) / (two - one))))


def _certificate(key: PrivateKey) -> bytes:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FI"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, str(_ORGANISATION.oid)),
            x509.NameAttribute(NameOID.COMMON_NAME, "TEST benchmark"),
        ]
    )
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(AT - timedelta(days=1))
    builder = builder.not_valid_after(AT + timedelta(days=1))
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    return builder.add_extension(usage, True).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 6.0)))
