"""The package of a run: one zip with report, evidence, versions, a draft statement and a signed manifest.

The manifest lists the SHA-256 of every file and is signed as a detached CMS (RFC 5652) by a TEST key that is made for
the package. That shows that nothing was changed afterwards; it does not show who ran the suite.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from conformance.describing import mask_identity_codes
from conformance.report import HTML_NAME, JSON_NAME, JUNIT_NAME, Earlier
from conformance.report.statement import draft_statement
from conformance.sut.files import read_bounded
from sotepki import __version__
from sotepki.clock import Clock
from sotepki.errors import Refused
from sotepki.records import write_atomically

MANIFEST, SIGNATURE, SIGNER = "manifest.json", "manifest.json.p7s", "signer-TEST.pem"
_VERSIONED = ("sotepki", "cryptography", "lxml", "pytest")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9.-]|^\.+")
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""A zip knows no earlier time; with a fixed one the same report gives the same files."""


def write_package(report: Path, target: Path, clock: Clock) -> None:
    """Pack a report directory.

    Raises:
        Misuse: there is no report, or its file is not one.
        Refused: the evidence holds an identity code outside the 900-series, which must not leave the house.
        Fault: the zip cannot be written.
    """
    earlier = Earlier.load(report)
    files = {name: read_bounded(report / name) for name in (JSON_NAME, JUNIT_NAME, HTML_NAME)}
    for name, content in files.items():
        if mask_identity_codes(content) != content:
            raise Refused(
                f"The file {name} holds a personal identity code outside the 900-series, so it is not packed.",
                advice="Run the suite again with test persons only.",
            )
    now = clock.now()
    files |= _evidence(earlier.data)
    files["versions.json"] = _json(versions(earlier.data))
    files["statement-draft.md"] = draft_statement(earlier.data).encode()
    files[MANIFEST] = _json(
        {
            "format": "sotepki-conformance-package/1",
            "created": now.isoformat(timespec="seconds"),
            "test": "Signed by a TEST key made for this package: shows that nothing was changed, not who made it.",
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
        }
    )
    files[SIGNATURE], files[SIGNER] = _signed(files[MANIFEST], now)
    write_atomically(target, _zip(files))


def versions(report: Mapping[str, Any]) -> dict[str, str]:
    """What the report was made with."""
    found = {"report": str(report["sotepki_version"]), "package": __version__, "python": platform.python_version()}
    for name in _VERSIONED[1:]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _evidence(report: Mapping[str, Any]) -> dict[str, bytes]:
    found = {}
    for case in report["cases"]:
        folder = _NOT_IN_A_NAME.sub("_", str(case["id"]))
        for number, piece in enumerate(case["evidence"], start=1):
            head = [
                f"{piece['title']} ({piece['media_type']})",
                f"sha256 {piece['sha256']}",
                f"{'only the beginning' if piece['cut'] else 'whole'}, {piece['size']} bytes",
            ]
            text = "\n".join([*head, "", str(piece["content"])])
            found[f"evidence/{folder}/{number:02}.txt"] = text.encode("utf-8", "replace")
    return found


def _signed(manifest: bytes, now: datetime) -> tuple[bytes, bytes]:
    """The detached CMS in DER, and the signer's self-signed certificate in PEM; the key is forgotten."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sotepki conformance package TEST")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=3652))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    builder = pkcs7.PKCS7SignatureBuilder().set_data(manifest).add_signer(certificate, key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    return builder.sign(Encoding.DER, options), certificate.public_bytes(Encoding.PEM)


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _json(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=2).encode() + b"\n"
