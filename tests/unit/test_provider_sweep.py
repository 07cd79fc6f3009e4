"""The sweep over HTTP, its schedule, and its cost: silence is no lost right, and no scheduled sweep is forgotten."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from databases import database_url
from registers_world import Registers, open_registers
from sqlalchemy import select
from statements import traffic

from sotepki.errors import Misuse, Refused
from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.loopback import running
from sotepki.provider import AskedRegister, AttributeClient, Provider, RightInForce, Standing, Unanswered
from sotepki.provider.tables import AccessRow
from sotepki.serving.faults import Down, ServiceFaultBoard, ServiceFaults
from sotepki.valvira import ApprovedSystems, Valvira
from sotepki.valvira.attribute_service import NAME, attribute_application
from sotepki.x509.status import CertificateState, CertificateStatus

COUNTY = Oid("1.2.246.10.99000018.10.0")
HOST = "potilas.tunturilaakso.test.example"
PATH = "/attribute/v1/professional"


class _PlainClient(AttributeClient):
    """The client without TLS, so that these tests need no certificates."""

    def __init__(self, url: str) -> None:
        super().__init__(f"https://127.0.0.1{PATH}", ssl.create_default_context())
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)  # type: ignore[assignment]


@pytest.fixture
def registers(tmp_path: Path) -> Iterator[Registers]:
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as opened:
        yield opened


def _provider(registers: Registers) -> Provider:
    good = CertificateStatus(CertificateState.GOOD)
    return Provider(registers.records, registers.valvira, registers.thl, COUNTY, lambda _: good)


@contextmanager
def _service(registers: Registers, faults: ServiceFaultBoard, *, approved: bool = True) -> Iterator[str]:
    from test_attribute_service import _certificate

    client: x509.Certificate = _certificate(HOST, _certificate("TEST CA"))[0]
    approvals = ApprovedSystems(registers.records)
    if approved:
        approvals.approve(HOST, COUNTY, "Kaiku", actor="x")
    app = attribute_application(
        registers.valvira, approved=approvals, clock=registers.clock, faults=faults, certificate_of=lambda _: client
    )
    with running(app) as url:
        yield url


def test_the_service_tells_what_the_register_tells(registers: Registers) -> None:
    """A sweep over HTTP and one in the register must come to the same, restrictions and prescribers included."""
    asked = AskedRegister(registers.valvira)
    roles = ["physician", "nurse", "restricted-physician", "nurse-whose-right-was-removed", "in-both-registers"]
    with _service(registers, ServiceFaultBoard()) as url, _PlainClient(url) as client:
        for role in roles:
            number = registers.number(role)
            told = client.standing(number, registers.clock.now(), prescriber=True)
            wanted = asked.standing(number, registers.clock.now(), prescriber=True)
            assert isinstance(told, Standing)
            assert set(told.rights) == set(wanted.rights), role
            assert told.prescriber == wanted.prescriber or not wanted.rights, role
        assert (
            client.standing(RegistrationNumber("00999999999"), registers.clock.now(), prescriber=False) == Standing()
        )


def test_a_sweep_over_http_ends_what_lost_its_right(registers: Registers) -> None:
    provider, nurse = _provider(registers), registers.number("nurse")
    provider.grant_access(nurse, "patient-records", actor="x")
    provider.grant_access(registers.number("physician"), "prescribing", actor="x")
    (right,) = registers.valvira.rights_in_force(nurse, registers.clock.now())
    registers.valvira.remove_right(nurse, right.code, actor="x", reason="test")
    with _service(registers, ServiceFaultBoard()) as url, _PlainClient(url) as client:
        sweep = provider.sweep(asked=client)
    assert (sweep.checked, sweep.unanswered) == (2, 0)
    assert [(one.registration_number, one.ended_by) for one in sweep.ended] == [(nurse, "access.right")]


@pytest.mark.parametrize("over_http", [False, True])
@pytest.mark.parametrize(
    ("decide", "rule"),
    [
        (lambda valvira, number: valvira.remove_right(number, "T13", actor="x", reason="test"), "access.right"),
        (lambda valvira, number: valvira.restrict_right(number, "T13", ["10"], actor="x", reason="test"),
         "access.restriction"),
    ],
)  # fmt: skip
def test_a_nurse_who_may_not_prescribe_any_more_loses_that_task_alone(
    registers: Registers, decide: Callable[[Valvira, RegistrationNumber], object], rule: str, over_http: bool
) -> None:
    """Whose right to prescribe was removed for malpractice would go on prescribing on the right of a nurse."""
    provider, number = _provider(registers), registers.number("prescribing-nurse")
    for task in ("prescribing", "patient-records"):
        provider.grant_access(number, task, actor="x")
    decide(registers.valvira, number)
    assert not provider.may(number, "prescribing")
    with _service(registers, ServiceFaultBoard()) as url, _PlainClient(url) as client:
        sweep = provider.sweep(asked=client if over_http else None)
    assert [(one.task, one.ended_by) for one in sweep.ended] == [("prescribing", rule)]
    assert "prescrib" in sweep.reasons[0]
    with pytest.raises(Refused) as refused:
        provider.grant_access(number, "prescribing", actor="x")
    assert refused.value.rule == rule
    assert provider.may(number, "patient-records")


def test_everybody_who_rightly_prescribes_keeps_the_task(registers: Registers) -> None:
    """Physicians, dentists, the prescribing nurse and an advanced student have it by one right each."""
    provider = _provider(registers)
    now, prescribing = registers.clock.now(), registers.valvira.prescribing_codes()
    assert prescribing == {"001", "034", "T02", "T03", "T13", "T20"}
    may = []
    for number in registers.valvira.registration_numbers():
        held = {one.code for one in registers.valvira.rights_in_force(number, now) if "10" not in one.restrictions}
        if held & prescribing:
            provider.grant_access(number, "prescribing", actor="x")
            may.append(number)
    assert {"T02", "T13"} <= {code for number in may for code in registers.codes_in_force(number)}
    assert provider.sweep().ended == ()


def test_a_service_that_is_down_ends_nothing(registers: Registers) -> None:
    """An outage at Valvira must not lock a hospital out of its records."""
    provider, faults = _provider(registers), ServiceFaultBoard()
    for role in ("nurse", "physician"):
        provider.grant_access(registers.number(role), "patient-records", actor="x")
    faults.set(NAME, ServiceFaults(down=Down.UNAVAILABLE))
    with _service(registers, faults) as url, _PlainClient(url) as client:
        sweep = provider.sweep(asked=client)
    assert (len(sweep.ended), sweep.unanswered) == (0, 2)
    assert "attribute service" in sweep.trouble
    with _PlainClient("http://127.0.0.1:9") as nowhere:
        assert provider.sweep(asked=nowhere).unanswered == 2
    assert len(provider.access.held(COUNTY)) == 2


def test_a_system_that_is_not_approved_is_told_so(registers: Registers) -> None:
    provider = _provider(registers)
    provider.grant_access(registers.number("nurse"), "patient-records", actor="x")
    with (
        _service(registers, ServiceFaultBoard(), approved=False) as url,
        _PlainClient(url) as client,
        pytest.raises(Refused) as refused,
    ):
        provider.sweep(asked=client)
    assert refused.value.rule == "access.attribute-service" and refused.value.advice
    assert len(provider.access.held(COUNTY)) == 1


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b"{}", b"\xff", b'{"registrationNumber": "00900000001"}', b"[" * 100_000,
     b'{"registrationNumber": "00900000004", "rights": [1], "prescriberId": ""}',
     b'{"registrationNumber": "00900000001", "rights": [], "prescriberId": "", "at": "2026-01-01T00:00:00+00:00"}',
     b'{"registrationNumber": "00900000004", "rights": [], "prescriberId": "", "at": "2026-01-01T00:00:00"}'],
)  # fmt: skip
def test_nonsense_is_no_answer(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken answer must neither end an access right nor end the sweep with a traceback."""
    client = AttributeClient(f"https://127.0.0.1{PATH}", ssl.create_default_context())
    monkeypatch.setattr(client, "_ask", lambda _number: (200, answer))
    number = RegistrationNumber("00900000004")
    assert isinstance(client.standing(number, datetime(2026, 1, 1, tzinfo=UTC), prescriber=False), Unanswered)


class _Idle:
    """A connection that the other side has closed so many times when it is used again."""

    def __init__(self, closed: int) -> None:
        self.closed = closed

    def request(self, *_: object, **__: object) -> None:
        if self.closed:
            self.closed -= 1
            raise http.client.RemoteDisconnected("gone")

    def getresponse(self) -> _Idle:
        return self

    status = 200

    def read(self, _most: int) -> bytes:
        told = {"registrationNumber": "00900000004", "rights": [], "prescriberId": "", "at": "2026-01-01T00:00:00Z"}
        return json.dumps(told).encode()

    def close(self) -> None:
        return


@pytest.mark.parametrize(("closed", "kind"), [(0, Standing), (1, Standing), (2, Unanswered)])
def test_an_idle_connection_that_was_closed_is_opened_once_more(closed: int, kind: type) -> None:
    """A sweep that pauses would count staff as unanswered, or ask a dead service for ever."""
    client = AttributeClient(f"https://127.0.0.1{PATH}", ssl.create_default_context())
    client._connection = _Idle(closed)  # type: ignore[assignment]
    told = client.standing(RegistrationNumber("00900000004"), datetime(2026, 1, 1, tzinfo=UTC), prescriber=False)
    assert isinstance(told, kind)


def test_what_was_ended_by_hand_while_the_register_was_asked_keeps_its_reason(registers: Registers) -> None:
    provider, nurse = _provider(registers), registers.number("nurse")
    provider.grant_access(nurse, "patient-records", actor="x")

    class Slow:
        def standing(self, number: RegistrationNumber, at: datetime, *, prescriber: bool) -> Standing:
            provider.access.end(COUNTY, number, "patient-records", actor="x", reason="left the ward")
            return Standing()

    sweep = provider.sweep(asked=Slow())
    assert (sweep.checked, sweep.ended) == (1, ())
    with registers.records.look() as session:
        assert session.scalars(select(AccessRow.ended_by)).all() == ["left the ward"]


@pytest.mark.parametrize("url", ["https://localhost:8445x", "https://localhost:99999/", "https://[::1/"])
def test_an_address_with_a_typing_error_is_no_fault_of_ours(url: str) -> None:
    with pytest.raises(Misuse, match="not an address"):
        AttributeClient(url, ssl.create_default_context())


def test_the_service_is_asked_over_tls_only() -> None:
    with pytest.raises(Misuse, match="https"):
        AttributeClient("http://127.0.0.1/attribute", ssl.create_default_context())


def test_a_scheduled_sweep_runs_when_it_is_due(registers: Registers) -> None:
    """Once, however late; and not before its time."""
    provider, nurse = _provider(registers), registers.number("nurse")
    provider.grant_access(nurse, "patient-records", actor="x")
    schedule = provider.schedule
    assert schedule.set(COUNTY, 12, actor="x").next_at == registers.clock.now() + timedelta(hours=12)
    (right,) = registers.valvira.rights_in_force(nurse, registers.clock.now())
    registers.valvira.remove_right(nurse, right.code, actor="x", reason="test")
    registers.advance(hours=11)
    assert schedule.follow_time() == []
    registers.advance(hours=40)
    ((organisation, sweep),) = schedule.follow_time()
    assert (organisation, len(sweep.ended)) == (COUNTY, 1)
    assert schedule.follow_time() == []


def test_five_thousand_rights_are_swept_at_once(registers: Registers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's own part: each person is asked about once, and everything ends in one transaction."""
    from sotepki.provider.tables import AccessRow

    provider, asked = _provider(registers), 0

    class Told:
        def standing(self, number: RegistrationNumber, at: datetime, *, prescriber: bool) -> Standing:
            nonlocal asked
            asked += 1
            return Standing((RightInForce("001", "Terhikki"),)) if int(number.value) % 100 else Standing()

    with registers.records.change("provider", "x") as tx:
        for number in range(2500):
            for task in ("patient-records", "client-records"):
                tx.session.add(
                    AccessRow(
                        organisation=COUNTY.value, registration_number=f"{number:011d}", task=task,
                        slot=f"{COUNTY}/{number:011d}/{task}", granted_at=tx.now,
                    )
                )  # fmt: skip
        tx.session.flush()
        tx.journal("loaded", COUNTY.value)
    with traffic() as seen:
        sweep = provider.sweep(asked=Told())
    assert (sweep.checked, len(sweep.ended), asked) == (5000, 50, 2500)
    assert seen.commits < 5, "a sweep of a large organisation would take minutes"
