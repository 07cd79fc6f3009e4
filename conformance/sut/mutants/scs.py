"""Signature Creation Services with one fault each."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from aiohttp import web
from cryptography import x509

from conformance.sut.facets import Facet
from conformance.sut.mutants.model import Mutant
from conformance.sut.reference import Reference
from sotepki.errors import Refused, SotepkiError
from sotepki.journey.card_holder import PIN1, PIN2
from sotepki.scs import PinKind, PinRequest, ScsHttp, Selector, SignatureService, SignRequest
from sotepki.scs.service import PrivateKey, Selected
from sotepki.scs.settings import ScsSettings, load_settings

_NO_LONGER_THAN = 1_000_000


class _ListsAsArrays(SignatureService):
    def version(self) -> dict[str, Any]:
        answer = super().version()
        return {**answer, "httpMethods": str(answer["httpMethods"]).split(", ")}


class _OneCertificateForAll(SignatureService):
    def encoded_chain(self, chain: Sequence[x509.Certificate]) -> list[str]:
        return super().encoded_chain(self.select(Selector(("nonrepudiation",))).chain)


class _IgnoresIssuers(SignatureService):
    def select(self, selector: Selector, signature_algorithm: str = "") -> Selected:
        return super().select(replace(selector, issuers=()), signature_algorithm)


class _Unchecked(SignatureService):
    """Signs a login without the authentication rule when ``lenient`` says so of the rule that refused it."""

    lenient: str = ""

    def answer(self, request: SignRequest, selected: Selected, origin: str, server_key: str = "") -> dict[str, Any]:
        try:
            return super().answer(request, selected, origin, server_key)
        except Refused as error:
            if error.rule != self.lenient:
                raise
        value = self._value(self.unlocked(selected, origin), request, selected.chain)
        return {
            **self.success(),
            "signature": base64.b64encode(value).decode("ascii"),
            "signatureType": request.signature_type,
            "signatureAlgorithm": f"{request.hash_name}withRSA",
            "chain": self.encoded_chain(selected.chain),
        }


class _IgnoresOrigin(_Unchecked):
    lenient = "scs.origin.mismatch"


class _SignsShortChallenges(_Unchecked):
    lenient = "scs.origin.challenge"


class _SignsThoughCancelled(SignatureService):
    def unlocked(self, selected: Selected, origin: str) -> PrivateKey:
        kept = replace(self, pin=lambda request: self.pin(request) or _kept(request))
        return SignatureService.unlocked(kept, selected, origin)


def _kept(request: PinRequest) -> Any:
    return PIN1 if request.kind is PinKind.PIN1 else PIN2


class _Refusing(SignatureService):
    """Adds something to the refusals that ``mine`` picks out by the error."""

    def refusal(self, error: SotepkiError) -> dict[str, Any]:
        answer = super().refusal(error)
        return {**answer, **self.more} if self.mine(error) else answer

    more: ClassVar[Mapping[str, Any]] = {}

    def mine(self, error: SotepkiError) -> bool:
        return False


class _WrongPinIsOk(_Refusing):
    more: ClassVar[Mapping[str, Any]] = {"status": "ok"}

    def mine(self, error: SotepkiError) -> bool:
        return error.rule == "scs.pin.refused" and "ock" not in error.sentence


class _LockedWithSignature(_Refusing):
    more: ClassVar[Mapping[str, Any]] = {"signature": "", "chain": []}

    def mine(self, error: SotepkiError) -> bool:
        return error.rule == "scs.pin.refused" and "ock" in error.sentence


class _NoCardCode200(_Refusing):
    more: ClassVar[Mapping[str, Any]] = {"reasonCode": 200}

    def mine(self, error: SotepkiError) -> bool:
        return error.rule == "scs.card.missing"


class _HashesDigestsAgain(SignatureService):
    def _value(self, key: PrivateKey, request: SignRequest, chain: Any) -> bytes:
        again = hashlib.sha256(request.content).digest()
        return super()._value(key, replace(request, content=again) if request.is_digest else request, chain)


class _SignsSomethingElse(SignatureService):
    def _value(self, key: PrivateKey, request: SignRequest, chain: Any) -> bytes:
        plain = not request.is_digest and request.signature_type == "signature" and request.hash_name == "SHA256"
        mine = plain and len(request.content) < _NO_LONGER_THAN
        return super()._value(key, replace(request, content=b"else") if mine else request, chain)


class _CmsIsABareValue(SignatureService):
    def _value(self, key: PrivateKey, request: SignRequest, chain: Any) -> bytes:
        cms = request.signature_type == "cms"
        return super()._value(key, replace(request, signature_type="signature") if cms else request, chain)


class _CrashesOnGarbage(SignatureService):
    def sign(self, body: bytes, origin: str = "") -> dict[str, Any]:
        if not body.endswith(b"}"):
            return {"error": "unexpected token"}
        return super().sign(body, origin)


async def _without_cors(_request: web.Request, answer: web.StreamResponse) -> None:
    answer.headers.pop("Access-Control-Allow-Origin", None)


async def _without_preflight(request: web.Request, answer: web.StreamResponse) -> None:
    if request.method == "OPTIONS":
        for name in ("Methods", "Headers"):
            answer.headers.pop(f"Access-Control-Allow-{name}", None)


def _served(
    change: Callable[[web.Request, web.StreamResponse], Any],
) -> Callable[[SignatureService], web.Application]:
    def application(service: SignatureService) -> web.Application:
        app = ScsHttp(service).application()
        app.on_response_prepare.append(change)
        return app

    return application


def _set(**switches: Any) -> Callable[[str], ScsSettings]:
    return lambda version: replace(load_settings(version), **switches)


def _mutant(name: str, title: str, **parts: Any) -> Mutant:
    def broken(reference: Reference) -> dict[str, Any]:
        return {"scs": replace(reference.workplace.scs, **parts)}

    return Mutant(f"scs-{name}", title, Facet.SCS, broken)


MUTANTS = (
    _mutant("lists-as-arrays", "Answers /version with arrays", service=_ListsAsArrays),
    _mutant("full-lists", "Lists algorithms without a card", settings=_set(lists_empty_without_card=frozenset())),
    _mutant("without-cors", "Does not let the page read its answers", application=_served(_without_cors)),
    _mutant("without-preflight", "Does not answer the preflight", application=_served(_without_preflight)),
    _mutant("one-certificate-for-all", "Answers with the signature certificate whichever key it was",
            service=_OneCertificateForAll),
    _mutant("ignores-issuers", "Ignores the issuers in the selector", service=_IgnoresIssuers),
    _mutant("ignores-origin", "Signs login challenges of other sites", service=_IgnoresOrigin),
    _mutant("signs-short-challenges", "Signs short login challenges", service=_SignsShortChallenges),
    _mutant("signs-twice", "Signs a login challenge again", settings=_set(refuses_replays=False)),
    _mutant("signs-though-cancelled", "Signs with a kept PIN when the person cancels", service=_SignsThoughCancelled),
    _mutant("wrong-pin-is-ok", "Answers ok to a wrong PIN", service=_WrongPinIsOk),
    _mutant("locked-with-signature", "Sends an empty signature when the PIN is locked", service=_LockedWithSignature),
    _mutant("no-card-code-200", "Answers code 200 without a card", service=_NoCardCode200),
    _mutant("one-code-for-all", "Answers every refusal with 500", settings=_set(only_code=500)),
    _mutant("hashes-digests-again", "Hashes a digest once more", service=_HashesDigestsAgain),
    _mutant("signs-something-else", "Signs other data than it was sent", service=_SignsSomethingElse),
    _mutant("ignores-hash", "Always hashes with SHA-256", settings=_set(ignores_hash=True)),
    _mutant("leaf-only", "Leaves the authorities out of the chain", settings=_set(leaf_only=True)),
    _mutant("cms-is-a-bare-value", "Answers a bare signature value for CMS", service=_CmsIsABareValue),
    _mutant("small-limit", "Takes one megabyte at most", settings=_set(max_content=_NO_LONGER_THAN)),
    _mutant("crashes-on-garbage", "Answers an error of its parser", service=_CrashesOnGarbage),
    _mutant("1.3-without-transactions", "Says 1.3 and knows no transactions", settings=_set(transactions=False)),
)  # fmt: skip
