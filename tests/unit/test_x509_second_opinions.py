"""Second opinions, trees and fetched data: what is said when judges differ, and that nobody else is ever asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from defect_world import defect_world

from sotepki.errors import Misuse, Refused
from sotepki.evidence import Severity, Verdict
from sotepki.x509.defects import BASES, find_defect
from sotepki.x509.defects.vectors import judge_path, question_about
from sotepki.x509.fetching import at_base, fetch_file
from sotepki.x509.path import Purpose, validate_path
from sotepki.x509.path_tree import Outcome, explain, tree_text
from sotepki.x509.second_opinions import Judge, Opinion, disagreements, openssl_opinion, pyca_opinion


def _purpose(name: str) -> Purpose:
    return Purpose(BASES[find_defect(name).base].purpose)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("good-system", "valid"),
        ("validity-expired", "invalid"),
        ("issuer-impostor", "invalid"),
        ("path-too-long", "invalid"),
    ],
)
def test_pyca_judges_what_it_can_see(name: str, verdict: str) -> None:
    world = defect_world()
    opinion = pyca_opinion(question_about(find_defect(name).build(world), _purpose(name), world.at))
    assert opinion.verdict is Verdict(verdict), opinion.words


def test_an_opinion_that_differs_is_a_warning_and_one_that_cannot_be_had_a_notice() -> None:
    said = [
        Opinion(Judge.OPENSSL, Verdict.INVALID, "error 20"),
        Opinion(Judge.PYCA, Verdict.VALID, "a path was found"),
        Opinion(Judge.OPENSSL, Verdict.INDETERMINATE, "no program"),
    ]
    found = list(disagreements([], said))
    assert [(one.rule, one.severity) for one in found] == [
        ("path.opinion.openssl", Severity.WARNING),
        ("path.opinion.missing", Severity.NOTICE),
    ]
    assert "error 20" in found[0].found


def test_what_a_judge_cannot_see_is_no_disagreement() -> None:
    world = defect_world()
    revoked = find_defect("revoked").build(world)
    _, findings = judge_path(revoked, Purpose.CARD_SIGNATURE, world.at)
    assert not list(disagreements(findings, [Opinion(Judge.PYCA, Verdict.VALID, "")]))
    assert list(disagreements(findings, [Opinion(Judge.OPENSSL, Verdict.VALID, "")]))


def test_without_openssl_there_is_no_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    world = defect_world()
    question = question_about(find_defect("good-system").build(world), Purpose.SYSTEM_SIGNATURE, world.at)
    assert openssl_opinion(question).verdict is Verdict.INDETERMINATE


@pytest.mark.parametrize(
    ("name", "check", "words"),
    [
        ("revoked", "crl", "has it, revoked on"),
        ("crl-forged", "crl", "is not signed by the issuer"),
        ("crl-stale", "crl", "was good until"),
        ("ocsp-revoked", "ocsp", "says revoked on"),
        ("ocsp-unknown", "ocsp", "does not know it"),
        ("ocsp-signature-broken", "ocsp", "does not verify"),
        ("validity-expired", "validity", "so it has ended"),
        ("issuer-not-a-ca", "ca", "not the certificate of a CA"),
        ("path-too-long", "ca", "allows 0 CAs below it"),
        ("issuer-impostor", "signature", "does not verify"),
        ("issuer-unknown", "trust", "Its issuer is not at hand"),
        ("key-usage-signature-combined", "purpose", "allows more than card-signature"),
    ],
)
def test_the_tree_shows_the_reason_where_it_is(name: str, check: str, words: str) -> None:
    world = defect_world()
    setting = find_defect(name).build(world)
    trust = [x509.load_der_x509_certificate(one) for one in setting.trust]
    crls = [x509.load_der_x509_crl(one) for one in setting.crls]
    answers = [x509.ocsp.load_der_ocsp_response(one) for one in setting.ocsp]
    report = validate_path(
        x509.load_der_x509_certificate(setting.certificate),
        trust=trust,
        intermediates=[x509.load_der_x509_certificate(one) for one in setting.issuers],
        at=world.at,
        purpose=_purpose(name),
        crls=crls,
        ocsp_responses=answers,
    )
    nodes = explain(report, trust=trust, crls=crls, ocsp_responses=answers)
    failed = [one for node in nodes for one in node.checks if one.outcome is Outcome.FAILED]
    assert any(one.name == check and words in one.text for one in failed), failed
    assert words in tree_text(report, nodes)


def test_a_strangers_ocsp_answer_does_not_undo_what_the_list_says() -> None:
    """An answer signed by a key of another family stopped the judge once; it must count for nothing."""
    world = defect_world()
    good, strange = find_defect("good-system").build(world), find_defect("ocsp-stranger").build(world)
    verdict, findings = judge_path(replace(good, ocsp=strange.ocsp), Purpose.SYSTEM_SIGNATURE, world.at)
    assert verdict is Verdict.VALID, findings


def test_a_signature_of_another_family_than_the_issuers_key_is_an_invalid_path() -> None:
    world = defect_world()
    good = find_defect("good-system").build(world)
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.load_der_x509_certificate(good.issuers[0])
    leaf = x509.load_der_x509_certificate(good.certificate)
    builder = x509.CertificateBuilder().subject_name(leaf.subject).issuer_name(issuer.subject)
    builder = builder.public_key(key.public_key()).serial_number(77).not_valid_before(leaf.not_valid_before_utc)
    forged = builder.not_valid_after(leaf.not_valid_after_utc).sign(key, hashes.SHA256())
    report = validate_path(
        forged,
        trust=[x509.load_der_x509_certificate(one) for one in good.trust],
        intermediates=[issuer],
        at=world.at,
        purpose=Purpose.SYSTEM_SIGNATURE,
        revocation=False,
    )
    assert not report.valid


def test_only_the_base_address_is_ever_asked() -> None:
    assert (
        at_base("http://127.0.0.1:8880/", "http://proxy.fineid.fi/crl/x.crl?a=b") == "http://127.0.0.1:8880/crl/x.crl"
    )
    with pytest.raises(Misuse):
        fetch_file("file:///etc/passwd")
    with pytest.raises(Refused) as refused:
        fetch_file("http://127.0.0.1:9/crl/x.crl", timeout=2)
    assert refused.value.rule == "fetch.http"
