"""Fuzzing what reads certificates, requests and bundles: any bytes must get an answer, soon, and no traceback.

    python tests/fuzz/certificates.py [SECONDS] [--seed N]      random changes of real certificates
    python tests/fuzz/certificates.py --atheris [SECONDS]       coverage-guided, if atheris is installed

Prints one line of JSON with the figures; exit code 1 if an input crashed or took longer than a second (it is written
to a file ``crash-...`` in the working directory).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

SLOWEST = 1.0
#: An indefinite length, a huge one, an empty integer, a BMPString of odd length.
ODD = (b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x02\x00", b"\x1e\x03abc")


def targets() -> dict[str, Callable[[bytes], object]]:
    """What is fuzzed, by name; each takes any bytes and may raise a refusal, which is an answer."""
    from sotepki.errors import Refused
    from sotepki.x509.csr import CsrKind, check_csr
    from sotepki.x509.der import DerError
    from sotepki.x509.describing import describe_certificate
    from sotepki.x509.lint import lint_certificate
    from sotepki.x509.reading import certificate_blocks, read_certificates

    def refusing(read: Callable[[bytes], object]) -> Callable[[bytes], object]:
        def attempt(data: bytes) -> object:
            try:
                return read(data)
            except (Refused, DerError):
                return None

        return attempt

    return {
        "lint": lint_certificate,
        "show": refusing(describe_certificate),
        "blocks": refusing(certificate_blocks),
        "certificates": refusing(read_certificates),
        "csr": lambda data: check_csr(data, CsrKind.SERVER),
    }


def seeds() -> list[bytes]:
    """Real structures to begin with: certificates of several profiles in DER and PEM, a request, a bundle."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

    from sotepki.x509.what_if import example_certificate

    profiles = ("professional-signature-ec", "test-server-ec", "citizen-authentication-rsa", "ocsp-responder")
    certificates = [example_certificate(profile) for profile in profiles]
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a.example.fi")])
    names = x509.SubjectAlternativeName([x509.DNSName("a.example.fi")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(names, False)
    found = [*certificates, request.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)]
    found.append(pkcs7.serialize_certificates([x509.load_der_x509_certificate(certificates[0])], Encoding.DER))
    found.append(
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(certificates[0]) + b"-----END CERTIFICATE-----\n"
    )
    return found


def changed(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A seed with bytes set, inserted, cut, doubled or taken from another seed."""
    work = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(work) + 1)
        kind = rng.randrange(6)
        if kind == 0 and work:
            work[place % len(work)] = rng.randrange(256)
        elif kind == 1:
            work[place:place] = rng.randbytes(rng.randint(1, 8))
        elif kind == 2:
            del work[place : place + rng.randint(1, 20)]
        elif kind == 3:
            work[place:place] = work[place : place + rng.randint(1, 40)] * rng.randint(1, 4)
        elif kind == 4:
            work[place : place + 2] = rng.choice(
                (b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x02\x00", b"\x1e\x03abc")
            )
        else:
            other = rng.choice(others)
            start = rng.randrange(len(other))
            work[place:place] = other[start : start + rng.randint(1, 60)]
    return bytes(work)


def run_random(seconds: float, seed: int) -> dict[str, object]:
    """Random changes for a time; the figures, with every crash and every slow input by target."""
    rng, begun = random.Random(seed), time.perf_counter()
    names, material = targets(), seeds()
    done: Counter[str] = Counter()
    bad: Counter[str] = Counter()
    slowest = 0.0
    while time.perf_counter() - begun < seconds:
        data = changed(rng.choice(material), rng, material)
        for name, target in names.items():
            started = time.perf_counter()
            try:
                target(data)
            except Exception as error:  # noqa: BLE001 - finding these is the purpose
                bad[f"{name}: {type(error).__name__}"] += 1
                keep(name, data)
            taken = time.perf_counter() - started
            slowest = max(slowest, taken)
            if taken > SLOWEST:
                bad[f"{name}: slow"] += 1
                keep(name, data)
            done[name] += 1
    return {
        "seconds": round(time.perf_counter() - begun),
        "seed": seed,
        "inputs": sum(done.values()),
        "slowest_ms": round(slowest * 1000, 1),
        "crashes": dict(bad),
    }


def keep(name: str, data: bytes) -> None:
    """Write an input that went wrong to the working directory."""
    Path(f"crash-{name}-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)


def run_atheris(seconds: float) -> None:
    """Coverage-guided; libFuzzer prints the figures and ends the process."""
    import tempfile

    import atheris

    with atheris.instrument_imports(include=["sotepki"]):
        names = list(targets().values())
    corpus = Path(tempfile.mkdtemp(prefix="sotepki-fuzz-"))
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)

    def one(data: bytes) -> None:
        for target in names:
            target(data)

    limits = [f"-max_total_time={int(seconds)}", "-timeout=2", "-max_len=8192", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], one)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", action="store_true")
    arguments = parser.parse_args()
    if arguments.atheris:
        run_atheris(arguments.seconds)
        return 0
    figures = run_random(arguments.seconds, arguments.seed)
    print(json.dumps(figures))
    return 1 if figures["crashes"] else 0


if __name__ == "__main__":
    sys.exit(main())
