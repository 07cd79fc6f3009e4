"""Both sides of a Signature Creation Service: asking one without a browser, and a watched one for web systems."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.bench.forging import forged
from conformance.sut.facets import SystemFailed
from conformance.sut.facets_scs import ScsAddress
from sotepki import loopback
from sotepki.errors import Refused, SotepkiError
from sotepki.journey.card_holder import PIN1, PIN2
from sotepki.scs import PinKind, PinRequest, ScsHttp, SignatureService, local_certificate, tls_context
from sotepki.scs.answers import ScsAnswer
from sotepki.scs.client import SIGNATURE, ScsClient
from sotepki.scs.settings import ChallengeForm, ScsSettings, load_settings
from sotepki.tokens import Pin
from sotepki.x509.tls import tls_of

if TYPE_CHECKING:
    from conformance.bench import Bench

ORIGIN = "https://potilas.test.example"
_SECONDS = 60.0
_JSON = {"Content-Type": "application/json; charset=UTF-8", "Origin": ORIGIN}


@dataclass(frozen=True)
class Reply:
    """An answer over HTTP; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def row(self) -> Mapping[str, Any]:
        """The JSON object.

        Raises:
            SystemFailed: it is none.
        """
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise SystemFailed("The service answers something that is not a JSON object.")
        return found


def exchange(
    scs: ScsAddress, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = _JSON
) -> Reply:
    """One request as a browser would send it.

    Raises:
        SystemFailed: nobody answers.
    """
    parts = urlsplit(scs.url)
    connection = http.client.HTTPSConnection(str(parts.hostname), parts.port, timeout=_SECONDS, context=scs.tls)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise SystemFailed(f"The service is not reached: {error}.") from None
    finally:
        connection.close()


def asked(scs: ScsAddress, content: bytes = b"content", **changed: Any) -> Reply:
    """A request to ``/sign`` for the signature key, with fields changed."""
    row = {
        "version": "1.1",
        "selector": {"keyusages": [SIGNATURE]},
        "content": base64.b64encode(content).decode(),
        "contentType": "data",
        "hashAlgorithm": "SHA256",
        "signatureType": "signature",
        **changed,
    }
    return exchange(scs, "POST", "/sign", json.dumps(row).encode())


def client_of(scs: ScsAddress, origin: str = ORIGIN) -> ScsClient:
    """The client library at an address."""
    return ScsClient(scs.url, scs.tls, origin, _SECONDS)


def logged_in(scs: ScsAddress, version: str, *, origin: str = ORIGIN, nonce: str = "") -> ScsAnswer:
    """The answer to a login challenge of a page at ``ORIGIN``, which is bound to ``origin``."""
    form = ChallengeForm.SEMICOLON if version == "1.3" else ChallengeForm.LINE
    separator = ";" if form is ChallengeForm.SEMICOLON else "\n"
    content = f"{origin}{separator}{nonce or secrets.token_hex(32)}".encode()
    return of_service(lambda: client_of(scs).sign(content, key_usage="digitalSignature"))


def of_service(ask: Callable[[], ScsAnswer]) -> ScsAnswer:
    """An answer of the service.

    Raises:
        SystemFailed: it is unreadable, or nobody answers.
    """
    try:
        return ask()
    except SotepkiError as error:
        raise SystemFailed(f"The service gave no usable answer: {error.sentence}") from None


def verifies(answer: ScsAnswer, content: bytes, *, is_digest: bool = False) -> bool:
    """Whether the signature in an answer is over a content."""
    try:
        answer.verify(content, is_digest=is_digest)
    except Refused:
        return False
    return True


# --- a service for web systems -------------------------------------------------------------------------------------

Twist = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class Watch:
    """What a web system asked for; rows are the requests as they were sent."""

    rows: list[Mapping[str, Any]] = field(default_factory=list)

    def usages(self) -> set[str]:
        """The key usages that were selected, in lower case."""
        return {str(usage).lower() for row in self.rows for usage in row.get("selector", {}).get("keyusages", ())}

    def contents(self) -> list[bytes]:
        """What was to be signed."""
        return [base64.b64decode(str(row.get("content", ""))) for row in self.rows]

    def log(self) -> str:
        """The requests, one a line."""
        return "\n".join(json.dumps(row, ensure_ascii=False)[:500] for row in self.rows) or "no request"


@dataclass(frozen=True)
class _WatchedService(SignatureService):
    """A service that writes down what it is asked, and may twist its answers."""

    watch: Watch = field(default_factory=Watch)
    twist: Twist = lambda answer: answer

    def sign(self, body: bytes, origin: str = "") -> dict[str, Any]:
        answer = super().sign(body, origin)
        try:
            self.watch.rows.append(json.loads(body))
        except ValueError:
            self.watch.rows.append({})
        return self.twist(answer)


def typed(request: PinRequest) -> Pin:
    """The person types the right PIN."""
    return PIN1 if request.kind is PinKind.PIN1 else PIN2


def cancelled(_request: PinRequest) -> None:
    """The person cancels."""


@contextmanager
def watched_scs(
    bench: Bench,
    *,
    pin: Callable[[PinRequest], Pin | None] = typed,
    twist: Twist = lambda answer: answer,
    settings: ScsSettings | None = None,
) -> Iterator[tuple[ScsAddress, Watch]]:
    """Our service with the bench's card in its reader."""
    watch, card = Watch(), bench.desk_cards.inserted
    service = _WatchedService(
        lambda: card, pin, bench.trust.issuers, settings or load_settings("1.1"), watch=watch, twist=twist
    )
    with running_service(bench, service) as address:
        yield address, watch


def foreign_answer(bench: Bench, content: bytes) -> dict[str, Any]:
    """An answer of the right form by a certificate with the card's names that an unknown authority has issued."""
    key, authority_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    model = bench.desk_cards.inserted.certificate("signature")
    certificate = forged(model, authority_key, public_key=key.public_key())
    chain = (certificate, *bench.trust.issuers)
    return {
        "version": "1.1",
        "status": "ok",
        "reasonCode": 200,
        "reasonText": "Signature generated",
        "signature": base64.b64encode(key.sign(content, ec.ECDSA(hashes.SHA256()))).decode(),
        "signatureType": "signature",
        "signatureAlgorithm": "SHA256withECDSA",
        "chain": [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in chain],
    }


@contextmanager
def running_service(
    bench: Bench, service: SignatureService, make: Callable[[SignatureService], Any] | None = None
) -> Iterator[ScsAddress]:
    """A service over https on a free port of this machine."""
    directory = bench.directory / "scs"
    directory.mkdir(parents=True, exist_ok=True)
    chain = local_certificate(directory / "local.pem", bench.clock.now())
    application = make(service) if make else ScsHttp(service).application()
    with loopback.running(application, tls_context(chain)) as url:
        shown = chain.with_suffix(".crt")
        yield ScsAddress(url, tls_of(shown), shown.read_text(encoding="ascii"), bench.trust)
