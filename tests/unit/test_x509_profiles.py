"""Profiles as data: complete, sourced, exact where the field is exact, and no silent typo can enter."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from sotepki.errors import Fault, Misuse
from sotepki.evidence import Basis, Grade, Severity
from sotepki.resources import package_file
from sotepki.x509.names import name_text, read_name
from sotepki.x509.profile_values import KeyUsageValue, PoliciesValue
from sotepki.x509.profiles import find_profile, load_profiles, profile_rules, read_profiles
from sotepki.x509.rulebook import rulebook

FIELD = package_file().parent / "docs" / "field"


def test_the_profiles_of_the_whole_journey_are_there() -> None:
    assert set(load_profiles()) >= {
        "test-root-rsa",
        "test-sote-person-ca-rsa",
        "test-sote-service-ca-rsa",
        "professional-authentication-rsa",
        "professional-signature-rsa",
        "test-server",
        "test-system-signature",
        "ocsp-responder",
    }


def test_every_row_can_be_checked_by_its_reader() -> None:
    """A row without rule text, or with a source that does not exist, would be an unfounded claim."""
    headings = re.findall(r"^#{2,3} (\d+(?:\.\d+)?)", (FIELD / "pki.md").read_text(encoding="utf-8"), re.MULTILINE)
    for profile in load_profiles().values():
        for row in profile.rows:
            assert len(row.rule) > 8 and row.rule.endswith("."), row.id
            cited = re.findall(r"docs/field/pki\.md (\d+(?:\.\d+)?)", row.source)
            assert cited or "RFC" in row.source, row.id
            assert set(cited) <= set(headings), (row.id, cited)


def test_row_ids_are_unique_over_all_profiles_and_the_general_rules() -> None:
    rules = profile_rules(load_profiles())
    assert not set(rules.rules) & set(rulebook().rules)
    assert all(re.fullmatch(r"[a-z0-9.-]+", rule) for rule in (*rules.rules, *rulebook().rules))


def test_no_rule_judges_harder_than_its_evidence() -> None:
    """A vendor must never fail on a guess or on a form that was merely seen."""
    for rule in (*profile_rules(load_profiles()), *rulebook()):
        if rule.grade in (Grade.RECALLED, Grade.UNKNOWN, Grade.INFERRED) or rule.basis is Basis.CHOICE:
            assert rule.effective is not Severity.ERROR, rule.id


def test_the_ca_names_are_the_published_test_names() -> None:
    """Relying software matches on these names to the letter (docs/field/pki.md 2.2)."""
    names = {
        profile.id: name_text(read_name(profile.fixed_name.public_bytes()))
        for profile in load_profiles().values()
        if profile.fixed_name is not None and profile.environment == "test"
    }
    persons = "C=FI, O=Digi- ja vaestotietovirasto TEST, OU=Sosiaali- ja terveydenhuollon testiammattivarmenteet, "
    services = "C=FI, O=Digi- ja vaestotietovirasto TEST, OU=Sosiaali- ja terveydenhuollon testipalveluvarmenteet, "
    general = "C=FI, O=Digi- ja vaestotietovirasto TEST, OU=Testivarmenteet, "
    assert names == {
        "test-root-ec": "C=FI, O=Digi- ja vaestotietovirasto TEST, OU=Certification Authority Services, "
        "OU=Varmennepalvelut, CN=DVV TEST Root CA - G3 ECC",
        "test-sote-person-ca-ec": persons + "CN=DVV TEST Social Welfare and Healthcare Prof. Certs - G2E",
        "test-sote-service-ca-ec": services + "CN=DVV TEST Social Welfare and Healthcare Service Certs - G3E",
        "test-temporary-ca-rsa": persons + "CN=DVV TEST Social Welfare and Healthcare Prof. Temp. Certs - G2R",
        "test-general-ca-rsa": general + "CN=DVV TEST Certificates - G5R",
        "test-general-ca-ec": general + "CN=DVV TEST Certificates - G5E",
        "test-root-rsa": "C=FI, O=Digi- ja vaestotietovirasto TEST, OU=Certification Authority Services, "
        "OU=Varmennepalvelut, CN=DVV TEST Root CA - G3 RSA",
        "test-sote-person-ca-rsa": "C=FI, O=Digi- ja vaestotietovirasto TEST, "
        "OU=Sosiaali- ja terveydenhuollon testiammattivarmenteet, "
        "CN=DVV TEST Social Welfare and Healthcare Prof. Certs - G2R",
        "test-sote-service-ca-rsa": "C=FI, O=Digi- ja vaestotietovirasto TEST, "
        "OU=Sosiaali- ja terveydenhuollon testipalveluvarmenteet, "
        "CN=DVV TEST Social Welfare and Healthcare Service Certs - G3R",
    }


@pytest.mark.parametrize(
    ("profile_id", "order"),
    [
        ("professional-signature-rsa", "country title serial_number pseudonym given_name surname common_name"),
        ("professional-authentication-rsa", "country title serial_number pseudonym given_name surname common_name"),
        ("test-server", "country state locality organisation common_name"),
        (
            "test-system-signature",
            "country state locality organisation organisational_unit serial_number common_name",
        ),
    ],
)
def test_the_subject_order_is_that_of_the_field(profile_id: str, order: str) -> None:
    assert " ".join(name for name, _, _ in load_profiles()[profile_id].subject_rows) == order


@pytest.mark.parametrize(
    ("profile_id", "usages"),
    [
        ("professional-authentication-rsa", ("digitalSignature", "keyEncipherment", "dataEncipherment")),
        ("professional-signature-rsa", ("nonRepudiation",)),
        ("test-server", ("digitalSignature", "keyEncipherment")),
        ("test-system-signature", ("digitalSignature", "nonRepudiation")),
        ("test-root-rsa", ("keyCertSign", "cRLSign")),
    ],
)
def test_the_key_usage_is_that_of_the_field(profile_id: str, usages: tuple[str, ...]) -> None:
    assert load_profiles()[profile_id].value("extension.key-usage", KeyUsageValue).rsa == usages


def test_user_notices_fit_the_limit_and_end_with_the_address_of_their_practice_statement() -> None:
    for profile in load_profiles().values():
        value = profile.find("extension.certificate-policies", PoliciesValue)
        for policy in value.policies if value else ():
            if policy.user_notice:
                assert len(policy.user_notice) <= 200
                assert policy.user_notice.endswith(policy.cps.rstrip("/"))


def test_an_unknown_profile_is_named_with_those_there_are() -> None:
    with pytest.raises(Misuse, match="professional-signature-rsa"):
        find_profile("professional-signature")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(package_file("x509", "profiles"), tmp_path / "profiles")
    return tmp_path / "profiles"


def change(directory: Path, profile_id: str, edit: object) -> None:
    path = directory / f"{profile_id}.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(data)  # type: ignore[operator]
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def row_of(data: dict[str, list[dict[str, object]]], field: str) -> dict[str, object]:
    return next(row for row in data["rows"] if row["field"] == field)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.update(titel="x"), "unknown key 'titel'"),
        (lambda d: d["rows"][1].update(grad="x"), "unknown key 'grad'"),
        (lambda d: d["rows"][1].pop("source"), "lacks source"),
        (lambda d: row_of(d, "key")["value"].update(allowed=["rsa-1023"]), "unknown word 'rsa-1023'"),
        (lambda d: row_of(d, "key")["value"].update(allow=["rsa-2048"]), "unknown key 'allow'"),
        (lambda d: row_of(d, "extension.key-usage").pop("critical"), "criticality of key-usage open"),
        (lambda d: row_of(d, "extension.key-usage")["value"].update(rsa=["nonrepudiation"]), "unknown word"),
        (lambda d: d["rows"].remove(row_of(d, "validity")), "no row for validity"),
        (lambda d: row_of(d, "extension.order")["value"].remove("key-usage"), "orders other extensions"),
        (lambda d: row_of(d, "validity").update(grade="certain"), "not well formed"),
        (lambda d: row_of(d, "validity")["value"].update(days=5), "either years or days"),
        (lambda d: row_of(d, "validity").update(id="cert.other.validity"), "must have an id that begins"),
        (lambda d: d.update(issuers=["nobody"]), "unknown issuer 'nobody'"),
        (lambda d: d.update(id="another"), "its id as file name"),
        (
            lambda d: row_of(d, "extension.certificate-policies")["value"]["policies"][0].update(user_notice="ä" * 9),
            "written in ASCII",
        ),
        (
            lambda d: row_of(d, "extension.certificate-policies")["value"]["policies"][0].update(qualifiers=["cps"]),
            "must come together",
        ),
        (lambda d: row_of(d, "extension.crl-distribution-points")["value"].update(url="ldap://x"), "http address"),
    ],
)
def test_a_typo_in_a_profile_is_refused(copied: Path, edit: object, message: str) -> None:
    """A profile that loads with a typo would issue wrong certificates without a word."""
    change(copied, "professional-signature-rsa", edit)
    with pytest.raises(Fault, match=re.escape(message)):
        read_profiles(copied)


def test_the_json_form_carries_rule_source_and_grade() -> None:
    rows = load_profiles()["test-server"].as_dict()["rows"]
    assert {"id", "rule", "source", "grade", "basis", "value", "critical", "presence"} <= set(rows[0])
