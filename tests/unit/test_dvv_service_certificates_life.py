"""Accounts by card, completion, renewal, promise and lapse, other types of certificate, many at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from cryptography import x509
from office_world import CLINIC, COUNTY, NURSE, PHYSICIAN, STRANGER, VENDOR
from registration_world import make_registration
from sqlalchemy.orm import Session
from test_dvv_service_certificates_rules import (
    KELA,
    Service,
    email_csr,
    kela_csr,
    make_service,
    server_csr,
    system_csr,
)

from sotepki.clock import months_after
from sotepki.dvv.service_certificates.customer import CardLogin, ServiceCertificates
from sotepki.dvv.service_certificates.store import Promise
from sotepki.dvv.working_days import add_working_days, is_working_day
from sotepki.errors import Refused
from sotepki.records import Records


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_service(tmp_path)


def test_login_with_a_card(tmp_path: Path) -> None:
    """The card's authentication key signs the challenge; once, in time, by its own holder, for this account."""
    desk = make_registration(tmp_path)
    office = desk.accounts

    def login(user: object = PHYSICIAN, use: str = "authentication", minutes: int = 0) -> CardLogin:
        challenge = office.login_challenge(CLINIC, user=user)  # type: ignore[arg-type]
        desk.later(minutes=minutes)
        return CardLogin(challenge, desk.card().sign(challenge, use))

    good = login()
    office.open_account(CLINIC, user=PHYSICIAN, identified_with="certificate-card", login=good)
    other = office.login_challenge(CLINIC, user=NURSE)
    for bad, words in (
        (good, "used already"),
        (login(minutes=11), "too old"),
        (login(use="signature"), "not the card's authentication"),
        (CardLogin(b"invented", desk.card().sign(b"invented", "authentication")), "not given"),
        (replace(login(), challenge=other), "not given"),
    ):
        with pytest.raises(Refused, match=words) as refused:
            office.open_account(CLINIC, user=PHYSICIAN, identified_with="certificate-card", login=bad)
        assert refused.value.rule == "account.card-login"
    other = office.login_challenge(CLINIC, user=NURSE)
    stolen = CardLogin(other, desk.card().sign(other, "authentication"))
    with pytest.raises(Refused, match="another person"):
        office.open_account(CLINIC, user=NURSE, identified_with="certificate-card", login=stolen)
    assert office.accounts.users(CLINIC) == 1


@pytest.mark.parametrize(
    ("sent", "promised"),
    [
        (datetime(2026, 3, 2, 9, tzinfo=UTC), date(2026, 3, 9)),
        (datetime(2026, 3, 31, 9, tzinfo=UTC), date(2026, 4, 9)),  # Good Friday and Easter Monday between
        (datetime(2026, 6, 17, 22, tzinfo=UTC), date(2026, 6, 26)),  # Thursday in Finland already; Midsummer Eve
        (datetime(2026, 12, 23, 9, tzinfo=UTC), date(2027, 1, 4)),  # Christmas and New Year
    ],
)
def test_promise_counts_finnish_working_days(service: Service, sent: datetime, promised: date) -> None:
    """Weekends and Finnish public holidays do not count; a return stops the promise, and it begins anew."""
    service.world.clock.moment = sent
    application = service.submitted()
    found = service.service.application(application)
    assert (found.promised_by, found.promise(sent)) == (promised, Promise.OPEN)
    late = datetime.combine(promised, datetime.min.time(), UTC) + timedelta(days=1, hours=9)
    assert found.promise(late) is Promise.OVERDUE
    assert service.service.return_application(application, "why?").promise(late) is Promise.NONE
    service.world.clock.moment = late
    assert service.service.complete(application).promised_by == add_working_days(late.date(), 5)
    assert service.service.process(application).promise(late) is Promise.KEPT


def test_working_days() -> None:
    """Vappu is a day off, the day before is none; months end where they end."""
    assert [is_working_day(date(2026, 5, day)) for day in (1, 2, 4)] == [False, False, True]
    assert months_after(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert months_after(date(2026, 1, 15), -2) == date(2025, 11, 15)


def test_lapse_after_six_months(service: Service) -> None:
    """Half a year without a step of anybody, and the application is over; one that DVV has does not lapse."""
    waiting, sent = service.apply(), service.submitted()
    service.world.clock.moment = datetime(2026, 9, 2, 9, tzinfo=UTC)
    assert service.service.follow_time() == []
    service.world.clock.advance(timedelta(days=1))
    assert [(one.id, one.state) for one in service.service.follow_time()] == [(waiting, "lapsed")]
    with pytest.raises(Refused) as refused:
        service.service.attach_csr(waiting, server_csr())
    assert refused.value.rule == "application.state"
    assert service.service.application(sent).state == "submitted"


@pytest.mark.parametrize("nth", [1, 2], ids=["lapse", "expire"])
def test_what_another_process_has_stepped_is_left_alone(
    service: Service, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process is faster between the look at what is due and the change: nothing is refused, nothing twice."""
    waiting, issued = service.apply(), service.issued()
    service.world.clock.moment = datetime(2028, 9, 2, 9, tzinfo=UTC)
    look, looks, moved = Records.look, count(1), []

    @contextmanager
    def looked(records: Records) -> Iterator[Session]:
        with look(records) as session:
            yield session
        if next(looks) == nth:
            moved.extend(service.service.follow_time())

    monkeypatch.setattr(Records, "look", looked)
    moved.extend(service.service.follow_time())
    assert sorted((one.id, one.state) for one in moved) == [(waiting, "lapsed"), (issued.id, "expired")]
    assert any(subject == "nothing" for _, _, subject, _ in service.world.journal())


def test_renewal_is_a_new_order(service: Service) -> None:
    """The new application names the old one, needs a CSR, and the old certificate stays in force."""
    old = service.issued()
    renewed = service.service.renew(old.id, user=PHYSICIAN)
    found = service.service.application(renewed)
    assert (found.state, found.renewal_of, found.key_usages) == ("awaiting-csr", old.id, old.key_usages)
    service.service.attach_csr(renewed, server_csr())
    assert service.service.process(renewed).serial != old.serial
    assert service.service.application(old.id).state == "issued"


def test_only_users_of_the_account_act(service: Service) -> None:
    """Nobody else uploads, attaches, completes, cancels or revokes, though the application is there."""
    issued, application = service.issued(), service.apply()
    for step in (
        lambda: service.service.attach_csr(application, server_csr(), user=STRANGER),
        lambda: service.service.attach_document(application, "power-of-attorney", "a", b"x", user=STRANGER),
        lambda: service.service.cancel(application, user=STRANGER),
        lambda: service.service.request_revocation(
            issued.id, serial=issued.serial, reason="not-needed", user=STRANGER
        ),
    ):
        with pytest.raises(Refused) as refused:
            step()  # type: ignore[no-untyped-call]
        assert refused.value.rule == "application.account"
    assert service.service.cancel(application, user=PHYSICIAN).state == "cancelled"


def test_technical_contact_sees_one_application(service: Service) -> None:
    """The mailed code opens its application; another code opens none."""
    application = service.apply()
    service.apply()
    (mail, *_) = service.world.outbox("emails")
    assert service.service.by_link(mail.read_text().split("--link ")[1].split()[0]).id == application
    with pytest.raises(Refused) as refused:
        service.service.by_link("guess")
    assert refused.value.rule == "application.contact.application"


def test_dvv_revokes_on_suspicion(service: Service) -> None:
    """DVV may revoke by itself; the request, its end within 24 hours, and the confirmation are on record."""
    issued = service.issued()
    revoked = service.service.request_revocation(
        issued.id, serial=issued.serial, reason="misuse-suspected", actor="dvv"
    )
    assert revoked.revoked_at is not None and revoked.revoke_by is not None
    assert revoked.revoked_at <= revoked.revoke_by
    assert any("revoked" in path.name for path in service.world.outbox("emails"))


def test_a_certificate_revoked_past_the_e_service_is_shown_as_revoked(service: Service) -> None:
    """The revocation service revokes by serial number; a customer would go on trusting what the e-service shows."""
    issued, other = service.issued(), service.issued()
    authorities, office = service.world.authorities, service.service
    reference = ("sote-services", int(issued.serial, 16))
    authorities.revoke(reference, reason=x509.ReasonFlags.key_compromise, actor="revocation-service")
    found = office.application(issued.id)
    assert (found.state, found.revocation_reason, found.revoked_elsewhere) == ("revoked", "key-compromise", True)
    assert found.revoked_at == service.world.clock.now()
    assert [one.id for one in office.applications(state="revoked")] == [issued.id]
    assert [one.id for one in office.applications(state="issued")] == [other.id]
    assert [one.state for one in office.applications()] == ["revoked", "issued"]
    with pytest.raises(Refused) as refused:
        office.request_revocation(issued.id, serial=issued.serial, reason="not-needed", actor="dvv")
    assert refused.value.rule == "application.state"
    service.world.clock.advance(timedelta(days=3000))
    office.follow_time()
    assert {one.id: one.state for one in office.applications()} == {issued.id: "revoked", other.id: "expired"}


def test_a_revocation_through_the_e_service_is_its_own(service: Service) -> None:
    """What the customer asked for, with reason and time of the request, is not taken for somebody else's."""
    issued = service.issued()
    office = service.service
    office.request_revocation(issued.id, serial=issued.serial, reason="misuse-suspected", actor="dvv")
    found = office.application(issued.id)
    assert (found.state, found.revocation_reason, found.revoked_elsewhere) == ("revoked", "misuse-suspected", False)


def test_kela_and_email_certificates(service: Service) -> None:
    """Kela's own signing certificate has its fixed name and unit, an e-mail certificate its address."""
    kela = service.submitted(KELA, "kela-signature", csr=kela_csr())
    mail = service.submitted(kind="e-mail", csr=email_csr())
    done = service.service.process_many([kela, mail])
    assert set(done.issued) == {kela, mail}
    profiles = {one.profile: one.authority_id for one in service.world.authorities.ledger}
    assert profiles == {"test-kela-signature-rsa": "sote-services", "test-email-rsa": "general"}
    subjects = {subject["common_name"]: subject for subject in service.world.authorities.subjects}
    assert subjects["Testijarjestelma"]["organisation"] == "Kansanelakelaitos"
    assert subjects["Testijarjestelma"]["organisational_unit"] == "Kanta"
    assert subjects["Kirjaamo TEST"]["serial_number"] == "9900001-8"


def test_consent_of_the_domains_owner(service: Service) -> None:
    """Where it is accepted, the owner's consent shows control of a domain that the register does not have."""
    office = ServiceCertificates(
        service.world.records, service.world.authorities, service.world.organisations,
        domain_evidence=("register", "owner-consent"),
    )  # fmt: skip
    application, foreign = service.apply(), server_csr("kanta.vendor.test.example")
    with pytest.raises(Refused):
        office.attach_csr(application, foreign)
    office.attach_document(application, "domain-owner-consent", "consent.pdf", b"TEST")
    assert office.attach_csr(application, foreign).state == "submitted"
    assert office.process(application).state == "issued"


def test_many_together_and_one_that_is_refused(service: Service) -> None:
    """A refusal in a batch stops nobody else, an application named twice gives one certificate."""
    good = [service.submitted() for _ in range(3)]
    lacking = service.submitted(account=VENDOR)
    done = service.service.process_many([*good, lacking, good[0], "S999999"])
    assert sorted(done.issued) == good
    assert {wanted: refused.rule for wanted, refused in done.refused.items()} == {
        lacking: "application.power-of-attorney", "S999999": "",
    }  # fmt: skip
    assert len(service.world.authorities.ledger) == 3
    assert service.service.application(lacking).state == "submitted"


def test_two_colleagues_upload_at_once(service: Service) -> None:
    """Both uploads are taken one after the other, the later counts whole, and one certificate comes of it."""
    service.service.invite(COUNTY, by=PHYSICIAN, user=NURSE)
    application = service.apply(kind="system-signature")
    gate, states = threading.Barrier(2), []

    def upload(user: object) -> None:
        gate.wait()
        states.append(service.service.attach_csr(application, system_csr(), user=user).state)  # type: ignore[arg-type]

    threads = [threading.Thread(target=upload, args=(user,)) for user in (PHYSICIAN, NURSE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == ["submitted", "submitted"]
    service.service.process(application)
    assert len(service.world.authorities.ledger) == 1
