"""The life of a service certificate: application, CSR, decision, delivery, revocation; crashes and races."""

from __future__ import annotations

import email
import threading
from email.policy import default
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from office_world import CLINIC, COUNTY, HOSPITAL, NURSE, PHYSICIAN, VENDOR, Crash
from test_dvv_service_certificates_rules import (
    HOST,
    Service,
    csr,
    make_service,
    server_csr,
    system_csr,
)
from test_dvv_vartti_flow import crash_at
from test_x509_csr_keys import signed_anew

from sotepki.dvv.authority.reasons import load_reasons
from sotepki.dvv.service_certificates.customer import TechnicalContact
from sotepki.dvv.service_certificates.data import service_data
from sotepki.errors import Refused
from sotepki.records import first_break
from sotepki.x509.status import CertificateState


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_service(tmp_path)


def test_whole_life_of_a_server_certificate(service: Service) -> None:
    """Every state as the customer sees it, and the certificate in DER and PEM at the end."""
    application = service.apply()
    assert service.service.application(application).state == "awaiting-csr"
    assert service.service.attach_csr(application, server_csr()).state == "submitted"
    issued = service.service.process(application, "officer 1")
    assert (issued.state, issued.officer) == ("issued", "officer 1")
    delivery = service.service.collect(application)
    assert x509.load_der_x509_certificate(delivery.der) == x509.load_pem_x509_certificate(delivery.pem)
    assert delivery.certificate.serial_number == int(issued.serial, 16)
    assert x509.load_pem_x509_certificates(delivery.chain_pem) == [service.world.authorities.ca]
    revoked = service.service.request_revocation(application, serial=issued.serial, reason="key-compromise")
    assert (revoked.state, revoked.revoked_at) == ("revoked", service.world.clock.now())
    assert service.world.authorities.ledger[0].status.reason is x509.ReasonFlags.key_compromise
    with pytest.raises(Refused) as refused:
        service.service.request_revocation(application, serial=issued.serial, reason="not-needed")
    assert refused.value.rule == "application.state"
    with service.world.records.look() as session:
        assert first_break(session) is None


@pytest.mark.parametrize("said", ["key-compromised", "keyCompromise", "key-compromise"])
def test_a_reason_in_another_spelling_is_written_down_in_the_one_there_is(service: Service, said: str) -> None:
    """The e-service and the revocation service share one word for a disclosed key; older requests are understood."""
    issued = service.issued()
    revoked = service.service.request_revocation(issued.id, serial=issued.serial, reason=said)
    assert revoked.revocation_reason == "key-compromise"
    assert service.world.authorities.ledger[0].status.reason is x509.ReasonFlags.key_compromise


def test_the_customers_reasons_are_those_of_the_revocation_service() -> None:
    """Two offices of one authority never use two words, or two codes, for one reason."""
    data, reasons = service_data(), load_reasons()
    for word in data.revocation_reasons.keys() - data.revocation_reasons_of_dvv:
        assert reasons[word].reason is data.revocation_reasons[word]


def test_content_comes_from_the_csr(service: Service) -> None:
    """Subject and host names are those of the request, in the profile's form."""
    extra = "www.tunturilaakso.test.example"
    names = {NameOID.COUNTRY_NAME: "FI", NameOID.LOCALITY_NAME: "Kaltio", NameOID.COMMON_NAME: HOST}
    issued = service.issued(csr=csr(names, (HOST, extra)))
    assert service.world.authorities.subjects == [
        {
            "country": "FI",
            "state": "Finland",
            "locality": "Kaltio",
            "organisation": "Tunturilaakson hyvinvointialue TEST",
            "common_name": HOST,
        }
    ]
    certificate = service.service.collect(issued.id).certificate
    hosts = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert hosts.get_values_for_type(x509.DNSName) == [HOST, extra]


def test_another_organisation_name_is_never_certified(service: Service) -> None:
    """A request in somebody else's name gets the applicant's name from the register."""
    service.issued(csr=server_csr(organisation="Naapurin hyvinvointialue TEST"))
    assert service.world.authorities.subjects[0]["organisation"] == "Tunturilaakson hyvinvointialue TEST"


def test_names_of_organisations_are_written_without_umlauts(service: Service) -> None:
    """ä and ö in the register match a and o in the request (pki.md 3)."""
    clinic = csr(
        {NameOID.ORGANIZATION_NAME: "Laakariasema Oy TEST", NameOID.COMMON_NAME: "a.clinic.test.example"},
        ("a.clinic.test.example",),
    )
    application = service.apply(CLINIC)
    findings = service.service.attach_csr(application, clinic).findings
    assert "application.organisation-name" not in [finding.rule for finding in findings]
    service.service.process(application)
    assert service.world.authorities.subjects[0]["organisation"] == "Laakariasema Oy TEST"


def test_system_signature_subject(service: Service) -> None:
    """The organisation's OID is the serialNumber, and no host name is certified."""
    service.issued(kind="system-signature")
    assert service.world.authorities.subjects[0] == {
        "country": "FI",
        "state": "Finland",
        "locality": "Testila",
        "organisation": "Tunturilaakson hyvinvointialue TEST",
        "common_name": "Testijarjestelma",
        "serial_number": COUNTY.value,
    }


def test_delivery_by_mail(service: Service) -> None:
    """One mail to contact and shared mailbox with DER, PEM and chain attached, and the three as files."""
    contact = TechnicalContact("Tekla", "tekla@vendor.test.example", "", "varmenteet@tunturilaakso.test.example")
    issued = service.issued(contact=contact)
    by_suffix = {path.name.split("-", 1)[1]: path.read_bytes() for path in service.world.outbox("emails")}
    message = email.message_from_bytes(by_suffix[f"{issued.id}-delivery.eml"], policy=default)
    assert message["To"] == "tekla@vendor.test.example, varmenteet@tunturilaakso.test.example"
    attached = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
    delivery = service.service.collect(issued.id)
    assert attached == delivery.files(issued.id)
    for name, content in attached.items():
        assert by_suffix[str(name)] == content


def test_technical_contact_attaches_by_the_mailed_code(service: Service) -> None:
    """The code in the mail opens this application, and is kept only as a digest."""
    application = service.apply()
    (mail,) = service.world.outbox("emails")
    code = mail.read_text().split("--link ")[1].split()[0]
    assert service.service.attach_csr(application, server_csr(), link=code).state == "submitted"
    assert code not in repr(service.world.journal())


def test_returned_and_submitted_again(service: Service) -> None:
    """The customer learns the reason by mail, attaches another request, and the application goes on."""
    application = service.submitted()
    returned = service.service.return_application(application, "The host name is misspelt.", "officer 2")
    assert (returned.state, returned.return_reason) == ("returned", "The host name is misspelt.")
    assert any("misspelt" in path.read_text() for path in service.world.outbox("emails"))
    with pytest.raises(Refused):
        service.service.process(application)
    again = service.service.attach_csr(application, server_csr())
    assert (again.state, again.return_reason) == ("submitted", "")
    assert service.service.process(application).state == "issued"


def test_power_of_attorney_lets_another_organisation_order(service: Service) -> None:
    """A vendor orders for a county when the power of attorney is attached."""
    application = service.submitted(account=VENDOR)
    service.service.attach_document(application, "power-of-attorney", "valtakirja.pdf", b"%PDF-1.4 TEST")
    assert service.service.process(application).organisation == COUNTY


def test_what_the_profile_forbids_goes_back_to_the_customer(service: Service) -> None:
    """If issuing is refused by the profile, the application is returned with that reason, not stuck in approved."""
    application = service.submitted()
    service.world.authorities.forbidden = "cert.test-server.subject.common-name"
    with pytest.raises(Refused) as refused:
        service.service.process(application)
    assert refused.value.rule == "cert.test-server.subject.common-name"
    assert service.service.application(application).state == "returned"


@pytest.mark.parametrize("how_many", [1, 2])
def test_what_the_authority_refuses_does_not_go_back_to_the_customer(service: Service, how_many: int) -> None:
    """The customer was told to change a good request because DVV's authority had ended, and could do nothing."""
    applications = [service.submitted() for _ in range(how_many)]
    service.world.authorities.forbidden = "authority.expired"
    done = service.service.process_many(applications)
    assert [done.refused[one].rule for one in applications] == ["authority.expired"] * how_many
    assert {service.service.application(one).state for one in applications} == {"approved"}
    assert service.service.resume() == [], "opening a workspace is not stopped by it"
    service.world.authorities.forbidden = ""
    assert [one.state for one in service.service.resume()] == ["issued"] * how_many


QUOTED = {
    "too long to be mailed": f"L is longer than 128 characters: {'Kauhava ' * 60!r}.",
    "an identity code": "L has control characters or spaces at its ends: 'Kauhava 010190-999X '.",
}


@pytest.mark.parametrize("sentence", QUOTED.values(), ids=QUOTED)
def test_what_the_profile_forbids_goes_back_whatever_the_request_says(
    service: Service, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal quotes the request; the reason that is mailed names the rule and never breaks a rule itself."""
    rule = "cert.test-server.subject.locality"
    issue = service.world.authorities.issue

    def forbid(*args: object, **order: object) -> x509.Certificate:
        if order["subject"]["locality"] == "Kauhava":  # type: ignore[index]
            raise Refused(sentence, rule=rule, advice="The profile says: a municipality.")
        return issue(*args, **order)  # type: ignore[arg-type]

    monkeypatch.setattr(service.world.authorities, "issue", forbid)
    odd = service.submitted(csr=csr({NameOID.LOCALITY_NAME: "Kauhava", NameOID.COMMON_NAME: HOST}, (HOST,)))
    good = service.submitted()
    done = service.service.process_many([odd, good])
    assert (sorted(done.issued), done.refused[odd].rule) == ([good], rule)
    returned = service.service.application(odd)
    assert returned.state == "returned"
    assert rule in returned.return_reason and "The profile says: a municipality." in returned.return_reason
    assert "Kauhava" not in returned.return_reason


def test_an_application_that_is_refused_does_not_stop_what_is_resumed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening a workspace finishes what it can; what can be neither issued nor sent back waits, journalled."""
    crashing = crash_at("before-issue", 1)
    service.world.authorities.at = crashing  # type: ignore[assignment]
    waiting = [service.submitted(), service.submitted()]
    for one in waiting:
        with pytest.raises(Crash):
            service.service.process(one)
        service.world.authorities.at = crash_at("before-issue", 1)  # type: ignore[assignment]
    service.world.authorities.at = lambda name: None
    issue = service.world.authorities.issue

    def forbid(*args: object, **order: object) -> x509.Certificate:
        if waiting[0] in str(order["holder"]):
            raise Refused("The profile forbids it.", rule="cert.test-server.subject.locality")
        return issue(*args, **order)  # type: ignore[arg-type]

    monkeypatch.setattr(service.world.authorities, "issue", forbid)
    monkeypatch.setattr("sotepki.dvv.service_certificates.office._reason_to_return", lambda _: " ")
    assert [one.id for one in service.service.resume()] == [waiting[1]]
    assert service.service.application(waiting[0]).state == "approved"
    assert "application.return-reason" in repr(service.world.journal())


def test_a_revocation_that_is_refused_does_not_stop_the_others(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every requested revocation is tried, whatever becomes of the one before."""
    issued = [service.issued(), service.issued()]
    for one in issued:
        service.world.authorities.at = crash_at("before-revoke", 1)  # type: ignore[assignment]
        with pytest.raises(Crash):
            service.service.request_revocation(one.id, serial=one.serial, reason="not-needed")
    service.world.authorities.at = lambda name: None
    revoke = service.world.authorities.revoke

    def forbid(certificate: tuple[str, int], **more: object) -> object:
        if certificate[1] == int(issued[0].serial, 16):
            raise Refused("It has ended.", rule="revocation.expired")
        return revoke(certificate, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(service.world.authorities, "revoke", forbid)
    assert [one.id for one in service.service.resume()] == [issued[1].id]
    assert "revocation.expired" in repr(service.world.journal())


def test_a_request_signed_with_an_old_hash_gets_its_certificate(service: Service) -> None:
    """The weak hash is a warning only: the certificate is signed by the authority, with a hash of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    old = signed_anew(server_csr(key=key), key, hashes.SHA1(), "1.2.840.10045.4.1")
    attached = service.service.attach_csr(service.apply(), old)
    assert "csr.signature.weak" in [finding.rule for finding in attached.findings]
    service.service.process(attached.id)
    assert service.service.collect(attached.id).certificate.public_key() == key.public_key()


def test_second_processing_is_refused(service: Service) -> None:
    """An application gives one certificate, however often it is processed."""
    application = service.submitted()
    service.service.process(application)
    with pytest.raises(Refused) as refused:
        service.service.process(application)
    assert refused.value.rule == "application.state"
    assert len(service.world.authorities.ledger) == 1


def test_two_officers_at_once(service: Service) -> None:
    """Two officers press approve at the same time: one certificate, one delivery, one refusal."""
    application = service.submitted()
    gate, results = threading.Barrier(2), []

    def press(officer: str) -> None:
        gate.wait()
        try:
            results.append(service.service.process(application, officer).state)
        except Refused as refused:
            results.append(refused.rule)

    threads = [threading.Thread(target=press, args=(f"officer {one}",)) for one in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("issued") == 1
    assert set(results) <= {"issued", "application.state", "application.processing-claim"}
    assert len(service.world.authorities.ledger) == 1
    assert len([path for path in service.world.outbox("emails") if path.suffix == ".der"]) == 1


@pytest.mark.parametrize(("point", "nth"), [("before-issue", 1), ("after-issue", 1), ("before-delivery", 1)])
def test_issuing_killed_anywhere_is_finished(
    service: Service, point: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a kill the next run delivers one certificate, the one that was issued if there is one."""
    application = service.submitted()
    at = crash_at(point, nth)
    service.world.authorities.at = at  # type: ignore[assignment]
    if point == "before-delivery":
        monkeypatch.setattr(
            "sotepki.dvv.service_certificates.office.certificate_messages",
            lambda *_: at(point),  # type: ignore[operator]
        )
    with pytest.raises(Crash):
        service.service.process(application)
    monkeypatch.undo()
    service.world.authorities.at = lambda name: None
    assert service.service.application(application).state == "approved"
    (done,) = service.service.resume()
    assert done.state == "issued"
    assert [one.serial_number for one in service.world.authorities.ledger] == [int(done.serial, 16)]
    assert len([path for path in service.world.outbox("emails") if path.suffix == ".der"]) == 1
    assert service.service.resume() == []


@pytest.mark.parametrize("point", ["before-revoke", "after-revoke"])
def test_revocation_killed_anywhere_is_finished(service: Service, point: str) -> None:
    """A requested revocation is carried out, after a restart at the latest, and confirmed once."""
    issued = service.issued()
    service.world.authorities.at = crash_at(point, 1)  # type: ignore[assignment]
    with pytest.raises(Crash):
        service.service.request_revocation(issued.id, serial=issued.serial, reason="purpose-changed")
    service.world.authorities.at = lambda name: None
    assert service.service.application(issued.id).state == "revocation-requested"
    (done,) = service.service.resume()
    assert (done.state, done.revocation_reason) == ("revoked", "purpose-changed")
    assert service.world.authorities.ledger[0].status.state is CertificateState.REVOKED
    assert len([path for path in service.world.outbox("emails") if path.name.endswith("revoked.eml")]) == 1


@pytest.mark.parametrize("form", ["{0:x}", "{0:X}", "0x{0:x}", "00{0:x}", "{0}"])
def test_serial_number_as_tools_print_it(service: Service, form: str) -> None:
    """Hexadecimal in either case, with a prefix or zeros, or decimal: all name the same certificate."""
    issued = service.issued()
    serial = form.format(int(issued.serial, 16))
    assert service.service.request_revocation(issued.id, serial=serial, reason="not-needed").state == "revoked"


def test_certificate_expires(service: Service) -> None:
    """After its validity the application is expired and cannot be revoked any more."""
    issued = service.issued()
    assert service.service.follow_time() == []
    service.world.clock.moment = service.world.clock.moment.replace(year=2028)
    assert [one.state for one in service.service.follow_time()] == ["expired"]
    with pytest.raises(Refused) as refused:
        service.service.request_revocation(issued.id, serial=issued.serial, reason="not-needed")
    assert refused.value.rule == "application.state"


def test_used_key_warns(service: Service) -> None:
    """A renewal with the old key goes through with a word of warning."""
    key = ec.generate_private_key(ec.SECP256R1())
    service.submitted(csr=server_csr(key=key))
    again = service.service.attach_csr(service.apply(), server_csr(key=key))
    assert "csr.key.reused" in [finding.rule for finding in again.findings]


def test_organisation_gone_from_the_register_before_the_decision(service: Service) -> None:
    """What was true at the application is checked again at the decision."""
    application = service.submitted(HOSPITAL, "system-signature", csr=system_csr(HOSPITAL))
    del service.world.organisations.known[HOSPITAL]
    with pytest.raises(Refused) as refused:
        service.service.process(application)
    assert refused.value.rule == "application.organisation-register"
    assert service.world.authorities.ledger == []


def test_journal_names_no_identity_code(service: Service) -> None:
    """Users appear in the journal by number only."""
    service.service.invite(COUNTY, by=PHYSICIAN, user=NURSE)
    service.issued()
    text = repr(service.world.journal())
    assert PHYSICIAN.value not in text
    assert NURSE.value not in text
