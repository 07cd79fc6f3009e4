"""Every rule of the e-service for service certificates refuses (or warns) what it should, and says so by its id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from office_world import (
    CLINIC,
    COUNTY,
    HOSPITAL,
    INTERMEDIARY,
    NURSE,
    PHYSICIAN,
    STRANGER,
    VENDOR,
    World,
    make_world,
)

from sotepki.dvv.claims import exclusive
from sotepki.dvv.service_certificates.case import ApplicationCase
from sotepki.dvv.service_certificates.customer import Application, ServiceCertificates, TechnicalContact
from sotepki.dvv.service_certificates.data import application_machine, certificate_machine, service_rules
from sotepki.dvv.service_certificates.guards import APPLICATION_GUARDS
from sotepki.dvv.service_certificates.tables import ApplicationRow
from sotepki.errors import Misuse, Refused
from sotepki.evidence import Basis, Grade, Severity
from sotepki.identifiers import BusinessId, Oid
from sotepki.registers import Organisation
from sotepki.states import StateMachine

CONTACT = TechnicalContact("Tekla Tekninen", "tekla@vendor.test.example", "Ohjelmistotalo Oy TEST")
UNKNOWN = Oid("1.2.246.10.1.10.0")
KELA = Oid("1.2.246.10.2462460.10.0")
HOST = "kanta.tunturilaakso.test.example"


@dataclass
class Service:
    """The e-service with open accounts of four organisations, all used by one person."""

    world: World
    service: ServiceCertificates

    def apply(self, organisation: Oid = COUNTY, kind: str = "server", **more: object) -> str:
        arguments = {"user": PHYSICIAN, "contact": CONTACT, **more}
        return self.service.apply(organisation=organisation, kind=kind, **arguments)  # type: ignore[arg-type]

    def submitted(self, organisation: Oid = COUNTY, kind: str = "server", csr: bytes = b"", **more: object) -> str:
        application = self.apply(organisation, kind, **more)
        self.service.attach_csr(application, csr or (server_csr() if kind == "server" else system_csr(organisation)))
        return application

    def issued(self, **more: object) -> Application:
        return self.service.process(self.submitted(**more))  # type: ignore[arg-type]


def csr(
    names: dict[x509.ObjectIdentifier, str],
    hosts: tuple[str, ...] = (),
    others: tuple[x509.GeneralName, ...] = (),
    key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """A request in PEM."""
    attributes = [x509.NameAttribute(oid, value) for oid, value in names.items()]
    builder = x509.CertificateSigningRequestBuilder(x509.Name(attributes))
    alternatives = [*(x509.DNSName(host) for host in hosts), *others]
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM)


def server_csr(host: str = HOST, organisation: str = "Tunturilaakson hyvinvointialue TEST", **more: object) -> bytes:
    names = {
        NameOID.COUNTRY_NAME: "FI",
        NameOID.STATE_OR_PROVINCE_NAME: "Finland",
        NameOID.LOCALITY_NAME: "Testila",
        NameOID.ORGANIZATION_NAME: organisation,
        NameOID.COMMON_NAME: host,
    }
    return csr(names, (host,), **more)  # type: ignore[arg-type]


def system_csr(organisation: Oid | str = COUNTY, name: str = "Tunturilaakson hyvinvointialue TEST") -> bytes:
    return csr(
        {
            NameOID.COUNTRY_NAME: "FI",
            NameOID.STATE_OR_PROVINCE_NAME: "Finland",
            NameOID.LOCALITY_NAME: "Testila",
            NameOID.ORGANIZATION_NAME: name,
            NameOID.SERIAL_NUMBER: str(organisation),
            NameOID.COMMON_NAME: "Testijarjestelma",
        }
    )


def kela_csr(number: str = "1.2.246.556.12002.21") -> bytes:
    return system_csr(number, "Kansanelakelaitos")


def email_csr(address: str = "kirjaamo@tunturilaakso.test.example", number: str = "9900001-8") -> bytes:
    names = {
        NameOID.COUNTRY_NAME: "FI",
        NameOID.STATE_OR_PROVINCE_NAME: "Finland",
        NameOID.LOCALITY_NAME: "Testila",
        NameOID.ORGANIZATION_NAME: "Tunturilaakson hyvinvointialue TEST",
        NameOID.SERIAL_NUMBER: number,
        NameOID.COMMON_NAME: "Kirjaamo TEST",
    }
    return csr(names, others=(x509.RFC822Name(address),) if address else ())


def make_service(directory: Path) -> Service:
    world = make_world(directory)
    service = ServiceCertificates(world.records, world.authorities, world.organisations)
    world.organisations.known[KELA] = Organisation(
        KELA, "Kansaneläkelaitos TEST", BusinessId("0246246-0"), "authority", "Helsinki", True
    )
    for organisation in (COUNTY, HOSPITAL, CLINIC, VENDOR, INTERMEDIARY, KELA):
        service.open_account(organisation, user=PHYSICIAN)
    return Service(world, service)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_service(tmp_path)


def processed_by_another(service: Service) -> None:
    application = service.submitted()
    claims = service.world.records.outbox_directory.parent / "claims"
    with exclusive(claims, f"application-{application}") as free:
        assert free
        service.service.process(application)


def foreign_link(service: Service) -> None:
    service.apply()
    (mail,) = service.world.outbox("emails")
    code = mail.read_text().split("--link ")[1].split()[0]
    service.service.attach_csr(service.apply(), server_csr(), link=code)


def revoke(service: Service, *, serial: str = "", reason: str = "not-needed", actor: str = "customer") -> None:
    found = service.issued()
    service.service.request_revocation(found.id, serial=serial or found.serial, reason=reason, actor=actor)


def too_early(service: Service, machine: StateMachine, step: str) -> None:
    now = service.world.clock.now()
    case = ApplicationCase(now, "server", lapses_after=now.date(), not_after=now)
    machine.step(step, state=next(iter(machine.transitions[step].sources)), actor="clock",
                 guards=APPLICATION_GUARDS, case=case, subject="test")  # fmt: skip


def completed_without_csr(service: Service) -> None:
    application = service.apply()
    with service.world.records.change("dvv", "test") as tx:
        row = tx.session.get_one(ApplicationRow, int(application[1:]))
        row.state = "returned"
        tx.journal("test", application)
    service.service.complete(application)


REFUSALS: dict[str, Callable[[Service], object]] = {
    "account.organisation-register": lambda s: s.service.open_account(UNKNOWN, user=PHYSICIAN),
    "account.strong-identification": lambda s: s.service.open_account(
        COUNTY, user=NURSE, identified_with="friendly-face"
    ),
    "account.card-login": lambda s: s.service.open_account(COUNTY, user=NURSE, identified_with="certificate-card"),
    "application.state": lambda s: s.service.collect(s.submitted()),
    "application.actor": lambda s: revoke(s, actor="somebody"),
    "application.organisation-register": lambda s: s.apply(UNKNOWN),
    "application.account": lambda s: s.apply(user=STRANGER),
    "application.type": lambda s: s.apply(kind="code-signing"),
    "application.system-signature.applicant": lambda s: s.apply(VENDOR, "system-signature"),
    "application.kanta-intermediary": lambda s: s.apply(INTERMEDIARY, "system-signature"),
    "application.kela-signature.applicant": lambda s: s.apply(kind="kela-signature"),
    "application.kela-signature.oid": lambda s: s.submitted(KELA, "kela-signature", csr=kela_csr(COUNTY.value)),
    "application.e-mail.address": lambda s: s.submitted(kind="e-mail", csr=email_csr("kirjaamo@vendor.test.example")),
    "application.e-mail.business-id": lambda s: s.submitted(kind="e-mail", csr=email_csr(number="9900003-4")),
    "application.long-name": lambda s: s.apply(unit_name="Naapurin hyvinvointialue TEST"),
    "application.renewal": lambda s: s.apply(renewal_of=s.submitted()),
    "application.csr-missing": completed_without_csr,
    "application.conformity-certificate.production": lambda s: s.service.process(
        s.submitted(CLINIC, "system-signature", as_production=True)
    ),
    "application.lapse": lambda s: too_early(s, application_machine(), "lapse"),
    "application.expiry": lambda s: too_early(s, certificate_machine(), "expire"),
    "application.contact": lambda s: s.apply(contact=TechnicalContact("Tekla", "tekla at vendor")),
    "application.contact.application": foreign_link,
    "application.extended-key-usage": lambda s: s.apply(key_usages=("code-signing",)),
    "application.csr": lambda s: s.service.attach_csr(s.apply(), b"not a request"),
    "application.server.domain": lambda s: s.submitted(csr=server_csr("kanta.vendor.test.example")),
    "application.system-signature.organisation-oid": lambda s: s.submitted(
        kind="system-signature", csr=system_csr(CLINIC)
    ),
    "application.return-reason": lambda s: s.service.return_application(s.submitted(), " "),
    "application.power-of-attorney": lambda s: s.service.process(s.submitted(account=VENDOR)),
    "application.processing-claim": processed_by_another,
    "application.revocation-serial": lambda s: revoke(s, serial="abcdef"),
    "application.revocation-reason": lambda s: revoke(s, reason="bored"),
    "application.revocation-reason.dvv": lambda s: revoke(s, reason="misuse-suspected"),
}

WARNINGS: dict[str, Callable[[Service], Application]] = {
    "application.organisation-name": lambda s: s.service.attach_csr(
        s.apply(), server_csr(organisation="Somebody else")
    ),
    "application.content-not-carried": lambda s: s.service.attach_csr(
        s.apply(), csr({NameOID.COMMON_NAME: HOST, NameOID.TITLE: "Dr"}, (HOST,))
    ),
    "application.conformity-certificate": lambda s: s.service.process(s.submitted(CLINIC, "system-signature")),
}


@pytest.mark.parametrize("rule", REFUSALS)
def test_rule_refuses(service: Service, rule: str) -> None:
    """A step against the rule is refused under its id, with advice, and the refusal is journalled."""
    with pytest.raises(Refused) as refused:
        REFUSALS[rule](service)
    assert refused.value.rule == rule
    assert refused.value.advice
    if rule not in ("application.state", "application.lapse", "application.expiry"):
        assert any(action == "refused" and rule in details for _, action, _, details in service.world.journal())


@pytest.mark.parametrize("rule", WARNINGS)
def test_rule_warns(service: Service, rule: str) -> None:
    """A rule that only warns lets the step through and says so."""
    assert rule in [finding.rule for finding in WARNINGS[rule](service).findings]


@pytest.mark.parametrize(
    "host",
    ["tunturilaakso.test.example", "a.b.tunturilaakso.test.example", "KANTA.Tunturilaakso.TEST.example"],
)
def test_hosts_under_the_domain(service: Service, host: str) -> None:
    """The domain itself and every name under it belong to the organisation, whatever the case of the letters."""
    assert service.service.process(service.submitted(csr=server_csr(host))).state == "issued"


@pytest.mark.parametrize(
    "host", ["eviltunturilaakso.test.example", "tunturilaakso.test.example.evil.example", "test.example"]
)
def test_hosts_beside_the_domain(service: Service, host: str) -> None:
    """A name that only looks like the domain is refused: otherwise anybody could get it."""
    with pytest.raises(Refused) as refused:
        service.submitted(csr=server_csr(host))
    assert refused.value.rule == "application.server.domain"


def test_unit_uses_the_domain_of_the_organisation_above_not_the_other_way(service: Service) -> None:
    """A hospital may use its county's domain; the county's host under the hospital's domain is under its own too."""
    assert service.submitted(HOSPITAL, csr=server_csr())
    assert service.submitted(CLINIC, csr=server_csr("kanta.clinic.test.example"))
    with pytest.raises(Refused):
        service.submitted(CLINIC, csr=server_csr())


def test_every_host_must_be_controlled(service: Service) -> None:
    """One foreign name among good ones is enough to refuse."""
    names = {NameOID.COMMON_NAME: HOST}
    with pytest.raises(Refused, match=r"foreign\.example"):
        service.submitted(csr=csr(names, (HOST, "foreign.example")))


def test_system_signature_of_a_unit(service: Service) -> None:
    """The serialNumber may be the OID of a unit of the same organisation, not of another's, and not a Y-tunnus."""
    assert service.submitted(COUNTY, "system-signature", csr=system_csr(HOSPITAL))
    for foreign in (CLINIC, "9900001-8", "1.2.246.10.99000018.10.4711"):
        with pytest.raises(Refused) as refused:
            service.submitted(COUNTY, "system-signature", csr=system_csr(foreign))
        assert refused.value.rule == "application.system-signature.organisation-oid"


@pytest.mark.parametrize("mark", ["KanTa-välittäjä", "Kanta-välittäjä", " kanta-välittäjä "])
def test_intermediary_in_its_own_name(service: Service, mark: str) -> None:
    """A Kanta intermediary gets a system signature certificate when the contact's organisation says what it is."""
    contact = TechnicalContact("Silja Silta", "silja@silta.test.example", mark)
    application = service.apply(INTERMEDIARY, "system-signature", contact=contact)
    name = "Silta Oy TEST"
    assert service.service.attach_csr(application, system_csr(INTERMEDIARY, name)).state == "submitted"


@pytest.mark.parametrize(
    "email", ["a@b", "a@b.fi\nBcc: c@d.fi", "a@b.fi, c@d.fi", "ä@b.fi", "@b.fi", "a" * 300 + "@b.fi", ""]
)
def test_address_that_is_not_plain(service: Service, email: str) -> None:
    """An address that could change the mail's header, or reach somebody else, is not taken."""
    for contact in (TechnicalContact("T", email), TechnicalContact("T", "a@b.fi", "", email or "x")):
        with pytest.raises(Refused) as refused:
            service.apply(contact=contact)
        assert refused.value.rule == "application.contact"


@pytest.mark.parametrize("reason", ["", "x" * 501, "Who is 010181-900C?"])
def test_reason_that_cannot_be_mailed(service: Service, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        service.service.return_application(service.submitted(), reason)
    assert refused.value.rule == "application.return-reason"


@pytest.mark.parametrize("name", ["", "x" * 201, "a\nb", "010181-900C"])
def test_contact_that_cannot_be_written_to(service: Service, name: str) -> None:
    """A name longer than its column fails the application on PostgreSQL; an identity code would be mailed about."""
    for contact in (TechnicalContact(name, "a@b.fi"), TechnicalContact("T", "a@b.fi", name or "\n")):
        with pytest.raises(Refused) as refused:
            service.apply(contact=contact)
        assert refused.value.rule == "application.contact"


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 100, b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", b"\x30\x84" + b"\xff" * 99]
)
def test_bad_bytes_are_refused(service: Service, data: bytes) -> None:
    """Whatever is uploaded, the application waits unchanged for a proper request."""
    application = service.apply()
    with pytest.raises(Refused) as refused:
        service.service.attach_csr(application, data)
    assert refused.value.rule == "application.csr"
    assert service.service.application(application).state == "awaiting-csr"


def test_huge_upload_is_refused_quickly(service: Service) -> None:
    """50 MB of anything are not parsed."""
    with pytest.raises(Refused):
        service.service.attach_csr(service.apply(), b"A" * 50_000_000)


def test_unknown_ids_and_attachments_are_misuse(service: Service) -> None:
    """A typing error in an id is not a refusal by a rule."""
    for call in (
        lambda: service.service.process("S000099"),
        lambda: service.service.attach_csr("nonsense", server_csr()),
        lambda: service.service.collect("S" * 999),
        lambda: service.service.attach_document(service.apply(), "love-letter", "a.pdf", b"x"),
        lambda: service.service.applications(state="nowhere"),
    ):
        with pytest.raises(Misuse):
            call()


def test_invited_colleague_may_apply_and_a_stranger_may_not_invite(service: Service) -> None:
    """The first user brings colleagues in; nobody else does."""
    service.service.invite(COUNTY, by=PHYSICIAN, user=NURSE)
    assert service.apply(user=NURSE)
    with pytest.raises(Refused) as refused:
        service.service.invite(COUNTY, by=STRANGER, user=STRANGER)
    assert refused.value.rule == "application.account"


def test_every_rule_has_a_test_that_meets_it() -> None:
    """A rule that nothing can break is not a rule; warnings are met by the tests of warnings."""
    rules = {rule.id: rule for rule in service_rules()}
    assert set(REFUSALS) == {one for one, rule in rules.items() if rule.severity is Severity.ERROR}
    assert set(WARNINGS) == {one for one, rule in rules.items() if rule.severity is Severity.WARNING}


def test_machines_and_guards_fit() -> None:
    """Every guard has a function and guards something; every state is reached; the diagrams show every transition."""
    machines = (application_machine(), certificate_machine())
    assert {rule for machine in machines for one in machine.transitions.values() for rule in one.guards} == set(
        APPLICATION_GUARDS
    )
    for machine in machines:
        reached = {machine.initial}
        for _ in machine.states:
            reached |= {
                one.target_from(state) for one in machine.transitions.values() for state in one.sources & reached
            }
        assert reached == set(machine.states)
        assert all(name in machine.mermaid() for name in machine.transitions)


def test_sources_point_into_the_field_notes() -> None:
    """A confirmed rule names where it stands."""
    for rule in service_rules():
        if rule.grade is Grade.CONFIRMED and rule.basis is not Basis.CHOICE:
            assert "docs/field/" in rule.source or "RFC" in rule.source, rule.id
