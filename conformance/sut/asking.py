"""Questions to a system under test and its answers: one JSON object each way, whatever carries them.

A program (``conformance.sut.command``) and an HTTP endpoint (``conformance.sut.http``) speak the same messages;
docs/conformance.md describes them for any language.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.sut.facets import Answer, SignatureKind, SignerIdentity, SystemFailed, Trust

PROTOCOL = "sotepki-sut/1"

E = TypeVar("E", bound=StrEnum)


class Asks(Protocol):
    """Carries a question to the system and its answer back."""

    @property
    def name(self) -> str:
        """How sentences speak of it."""
        ...

    def ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put one question.

        Raises:
            Misuse: nobody can be asked there.
            SystemFailed: it hung, crashed, wrote too much, or did not answer with a JSON object.
        """
        ...


def read_answer(data: bytes, name: str, log: str = "") -> Mapping[str, Any]:
    """The JSON object in an answer.

    Raises:
        SystemFailed: it is none.
    """
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        raise SystemFailed(f"{name} did not answer with JSON.", log=f"It wrote {data[:2000]!r}\n{log}") from None
    if not isinstance(answer, dict):
        raise SystemFailed(f"{name} answered with JSON that is not an object.", log=log)
    return answer


@dataclass(frozen=True)
class AskedSigner:
    """Signs on request; ``identities`` says whose signatures it makes."""

    asked: Asks
    identities: Mapping[SignatureKind, SignerIdentity]

    def identity(self, kind: SignatureKind) -> SignerIdentity | None:
        return self.identities.get(kind)

    def sign(self, document: bytes, kind: SignatureKind, *, correction: bool = False) -> bytes:
        answer = self.asked.ask(
            {"operation": "sign", "kind": str(kind), "correction": correction, "document": packed(document)}
        )
        return unpacked(answer, "document", self.asked)


@dataclass(frozen=True)
class AskedFramer:
    """Frames on request."""

    asked: Asks

    def frame(self, document: bytes) -> bytes:
        answer = self.asked.ask({"operation": "frame", "document": packed(document)})
        return unpacked(answer, "frame", self.asked)


@dataclass(frozen=True)
class AskedVerifier:
    """Verifies on request."""

    asked: Asks

    def verify(self, document: bytes, trust: Trust) -> Answer:
        answer = self.asked.ask(
            {
                "operation": "verify",
                "document": packed(document),
                "roots": pems(trust.roots),
                "intermediates": pems(trust.intermediates),
                "crls": [c.public_bytes(Encoding.PEM).decode() for c in trust.crls],
            }
        )
        accepted = answered_truth(answer, "accepted", self.asked)
        reasons = answer.get("reasons") or []
        return Answer(accepted, tuple(str(r) for r in (reasons if isinstance(reasons, list) else [reasons])))


def packed(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode()


def from_base64(text: str) -> bytes:
    """The bytes; white space counts for nothing, since many encoders break their lines (RFC 2045 6.8).

    Raises:
        ValueError: the text is not base64.
    """
    return base64.b64decode("".join(text.split()), validate=True)


def unpacked(answer: Mapping[str, Any], name: str, asked: Asks) -> bytes:
    """The bytes under ``name``.

    Raises:
        SystemFailed: they are missing or not in base64.
    """
    try:
        return from_base64(answer[name])
    except (KeyError, ValueError, AttributeError):
        raise SystemFailed(
            f"{asked.name} did not answer with {name} in base64.", log=json.dumps(answer)[:2000]
        ) from None


def answered_truth(answer: Mapping[str, Any], name: str, asked: Asks) -> bool:
    """The true or false under ``name``.

    Raises:
        SystemFailed: it is neither.
    """
    value = answer.get(name)
    if not isinstance(value, bool):
        raise SystemFailed(f"{asked.name} did not answer with {name} = true or false.", log=json.dumps(answer)[:2000])
    return value


def answered_member(members: type[E], answer: Mapping[str, Any], name: str, asked: Asks) -> E | None:
    """The word under ``name``, one of ``members``; None if it is null or missing.

    Raises:
        SystemFailed: it is another word.
    """
    value = answer.get(name)
    if value is None or value == "":
        return None
    if value not in [*members]:
        known = ", ".join(members)
        raise SystemFailed(f"{asked.name} answered with {name} {value!r:.60}; known are {known}.")
    return members(value)


def pems(certificates: Iterable[x509.Certificate]) -> list[str]:
    """Certificates as a list of PEM texts."""
    return [one.public_bytes(Encoding.PEM).decode() for one in certificates]
