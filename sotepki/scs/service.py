"""The Signature Creation Service without its HTTP: version, selection, origin rule, PIN, signature, answer."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.errors import Refused, SotepkiError
from sotepki.scs.challenge import SignedChallenges, check_challenge
from sotepki.scs.cms import cms_signature
from sotepki.scs.pending import PendingTransaction
from sotepki.scs.request import HASHES, Selector, SignRequest, read_request
from sotepki.scs.selecting import algorithm_names, chain_of, holder_of, selects
from sotepki.scs.settings import EcdsaForm, ScsSettings, load_settings, rulebook
from sotepki.tokens import Pin

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_GENERATED = 200
_PLAIN = frozenset({"signature", "signature-plain"})


class PinKind(StrEnum):
    """The card's two PINs: PIN1 for the authentication key, PIN2 for the signature key."""

    PIN1 = "PIN1"
    PIN2 = "PIN2"


@dataclass(frozen=True)
class PinRequest:
    """Why a PIN is asked for.

    Attributes:
        kind: which one.
        origin: the page that wants a signature; empty for a program without one.
        holder: the name on the certificate.
        tries: tries left, where the reader can tell.
        present: whether the card is still there and the page still waits; without either the question is over.
    """

    kind: PinKind
    origin: str
    holder: str = ""
    tries: int | None = None
    present: Callable[[], bool] = field(default=lambda: True, compare=False)


PinSource = Callable[[PinRequest], Pin | None]
"""Asks the user; None means that the user cancelled. Called once for every signature, never in advance."""


class CardInReader(Protocol):
    """What the service needs of an inserted card; ``sotepki.card.InsertedCard`` is one.

    ``tries()`` gives the tries left by ``pin1`` and ``pin2``, as far as the reader can tell, and costs none.
    """

    @property
    def issuers(self) -> tuple[x509.Certificate, ...]: ...
    def certificate(self, which: str) -> x509.Certificate: ...
    def tries(self) -> dict[str, int]: ...
    def verify_pin1(self, pin: Pin) -> None: ...
    def verify_pin2(self, pin: Pin) -> None: ...
    @property
    def authentication_key(self) -> PrivateKey: ...
    @property
    def signature_key(self) -> PrivateKey: ...


@dataclass(frozen=True)
class Selected:
    """The certificate that a page selected, its chain, and the card it is on."""

    card: CardInReader
    use: str
    chain: Sequence[x509.Certificate]

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return self.chain[0]

    @property
    def pin(self) -> PinKind:
        """The PIN that its key needs."""
        return PinKind.PIN2 if self.use == "signature" else PinKind.PIN1


Outcome = Callable[[str, str], None]
"""Told the origin and the reason text after every request, for the user's page and for logs."""


@dataclass(frozen=True)
class SignatureService:
    """One workstation's service.

    Attributes:
        card: the card in the reader at the moment; None while there is none.
        pin: where PINs come from.
        issuers: CA certificates beside those on the card, from which the chain in the answer is built.
        settings: version and switches.
        outcome: told how every request ended.
        wanted: whether a page still waits for the answer, told anew for each request; nothing is signed for nobody.
        transaction: the one of 1.3 that is pending.
    """

    card: Callable[[], CardInReader | None]
    pin: PinSource
    issuers: Sequence[x509.Certificate] = ()
    settings: ScsSettings = field(default_factory=load_settings)
    outcome: Outcome = lambda _origin, _text: None
    wanted: Callable[[], bool] = lambda: True
    transaction: PendingTransaction = field(default_factory=PendingTransaction, repr=False)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _signed_challenges: SignedChallenges = field(default_factory=SignedChallenges, repr=False)

    def version(self) -> dict[str, Any]:
        """The answer of ``GET /version`` (docs/field/scs.md 4)."""
        answer = dict(self.settings.fields)
        if self.settings.lists_empty_without_card and not self._has_card():
            answer.update(dict.fromkeys(self.settings.lists_empty_without_card, ""))
        return answer

    def _has_card(self) -> bool:
        """Whether a card can be used; a reader that fails has none, and ``/sign`` says what is wrong with it."""
        try:
            return self.card() is not None
        except SotepkiError:
            return False

    def sign(self, body: bytes, origin: str = "") -> dict[str, Any]:
        """The answer of ``POST /sign``: the outcome is in status and reasonCode; nothing is raised.

        Args:
            body: the JSON of the request.
            origin: the Origin header; empty if there was none.
        """
        try:
            request = read_request(body, self.settings)
            with self.alone():
                answer = self.answer(request, self.select(request.selector, request.signature_algorithm), origin)
        except SotepkiError as error:
            answer = self.refusal(error)
        self.outcome(origin, answer["reasonText"])
        return answer

    def failure(self, rule: str, sentence: str) -> dict[str, Any]:
        """A refusal: signature and chain are left out (docs/field/scs.md 5, row on failure)."""
        return {
            "version": self.settings.version,
            "status": "failed",
            "reasonCode": self.settings.reason_code(rule),
            "reasonText": f"{sentence} [{rule}]",
        }

    def refusal(self, error: SotepkiError) -> dict[str, Any]:
        """The refusal that an error makes; an error of the card keeps its sentence and gets this service's rule."""
        rule = error.rule if error.rule in rulebook().rules else "scs.card.failed"
        if error.rule in ("card.removed", "card.chip.silent", "card.pcsc.no-card"):
            rule = "scs.card.removed"
        return self.failure(rule, error.sentence)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While a request has the card and the user.

        Raises:
            Refused: ``scs.busy``.
        """
        if not self._one_at_a_time.acquire(blocking=False):
            raise _refusal("scs.busy", "Another request waits for the user.")
        try:
            yield
        finally:
            self._one_at_a_time.release()

    def select(self, selector: Selector, signature_algorithm: str = "") -> Selected:
        """The certificate that a page wants.

        Raises:
            Refused: ``scs.card.missing``, ``scs.selector.no-match``, ``scs.signature-algorithm.mismatch``.
        """
        card = self.card()
        if card is None:
            raise _refusal("scs.card.missing", "There is no card in the reader.")
        use = "signature" if selector.wants_signature_key else "authentication"
        certificate = card.certificate(use)
        chain = chain_of(certificate, (*card.issuers, *self.issuers))
        if not selects(selector, chain):
            raise _refusal("scs.selector.no-match", "No certificate of the card fits the selector.")
        names = algorithm_names(certificate)
        if signature_algorithm and signature_algorithm not in names:
            raise _refusal("scs.signature-algorithm.mismatch", f"The selected key is an {max(names).upper()} key.")
        return Selected(card, use, chain)

    def answer(self, request: SignRequest, selected: Selected, origin: str, server_key: str = "") -> dict[str, Any]:
        """Sign, after the authentication rule and the PIN; see ``check_challenge`` for ``server_key``.

        Raises:
            Refused, Fault: a rule of this service, or what the card said.
        """
        if self.settings.ignores_hash and not request.is_digest:
            request = replace(request, hash_name="SHA256")
        login = selected.use == "authentication"
        if login:
            check_challenge(request, origin, self.settings, server_key)
            if self.settings.refuses_replays:
                self._signed_challenges.check(request.content)
        key = self.unlocked(selected, origin)
        signature = self._value(key, request, selected.chain)
        if login:
            self._signed_challenges.remember(request.content)
        return {
            **self.success(),
            "signature": base64.b64encode(signature).decode("ascii"),
            "signatureType": request.signature_type,
            "signatureAlgorithm": f"{request.hash_name}with{_algorithm(key)}",
            "chain": self.encoded_chain(selected.chain),
        }

    def success(self) -> dict[str, Any]:
        """The part of an answer that says that it went well."""
        return {
            "version": self.settings.version,
            "status": "ok",
            "reasonCode": _GENERATED,
            "reasonText": "Signature generated",
        }

    def encoded_chain(self, chain: Sequence[x509.Certificate]) -> list[str]:
        """The certificates as an answer has them, base64 of DER."""
        shown = chain[:1] if self.settings.leaf_only else chain
        return [base64.b64encode(link.public_bytes(Encoding.DER)).decode("ascii") for link in shown]

    def unlocked(self, selected: Selected, origin: str) -> PrivateKey:
        """The selected key, after the user has typed its PIN.

        Raises:
            Refused: ``scs.pin.low-tries``, ``scs.pin.cancelled``, ``scs.pin.refused``, ``scs.card.removed``.
        """
        card, kind = selected.card, selected.pin
        tries = card.tries().get(kind.lower())
        if tries is not None and 0 < tries <= self.settings.keeps_tries:
            raise _refusal("scs.pin.low-tries", f"Only {tries} tries are left for {kind}; it was not asked for.")
        holder = holder_of(selected.certificate)
        pin = self.pin(PinRequest(kind, origin, holder, tries, lambda: self.wanted() and self.card() is card))
        if not self.wanted():  # before the PIN is used: the signature would be nobody's
            sentence = "The request ended before the user answered: its page has gone, or the service stops."
            raise _refusal("scs.pin.cancelled", sentence)
        if self.card() is not card:
            raise _refusal("scs.card.removed", "The card was removed before it signed.")
        if pin is None:
            raise _refusal("scs.pin.cancelled", "The user cancelled.")
        try:
            if kind is PinKind.PIN2:
                card.verify_pin2(pin)
                return card.signature_key
            card.verify_pin1(pin)
            return card.authentication_key
        except Refused as error:
            raise _refusal("scs.pin.refused", error.sentence) from error

    def _value(self, key: PrivateKey, request: SignRequest, chain: Sequence[x509.Certificate]) -> bytes:
        if request.signature_type in _PLAIN:
            signature = _signed(key, request.content, request.hash, is_digest=request.is_digest)
            if isinstance(key, rsa.RSAPrivateKey) or self.settings.ecdsa is EcdsaForm.DER:
                return signature
            return side_by_side(signature, key)
        name = request.hash.name
        digest = request.content if request.is_digest else hashlib.new(name, request.content).digest()
        attached = request.signature_type == "cms" and self.settings.cms_attached and not request.is_digest
        return cms_signature(
            digest,
            name,
            chain,
            lambda octets: _signed(key, octets, request.hash),
            content=request.content if attached else None,
        )


def side_by_side(signature: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """An ECDSA signature as r and s, each as long as the order of the curve."""
    size = (key.curve.key_size + 7) // 8
    return b"".join(number.to_bytes(size, "big") for number in utils.decode_dss_signature(signature))


def _signed(key: PrivateKey, octets: bytes, algorithm: hashes.HashAlgorithm, *, is_digest: bool = False) -> bytes:
    hash_algorithm: Any = utils.Prehashed(algorithm) if is_digest else algorithm
    try:
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(octets, padding.PKCS1v15(), hash_algorithm)
        return key.sign(octets, ec.ECDSA(hash_algorithm))
    except (UnsupportedAlgorithm, NotImplementedError, TypeError, ValueError) as error:
        raise _refusal("scs.hash.unknown", f"The card does not sign with {algorithm.name}.") from error


def _algorithm(key: PrivateKey) -> str:
    return "RSA" if isinstance(key, rsa.RSAPrivateKey) else "ECDSA"


def _refusal(rule: str, sentence: str) -> Refused:
    return rulebook().refusal(rule, sentence)


__all__ = [
    "HASHES",
    "CardInReader",
    "PinKind",
    "PinRequest",
    "PinSource",
    "Selected",
    "SignatureService",
    "side_by_side",
]
