"""Whatever people, officers, crashes and time do in whatever order: one certificate, one record, one promise.

``MACHINE_EXAMPLES=2000 pytest tests/unit/test_dvv_service_certificates_machine.py`` is a long run.
"""

from __future__ import annotations

import os
import tempfile
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from office_world import CLINIC, COUNTY, PHYSICIAN, VENDOR, Crash
from test_dvv_service_certificates_rules import make_service, server_csr, system_csr

from sotepki.clock import finnish_day, months_after
from sotepki.dvv.service_certificates.store import Promise, holder_of, row_of_application
from sotepki.dvv.working_days import add_working_days
from sotepki.errors import Refused
from sotepki.records import first_break
from sotepki.x509.status import CertificateState

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "8"))
KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
REQUESTS = {
    "server": [server_csr(key=key) for key in KEYS],
    "system-signature": [system_csr(), system_csr()],
    "bad": [b"nonsense", server_csr("kanta.vendor.test.example")],
}
POINTS = ("before-issue", "after-issue", "before-revoke", "after-revoke")


class ServiceMachine(RuleBasedStateMachine):
    """The e-service with all that can happen to it."""

    applications = Bundle("applications")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.desk = make_service(Path(self.directory.name))
        self.service, self.world = self.desk.service, self.desk.world
        self.revoked: set[str] = set()

    def teardown(self) -> None:
        self.world.records.database.close()
        self.directory.cleanup()

    @rule(target=applications, kind=st.sampled_from(["server", "system-signature"]), poa=st.booleans())
    def apply(self, kind: str, poa: bool) -> str:
        return self.desk.apply(COUNTY, kind, account=VENDOR if poa else COUNTY)

    @rule(application=applications, kind=st.sampled_from(sorted(REQUESTS)), which=st.integers(0, 1))
    def attach(self, application: str, kind: str, which: int) -> None:
        self._try(lambda: self.service.attach_csr(application, REQUESTS[kind][which]))

    @rule(application=applications, stranger=st.booleans())
    def attach_document(self, application: str, stranger: bool) -> None:
        user = None if not stranger else PHYSICIAN
        self._try(lambda: self.service.attach_document(application, "power-of-attorney", "a", b"x", user=user))

    @rule(application=applications, step=st.sampled_from(["complete", "cancel"]))
    def customer(self, application: str, step: str) -> None:
        self._try(lambda: getattr(self.service, step)(application, user=PHYSICIAN))

    @rule(application=applications)
    def send_back(self, application: str) -> None:
        self._try(lambda: self.service.return_application(application, "incomplete"))

    @rule(application=applications, crash=st.sampled_from(["", *POINTS]))
    def process(self, application: str, crash: str) -> None:
        self._try(lambda: self.service.process(application), crash)

    @rule(crash=st.sampled_from(["", *POINTS]))
    def process_all(self, crash: str) -> None:
        waiting = [one.id for one in self.service.applications(state="submitted")]
        self._try(lambda: self.service.process_many([*waiting, *waiting]), crash)

    @rule(application=applications, right=st.booleans(), crash=st.sampled_from(["", *POINTS]))
    def revoke(self, application: str, right: bool, crash: str) -> None:
        serial = self.service.application(application).serial if right else "ab"
        self._try(lambda: self.service.request_revocation(application, serial=serial, reason="not-needed"), crash)

    @rule(days=st.sampled_from([0.1, 1, 5, 40, 200]))
    def time(self, days: float) -> None:
        self.service.resume()
        self.world.clock.advance(timedelta(days=days))
        self.service.resume()
        self.service.follow_time()

    @rule(application=applications, account=st.sampled_from([COUNTY, CLINIC]))
    def renew(self, application: str, account: object) -> None:
        self._try(lambda: self.service.renew(application, user=PHYSICIAN))

    def _try(self, step: object, crash: str = "") -> None:
        def at(point: str) -> None:
            if point == crash:
                raise Crash

        self.world.authorities.at = at
        try:
            step()  # type: ignore[operator]
        except (Refused, Crash):
            pass
        finally:
            self.world.authorities.at = lambda _point: None

    @invariant()
    def certificates_and_records_agree(self) -> None:
        now = self.world.clock.now()
        with self.world.records.look() as session:
            assert first_break(session) is None
            rows = {one.id: row_of_application(session, one.id) for one in self.service.applications()}
        issued: dict[str, int] = {}
        for one in self.world.authorities.ledger:
            issued[one.holder] = issued.get(one.holder, 0) + (
                one.status.state is CertificateState.GOOD and one.not_after >= now
            )
        assert all(count <= 1 for count in issued.values()), "two live certificates from one application"
        assert set(issued) <= {holder_of(row) for row in rows.values()}, "a certificate without an application"
        for application, row in rows.items():
            seen = [one for one in self.world.authorities.ledger if one.holder == holder_of(row)]
            if row.state in ("issued", "revocation-requested", "revoked", "expired"):
                assert row.certificate and [one for one in seen if one.serial_number == int(row.serial, 16)]
            if row.state == "revoked":
                self.revoked.add(application)
            if row.state in ("awaiting-csr", "cancelled", "lapsed"):
                assert not seen
        for application in self.revoked:
            assert rows[application].state == "revoked", "a revoked one has returned"
            for one in self.world.authorities.ledger:
                if one.holder == holder_of(rows[application]):
                    assert one.status.state is CertificateState.REVOKED or one.not_after < now

    @invariant()
    def promises_and_lapses_are_right(self) -> None:
        now = self.world.clock.now()
        for one in self.service.applications():
            if one.state in ("awaiting-csr", "returned", "cancelled", "lapsed"):
                assert one.promise(now) is Promise.NONE
            else:
                assert one.submitted_at is not None and one.promised_by is not None
                assert one.promised_by == add_working_days(finnish_day(one.submitted_at), 5)
                done = one.issued_at or now
                late = finnish_day(done) > one.promised_by
                expected = (Promise.MISSED if late else Promise.KEPT) if one.issued_at else (
                    Promise.OVERDUE if late else Promise.OPEN
                )  # fmt: skip
                assert one.promise(now) is expected
            if one.state in ("awaiting-csr", "returned"):
                assert finnish_day(now) <= months_after(finnish_day(one.changed_at), 6), "it ought to have lapsed"
            if one.revoked_at is not None and one.revoke_by is not None:
                assert one.revoked_at <= one.revoke_by, "revoked too late"


TestServiceMachine = ServiceMachine.TestCase
TestServiceMachine.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
