"""Card use on request: the question names a door, at which the program uses the suite's card and keyboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.sut.asking import Asks, answered_member, from_base64, packed, unpacked
from conformance.sut.door import Step, open_door
from conformance.sut.facets import Card, PinPad, SystemFailed
from conformance.sut.facets_card import CardKey, CardTrouble, Desk, DeskCard, DeskOutcome, DeskTask, WayOut
from sotepki.tokens import Pin


@dataclass(frozen=True)
class AskedCardUser:
    """Signs documents with a card that it uses through a door."""

    asked: Asks

    def sign_all(self, card: Card, pin_pad: PinPad, documents: Sequence[bytes]) -> Sequence[bytes]:
        with open_door(_card_steps(card, pin_pad)) as door:
            answer = self.asked.ask(
                {"operation": "card-sign", "door": door.url, "documents": [packed(one) for one in documents]}
            )
        signed = answer.get("documents")
        if not isinstance(signed, list):
            raise SystemFailed(f"{self.asked.name} did not answer with a list of documents.", log=str(answer)[:2000])
        return [unpacked({"documents": one}, "documents", self.asked) for one in signed]


@dataclass(frozen=True)
class AskedDesk:
    """Does tasks at a desk that it uses through a door."""

    asked: Asks

    def work(self, task: DeskTask, desk: Desk, content: bytes) -> DeskOutcome:
        with open_door(_desk_steps(desk)) as door:
            answer = self.asked.ask(
                {
                    "operation": "card-desk",
                    "task": str(task),
                    "door": door.url,
                    "user": desk.user.value if desk.user else None,
                    "content": packed(content),
                }
            )
        return DeskOutcome(
            unpacked(answer, "signature", self.asked) if answer.get("signature") else b"",
            answered_member(CardTrouble, answer, "trouble", self.asked),
            answered_member(WayOut, answer, "way-out", self.asked) or WayOut.NONE,
        )


def _card_steps(card: Card, pin_pad: PinPad) -> Mapping[str, Step]:
    def certificate(row: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"certificate": _pem(card.certificate(CardKey(row["key"])))}

    def verify(row: Mapping[str, Any]) -> Mapping[str, Any]:
        card.verify_pin2(Pin(_text(row, "pin")))
        return {}

    def sign(row: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"document": packed(card.sign(_bytes(row, "document")))}

    return {
        "certificate": certificate,
        "tries": lambda _row: dict(card.tries()),
        "ask-pin": lambda _row: {"pin": pin_pad.pin2().reveal()},
        "verify": verify,
        "sign": sign,
    }


def _desk_steps(desk: Desk) -> Mapping[str, Step]:
    def card(row: Mapping[str, Any]) -> DeskCard:
        number = row["reader"]
        found = desk.readers[number].card if isinstance(number, int) and 0 <= number < len(desk.readers) else None
        if found is None:
            raise ValueError("there is no card in this reader")
        return found

    def certificate(row: Mapping[str, Any]) -> Mapping[str, Any]:
        found = card(row).certificate(CardKey(row["key"]))
        return {"certificate": _pem(found) if found else None}

    def ask_pin(row: Mapping[str, Any]) -> Mapping[str, Any]:
        pin = desk.ask_pin(CardKey(row["key"]))
        return {"pin": pin.reveal() if pin else None}

    def verify(row: Mapping[str, Any]) -> Mapping[str, Any]:
        card(row).verify(CardKey(row["key"]), Pin(_text(row, "pin")))
        return {}

    def sign(row: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"signature": packed(card(row).sign(CardKey(row["key"]), _bytes(row, "content")))}

    def status(row: Mapping[str, Any]) -> Mapping[str, Any]:
        certificate = x509.load_pem_x509_certificate(_text(row, "certificate").encode())
        issuer = desk.issuer(certificate)
        if issuer is None:
            return {"state": "unknown", "issuer": None}
        return {"state": str(desk.status(certificate, issuer).state), "issuer": _pem(issuer)}

    return {
        "readers": lambda _row: {"readers": [{"name": one.name, "card": bool(one.card)} for one in desk.readers]},
        "certificate": certificate,
        "tries": lambda row: {str(key): left for key, left in card(row).tries().items()},
        "ask-pin": ask_pin,
        "choose": lambda row: {"choice": desk.choose([str(name) for name in row["names"]])},
        "verify": verify,
        "sign": sign,
        "status": status,
    }


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _bytes(row: Mapping[str, Any], name: str) -> bytes:
    return from_base64(_text(row, name))
