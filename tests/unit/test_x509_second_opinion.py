"""pkilint's findings stand beside ours, none twice, each left-out one with its reason; the page shows them safely."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import x509_world as w
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from x509_profile_world import issued_from

from sotepki.cli import run
from sotepki.evidence import Severity, Verdict
from sotepki.x509 import der
from sotepki.x509.lint import lint_certificate
from sotepki.x509.lint_page import lint_page
from sotepki.x509.profiles import load_profiles
from sotepki.x509.reading import certificate_blocks
from sotepki.x509.second_opinion import lint_with_pkilint, load_merging

SOME = ("test-root-ec", "test-sote-person-ca-rsa", "professional-signature-rsa", "professional-authentication-rsa")
SOME += ("citizen-signature-ec", "test-server", "test-system-signature-ec", "test-email-rsa", "ocsp-responder")


@pytest.mark.parametrize("profile_id", SOME)
def test_what_is_issued_has_no_finding_from_either_linter(profile_id: str) -> None:
    report = lint_with_pkilint(issued_from(profile_id), own=True)
    assert {finding.rule for finding in report.findings} <= {"cert.signature.null"}


def test_what_is_left_out_is_told_with_its_reason() -> None:
    report = lint_with_pkilint(issued_from("professional-signature-rsa"))
    left_out = dict(report.left_out)
    assert "VisibleString" in left_out["pkilint.pkix.rfc5280-certificate-policies-invalid-explicit-text-encoding"]


def test_what_only_pkilint_sees_is_added_under_its_name() -> None:
    names = x509.SubjectAlternativeName([x509.DNSName("a.example.fi")])
    certificate = w.odd_certificate(extensions=[(names, True)])
    ours, both = lint_certificate(certificate), lint_with_pkilint(certificate)
    added = {finding.rule: finding for finding in both.findings if finding not in ours.findings}
    critical = added["pkilint.pkix.san-extension-is-critical-non-empty-subject"]
    assert critical.severity is Severity.WARNING and "RFC 5280" in critical.source
    assert added["pkilint.pkix.authority-key-identifier-extension-absent"].severity is Severity.ERROR
    assert both.verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("extensions", "ours", "theirs"),
    [
        ([(x509.BasicConstraints(True, 0), False)], "cert.ca-critical", "basic-constraints-extension-not-critical"),
        ([], "", "authority-key-identifier-extension-absent"),
    ],
)
def test_a_thing_is_said_once(extensions: list[Any], ours: str, theirs: str) -> None:
    """Where our rule spoke, pkilint's is left out; where none did and no profile fits, pkilint's stays."""
    rules = {finding.rule for finding in lint_with_pkilint(w.odd_certificate(extensions=extensions)).findings}
    assert (f"pkilint.pkix.{theirs}" in rules) == (not ours)
    assert not ours or ours in rules


def test_etsi_rules_warn_at_most() -> None:
    """No source says for which sote certificates DVV claims EN 319 412."""
    report = lint_with_pkilint(w.odd_certificate())
    etsi = [finding for finding in report.findings if finding.rule.startswith("pkilint.etsi")]
    assert etsi and all(finding.severity is not Severity.ERROR for finding in etsi)


def test_every_superseded_code_names_a_field_of_some_profile_or_a_rule() -> None:
    fields = {row.field for profile in load_profiles().values() for row in profile.rows}
    for entry in load_merging().superseded.values():
        assert entry.rules or entry.row in fields, entry.code


@given(st.lists(st.tuples(st.integers(min_value=0), st.integers(min_value=0, max_value=255)), min_size=1, max_size=5))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_a_spoilt_certificate_gets_an_answer_from_both(changes: list[tuple[int, int]]) -> None:
    data = bytearray(issued_from("test-server"))
    for place, value in changes:
        data[place % len(data)] = value
    before = logging.getLogger("pkilint").level
    assert lint_with_pkilint(bytes(data)).as_dict()["verdict"] in ("valid", "invalid", "indeterminate")
    assert logging.getLogger("pkilint").level == before


def test_help_and_lint_without_pkilint_do_not_import_it(tmp_path: Path) -> None:
    """pkilint takes half a second to import, which nobody should wait for who does not ask for it."""
    path = tmp_path / "card.der"
    path.write_bytes(issued_from("professional-signature-rsa"))
    script = (
        "import sys; from sotepki.cli import run; "
        f"run(['cert', 'lint', {str(path)!r}, '--no-pkilint']); sys.exit('pkilint' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr


def test_production_certificates_are_known_as_such() -> None:
    """The vendor's real certificate is linted by the production form, and told to be no TEST certificate."""
    from sotepki.x509.what_if import example_certificate

    report = lint_certificate(example_certificate("production-system-signature-ec"))
    assert report.profile_id == "production-system-signature-ec"
    assert "cert.environment.production" in {finding.rule for finding in report.findings}
    assert report.verdict is Verdict.VALID


def test_a_profile_that_nothing_tells_apart_is_named_too() -> None:
    report = lint_certificate(issued_from("actor-signature-rsa"))
    assert (report.profile_id, report.also) == ("personnel-signature-rsa", ("actor-signature-rsa",))


def test_a_name_with_markup_is_only_text_on_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "<script>alert(1)</script>")])
    path = tmp_path / "<b>odd<b>.pem"
    path.write_bytes(w.odd_certificate(subject=evil).public_bytes(Encoding.PEM))
    run(["cert", "lint", str(path), "--format", "html", "--no-pkilint"])
    page = capsys.readouterr().out
    assert page.startswith("<!DOCTYPE html>") and "<script" not in page and "<b>odd" not in page
    assert "&lt;script&gt;alert(1)" in page and "http://" not in page.split("<body>")[0]
    assert "src=" not in page and "href=" not in page


def test_html_is_offered_where_it_is_made_and_nowhere_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cert", "profiles", "--format", "html"]) == 2
    assert "'html' is not one of" in capsys.readouterr().err
    assert "No finding" in lint_page([{"file": "a", "verdict": "valid", "findings": [], "certificates": [empty()]}])


def empty() -> dict[str, Any]:
    return {"subject": "", "verdict": "valid", "profile": "x", "why": [], "also": [], "findings": [], "left_out": []}


def test_a_bundle_gives_its_certificates_also_those_that_strict_readers_refuse() -> None:
    """A PKCS#7 bundle with an EC card certificate in it must not be lost as a whole."""
    chain = [x509.load_der_x509_certificate(issued_from(name)) for name in ("test-root-ec", "test-general-ca-ec")]
    bundle = pkcs7.serialize_certificates(chain, Encoding.DER)
    assert sorted(certificate_blocks(bundle)) == sorted(one.public_bytes(Encoding.DER) for one in chain)
    card = issued_from("citizen-signature-ec")
    content = der.sequence(der.oid("1.2.840.113549.1.7.1"))
    signed = der.sequence(der.integer(1), der.tlv(der.Tag.SET), content, der.explicit(0, card), der.tlv(der.Tag.SET))
    own = der.sequence(der.oid("1.2.840.113549.1.7.2"), der.explicit(0, signed))
    assert certificate_blocks(own) == [card]


def test_show_explains_what_strict_readers_refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "card.der"
    path.write_bytes(issued_from("citizen-authentication-ec"))
    assert run(["cert", "show", str(path), "--format", "json"]) == 0
    fields = json.loads(capsys.readouterr().out)["certificates"][0]["fields"]
    usage = next(field for field in fields if field["field"] == "key-usage")
    assert "sign data that is checked at once" in usage["meaning"] and usage["rule"]


def test_two_certificates_with_one_serial_number_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = w.odd_certificate(serial=77), w.odd_certificate(serial=77, key=w.ec_key("other"))
    pem = first.public_bytes(Encoding.PEM)
    (tmp_path / "a.pem").write_bytes(pem + pem)
    (tmp_path / "b.pem").write_bytes(second.public_bytes(Encoding.PEM))
    files = [str(tmp_path / name) for name in ("a.pem", "b.pem")]
    assert run(["cert", "lint", *files, "--no-pkilint", "--format", "json"]) == 1
    same, other = json.loads(capsys.readouterr().out)
    assert "cert.serial.twice" not in {finding["rule"] for finding in same["findings"]}
    assert "cert.serial.twice" in {finding["rule"] for finding in other["findings"]}
