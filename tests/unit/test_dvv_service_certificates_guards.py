"""Each way in which a rule of service certificates can be broken, and the last that is still good.

The e-service meets every rule once (``test_dvv_service_certificates_rules.py``); a rule with several ways to break it
would lose one of them without a word.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from office_world import CLINIC, CLINIC_ID, COUNTY, COUNTY_ID

from sotepki.dvv.service_certificates.case import ApplicationCase, TechnicalContact
from sotepki.dvv.service_certificates.content import ApplicationKind, ServiceContent, read_content, under_domain
from sotepki.dvv.service_certificates.guards import APPLICATION_GUARDS
from sotepki.evidence import Finding, Grade, Severity, Verdict
from sotepki.identifiers import BusinessId
from sotepki.registers import Organisation
from sotepki.x509.csr import CsrReport

NIGHT = datetime(2026, 3, 2, 21, 59, tzinfo=UTC)
"""One minute before the end of the day in Finland."""
TODAY, YESTERDAY = date(2026, 3, 2), date(2026, 3, 1)

COUNTY_TEST = Organisation(
    COUNTY, "Alue TEST", COUNTY_ID, "wellbeing-services-county", "Testilä", public=True, long_name="Pitkä nimi TEST",
    domains=("county.test.example",),
)  # fmt: skip
CLINIC_TEST = replace(COUNTY_TEST, oid=CLINIC, business_id=CLINIC_ID, kind="clinic", public=False)
VENDOR = replace(COUNTY_TEST, kind="software-vendor")
INTERMEDIARY = replace(COUNTY_TEST, kind="kanta-intermediary", kanta_intermediary=True)
_REQUEST = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(
    ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()
)
CONTACT = TechnicalContact("Tekla Tekninen", "tekla@county.test.example")

SERVER = ApplicationCase(
    NIGHT, "server", COUNTY_TEST, account=COUNTY, contact=CONTACT, key_usages=("client-auth",),
    content=ServiceContent({}, ("kanta.county.test.example",)), domains=frozenset({"county.test.example"}),
    domain_evidence=frozenset({"register"}), units=frozenset({COUNTY.value}), serial="07", named_serial="07",
    revocation_reason="not-needed", return_reason="x", not_after=NIGHT, lapses_after=YESTERDAY,
)  # fmt: skip
SYSTEM = replace(
    SERVER, kind="system-signature", key_usages=(), content=ServiceContent({"serial_number": COUNTY.value})
)
KELA = replace(SYSTEM, kind="kela-signature", content=ServiceContent({"serial_number": "1.2.246.556.1"}))
MAIL = replace(
    SERVER, kind="e-mail", key_usages=(),
    content=ServiceContent({"serial_number": COUNTY_ID.value}, email="team@county.test.example"),
)  # fmt: skip


def mail(address: str) -> ApplicationCase:
    return replace(MAIL, content=ServiceContent({}, email=address))


def server(*names: str, **changes: object) -> ApplicationCase:
    return replace(SERVER, content=ServiceContent({}, names), **changes)  # type: ignore[arg-type]


def contact(**changes: str) -> ApplicationCase:
    return replace(SERVER, contact=replace(CONTACT, **changes))


CONSENT = {"domain_evidence": frozenset({"owner-consent"}), "attachments": frozenset({"domain-owner-consent"})}
LONGEST_DOMAIN = ".".join(["a" * 61] * 4)


@pytest.mark.parametrize(
    ("rule", "case", "words"),
    [
        ("organisation-register", replace(SERVER, organisation=None), "not in THL's"),
        ("account", replace(SERVER, member=False), "not a user"),
        ("type", replace(SERVER, kind="coffee"), "coffee"),
        ("type", MAIL, ""),
        ("system-signature.applicant", replace(SYSTEM, organisation=VENDOR), "neither"),
        ("system-signature.applicant", replace(SYSTEM, organisation=INTERMEDIARY), ""),
        ("system-signature.applicant", SYSTEM, ""),
        ("system-signature.applicant", replace(SERVER, organisation=VENDOR), ""),
        ("kanta-intermediary", replace(SYSTEM, organisation=INTERMEDIARY), "KanTa-välittäjä"),
        ("kanta-intermediary", replace(SYSTEM, organisation=INTERMEDIARY, contact=None), "KanTa-välittäjä"),
        ("kanta-intermediary",
         replace(SYSTEM, organisation=INTERMEDIARY, contact=replace(CONTACT, organisation=" kanta-VÄLITTÄJÄ ")), ""),
        ("kanta-intermediary", replace(SYSTEM, organisation=replace(COUNTY_TEST, kanta_intermediary=True)), ""),
        ("kanta-intermediary", replace(SYSTEM, organisation=VENDOR), ""),
        ("kanta-intermediary", replace(SERVER, organisation=INTERMEDIARY), ""),
        ("kela-signature.applicant", KELA, "is not Kela"),
        ("kela-signature.applicant",
         replace(KELA, organisation=replace(COUNTY_TEST, business_id=BusinessId("0246246-0"))), ""),
        ("kela-signature.applicant", SERVER, ""),
        ("long-name", replace(SERVER, unit_name="Alue TEST"), "'Pitkä nimi TEST'"),
        ("long-name", replace(SERVER, unit_name="pitka  NIMI test"), ""),
        ("long-name", replace(SERVER, unit_name="Alue TEST", organisation=replace(COUNTY_TEST, long_name="")), ""),
        ("long-name", SERVER, ""),
        ("renewal", replace(SERVER, renews=False), "to be renewed"),
        ("renewal", replace(SERVER, renews=True), ""),
        ("renewal", SERVER, ""),
        ("contact", replace(SERVER, contact=None), "no technical contact"),
        ("contact", contact(name=" "), "no technical contact"),
        ("contact", contact(name="a\nb"), "no technical contact"),
        ("contact", contact(organisation="a\nb"), "no technical contact"),
        ("contact", contact(name="x" * 201), "more than 200"),
        ("contact", contact(organisation="x" * 201), "more than 200"),
        ("contact", contact(name="x" * 200, organisation="x" * 200), ""),
        ("contact", contact(name="Tekla 010181-900C"), "identity code"),
        ("contact", contact(organisation="010181-900C"), "identity code"),
        ("contact", contact(email="tekla"), "plain e-mail"),
        ("contact", contact(email=f"team@{LONGEST_DOMAIN}.example.fi"), "plain e-mail"),
        ("contact", contact(shared_mailbox="<b@x.fi>"), "plain e-mail"),
        ("contact", contact(shared_mailbox="team@county.test.example"), ""),
        ("contact.application", replace(SERVER, link_fits=False), "not the one that was mailed"),
        ("extended-key-usage", replace(SYSTEM, key_usages=("client-auth",)), "has no extended key usage"),
        ("extended-key-usage", replace(SERVER, key_usages=("client-auth", "code-signing")), "'code-signing'"),
        ("extended-key-usage", replace(SERVER, key_usages=()), "was not chosen"),
        ("extended-key-usage", SERVER, ""),
        ("extended-key-usage", SYSTEM, ""),
        ("server.domain", server("kanta.county.test.example", "b.other.test.example"), "b.other.test.example"),
        ("server.domain", server("evilcounty.test.example"), "domains are: county.test.example."),
        ("server.domain", server("a.b.example", domains=frozenset()), "domains are: none."),
        ("server.domain", server("a.county.test.example", domain_evidence=frozenset()), "a.county"),
        ("server.domain", server("b.other.test.example", **CONSENT), ""),
        ("server.domain", server("b.other.test.example", **{**CONSENT, "attachments": frozenset()}), "b.other"),
        ("server.domain", server("b.other.test.example", attachments=CONSENT["attachments"]), "b.other"),
        ("server.domain", SERVER, ""),
        ("server.domain", replace(SYSTEM, content=ServiceContent({}, ("b.other.test.example",))), ""),
        ("e-mail.address", mail(""), "no e-mail address"),
        ("e-mail.address", mail("team"), "not a plain"),
        ("e-mail.address", mail(f"team@{LONGEST_DOMAIN}.county.test.example"), "not a plain"),
        ("e-mail.address", mail("team@other.test.example"), "not under a domain"),
        ("e-mail.address", mail("team@sub.county.test.example"), ""),
        ("e-mail.address", SERVER, ""),
        ("e-mail.business-id", replace(MAIL, organisation=CLINIC_TEST), "not the Business ID"),
        ("e-mail.business-id", MAIL, ""),
        ("e-mail.business-id", mail("x"), ""),
        ("e-mail.business-id", replace(SYSTEM, organisation=CLINIC_TEST), ""),
        ("kela-signature.oid", replace(KELA, content=SYSTEM.content), "not an OID of Kela"),
        ("kela-signature.oid",
         replace(KELA, content=ServiceContent({"serial_number": "1.2.246.5561.1"})), "not an OID of Kela"),
        ("kela-signature.oid", KELA, ""),
        ("kela-signature.oid", SYSTEM, ""),
        ("system-signature.organisation-oid", replace(SYSTEM, units=frozenset()), COUNTY.value),
        ("system-signature.organisation-oid",
         replace(SYSTEM, content=ServiceContent({"serial_number": "x"})), f"OID, which is {COUNTY.value}"),
        ("system-signature.organisation-oid", SYSTEM, ""),
        ("system-signature.organisation-oid", KELA, ""),
        ("organisation-name",
         replace(SERVER, content=ServiceContent({"organisation": "Alue TEST"}, named_organisation="Muu")), "'Muu'"),
        ("organisation-name", SERVER, ""),
        ("content-not-carried", replace(SERVER, content=ServiceContent({}, left_out=("CN=x",))), "CN=x"),
        ("content-not-carried", SERVER, ""),
        ("return-reason", replace(SERVER, return_reason=" "), "No reason"),
        ("return-reason", replace(SERVER, return_reason="x" * 501), "501 characters"),
        ("return-reason", replace(SERVER, return_reason="of 010181-900C"), "identity code"),
        ("return-reason", replace(SERVER, return_reason="x" * 500), ""),
        ("power-of-attorney", replace(SERVER, account=CLINIC), "another organisation"),
        ("power-of-attorney", replace(SERVER, account=CLINIC, attachments=frozenset({"power-of-attorney"})), ""),
        ("power-of-attorney", SERVER, ""),
        ("conformity-certificate", replace(SYSTEM, organisation=CLINIC_TEST), "certificate of conformity"),
        ("conformity-certificate", replace(SYSTEM, organisation=CLINIC_TEST, as_production=True), ""),
        ("conformity-certificate",
         replace(SYSTEM, organisation=CLINIC_TEST, attachments=frozenset({"conformity-certificate"})), ""),
        ("conformity-certificate", replace(SERVER, organisation=CLINIC_TEST), ""),
        ("conformity-certificate", SYSTEM, ""),
        ("conformity-certificate.production",
         replace(SYSTEM, organisation=CLINIC_TEST, as_production=True), "certificate of conformity"),
        ("conformity-certificate.production", replace(SYSTEM, organisation=CLINIC_TEST), ""),
        ("lapse", replace(SERVER, lapses_after=TODAY), "has not ended"),
        ("lapse", SERVER, ""),
        ("expiry", SERVER, "has not ended"),
        ("expiry", replace(SERVER, not_after=NIGHT - timedelta(seconds=1)), ""),
        ("expiry", replace(SERVER, not_after=None), "has not ended"),
        ("revocation-serial", replace(SERVER, named_serial="08"), "'08'"),
        ("revocation-serial", SERVER, ""),
        ("revocation-reason", replace(SERVER, revocation_reason="boredom"), "'boredom'"),
        ("revocation-reason", SERVER, ""),
        ("revocation-reason.dvv", replace(SERVER, revocation_reason="misuse-suspected"), "for DVV to give"),
        ("revocation-reason.dvv", replace(SERVER, revocation_reason="misuse-suspected", role="dvv"), ""),
        ("revocation-reason.dvv", SERVER, ""),
    ],
)  # fmt: skip
def test_an_application_is_refused_for_this_and_not_for_that(rule: str, case: ApplicationCase, words: str) -> None:
    objection = APPLICATION_GUARDS[f"application.{rule}"](case)
    assert (objection is None) == (not words), objection
    assert words in str(objection)


@pytest.mark.parametrize("case", [SERVER, SYSTEM, KELA, MAIL], ids=lambda case: case.kind)
def test_of_what_is_not_known_yet_only_its_own_rule_speaks(case: ApplicationCase) -> None:
    """The list of what stands in the way of an application asks every rule, also before there is a request."""
    bare = replace(case, organisation=None, content=None, report=None, lapses_after=None, unit_name="Alue TEST")
    against = {rule.removeprefix("application.") for rule, guard in APPLICATION_GUARDS.items() if guard(bare)}
    assert against == {"organisation-register", "csr-missing", "lapse", "expiry"}
    known = replace(case, content=None)
    assert not {rule for rule in APPLICATION_GUARDS if rule.endswith("oid") and APPLICATION_GUARDS[rule](known)}
    nobody = replace(case, organisation=None)
    assert not APPLICATION_GUARDS["application.e-mail.business-id"](nobody)


def test_a_request_is_judged_by_its_errors_and_each_is_named() -> None:
    weak, odd = (Finding(rule, severity, f"{rule} is bad.", source="x", grade=Grade.CONFIRMED, advice=advice)
                 for rule, severity, advice in (("csr.key", Severity.ERROR, "Take another key."),
                                                ("csr.odd", Severity.WARNING, "x")))  # fmt: skip
    guard = APPLICATION_GUARDS["application.csr"]
    assert guard(replace(SERVER, report=CsrReport(Verdict.VALID, (odd,), csr=_REQUEST))) is None
    refused = guard(replace(SERVER, report=CsrReport(Verdict.INVALID, (odd, weak, weak), csr=_REQUEST)))
    assert refused is not None and refused.advice == "Take another key."
    assert "csr.key is bad (csr.key)" in refused.sentence and "csr.odd" not in refused.sentence
    for report in (CsrReport(Verdict.VALID, ()), CsrReport(Verdict.INDETERMINATE, (odd,), csr=_REQUEST)):
        unread = guard(replace(SERVER, report=report))
        assert unread is not None and "cannot be read" in unread.sentence
    assert APPLICATION_GUARDS["application.csr-missing"](replace(SERVER, report=CsrReport(Verdict.VALID, ()))) is None


def content(kind: ApplicationKind, subject: dict[str, str], **more: tuple[str, ...]) -> ServiceContent:
    return read_content(CsrReport(Verdict.VALID, (), _REQUEST, subject, **more), kind, COUNTY_TEST)  # type: ignore[arg-type]


@pytest.mark.parametrize("named", ["", "ALUE  test", "Pitkä nimi TEST", "Pitka nimi TEST"])
def test_the_certificate_names_the_organisation_of_the_register(named: str) -> None:
    found = content(ApplicationKind.SERVER, {"organisation": named, "locality": " "}, dns_names=("a.test.example",))
    assert found.subject["organisation"] == (named or "Alue TEST") and found.named_organisation == ""
    assert found.subject["locality"] == "Testilä"


def test_another_organisation_is_not_named_and_the_applicant_is_told() -> None:
    found = content(ApplicationKind.SERVER, {"organisation": "Muu Oy"}, dns_names=("a.test.example",))
    assert (found.subject["organisation"], found.named_organisation) == ("Alue TEST", "Muu Oy")
    kela = content(ApplicationKind.KELA_SIGNATURE, {"organisation": "Kansaneläkelaitos"})
    assert (kela.subject["organisation"], kela.subject["organisational_unit"]) == ("Kansanelakelaitos", "Kanta")
    assert kela.named_organisation == ""


def test_a_server_is_named_by_its_hosts_and_what_is_left_out_is_told() -> None:
    names = ("A.test.example", "b.test.example")
    given = {"common_name": "B.TEST.example", "state": "Lappi", "locality": "Kylä", "title": "x"}
    found = content(ApplicationKind.SERVER, given, dns_names=names, ip_addresses=("127.0.0.1",), emails=("a@b.fi",))
    assert found.dns_names == ("a.test.example", "b.test.example")
    assert [found.subject[part] for part in ("common_name", "state", "locality")] == [
        "b.test.example",
        "Lappi",
        "Kylä",
    ]
    assert found.left_out == ("127.0.0.1", "a@b.fi", "title=x")
    other = content(ApplicationKind.SERVER, {"common_name": "Palvelin"}, dns_names=names)
    assert (other.subject["common_name"], other.left_out) == ("a.test.example", ("CN=Palvelin",))
    assert "common_name" not in content(ApplicationKind.SERVER, {"common_name": "x"}).subject
    assert content(ApplicationKind.SERVER, {}, dns_names=names).left_out == ()


def test_repeated_values_and_names_of_other_kinds_are_told_as_left_out() -> None:
    """Who asked for a second name in the certificate is not told that it is missing, and installs it."""
    found = content(
        ApplicationKind.SERVER, {}, dns_names=("a.test.example",), more_subject=("O=Muu",), other_names=("URI:a:b",)
    )
    assert found.left_out == ("O=Muu", "URI:a:b")


def test_a_system_bears_its_own_oid_or_the_applicants_and_a_mailbox_its_address() -> None:
    system = content(
        ApplicationKind.SYSTEM_SIGNATURE, {"common_name": "Kaiku"}, dns_names=("Kaiku", "a.test.example")
    )
    assert (system.subject["common_name"], system.subject["serial_number"]) == ("Kaiku", COUNTY.value)
    assert system.left_out == ("a.test.example",) and system.dns_names == ()
    assert content(ApplicationKind.SYSTEM_SIGNATURE, {"serial_number": "1.2.3"}).subject["serial_number"] == "1.2.3"
    box = content(ApplicationKind.EMAIL, {}, emails=("a@b.fi", "c@d.fi"), dns_names=("x.test.example",))
    assert (box.email, box.left_out, box.subject["common_name"]) == (
        "a@b.fi",
        ("c@d.fi", "x.test.example"),
        "Alue TEST",
    )
    assert "serial_number" not in box.subject
    assert content(ApplicationKind.EMAIL, {"serial_number": "9900001-8"}).subject["serial_number"] == "9900001-8"


@pytest.mark.parametrize(
    ("host", "under"),
    [
        ("county.test.example", True),
        ("*.County.test.example.", True),
        ("evilcounty.test.example", False),
        ("test.example", False),
        ("county.test.example.evil.example", False),
    ],
)
def test_a_host_is_under_a_domain_label_by_label(host: str, under: bool) -> None:
    assert under_domain(host, frozenset({"county.test.example", "second.test.example"})) is under
