"""Contracts, registration points and registrars from beginning to end; what follows from what, and in which order."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import field_tables as field
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from office_world import CLINIC, COUNTY, NURSE, PHYSICIAN
from registration_world import OLD_POINT, QUESTIONS, Registration, make_registration

from sotepki.dvv.registration.data import registration_data
from sotepki.errors import Misuse, Refused
from sotepki.evidence import load_yaml
from sotepki.records import Records, first_break
from sotepki.resources import package_file


@pytest.fixture
def desk(tmp_path: Path) -> Registration:
    return make_registration(tmp_path)


def test_from_contract_to_open_point(desk: Registration) -> None:
    """An organisation founds a point: contract, course, applications, equipment, opening; its registrars can work."""
    point = desk.opened()
    assert desk.points.point(point).state == "open"
    assert desk.points.shortcomings(point) == []
    working = desk.points.registrar(NURSE, point_id=point, at=desk.world.clock.now())
    assert (working.state, working.certificate) == ("in-force", desk.course.certificate(NURSE).number)
    with desk.world.records.look() as session:
        assert first_break(session) is None
    assert PHYSICIAN.value not in repr(desk.world.journal())


def test_an_unknown_state_is_refused_and_the_known_ones_are_named(desk: Registration) -> None:
    """Who asks for points that are 'opened' was told that there are none."""
    point = desk.opened()
    assert point in [one.id for one in desk.points.points(state="open")]
    with pytest.raises(Misuse, match="no state 'opened'") as caught:
        desk.points.points(state="opened")
    assert "applied, planned, open" in caught.value.advice


def test_contract_signed_with_the_card(desk: Registration, tmp_path: Path) -> None:
    """What is kept of a signed contract convinces anybody with openssl: text, signature, certificate."""
    contract = desk.signed(language="sv")
    assert contract.state == "signed" and "Avtal K000001" in contract.document.decode()
    certificate = x509.load_der_x509_certificate(contract.certificate)
    key = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content in (("text", contract.document), ("signature", contract.signature), ("key.pem", key)):
        (tmp_path / name).write_bytes(content)
    checked = subprocess.run(
        ["openssl", "dgst", "-sha384", "-verify", "key.pem", "-signature", "signature", "text"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.stdout.strip() == "Verified OK"


def test_signed_afterwards_or_ended(desk: Registration) -> None:
    """Who has no card yet signs later; a contract that is not signed in time ends, and the point shows it."""
    drawn = desk.drawn_up()
    desk.contracts.send_unsigned(drawn.id, by=PHYSICIAN)
    sign_by = desk.contracts.approve(drawn.id).sign_by
    assert sign_by == date(2026, 6, 2)
    desk.office.plan(drawn.id, point_id="NEW", name="New TEST", public=True, by=PHYSICIAN)
    desk.office.equip("NEW", by=PHYSICIAN, card_readers=2, locked_storage=True, access_control=True)
    for person in (NURSE, PHYSICIAN):
        desk.registrar(person, "NEW")
    desk.office.open("NEW")
    desk.later(days=92)
    assert desk.contracts.follow_time() == []
    desk.later(days=1)
    assert [one.state for one in desk.contracts.follow_time()] == ["ended"]
    assert desk.points.point("NEW").state == "below-requirements"
    assert [finding.rule for finding in desk.points.shortcomings("NEW")] == ["point.contract"]


def test_two_processes_follow_the_time_at_once(desk: Registration, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slower one finds nothing left to do; it was told of a fault of ours before, whatever it had come for."""
    drawn = desk.drawn_up()
    desk.contracts.send_unsigned(drawn.id, by=PHYSICIAN)
    desk.contracts.approve(drawn.id)
    desk.opened()
    desk.later(days=366 * registration_data().right_years)
    for follow_time in (desk.contracts.follow_time, desk.office.follow_time):
        first: list[object] = []
        _overtaken(monkeypatch, follow_time, first)
        assert follow_time() == []
        assert len(first) == 1
    with desk.world.records.look() as session:
        assert first_break(session) is None


def _overtaken(monkeypatch: pytest.MonkeyPatch, other: Callable[[], Iterable[object]], done: list[object]) -> None:
    """The next change begins after another process has done the same."""

    def change(self: Records, *arguments: Any, **more: Any) -> object:
        monkeypatch.undo()
        done.extend(other())
        return self.change(*arguments, **more)

    monkeypatch.setattr(Records, "change", change)


def test_signed_afterwards_with_the_card(desk: Registration) -> None:
    """The signature that comes in time makes the contract whole."""
    drawn = desk.drawn_up()
    desk.contracts.send_unsigned(drawn.id, by=PHYSICIAN)
    desk.contracts.approve(drawn.id)
    signed = desk.contracts.sign(drawn.id, by=PHYSICIAN, signature=desk.card().sign(drawn.document))
    assert (signed.state, signed.sign_by) == ("in-force", None)


def test_authorisation_of_a_public_point(desk: Registration) -> None:
    """A private clinic authorises another's public point with bank codes and the employment certificate."""
    drawn = desk.drawn_up("authorisation", organisation=CLINIC, point=OLD_POINT, serves_all=False)
    desk.contracts.attach_document(drawn.id, "employment-certificate", "a.pdf", b"TEST", by=PHYSICIAN)
    desk.contracts.sign(drawn.id, by=PHYSICIAN, method="bank-codes")
    assert not desk.points.authorised(CLINIC, OLD_POINT)
    desk.contracts.approve(drawn.id)
    assert desk.points.authorised(CLINIC, OLD_POINT)
    desk.contracts.end(drawn.id, reason="own point", by=PHYSICIAN)
    assert not desk.points.authorised(CLINIC, OLD_POINT)


def test_returned_contract_is_signed_again(desk: Registration) -> None:
    """DVV sends a contract back with a reason; it is completed and signed once more."""
    contract = desk.signed()
    assert desk.contracts.send_back(contract.id, reason="The address is incomplete.").reason
    again = desk.contracts.sign(contract.id, by=PHYSICIAN, signature=desk.card().sign(contract.document))
    assert (again.state, again.reason) == ("signed", "")
    assert [one.id for one in desk.contracts.contracts(organisation=COUNTY)] == [contract.id]


@pytest.mark.parametrize("by", ["withdrawal", "reader", "time", "contract"])
def test_point_falls_below_and_recovers(desk: Registration, by: str) -> None:
    """Whatever prerequisite goes, the point is shown as below; when it comes back, as open."""
    point = desk.opened()
    if by == "withdrawal":
        desk.office.withdraw(NURSE, point, reason="left", by=PHYSICIAN)
    elif by == "reader":
        desk.office.equip(point, by=PHYSICIAN, card_readers=1)
    elif by == "contract":
        desk.contracts.end(desk.points.point(point).contract, reason="new one", by="dvv")
    else:
        desk.later(days=366 * registration_data().right_years)
        assert desk.office.follow_time() == [point]
    assert desk.points.point(point).state == "below-requirements"
    assert desk.points.shortcomings(point)
    if by == "reader":
        assert desk.office.equip(point, by=PHYSICIAN, card_readers=3).state == "open"
    elif by == "withdrawal":
        desk.registrar(NURSE, point)
        assert desk.points.point(point).state == "open"


def test_renewed_right_rests_on_the_newer_course(desk: Registration) -> None:
    """A registrar takes the course again, and the right lasts longer."""
    point = desk.opened()
    before = desk.points.registrars(point)[0].valid_to
    desk.later(days=300)
    renewed = desk.office.renew(NURSE, point, certificate=desk.trained(NURSE, "sv"))
    assert renewed.valid_to > before


def test_rejected_application_is_filed_again(desk: Registration) -> None:
    """A refusal of DVV is not the end."""
    point = desk.planned()
    desk.office.apply_registrar(NURSE, point, certificate=desk.trained(NURSE), by=PHYSICIAN)
    assert desk.office.reject(NURSE, point, reason="not an employee").state == "rejected"
    document = desk.course.certificate(NURSE).document
    assert desk.office.apply_registrar(NURSE, point, certificate=document, by=PHYSICIAN).state == "applied"
    assert desk.office.grant(NURSE, point).state == "in-force"


def test_changed_certificate_document_is_not_taken(desk: Registration) -> None:
    """One letter changed in the certificate, and it is nobody's."""
    point, _ = desk.planned(), desk.trained(NURSE)
    document = desk.course.certificate(NURSE).document.replace(b"8", b"9", 1)
    with pytest.raises(Refused) as refused:
        desk.office.apply_registrar(NURSE, point, certificate=document, by=PHYSICIAN)
    assert refused.value.rule == "registrar.course-certificate"


def test_closed_point_takes_its_registrars_along(desk: Registration) -> None:
    """Nobody works at a point that was closed, and it does not open again."""
    point = desk.opened()
    desk.office.close(point, reason="moved", by=PHYSICIAN)
    assert {one.state for one in desk.points.registrars(point)} == {"withdrawn"}
    for step in (
        lambda: desk.points.registrar(PHYSICIAN, point_id=point, at=desk.world.clock.now()),
        lambda: desk.office.open(point),
        lambda: desk.office.equip(point, by="dvv", card_readers=2),
    ):
        with pytest.raises(Refused):
            step()


def test_failed_exam_and_another_try(desk: Registration) -> None:
    """Two wrong answers of eight fail; the result explains them, and the next exam is drawn anew."""
    desk.course.enrol(NURSE)
    first = desk.course.exam(NURSE)
    assert desk.course.exam(NURSE) == first
    failed = desk.course.submit(NURSE, desk.answers(NURSE, wrong=2))
    assert (failed.passed, failed.score, len(failed.wrong)) == (False, 6, 2)
    assert all("docs/field" in text for text in failed.wrong.values())
    with pytest.raises(Misuse):
        desk.course.certificate(NURSE)
    orders = set()
    for _ in range(5):
        orders.add(tuple((one.id, *one.choices.values()) for one in desk.course.exam(NURSE).questions))
        desk.course.submit(NURSE, desk.answers(NURSE, wrong=3))
    assert len(orders) > 1
    assert desk.course.exam(NURSE) and desk.course.submit(NURSE, desk.course.answer_key(NURSE)).passed


def test_exam_out_of_time_begins_anew(desk: Registration) -> None:
    """After the hour the exam is broken off and counts as a try."""
    desk.course.enrol(NURSE)
    desk.course.exam(NURSE)
    desk.later(hours=2)
    assert desk.course.exam(NURSE).until > desk.world.clock.now()
    assert desk.course.enrolment(NURSE).attempts == 2


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_course_in_every_language(desk: Registration, language: str) -> None:
    """The exam and the certificate are in the trainee's language, marked TEST."""
    desk.trained(NURSE, language)
    certificate = desk.course.certificate(NURSE)
    assert certificate.document.decode().startswith("TEST")
    assert (
        desk.course.certificate_of(certificate.number)
        == certificate
        == desk.course.certificate_of(certificate.document)
    )


def test_questions_are_whole_in_every_language() -> None:
    """Every question has three different answers in Finnish, Swedish and English, and says where it comes from."""
    for name, question in QUESTIONS.items():
        assert "docs/field/" in question["source"], name
        for language in ("fi", "sv", "en"):
            assert question[language]["question"].endswith("?"), name
            assert len(set(question[language]["answers"])) == 3, name


def test_contracts_speak_of_authorisation_as_the_authorities_do() -> None:
    """docs/field/README.md 5: the form that the signer knows from DVV's pages is a 'valtuutus', a 'fullmakt'."""
    _, finnish, swedish = (cell.strip("°") for cell in field.row("README.md", "5", "authorisation of another"))
    texts = load_yaml(package_file("dvv", "registration", "contract_texts.yaml"))
    duty, title = texts["duties"]["authorisation"], texts["titles"]["authorisation"]
    assert (finnish, swedish) == ("valtuutus", "fullmakt")
    assert swedish in duty["sv"] and swedish in title["sv"]
    assert "valtuut" in duty["fi"] and "valtuut" in title["fi"]


def test_point_opened_twice_at_once(desk: Registration) -> None:
    """Two officers open the point at the same moment: one does, the other is told that it is open."""
    point = desk.planned()
    desk.office.equip(point, by=PHYSICIAN, card_readers=2, locked_storage=True, access_control=True)
    for person in (NURSE, PHYSICIAN):
        desk.registrar(person, point)
    gate, results = threading.Barrier(2), []

    def press() -> None:
        gate.wait()
        try:
            results.append(desk.office.open(point).state)
        except Refused as refused:
            results.append(refused.rule)

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["open", "point.state"]
