"""Documents whose signer's certificate names a responder, with its kept answers; and CAs with two certificates."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from lxml import etree
from test_documents_revocation import AFTER, BEFORE, crl_of

from sotepki.clock import SetClock
from sotepki.documents import VerificationContext, verify_document
from sotepki.documents.certificates import signer_certificate
from sotepki.documents.corpus import CorpusWorld
from sotepki.documents.corpus.resigning import D, resign
from sotepki.documents.corpus.world import AT, Identity
from sotepki.evidence import Verdict
from sotepki.x509.keys import PrivateKey
from sotepki.x509.ocsp import Responder
from sotepki.x509.status import CertificateState, CertificateStatus

CRL = x509.CertificateRevocationList
ACCESS = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://127.0.0.1/ocsp")
        )
    ]
)


@pytest.fixture(scope="module")
def corpus() -> CorpusWorld:
    """The corpus' world, where one card more names a responder."""
    world = CorpusWorld()
    card = world.identities["card"]
    world.identities["answered"] = Identity(card.key, again(world, card.certificate, "issuing", ACCESS))
    return world


def again(
    world: CorpusWorld,
    certificate: x509.Certificate,
    issuer: str,
    more: x509.ExtensionType | None = None,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
) -> x509.Certificate:
    """A certificate anew, with an extension more or another period."""
    builder = x509.CertificateBuilder(
        certificate.issuer,
        certificate.subject,
        certificate.public_key(),
        x509.random_serial_number(),
        start or certificate.not_valid_before_utc,
        end or certificate.not_valid_after_utc,
    )
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    if more is not None:
        builder = builder.add_extension(more, critical=False)
    return builder.sign(world.identities[issuer].key, hashes.SHA384())


class Said:
    """Records of one state for every certificate."""

    def __init__(self, revoked_at: datetime | None) -> None:
        gone = revoked_at is not None
        self.said = CertificateStatus(
            CertificateState.REVOKED if gone else CertificateState.GOOD,
            revoked_at,
            x509.ReasonFlags.key_compromise if gone else None,
        )

    def status(self, issuer_key_id: bytes, serial_number: int) -> CertificateStatus:
        return self.said


def answer(world: CorpusWorld, revoked_at: datetime | None, key: PrivateKey | None = None) -> ocsp.OCSPResponse:
    """What the issuing CA answers about the card at the time of verification, or another ``key`` in its name."""
    issuing = world.identities["issuing"]
    by = Responder(
        issuing.certificate,
        issuing.certificate,
        key or issuing.key,
        Said(revoked_at),
        SetClock(world.at - timedelta(minutes=5)),
    )
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        world.identities["answered"].certificate, issuing.certificate, hashes.SHA1()
    )
    return ocsp.load_der_ocsp_response(by.respond(builder.build().public_bytes(Encoding.DER)))


def verified(
    world: CorpusWorld, answers: list[ocsp.OCSPResponse], crls: tuple[CRL, ...] = ()
) -> tuple[Verdict, set[str], tuple[str, ...]]:
    context = VerificationContext(
        (world.root,), world.at, world.intermediates, crls=crls, ocsp_responses=tuple(answers), profiles=False
    )
    report = verify_document(world.signed(world.bases["unsigned"], "answered"), context)
    found = {finding.rule for finding in report.findings} - {"path.revocation.ca"}
    return report.verdict, found, tuple(report.signatures[0].revocation.values())


def test_an_answer_says_of_signing_and_of_now_what_a_list_says(corpus: CorpusWorld) -> None:
    """Kept answers would refuse what was signed in the morning, because the card was lost in the afternoon."""
    serial = corpus.identities["answered"].certificate.serial_number
    assert verified(corpus, [answer(corpus, None)]) == (Verdict.VALID, set(), ("good", "good"))
    later = (Verdict.VALID, {"doc.certificate.revoked-later"}, ("good", "revoked"))
    assert verified(corpus, [answer(corpus, AFTER)]) == later
    assert verified(corpus, [], (crl_of(corpus, revoked_at=AFTER, serial=serial),)) == later
    gone = (Verdict.INVALID, {"path.revoked"}, ("revoked", "revoked"))
    assert verified(corpus, [answer(corpus, BEFORE)]) == gone


@pytest.mark.parametrize("revoked_at", [BEFORE, AFTER])
def test_a_forged_answer_revokes_nothing_in_the_report(corpus: CorpusWorld, revoked_at: datetime) -> None:
    """Anybody could have a good signer reported as revoked, in the very report that calls the document valid."""
    forged = answer(corpus, revoked_at, ec.generate_private_key(ec.SECP384R1()))
    good = (Verdict.VALID, set(), ("good", "good"))
    assert verified(corpus, [forged], (crl_of(corpus, revoked_at=None),)) == good
    assert verified(corpus, [answer(corpus, None), forged]) == good
    verdict, found, states = verified(corpus, [forged])
    assert (verdict, found, states) == (Verdict.INVALID, {"path.revocation.missing"}, ("unknown", "unknown"))


def test_the_order_of_a_renewed_cas_certificates_does_not_decide(corpus: CorpusWorld) -> None:
    """A folder of CA certificates is read by name: the new one first would refuse all documents of last year."""
    old = corpus.identities["issuing"].certificate
    after = old.not_valid_after_utc + timedelta(days=1)
    new = again(corpus, old, "root", start=corpus.at - timedelta(minutes=1), end=after)
    for authorities in ((old, new), (new, old)):
        context = VerificationContext((corpus.root,), corpus.at, authorities, profiles=False, revocation=False)
        assert verify_document(corpus.bases["professional"], context).verdict is Verdict.VALID
        standing = signer_certificate(corpus.identities["card"].certificate).among((corpus.root,), authorities)
        assert [standing.chain_at(moment)[1] for moment in (AT, after)] == [old, new], "whose state is asked"


def test_what_is_signed_in_the_last_second_of_a_certificate_is_signed_in_time(corpus: CorpusWorld) -> None:
    """A timestamp with a fraction of the last second would be called late."""
    card = corpus.identities["card"]
    last = AT + timedelta(days=2)
    corpus.identities["ending"] = Identity(card.key, again(corpus, card.certificate, "issuing", end=last))
    signed = corpus.signed(corpus.bases["unsigned"], "ending")
    context = VerificationContext(
        (corpus.root,), last + timedelta(days=9), corpus.intermediates, profiles=False, revocation=False
    )

    def at(moment: str) -> Verdict:
        root = etree.fromstring(signed)
        next(root.iter("{urn:hl7finland}signatureTimestamp")).text = moment
        resign(next(root.iter(f"{D}Signature")), card.key)
        return verify_document(etree.tostring(root), context).verdict

    assert at(last.strftime("%Y-%m-%dT%H:%M:%S.999Z")) is Verdict.VALID
    assert at((last + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")) is Verdict.INVALID
