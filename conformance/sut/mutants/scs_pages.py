"""Web systems that call a Signature Creation Service badly."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.bench.scs import exchange
from conformance.sut.facets import Facet
from conformance.sut.facets_scs import ScsAddress, ScsUse
from conformance.sut.mutants.model import Mutant
from conformance.sut.reference_scs import ScsPages
from sotepki.scs.answers import ScsAnswer
from sotepki.scs.client import AUTHENTICATION, SIGNATURE


class _SignsWithLoginKey(ScsPages):
    def signature_usage(self) -> str:
        return AUTHENTICATION


class _LogsInWithSignatureKey(ScsPages):
    def login_usage(self) -> str:
        return SIGNATURE


class _ShortChallenge(ScsPages):
    def nonce(self) -> str:
        return super().nonce()[:20]


class _UnboundChallenge(ScsPages):
    def bound_to(self) -> str:
        return "potilas"


class _SameChallenge(ScsPages):
    def nonce(self) -> str:
        return "7" * 96


class _BelievesSignatures(ScsPages):
    def judge_signature(self, answer: ScsAnswer, content: bytes) -> None:
        return


class _BelievesCertificates(ScsPages):
    def judge_issuer(self, answer: ScsAnswer) -> None:
        return


class _ReadsHttpOnly(ScsPages):
    def judge(self, answer: ScsAnswer, content: bytes, usage: str) -> None:
        if answer.ok:
            super().judge(answer, content, usage)


class _WantsAContentType(ScsPages):
    def sign(self, scs: ScsAddress, content: bytes) -> ScsUse:

        if "content-type" not in exchange(scs, "GET", "/version").headers:
            return ScsUse(False, "The answer is not JSON.")
        return super().sign(scs, content)


_FAULTS: tuple[tuple[str, str, type[ScsPages]], ...] = (
    ("sign-with-login-key", "Select the authentication key for signatures", _SignsWithLoginKey),
    ("log-in-with-signature-key", "Select the signature key for logins", _LogsInWithSignatureKey),
    ("short-challenge", "Send a login challenge of 20 characters", _ShortChallenge),
    ("unbound-challenge", "Do not name their site in the challenge", _UnboundChallenge),
    ("same-challenge", "Send the same login challenge every time", _SameChallenge),
    ("believe-signatures", "Do not verify the signature in the answer", _BelievesSignatures),
    ("believe-certificates", "Do not verify the certificate in the answer", _BelievesCertificates),
    ("read-http-only", "Read the HTTP status only", _ReadsHttpOnly),
    ("want-a-content-type", "Refuse answers without a content type", _WantsAContentType),
)


def _mutant(name: str, title: str, kind: type[ScsPages]) -> Mutant:
    def broken(bench: Bench) -> dict[str, ScsPages]:
        return {"scs_user": kind(bench)}

    return Mutant(f"pages-{name}", title, Facet.SCS_USER, lambda reference: broken(reference.bench))


MUTANTS = tuple(_mutant(*row) for row in _FAULTS)
