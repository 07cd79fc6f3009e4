"""What a provider's administrator does on the provider's own server: keys and requests by the ``openssl`` program."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sotepki.errors import Fault

_SECONDS = 120


@dataclass(frozen=True)
class CertificateRequest:
    """A request and the key that stays with its owner; both PEM files."""

    request: Path
    key: Path


def make_request(
    directory: Path,
    name: str,
    subject: Mapping[str, str],
    *,
    dns_names: Sequence[str] = (),
    bits: int = 2048,
) -> CertificateRequest:
    """Make an RSA key and a PKCS#10 request with ``openssl req``.

    Args:
        directory: where ``<name>.key`` (mode 0600) and ``<name>.csr`` are written.
        subject: attribute names as openssl knows them (C, ST, L, O, serialNumber, CN), in the order of encoding.

    Raises:
        Fault: there is no ``openssl`` program, or it refuses.
    """
    program = shutil.which("openssl")
    if program is None:
        raise Fault("The program openssl is not installed.", advice="Install it, for example with ./run setup.")
    directory.mkdir(parents=True, exist_ok=True)
    made = CertificateRequest(directory / f"{name}.csr", directory / f"{name}.key")
    distinguished_name = "".join(f"/{key}={_escaped(value)}" for key, value in subject.items())
    command: list[str | bytes] = [
        *(program, "req", "-new", "-newkey", f"rsa:{bits}", "-nodes", "-utf8", "-sha256"),
        *("-keyout", os.fsencode(made.key), "-out", os.fsencode(made.request)),
        # "-utf8" says how to read the name, so it goes as UTF-8 whatever the locale; Python would go by the locale.
        *("-subj", distinguished_name.encode()),
    ]
    if dns_names:
        command += ["-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in dns_names)]
    os.close(os.open(made.key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=_SECONDS
    )
    if done.returncode:
        raise Fault(
            f"openssl req refused: {done.stderr.strip().splitlines()[-1] if done.stderr else 'no reason given'}."
        )
    return made


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("/", "\\/").replace("+", "\\+")
