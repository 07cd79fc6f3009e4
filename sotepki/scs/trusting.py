"""How people make their browser and system trust the certificate of the local service."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_NAME = "sotepki TEST SCS"


def trust_steps(certificate_file: Path) -> Mapping[str, str]:
    """Commands or steps by system; each trusts this certificate alone, for this user where the system allows it."""
    path = certificate_file.absolute()
    return {
        "chromium (Linux)": f'certutil -d sql:$HOME/.pki/nssdb -A -t "P,," -n "{_NAME}" -i {path}\n'
        "  (certutil is in the package libnss3-tools; in a new profile first: "
        "mkdir -p ~/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -N --empty-password)",
        "firefox": "Open https://127.0.0.1:53952/version once and accept the certificate, or per profile:\n"
        f'  certutil -d sql:PROFILE -A -t "P,," -n "{_NAME}" -i {path}',
        "system (Debian, Ubuntu)": f"sudo cp {path} /usr/local/share/ca-certificates/sotepki-scs.crt && "
        "sudo update-ca-certificates",
        "windows": f'certutil -user -addstore Root "{path}"   (remove: certutil -user -delstore Root 127.0.0.1)',
        "macos": f'security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db "{path}"',
        "curl": f"curl --cacert {path} https://127.0.0.1:53952/version",
        "java": f'keytool -importcert -noprompt -alias scs -file "{path}" -keystore trust.p12 -storepass changeit\n'
        "  java -Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit PROGRAM",
        "node": f'NODE_EXTRA_CA_CERTS="{path}" node PROGRAM',
        "one run of chromium": f"chromium --ignore-certificate-errors-spki-list={spki_pin(certificate_file)} "
        "--user-data-dir=DIRECTORY",
    }


def spki_pin(certificate_file: Path) -> str:
    """Base64 of SHA-256 of the public key, as Chromium's ``--ignore-certificate-errors-spki-list`` wants it."""
    key = _certificate(certificate_file).public_key()
    octets = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(octets).digest()).decode("ascii")


def fingerprint(certificate_file: Path) -> str:
    """SHA-256 of the certificate, as browsers show it."""
    return _certificate(certificate_file).fingerprint(SHA256()).hex(":").upper()


def _certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())
