"""Questions to a system under test and its answers: one JSON object each way, whatever carries them.

A program (``conformance.sut.command``) and an HTTP endpoint (``conformance.sut.http``) speak the same messages;
docs/conformance.md describes them for any language.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.hazmat.primitives.serialization import Encoding

from conformance.sut.facets import Answer, SignatureKind, SignerIdentity, SystemFailed, Trust

PROTOCOL = "sotepki-sut/1"


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
        raise SystemFailed(f"{name} did not answer with JSON.", log=f"{data[:2000]!r}\n{log}") from None
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
            {"operation": "sign", "kind": str(kind), "correction": correction, "document": _packed(document)}
        )
        return _bytes_of(answer, "document", self.asked)


@dataclass(frozen=True)
class AskedFramer:
    """Frames on request."""

    asked: Asks

    def frame(self, document: bytes) -> bytes:
        answer = self.asked.ask({"operation": "frame", "document": _packed(document)})
        return _bytes_of(answer, "frame", self.asked)


@dataclass(frozen=True)
class AskedVerifier:
    """Verifies on request."""

    asked: Asks

    def verify(self, document: bytes, trust: Trust) -> Answer:
        answer = self.asked.ask(
            {
                "operation": "verify",
                "document": _packed(document),
                "roots": [c.public_bytes(Encoding.PEM).decode() for c in trust.roots],
                "intermediates": [c.public_bytes(Encoding.PEM).decode() for c in trust.intermediates],
                "crls": [c.public_bytes(Encoding.PEM).decode() for c in trust.crls],
            }
        )
        accepted = answer.get("accepted")
        if not isinstance(accepted, bool):
            raise SystemFailed(
                f"{self.asked.name} did not answer with accepted = true or false.",
                log=json.dumps(answer)[:2000],
            )
        reasons = answer.get("reasons", [])
        return Answer(accepted, tuple(str(r) for r in reasons) if isinstance(reasons, Sequence) else (str(reasons),))


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes_of(answer: Mapping[str, Any], name: str, asked: Asks) -> bytes:
    try:
        return base64.b64decode(answer[name], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise SystemFailed(
            f"{asked.name} did not answer with {name} in base64.", log=json.dumps(answer)[:2000]
        ) from None
