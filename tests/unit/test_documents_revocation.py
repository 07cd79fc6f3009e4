"""Revocation at the signing time and now, of the signer and of the issuing CA; remembered paths; timestamps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import document_world as world
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from defect_world import defect_world
from lxml import etree
from test_x509_path_strangers import OTHER_LISTS, dated_never, of_a_nameless, other_list

from sotepki.documents import SignatureKind, VerificationContext, families, verify_document
from sotepki.documents.certificate_checks import check_certificate
from sotepki.documents.certificates import signer_certificate
from sotepki.documents.corpus import CorpusWorld
from sotepki.documents.corpus.resigning import D, resign
from sotepki.documents.corpus.world import AT
from sotepki.documents.report import all_rules
from sotepki.documents.revocation_checks import listed
from sotepki.errors import Fault
from sotepki.evidence import Verdict
from sotepki.x509.crl import RevokedEntry, build_crl
from sotepki.x509.defects import Base
from sotepki.x509.defects.catalogue import find_defect
from sotepki.x509.issuer import Issuer
from sotepki.x509.path import Purpose
from sotepki.x509.status import CertificateState, CertificateStatus
from sotepki.xmldsig import Judgement

CRL = x509.CertificateRevocationList
GOOD = CertificateStatus(CertificateState.GOOD)
UNKNOWN = CertificateStatus(CertificateState.UNKNOWN)


def revoked(at: datetime) -> CertificateStatus:
    return CertificateStatus(CertificateState.REVOKED, at, x509.ReasonFlags.key_compromise)


@pytest.fixture(scope="module")
def corpus() -> CorpusWorld:
    return CorpusWorld()


def asked(corpus: CorpusWorld, signer: CertificateStatus, authority: CertificateStatus) -> VerificationContext:
    """A context whose status callable answers for the signer and for the CA."""

    def status(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        return authority if certificate in corpus.intermediates else signer

    return VerificationContext((corpus.root,), corpus.at, corpus.intermediates, status=status, profiles=False)


BEFORE, AFTER = AT - timedelta(hours=1), AT + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("signer", "authority", "verdict", "rules", "states"),
    [
        (GOOD, GOOD, Verdict.VALID, set(), ("good", "good")),
        (revoked(BEFORE), GOOD, Verdict.INVALID, {"doc.certificate.revoked"}, ("revoked", "revoked")),
        (revoked(AFTER), GOOD, Verdict.VALID, {"doc.certificate.revoked-later"}, ("good", "revoked")),
        (UNKNOWN, GOOD, Verdict.INDETERMINATE, {"doc.certificate.status-unknown"}, ("unknown", "unknown")),
        (GOOD, revoked(BEFORE), Verdict.INVALID, {"doc.certificate.ca-revoked"}, ("good", "good")),
        (GOOD, revoked(AFTER), Verdict.VALID, {"doc.certificate.revoked-later"}, ("good", "good")),
        (GOOD, UNKNOWN, Verdict.VALID, {"doc.certificate.ca-status-unknown"}, ("good", "good")),
    ],
)
def test_signer_and_issuing_ca_at_signing_and_now(
    corpus: CorpusWorld,
    signer: CertificateStatus,
    authority: CertificateStatus,
    verdict: Verdict,
    rules: set[str],
    states: tuple[str, str],
) -> None:
    """Revoked before the signature refuses, after it warns; a revoked CA takes everything below it along."""
    report = verify_document(corpus.bases["professional"], asked(corpus, signer, authority))
    assert (report.verdict, {finding.rule for finding in report.findings}) == (verdict, rules)
    assert report.signatures[0].revocation == {"at_signing": states[0], "now": states[1]}


def test_a_ca_that_nobody_answers_for_only_gives_a_notice(corpus: CorpusWorld) -> None:
    """Responders know end-entity certificates; their silence about the CA must not stop the archive."""

    def status(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        if certificate in corpus.intermediates:
            raise Fault("The responder does not answer.")
        return GOOD

    context = VerificationContext((corpus.root,), corpus.at, corpus.intermediates, status=status, profiles=False)
    assert verify_document(corpus.bases["professional"], context).verdict is Verdict.VALID


LATER = AT + timedelta(days=1)


def crl_of(corpus: CorpusWorld, *, revoked_at: datetime | None, key: str = "issuing", serial: int = 0) -> CRL:
    """A revocation list in the name of the issuing CA, signed by that of ``key``."""
    serial = serial or corpus.identities["card"].certificate.serial_number
    entries = [] if revoked_at is None else [RevokedEntry(serial, revoked_at, x509.ReasonFlags.key_compromise)]
    issuer = Issuer(corpus.identities["issuing"].certificate, corpus.identities[key].key)
    return build_crl(
        issuer, entries, number=1, this_update=corpus.at - timedelta(minutes=5), next_update=LATER + timedelta(days=1)
    )


def ocsp_of(corpus: CorpusWorld, *, revoked_at: datetime | None, subject: str = "card") -> ocsp.OCSPResponse:
    """What the issuing CA itself answers about a certificate."""
    issuing = corpus.identities["issuing"]
    gone = revoked_at is not None
    builder = ocsp.OCSPResponseBuilder().add_response(
        corpus.identities[subject].certificate, issuing.certificate, hashes.SHA1(),
        ocsp.OCSPCertStatus.REVOKED if gone else ocsp.OCSPCertStatus.GOOD,
        corpus.at - timedelta(minutes=5), LATER, revoked_at, x509.ReasonFlags.key_compromise if gone else None,
    )  # fmt: skip
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuing.certificate)
    return builder.sign(issuing.key, hashes.SHA256())


@pytest.mark.parametrize(
    ("revoked_at", "verdict", "states", "later"),
    [
        (None, Verdict.VALID, ("good", "good"), False),
        (AFTER, Verdict.VALID, ("good", "revoked"), True),
        (BEFORE, Verdict.INVALID, ("revoked", "revoked"), False),
        (LATER, Verdict.VALID, ("good", "good"), False),
    ],
)
def test_a_list_at_hand_tells_of_signing_and_of_now(
    corpus: CorpusWorld, revoked_at: datetime | None, verdict: Verdict, states: tuple[str, str], later: bool
) -> None:
    """The same with a list instead of a responder; what was revoked after the moment of the look was good then."""
    context = VerificationContext((corpus.root,), corpus.at, corpus.intermediates, profiles=False)
    report = verify_document(
        corpus.bases["professional"], replace(context, crls=(crl_of(corpus, revoked_at=revoked_at),))
    )
    assert report.verdict is verdict
    assert tuple(report.signatures[0].revocation.values()) == states
    assert ("doc.certificate.revoked-later" in {finding.rule for finding in report.findings}) == later


@pytest.mark.parametrize("signed_at", [AT, BEFORE - timedelta(minutes=1)])
@pytest.mark.parametrize(("entries", "scope", "gone"), OTHER_LISTS)
def test_a_list_revokes_what_it_says_and_nothing_else(
    corpus: CorpusWorld,
    entries: list[tuple[x509.ReasonFlags, str]],
    scope: x509.ExtensionType,
    gone: bool,
    signed_at: datetime,
) -> None:
    """A document would be told that its signer's card was revoked, by the entry of a card of another CA."""
    card, issuing = corpus.identities["card"].certificate, corpus.identities["issuing"]
    issuer = Issuer(issuing.certificate, issuing.key)
    crl = other_list(*entries, scope=scope, certificate=card, issuer=issuer, at=BEFORE)
    context = VerificationContext((corpus.root,), corpus.at, corpus.intermediates, crls=(crl,), profiles=False)
    own = Judgement(all_rules())
    state = listed(signer_certificate(card), signed_at, context, own, sound=True)
    assert (state.now is CertificateState.REVOKED) is gone
    assert (state.at_signing is CertificateState.REVOKED) is (gone and signed_at == AT)
    assert [finding.rule for finding in own.findings] == (
        ["doc.certificate.revoked-later"] if gone and signed_at != AT else []
    )


def test_a_list_whose_issuer_cannot_be_read_spoils_nothing(corpus: CorpusWorld) -> None:
    """One such list among many would end a whole batch of documents with a fault of ours."""
    good = crl_of(corpus, revoked_at=None)
    context = VerificationContext(
        (corpus.root,), corpus.at, corpus.intermediates, crls=(of_a_nameless(good), good), profiles=False
    )
    assert verify_document(corpus.bases["professional"], context).verdict is Verdict.VALID


def test_a_revocation_at_a_date_that_no_calendar_has_is_one(corpus: CorpusWorld) -> None:
    """A batch of documents would end with a fault of ours, or take the card for good."""
    issuing = corpus.identities["issuing"]
    odd = dated_never(corpus.identities["card"].certificate, Issuer(issuing.certificate, issuing.key))
    context = VerificationContext((corpus.root,), corpus.at, corpus.intermediates, crls=(odd,), profiles=False)
    report = verify_document(corpus.bases["professional"], context)
    assert report.signatures[0].revocation == {"at_signing": "revoked", "now": "revoked"}


@pytest.mark.parametrize(
    ("subject", "revoked_at", "states", "later"),
    [
        ("card", None, ("good", "good"), False),
        ("card", AFTER, ("good", "revoked"), True),
        ("card", BEFORE, ("revoked", "revoked"), False),
        ("card", LATER, ("good", "good"), False),
        ("system", AFTER, ("good", "good"), False),
    ],
)
def test_a_kept_response_tells_of_its_own_certificate_only(
    corpus: CorpusWorld, subject: str, revoked_at: datetime | None, states: tuple[str, str], later: bool
) -> None:
    """A card that was revoked after it signed would look good now, or one for which another was revoked would not."""
    response = ocsp_of(corpus, revoked_at=revoked_at, subject=subject)
    failed = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    context = VerificationContext(
        (corpus.root,), corpus.at, corpus.intermediates, ocsp_responses=(failed, response), profiles=False
    )
    own, signer = Judgement(all_rules()), signer_certificate(corpus.identities["card"].certificate)
    assert tuple(listed(signer, AT, context, own, sound=True).as_dict().values()) == states
    assert [finding.rule for finding in own.findings] == (["doc.certificate.revoked-later"] if later else [])


def test_what_is_at_hand_of_others_says_nothing(corpus: CorpusWorld) -> None:
    """A list that the CA did not sign, or an answer about another card, would revoke a good one."""
    context = VerificationContext((corpus.root,), corpus.at, corpus.intermediates, profiles=False)
    for foreign in (
        replace(context, crls=(crl_of(corpus, revoked_at=BEFORE, key="card"),)),
        replace(context, ocsp_responses=(ocsp_of(corpus, revoked_at=BEFORE, subject="system"),)),
    ):
        report = verify_document(corpus.bases["professional"], foreign)
        assert report.verdict is Verdict.INVALID, "nothing is known of it"
        assert set(report.signatures[0].revocation.values()) == {"unknown"}
    unknown = verify_document(
        world.signed_by_professional(), replace(context, crls=(crl_of(corpus, revoked_at=BEFORE),))
    )
    assert set(unknown.signatures[0].revocation.values()) == {"unknown"}


def test_an_answer_about_a_certificate_that_names_no_responder_is_said_not_to_count(corpus: CorpusWorld) -> None:
    """That no revocation information was found would send its giver looking for a fault in a good answer."""
    context = VerificationContext((corpus.root,), corpus.at, corpus.intermediates, profiles=False)
    given = replace(context, ocsp_responses=(ocsp_of(corpus, revoked_at=None),))
    found = verify_document(corpus.bases["professional"], given).findings
    (missing,) = (finding for finding in found if finding.rule == "path.revocation.missing")
    assert "names no OCSP responder" in missing.message


def test_lists_are_not_read_where_revocation_is_not_judged_or_a_responder_is_asked(corpus: CorpusWorld) -> None:
    """A stale list would overrule the responder, or refuse a document whose reader did not ask."""
    listing = replace(asked(corpus, GOOD, GOOD), status=None, crls=(crl_of(corpus, revoked_at=BEFORE),))
    document = corpus.bases["professional"]
    assert verify_document(document, listing).verdict is Verdict.INVALID
    unasked = verify_document(document, replace(listing, revocation=False))
    assert (unasked.verdict, unasked.signatures[0].revocation) == (Verdict.VALID, {"at_signing": "", "now": ""})
    answered = verify_document(
        document, replace(asked(corpus, GOOD, GOOD), crls=(crl_of(corpus, revoked_at=BEFORE),))
    )
    assert (answered.verdict, answered.signatures[0].revocation["now"]) == (Verdict.VALID, "good")
    refused = replace(asked(corpus, revoked(BEFORE), GOOD), revocation=False)
    assert verify_document(document, refused).verdict is Verdict.VALID


def test_nobody_is_asked_about_a_certificate_whose_ca_is_not_known(corpus: CorpusWorld) -> None:
    """A responder cannot be asked without the issuer, and its silence may not pass for an answer."""

    def status(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        raise AssertionError("asked")

    report = verify_document(world.signed_by_professional(), replace(asked(corpus, GOOD, GOOD), status=status))
    assert {"doc.certificate.status-unknown", "path.untrusted"} <= {finding.rule for finding in report.findings}
    assert report.signatures[0].revocation == {"at_signing": "unknown", "now": "unknown"}


def test_a_remembered_path_is_not_taken_for_another_root(corpus: CorpusWorld) -> None:
    """Remembering may never carry trust from one context to another."""
    document = corpus.bases["professional"]
    trusting = VerificationContext((corpus.root,), corpus.at, corpus.intermediates, revocation=False)
    assert verify_document(document, trusting).verdict is Verdict.VALID
    other = CorpusWorld()
    distrusting = VerificationContext((other.root,), corpus.at, corpus.intermediates, revocation=False)
    assert verify_document(document, distrusting).verdict is Verdict.INVALID
    without = VerificationContext((corpus.root,), corpus.at, revocation=False)
    assert verify_document(document, without).verdict is Verdict.INVALID


def test_a_remembered_path_is_judged_at_each_documents_own_time(corpus: CorpusWorld) -> None:
    """The same card signs before and after its certificate ends: the first is right, the second is not."""
    context = VerificationContext((corpus.root,), corpus.at + timedelta(days=2000), corpus.intermediates,
                                  revocation=False)  # fmt: skip

    def signed_on(moment: datetime) -> Verdict:
        root = etree.fromstring(corpus.bases["professional"])
        next(root.iter("{urn:hl7finland}signatureTimestamp")).text = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        resign(next(root.iter(f"{D}Signature")), corpus.identities["card"].key)
        return verify_document(etree.tostring(root), context).verdict

    assert signed_on(AT + timedelta(days=1)) is Verdict.VALID
    assert signed_on(AT + timedelta(days=1000)) is Verdict.INVALID
    assert signed_on(AT + timedelta(days=2)) is Verdict.VALID


def test_profiles_are_compared(corpus: CorpusWorld) -> None:
    """A certificate of no national profile is a warning, never a refusal: profiles were merely observed."""
    context = VerificationContext((corpus.root,), corpus.at, corpus.intermediates, revocation=False)
    report = verify_document(corpus.bases["professional"], context)
    assert (report.verdict, [f.rule for f in report.findings]) == (Verdict.VALID, ["doc.certificate.profile"])
    report = verify_document(corpus.bases["professional"], replace(context, profiles=False))
    assert (report.verdict, report.findings) == (Verdict.VALID, ())


def test_a_certificate_of_the_right_profile_that_breaks_it() -> None:
    """A vendor's own test CA makes a mistake: it is named here, not at Kela. A good card gives no finding."""
    card = families()["social-welfare"].signatures[SignatureKind.PROFESSIONAL]
    defects = defect_world()
    issuers = [known.certificate for known in (defects.root, *defects.authorities.values()) if known.certificate]
    context = VerificationContext(issuers[:1], defects.at, issuers[1:], revocation=False)

    def found(certificate: x509.Certificate) -> list[tuple[str, str]]:
        judgement = Judgement(all_rules())
        check_certificate(signer_certificate(certificate), card, defects.at, context, judgement)
        return [(finding.rule, finding.found) for finding in judgement.findings]

    assert found(defects.good(Base.SIGNATURE)) == []
    setting = find_defect("qc-statement-missing").build(defects)
    changed = x509.load_der_x509_certificate(setting.certificate)
    assert found(changed) == [("doc.certificate.profile-breach", "cert.professional-signature-rsa.qc-statements")]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"])
def test_timestamps_at_the_edges_of_time(moment: str, corpus: CorpusWorld) -> None:
    """Adding to the last moment that can be written is an overflow; a fuzzer found it."""

    def at(change: Callable[[etree._Element], None]) -> bytes:
        root = etree.fromstring(world.signed_by_professional())
        change(root)
        return etree.tostring(root)

    document = at(lambda root: setattr(next(root.iter("{urn:hl7finland}signatureTimestamp")), "text", moment))
    assert verify_document(document, world.context()).verdict is Verdict.INVALID


@pytest.mark.parametrize("at", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_verification_at_the_edges_of_time(at: datetime, corpus: CorpusWorld) -> None:
    """'--at 9999-12-31T23:59:59Z', for a verification without end, would be a fault of ours."""
    context = VerificationContext((corpus.root,), at, corpus.intermediates, revocation=False, profiles=False)
    found = {finding.rule for finding in verify_document(corpus.bases["professional"], context).findings}
    assert ("doc.timestamp.future" in found) == (at.year == 1)


def test_what_is_remembered_of_a_signer_depends_on_the_trust_that_is_given(corpus: CorpusWorld) -> None:
    """A verifier that trusts another root must not get the path that was found with the first one."""
    defects = defect_world()
    good = defects.good(Base.SIGNATURE)
    known = [one.certificate for one in (defects.root, *defects.authorities.values()) if one.certificate]
    signer, trust, authorities = signer_certificate(good), (known[0],), tuple(known[1:])
    with_root = signer.among(trust, authorities)
    assert with_root is signer.among((known[0],), tuple(known[1:])), "the same certificates are looked at once"
    assert with_root.issuer in authorities
    assert with_root.good_period(Purpose.CARD_SIGNATURE) is not None
    assert signer.among((corpus.root,), authorities).good_period(Purpose.CARD_SIGNATURE) is None
    assert signer.among(authorities, trust).chain == with_root.chain[:2], "a CA that is trusted itself ends the chain"
    assert signer.among(trust, ()).issuer is None
    for _ in range(40):
        signer.among((x509.load_der_x509_certificate(good.public_bytes(Encoding.DER)),), authorities)
    assert signer.among(trust, authorities).issuer is with_root.issuer, "a bounded memory still answers"


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("2026-03-01T09:15:30", "doc.timestamp.form"),
        ("20260301091530Z", "doc.timestamp.form"),
        ("", "doc.timestamp.form"),
        ("2006-12-31T23:59:59Z", "doc.timestamp.implausible"),
    ],
)
def test_a_moment_that_cannot_be_placed_leaves_the_verdict_open(corpus: CorpusWorld, written: str, rule: str) -> None:
    """Nobody knows whether the card was good at a time without a zone, or before there was a Kanta."""
    root = etree.fromstring(corpus.bases["professional"])
    next(root.iter("{urn:hl7finland}signatureTimestamp")).text = written
    resign(next(root.iter(f"{D}Signature")), corpus.identities["card"].key)
    context = VerificationContext((corpus.root,), corpus.at, corpus.intermediates, revocation=False, profiles=False)
    report = verify_document(etree.tostring(root), context)
    assert rule in {finding.rule for finding in report.findings}
    assert report.signatures[0].intact
    assert report.verdict is Verdict.INDETERMINATE
