"""The Signature Creation Service without its HTTP: version, selection, origin rule, PIN, signature, answer."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.errors import Refused, SotepkiError
from sotepki.scs.request import Selector, SignRequest, read_request
from sotepki.scs.settings import EcdsaForm, ScsSettings, load_settings, rulebook
from sotepki.tokens import Pin

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_GENERATED = 200
_FAILED = 500
_CHALLENGE_CHARACTERS = 64


class PinKind(StrEnum):
    """The card's two PINs: PIN1 for the authentication key, PIN2 for the signature key."""

    PIN1 = "PIN1"
    PIN2 = "PIN2"


@dataclass(frozen=True)
class PinRequest:
    """Why a PIN is asked for: which one, and the page that wants a signature (empty for a program without origin)."""

    kind: PinKind
    origin: str


PinSource = Callable[[PinRequest], Pin | None]
"""Asks the user; None means that the user cancelled. Called once for every signature, never in advance."""


class CardInReader(Protocol):
    """What the service needs of an inserted card; ``sotepki.card.InsertedCard`` is one."""

    @property
    def issuers(self) -> tuple[x509.Certificate, ...]: ...
    def certificate(self, which: str) -> x509.Certificate: ...
    def verify_pin1(self, pin: Pin) -> None: ...
    def verify_pin2(self, pin: Pin) -> None: ...
    @property
    def authentication_key(self) -> PrivateKey: ...
    @property
    def signature_key(self) -> PrivateKey: ...


@dataclass(frozen=True)
class SignatureService:
    """One workstation's service.

    Attributes:
        card: the card in the reader at the moment; None while there is none.
        pin: where PINs come from.
        issuers: CA certificates beside those on the card, from which the chain in the answer is built.
        settings: version and switches.
    """

    card: Callable[[], CardInReader | None]
    pin: PinSource
    issuers: Sequence[x509.Certificate] = ()
    settings: ScsSettings = field(default_factory=load_settings)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def version(self) -> dict[str, Any]:
        """The answer of ``GET /version`` (docs/field/scs.md 4)."""
        answer = dict(self.settings.fields)
        if self.settings.lists_empty_without_card and self.card() is None:
            answer.update(dict.fromkeys(self.settings.lists_empty_without_card, ""))
        return answer

    def sign(self, body: bytes, origin: str = "") -> dict[str, Any]:
        """The answer of ``POST /sign``: the outcome is in status and reasonCode; nothing is raised.

        Args:
            body: the JSON of the request.
            origin: the Origin header; empty if there was none.
        """
        try:
            request = read_request(body, self.settings)
            with self._one_at_a_time:
                return self._signed(request, origin)
        except SotepkiError as error:
            return self.failure(_own(error).rule, error.sentence)

    def failure(self, rule: str, sentence: str) -> dict[str, Any]:
        """A refusal: signature and chain are left out (docs/field/scs.md 5, row on failure)."""
        return {
            "version": self.settings.version,
            "status": "failed",
            "reasonCode": self.settings.reason_codes.get(rule, _FAILED),
            "reasonText": f"{sentence} [{rule}]",
        }

    def _signed(self, request: SignRequest, origin: str) -> dict[str, Any]:
        card = self.card()
        if card is None:
            raise _refusal("scs.card.missing", "There is no card in the reader.")
        which = "signature" if request.selector.wants_signature_key else "authentication"
        certificate = card.certificate(which)
        chain = self._chain(certificate, (*card.issuers, *self.issuers))
        self._select(request, certificate, chain)
        if which == "authentication":
            check_challenge(request, origin, origin_required=self.settings.origin_required)
        key = self._unlocked(card, which, origin)
        signature = self._signature(key, request)
        return {
            "version": self.settings.version,
            "status": "ok",
            "reasonCode": _GENERATED,
            "reasonText": "Signature generated",
            "signature": base64.b64encode(signature).decode("ascii"),
            "signatureType": request.signature_type,
            "signatureAlgorithm": f"{request.hash_name}with{_algorithm(key).upper()}",
            "chain": [
                base64.b64encode(link.public_bytes(Encoding.DER)).decode("ascii")
                for link in (chain[:1] if self.settings.leaf_only else chain)
            ],
        }

    def _select(self, request: SignRequest, certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> None:
        public_key = certificate.public_key()
        algorithm = "rsa" if isinstance(public_key, rsa.RSAPublicKey) else "ecdsa"
        if not selects(request.selector, certificate, chain, algorithm):
            raise _refusal("scs.selector.no-match", "No certificate of the card fits the selector.")
        if request.signature_algorithm and request.signature_algorithm not in _names_of(algorithm):
            raise _refusal("scs.signature-algorithm.mismatch", f"The selected key is an {algorithm.upper()} key.")

    def _unlocked(self, card: CardInReader, which: str, origin: str) -> PrivateKey:
        kind = PinKind.PIN2 if which == "signature" else PinKind.PIN1
        pin = self.pin(PinRequest(kind, origin))
        if pin is None:
            raise _refusal("scs.pin.cancelled", "The user cancelled.")
        try:
            if kind is PinKind.PIN2:
                card.verify_pin2(pin)
                return card.signature_key
            card.verify_pin1(pin)
            return card.authentication_key
        except Refused as error:
            raise Refused(error.sentence, rule="scs.pin.refused") from error

    def _signature(self, key: PrivateKey, request: SignRequest) -> bytes:
        hash_algorithm: Any = utils.Prehashed(request.hash) if request.is_digest else request.hash
        try:
            if isinstance(key, rsa.RSAPrivateKey):
                return key.sign(request.content, padding.PKCS1v15(), hash_algorithm)
            signature = key.sign(request.content, ec.ECDSA(hash_algorithm))
        except (UnsupportedAlgorithm, NotImplementedError, TypeError, ValueError) as error:
            raise _refusal("scs.hash.unknown", f"The card does not sign with {request.hash_name}.") from error
        if self.settings.ecdsa is EcdsaForm.DER:
            return signature
        size = (key.curve.key_size + 7) // 8
        return b"".join(number.to_bytes(size, "big") for number in utils.decode_dss_signature(signature))

    def _chain(self, leaf: x509.Certificate, issuers: Sequence[x509.Certificate]) -> list[x509.Certificate]:
        """Leaf first, as far up as the issuers are known; three in the ordinary case (docs/field/scs.md 11)."""
        chain = [leaf]
        while chain[-1].issuer != chain[-1].subject:
            above = next((ca for ca in issuers if ca.subject == chain[-1].issuer and ca not in chain), None)
            if above is None:
                break
            chain.append(above)
        return chain


def check_challenge(request: SignRequest, origin: str, *, origin_required: bool) -> None:
    """The authentication key signs only what binds the page's origin (docs/field/scs.md 8, form of 1.1 and before).

    Raises:
        Refused: ``scs.origin.challenge`` or ``scs.origin.mismatch``.
    """
    if request.is_digest:
        raise _refusal("scs.origin.challenge", "The authentication key signs no digest: its origin cannot be seen.")
    try:
        text = request.content.decode("utf-8")
    except UnicodeDecodeError:
        raise _refusal("scs.origin.challenge", "The content is not an origin with a challenge.") from None
    bound, separator, challenge = text.partition("\n") if "\n" in text else text.partition(" ")
    bound = bound.removesuffix("\r")
    if not separator or not bound.startswith("https://") or len(bound) == len("https://"):
        raise _refusal("scs.origin.challenge", "The content does not begin with the origin of the page.")
    if len(challenge) < _CHALLENGE_CHARACTERS:
        raise _refusal("scs.origin.challenge", f"The challenge has {len(challenge)} characters.")
    if (origin or origin_required) and bound != origin:
        raise _refusal("scs.origin.mismatch", "The challenge is bound to another origin than that of the page.")


def selects(
    selector: Selector, certificate: x509.Certificate, chain: Sequence[x509.Certificate], algorithm: str
) -> bool:
    """Whether a certificate fits every part of the selector that is given; comparison is without case."""
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    usages = {"nonrepudiation": usage.content_commitment, "digitalsignature": usage.digital_signature}
    if any(not usages.get(wanted, False) for wanted in selector.key_usages):
        return False
    if selector.key_algorithms and not set(selector.key_algorithms) & _names_of(algorithm):
        return False
    issuers = {_plain_name(link.issuer.rfc4514_string()) for link in chain}
    if selector.issuers and not {_plain_name(wanted) for wanted in selector.issuers} & issuers:
        return False
    return not selector.akis or bool(set(selector.akis) & _authority_keys(certificate))


def _authority_keys(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return set()
    if found is None:
        return set()
    return {found.hex(), base64.b64encode(found).decode("ascii").lower()}


def _names_of(algorithm: str) -> set[str]:
    return {"rsa"} if algorithm == "rsa" else {"ecdsa", "ec"}


def _plain_name(name: str) -> str:
    """A distinguished name for comparison: parts sorted, since pages write them in either direction."""
    return ",".join(sorted("=".join(p.strip() for p in part.split("=", 1)) for part in name.lower().split(",")))


def _algorithm(key: PrivateKey) -> str:
    return "rsa" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa"


def _refusal(rule: str, sentence: str) -> Refused:
    return Refused(sentence, rule=rule, advice=rulebook()[rule].advice)


def _own(error: SotepkiError) -> SotepkiError:
    """An error of the card keeps its sentence and gets this service's rule."""
    return error if error.rule in rulebook().rules else Refused(error.sentence, rule="scs.card.failed")
