"""A PKCS#11 token of a vendor: its tries are not burnt, and each key signs for its own certificate."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PyKCS11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from x509_world import NOW

from conformance.cases import token as cases
from conformance.check import Check
from conformance.declaring import case_of
from conformance.requirements import requirements
from conformance.sut import token
from conformance.sut.facets_token import TokenAddress
from conformance.sut.token import Pkcs11Token
from conformance.verdicts import CaseVerdict
from sotepki.errors import Misuse

Attributes = dict[int, Any]


def pair(identifier: bytes, *, certified: bool = True) -> list[Attributes]:
    """A key and a certificate for it, both labelled alike, as many tokens have them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    shared = {PyKCS11.CKA_LABEL: "key", PyKCS11.CKA_ID: tuple(identifier)}
    objects = [{PyKCS11.CKA_CLASS: PyKCS11.CKO_PRIVATE_KEY, PyKCS11.CKA_KEY_TYPE: PyKCS11.CKK_EC, "key": key}]
    if certified:
        objects += [{PyKCS11.CKA_CLASS: PyKCS11.CKO_CERTIFICATE, PyKCS11.CKA_VALUE: tuple(certificate)}]
    return [{**shared, **one} for one in objects]


@dataclass
class Session:
    """Stands for PyKCS11's session and its library; the right PIN is 1234."""

    objects: list[Attributes] = field(default_factory=list)
    answer: int = PyKCS11.CKR_PIN_INCORRECT
    tried: list[str] = field(default_factory=list)
    open: bool = False
    logged_in: bool = False

    def openSession(self, *_: object) -> Session:  # noqa: N802
        self.open = True
        return self

    def getSlotList(self, **_: object) -> list[int]:  # noqa: N802
        return [0]

    def getTokenInfo(self, _slot: int) -> Any:  # noqa: N802
        return type("Info", (), {"label": "card"})

    def closeSession(self) -> None:  # noqa: N802
        self._must(self.open, PyKCS11.CKR_SESSION_HANDLE_INVALID)
        self.open = self.logged_in = False

    def login(self, pin: str) -> None:
        self.tried.append(pin)
        self._must(pin == "1234", self.answer)
        self.logged_in = True

    def logout(self) -> None:
        self._must(self.open, PyKCS11.CKR_SESSION_HANDLE_INVALID)
        self._must(self.logged_in, PyKCS11.CKR_USER_NOT_LOGGED_IN)
        self.logged_in = False

    def findObjects(self, template: list[tuple[int, int]]) -> list[Attributes]:  # noqa: N802
        return [one for one in self.objects if all(one.get(name) == value for name, value in template)]

    def getAttributeValue(self, found: Attributes, names: list[int]) -> list[Any]:  # noqa: N802
        return [found.get(name) for name in names]

    def sign(self, found: Attributes, digest: bytes, _mechanism: object) -> bytes:
        algorithm = Prehashed({32: hashes.SHA256(), 48: hashes.SHA384(), 64: hashes.SHA512()}[len(digest)])
        halves = decode_dss_signature(found["key"].sign(digest, ec.ECDSA(algorithm)))
        return b"".join(half.to_bytes(32, "big") for half in halves)

    @staticmethod
    def _must(right: bool, otherwise: int) -> None:
        if not right:
            raise PyKCS11.PyKCS11Error(otherwise)


def attached(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pin: str = "1234") -> Pkcs11Token:
    monkeypatch.setattr(token, "_load", lambda _path: session)
    (tmp_path / "pin").write_text(pin)
    return Pkcs11Token(TokenAddress(tmp_path / "module.so", "card", tmp_path / "pin"))


def log_in(attached_token: Pkcs11Token) -> None:
    with attached_token.session(logged_in=True):
        pass


def test_a_refused_pin_is_told_and_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cases log in; a card that has three tries would be locked by the suite."""
    session = Session()
    card = attached(session, tmp_path, monkeypatch, "9999")
    with pytest.raises(Misuse, match=r"refuses the PIN of .*pin: CKR_PIN_INCORRECT"):
        log_in(card)
    for _ in range(3):
        with pytest.raises(Misuse, match=r"refused the PIN of .* before in this run, so it is not tried again"):
            log_in(card)
    assert session.tried == ["9999"] and not session.open
    (tmp_path / "pin").write_text("1234")
    log_in(card)
    assert session.tried == ["9999", "1234"] and not session.open


def test_a_token_that_fails_has_not_refused_the_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(answer=PyKCS11.CKR_DEVICE_ERROR)
    card = attached(session, tmp_path, monkeypatch, "9999")
    for _ in range(2):
        with pytest.raises(Misuse, match="does not take a login: CKR_DEVICE_ERROR"):
            log_in(card)
    assert len(session.tried) == 2


def test_keys_of_one_label_are_told_apart_by_their_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewed key often keeps the label; the signature of the one does not verify by that of the other."""
    session = Session([*pair(b"\1"), *pair(b"\2")])
    card = attached(session, tmp_path, monkeypatch)
    declared = case_of(cases.hash_algorithms)
    assert declared is not None
    check = Check(declared, requirements())
    cases.hash_algorithms(card, check)
    assert check.result(1).verdict is CaseVerdict.PASS
    with card.session(logged_in=True) as opened:
        assert [key.name for key in opened.private_keys()] == ["key (id 01)", "key (id 02)"]


def test_a_key_without_id_has_no_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate of another key without id would not fit its signature."""
    session = Session([*pair(b"", certified=False), *pair(b"")])
    with attached(session, tmp_path, monkeypatch).session(logged_in=True) as opened:
        assert [(key.name, key.certificate) for key in opened.private_keys()] == [("key", None), ("key", None)]
