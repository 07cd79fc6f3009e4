"""A vendor's Signature Creation Service: how it presents itself, what it signs and what it refuses."""

from __future__ import annotations

import hashlib
import itertools
import os

from conformance.bench import Bench
from conformance.bench.scs import ORIGIN, Reply, asked, client_of, exchange, logged_in, of_service, verifies
from conformance.check import Check
from conformance.declaring import Area, family
from conformance.requirements import Phase
from conformance.sut.facets_scs import OffersScs, Situation
from sotepki.scs.answers import read_answer
from sotepki.scs.client import AUTHENTICATION, SIGNATURE
from sotepki.x509.purposes import key_usages

CONTENT = b"sotepki conformance: signed by a Signature Creation Service"
_LISTS = ("httpMethods", "contentTypes", "signatureTypes", "hashAlgorithms")
_LARGE = 2_000_000
_SHORT_NONCE = "0" * 40
_CHAIN = 3

declares = family(Area.SCS, Phase.SUPPLIER)


@declares("scs.version-shape", "The version answer has the known shape", "scs-lists-as-arrays")
def version_shape(scs: OffersScs, check: Check) -> None:
    """Pages ask GET /version first. Its lists are comma-separated texts, not arrays, and name at least SHA-256.

    A page that splits the texts breaks on arrays, and the person sees that no card software is installed.
    """
    for version in scs.versions():
        with scs.situated(Situation.READY, version) as address:
            row = exchange(address, "GET", "/version").row()
        check.show(f"version {version}", str(row))
        texts = all(isinstance(row.get(name), str) for name in ("version", *_LISTS))
        met = texts and "SHA256" in str(row["hashAlgorithms"])
        check.that(check.case.id, met, "The answer of /version has another shape.", subject=version)


@declares("scs.no-card-lists", "From version 1.2 on the lists are empty without a card", "scs-full-lists")
def no_card_lists(scs: OffersScs, check: Check) -> None:
    """From 1.2 on pages notice a missing card by empty algorithm lists in /version, before anything is signed.

    With full lists the person is asked to sign and only then told to insert the card.
    """
    for version in [v for v in scs.versions() if v >= "1.2"] or _none(check, "The service is older than 1.2."):
        with scs.situated(Situation.NO_CARD, version) as address:
            row = exchange(address, "GET", "/version").row()
        found = str(row.get("hashAlgorithms"))
        check.that(check.case.id, found == "", "The list is not empty without a card.", subject=version, found=found)


@declares("scs.cors", "Every site may read the answers", "scs-without-cors")
def cors(scs: OffersScs, check: Check) -> None:
    """The answers to a page carry Access-Control-Allow-Origin with the origin of the page, or with a star.

    Without it the browser hides the answer from the page that asked.
    """
    with scs.situated(Situation.READY, _version(scs)) as address:
        for reply in (exchange(address, "GET", "/version"), asked(address, CONTENT)):
            found = reply.headers.get("access-control-allow-origin", "")
            _judge(check, found in (ORIGIN, "*"), "The page may not read the answer.", ORIGIN, found)


@declares("scs.preflight", "The preflight of a browser is answered", "scs-without-preflight")
def preflight(scs: OffersScs, check: Check) -> None:
    """A browser asks by OPTIONS before it posts JSON. The service answers 200 and allows POST and Content-Type.

    Without it no request for a signature ever leaves the browser.
    """
    asks = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    with scs.situated(Situation.READY, _version(scs)) as address:
        reply = exchange(address, "OPTIONS", "/sign", headers=asks)
    allowed = " ".join(reply.headers.get(f"access-control-allow-{name}", "") for name in ("methods", "headers"))
    met = reply.status in (200, 204) and "POST" in allowed and "content-type" in allowed.lower()
    _judge(check, met, "The preflight does not allow the request.", "POST, Content-Type", f"{reply.status} {allowed}")


@declares("scs.key-by-usage", "The key usage selects the key", "scs-one-certificate-for-all")
def key_by_usage(scs: OffersScs, check: Check) -> None:
    """nonRepudiation selects the signature key; digitalSignature selects the authentication key.

    The case asks for a signature and for a login, and looks at the certificates that come back.
    """
    version = _version(scs)
    with scs.situated(Situation.READY, version) as address:
        signature = of_service(lambda: client_of(address).sign(CONTENT))
        login = logged_in(address, version)
    for answer, usage in ((signature, SIGNATURE), (login, AUTHENTICATION)):
        found = set(key_usages(answer.chain[0]) or ()) if answer.chain else set()
        _judge(check, usage in found, "Another key was taken.", usage, ", ".join(sorted(found)) or answer.reason_text)


@declares("scs.selector-issuer", "A selector that fits no certificate signs nothing", "scs-ignores-issuers")
def selector_issuer(scs: OffersScs, check: Check) -> None:
    """The page selects by an issuer that the card does not have. The service must answer failed, not sign.

    A page that accepts one authority only would else get a signature that it cannot use.
    """
    with scs.situated(Situation.READY, _version(scs)) as address:
        selector = {"keyusages": [SIGNATURE], "issuers": ["CN=Nobody,O=Nobody,C=FI"]}
        _refused(check, asked(address, CONTENT, selector=selector))


@declares("scs.origin-bound", "A login challenge of another site is not signed", "scs-ignores-origin")
def origin_bound(scs: OffersScs, check: Check) -> None:
    """A page at one address has a login challenge signed that names another. The service must refuse.

    Otherwise any site that a professional visits can log in elsewhere as that professional.
    """
    version = _version(scs)
    with scs.situated(Situation.READY, version) as address:
        answer = logged_in(address, version, origin="https://kela.test.example")
    _judge(check, not answer.ok, "A challenge of another site was signed.", "failed", answer.reason_text)


@declares("scs.challenge-length", "A short login challenge is not signed", "scs-signs-short-challenges")
def challenge_length(scs: OffersScs, check: Check) -> None:
    """A login challenge has at least 64 characters. One of 40 must be refused: it can be guessed or collected."""
    version = _version(scs)
    with scs.situated(Situation.READY, version) as address:
        answer = logged_in(address, version, nonce=_SHORT_NONCE)
    _judge(check, not answer.ok, "A short challenge was signed.", "failed", answer.reason_text)


@declares("scs.replayed-challenge", "A login challenge is signed once", "scs-signs-twice")
def replayed_challenge(scs: OffersScs, check: Check) -> None:
    """A page sends the same login challenge twice. A careful service signs it the first time only.

    It is the web system's duty to send fresh ones; the service is a second guard.
    """
    version, nonce = _version(scs), os.urandom(40).hex()
    with scs.situated(Situation.READY, version) as address:
        first, second = (logged_in(address, version, nonce=nonce) for _ in range(2))
    _judge(check, first.ok and not second.ok, "The challenge was signed again.", "ok, failed", second.reason_text)


@declares("scs.cancelled", "A cancelled PIN signs nothing", "scs-signs-though-cancelled")
def cancelled(scs: OffersScs, check: Check) -> None:
    """The person closes the question for PIN2. The service must answer failed, over HTTP 200, without signature."""
    _fails_when(scs, check, Situation.CANCELS)


@declares("scs.wrong-pin", "A wrong PIN signs nothing", "scs-wrong-pin-is-ok")
def wrong_pin(scs: OffersScs, check: Check) -> None:
    """The person types a wrong PIN2. The service must answer failed: a page reads status and reasonCode together."""
    _fails_when(scs, check, Situation.WRONG_PIN)


@declares("scs.locked-pin", "A locked PIN signs nothing", "scs-locked-with-signature")
def locked_pin(scs: OffersScs, check: Check) -> None:
    """PIN2 is locked. The service must answer failed, and leave signature and chain out."""
    _fails_when(scs, check, Situation.LOCKED)


@declares("scs.no-card", "Without a card nothing is signed", "scs-no-card-code-200")
def no_card(scs: OffersScs, check: Check) -> None:
    """There is no card in the reader. The service must answer failed with another reason code than 200."""
    _fails_when(scs, check, Situation.NO_CARD)


@declares(
    "scs.reason-code",
    "The reason code tells the person's refusal from a fault",
    "scs-one-code-for-all",
    "scs-signs-though-cancelled",
)
def reason_code(scs: OffersScs, check: Check) -> None:
    """The person cancels. One implementation answers 401 then, and 500 for faults; pages word their advice by it.

    The list of codes is not public, so another code is pointed out and never failed.
    """
    with scs.situated(Situation.CANCELS, _version(scs)) as address:
        found = asked(address, CONTENT).row().get("reasonCode")
    _judge(check, found == 401, "The refusal has another reason code.", "401", str(found))


@declares("scs.digest", "A digest is signed as it is", "scs-hashes-digests-again")
def digest(scs: OffersScs, check: Check) -> None:
    """The page sends the SHA-256 digest of a document as contentType digest. The signature must verify over it.

    A service that hashes it once more makes signatures that fit no document.
    """
    value = hashlib.sha256(CONTENT).digest()
    with scs.situated(Situation.READY, _version(scs)) as address:
        answer = of_service(lambda: client_of(address).sign(value, is_digest=True))
    if not answer.ok:
        check.skip("The service says that it signs no digests.")
    _judge(
        check, verifies(answer, value, is_digest=True), "The signature is not over the digest.", "over the digest", ""
    )


@declares("scs.data", "Data are hashed and signed as the answer says", "scs-signs-something-else")
def data(scs: OffersScs, check: Check) -> None:
    """The page sends data. The signature must verify over them with the certificate and algorithm of the answer."""
    with scs.situated(Situation.READY, _version(scs)) as address:
        answer = of_service(lambda: client_of(address).sign(CONTENT))
    _judge(check, verifies(answer, CONTENT), "The signature is not over the data.", "verifies", answer.reason_text)


@declares("scs.hash", "The hash algorithm of the page is honoured", "scs-ignores-hash")
def hash_honoured(scs: OffersScs, check: Check) -> None:
    """The page asks for SHA-512, which /version lists. signatureAlgorithm in the answer must say so."""
    with scs.situated(Situation.READY, _version(scs)) as address:
        answer = of_service(lambda: client_of(address).sign(CONTENT, hash_name="SHA512"))
    _judge(check, answer.hash_name == "SHA512", "Another hash was taken.", "SHA512", answer.signature_algorithm)


@declares("scs.chain", "The chain leads from the card to the root", "scs-leaf-only")
def chain(scs: OffersScs, check: Check) -> None:
    """The answer holds the card's certificate first, then the issuing authority, then the root.

    Relying parties that know the root only need what lies between.
    """
    with scs.situated(Situation.READY, _version(scs)) as address:
        found = of_service(lambda: client_of(address).sign(CONTENT)).chain
    linked = all(one.issuer == above.subject for one, above in itertools.pairwise(found))
    _judge(
        check, linked and len(found) == _CHAIN, "The chain is not whole.", f"{_CHAIN} certificates", str(len(found))
    )


@declares("scs.cms", "A CMS signature is one", "scs-cms-is-a-bare-value")
def cms(scs: OffersScs, check: Check) -> None:
    """The page asks for signatureType cms. The signature must be a CMS SignedData that verifies over the data."""
    with scs.situated(Situation.READY, _version(scs)) as address:
        answer = of_service(lambda: client_of(address).sign(CONTENT, signature_type="cms"))
    if not answer.ok:
        check.skip("The service says that it makes no CMS signatures.")
    _judge(check, verifies(answer, CONTENT), "The CMS signature does not verify.", "SignedData over the data", "")


@declares("scs.large-content", "Two megabytes can be signed", "scs-small-limit")
def large_content(scs: OffersScs, check: Check) -> None:
    """Pages send up to 2 MB. The service must sign as much; a scanned attachment is soon as large."""
    content = CONTENT.ljust(_LARGE, b".")
    with scs.situated(Situation.READY, _version(scs)) as address:
        answer = of_service(lambda: client_of(address).sign(content))
    _judge(check, verifies(answer, content), "2 MB were not signed.", "a signature", answer.reason_text)


@declares("scs.bad-request", "A malformed request is answered, not crashed on", "scs-crashes-on-garbage")
def bad_request(scs: OffersScs, check: Check) -> None:
    """The page sends something that is not JSON. The service must answer failed and serve the next request."""
    with scs.situated(Situation.READY, _version(scs)) as address:
        _refused(check, exchange(address, "POST", "/sign", b"{not json"))
        _judge(check, exchange(address, "GET", "/version").status == 200, "The service is gone.", "200", "")


@declares(
    "scs.transaction",
    "A transaction of 1.3 is carried through",
    "scs-1.3-without-transactions",
    "scs-signs-something-else",
)
def transaction(scs: OffersScs, bench: Bench, check: Check) -> None:
    """From 1.3 on a web server can begin a transaction with its own certificate and have the content encrypted.

    The case begins one, has data signed in it and verifies the signature.
    """
    if "1.3" not in scs.versions():
        check.skip("The service is older than 1.3.")
    shown, origin = bench.kanta_identity, "https://localhost"
    with scs.situated(Situation.READY, "1.3") as address:
        answer = of_service(lambda: client_of(address, origin).begin(shown.certificate, shown.key).execute(CONTENT))
    _judge(check, verifies(answer, CONTENT), "The transaction gave no signature.", "a signature", answer.reason_text)


def _version(scs: OffersScs) -> str:
    return scs.versions()[0]


def _none(check: Check, reason: str) -> list[str]:
    check.skip(reason)
    return []


def _fails_when(scs: OffersScs, check: Check, situation: Situation) -> None:
    with scs.situated(situation, _version(scs)) as address:
        _refused(check, asked(address, CONTENT))


def _refused(check: Check, reply: Reply) -> None:
    """Failed, over HTTP 200, with a reason code other than 200 and without signature."""
    row = reply.row()
    check.show("answer", reply.body.decode("utf-8", "replace"))
    failed = reply.status == 200 and row.get("status") == "failed" and row.get("reasonCode") != 200
    readable = failed and not read_answer(row).ok
    met = readable and "signature" not in row and "chain" not in row
    _judge(
        check, met, "The answer is not a refusal.", "HTTP 200, failed, no signature", f"HTTP {reply.status}, {row}"
    )


def _judge(check: Check, met: bool, message: str, expected: str, found: str) -> None:
    check.that(check.case.id, met, message, expected=expected, found=found[:400])
