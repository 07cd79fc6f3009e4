"""Cards on a shelf in a temporary directory, for the tests that put them into readers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from sotepki.card import CardShelf, InsertedCard, KeyUse, Personalisation
from sotepki.errors import Refused
from sotepki.tokens import KeyKind, Pin, PrivateKey
from sotepki.tokens.pool import make_key

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
CODE, PIN1, PIN2, WRONG = Pin("12345678"), Pin("1111"), Pin("222222"), Pin("9999")
NUMBER = "TEST-000001"
PKCS1, SHA256 = padding.PKCS1v15(), hashes.SHA256()


def certificate(name: str, key: PrivateKey, issuer: str = "", signer: PrivateKey | None = None) -> x509.Certificate:
    def of(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    return (
        x509.CertificateBuilder(of(issuer or name), of(name), key.public_key(), 4711, NOW, NOW + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=not signer, path_length=None), critical=True)
        .sign(signer or key, SHA256)
    )


@pytest.fixture(scope="module")
def material() -> dict[str, Personalisation]:
    root = make_key(KeyKind.P_256)
    made = {}
    for name, kind in (("rsa", KeyKind.RSA_2048), ("ec", KeyKind.P_384)):
        keys = {use: make_key(kind) for use in KeyUse}
        made[name] = Personalisation(
            number=NUMBER,
            holder="TEST Eeva Esimerkki",
            keys=keys,
            certificates={use: certificate(f"TEST {use}", keys[use], "TEST CA", root) for use in KeyUse},
            issuers=[certificate("TEST CA", root), certificate("TEST root", root)],
            activation_code=CODE,
        )
    return made


@pytest.fixture
def shelf(tmp_path: Path, material: dict[str, Personalisation]) -> Iterator[CardShelf]:
    with CardShelf(tmp_path / "cards", patience=20) as made:
        made.personalise(material["rsa"])
        yield made


@pytest.fixture
def card(shelf: CardShelf) -> Iterator[InsertedCard]:
    with shelf.insert(NUMBER) as inserted:
        inserted.activate(CODE, PIN1, PIN2)
        yield inserted


def rsa_key(key: PrivateKey) -> rsa.RSAPrivateKey:
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def refusal(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(Refused) as refused:
        call(*arguments)
    return refused.value.rule


def run(command: Sequence[str | Path], shelf: CardShelf) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SOFTHSM2_CONF": str(shelf.configuration(NUMBER)), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, timeout=60
    )


def gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state == "Z" and os.getpid() != parent(process)


def parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
