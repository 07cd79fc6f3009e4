"""The offices with their real parts: the test world's registers, keys and cards in SoftHSM, requests by openssl."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from databases import opened_books
from sqlalchemy import text

from sotepki.card import Phase
from sotepki.clock import SetClock
from sotepki.dvv import IdentityProof, TechnicalContact, Vartti
from sotepki.errors import Refused
from sotepki.evidence import load_yaml
from sotepki.identifiers import Hetu, Oid, RegistrationNumber
from sotepki.provider import Provider
from sotepki.records import first_break
from sotepki.resources import fixtures
from sotepki.tokens import Pin
from sotepki.workspace import Workspace
from sotepki.x509.status import CertificateState

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSPORT = IdentityProof("passport", date(2030, 1, 1))
COUNTY = Oid("1.2.246.10.99000018.10.0")
HOST = "kanta.tunturilaakso.test.example"
CONTACT = TechnicalContact("Tekla Tekninen", "tekla@kaarna.test.example")


def cast(part: str) -> Hetu:
    return Hetu(load_yaml(fixtures() / "world" / "cast.yaml")[part]["hetu"])


def registrars() -> list[Hetu]:
    """The trained registrars of the first, public point."""
    rows = load_yaml(fixtures() / "world" / "registration_points.yaml")["registrars"]
    return [Hetu(row["hetu"]) for row in rows if row["point"] == "TEST-RP-01" and row["trained_on"]][:2]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("offices") / "workspace"
    with Workspace.create(path, card_keys=8, clock=SetClock(NOW)):
        pass
    return path


@pytest.fixture
def workspace(directory: Path) -> Iterator[Workspace]:
    with Workspace.open(directory, clock=SetClock(NOW)) as opened:
        yield opened


def code_of(workspace: Workspace, card_number: str) -> Pin:
    (letter,) = (workspace.records.outbox_directory / "letters").glob(f"*-activation-code-{card_number}.txt")
    return Pin(next(line.strip() for line in letter.read_text().splitlines() if line.strip().isdigit()))


def openssl(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout + done.stderr


def test_card_from_desk_to_closing(workspace: Workspace) -> None:
    """A card ordered at the desk signs with the code of its letter, and both certificates die with its closing."""
    registrar, colleague = registrars()
    order = workspace.vartti.order_professional_card(
        registrar=registrar, applicant=cast("physician"), identity=PASSPORT
    )
    order = workspace.vartti.personalise(order.id)
    workspace.vartti.hand_over(order.card_number, registrar=colleague, identity=PASSPORT)
    workspace.vartti.post_letter(order.card_number)
    with workspace.cards.insert(order.card_number) as card:
        card.activate(code_of(workspace, order.card_number), Pin("1234"), Pin("567890"))
        workspace.vartti.note_activation(order.card_number, actor=cast("physician"))
        card.verify_pin2(Pin("567890"))
        key, certificate = card.signature_key, card.certificate("signature")
        public_key = certificate.public_key()
        assert isinstance(key, rsa.RSAPrivateKey)
        assert isinstance(public_key, rsa.RSAPublicKey)
        signature = key.sign(b"TEST", padding.PKCS1v15(), hashes.SHA256())
        public_key.verify(signature, b"TEST", padding.PKCS1v15(), hashes.SHA256())
        assert card.phase() is Phase.ACTIVE
    assert certificate.serial_number == int(order.signature_serial, 16)
    assert workspace.vartti.close_card(order.card_number, "lost", cast("physician")).state == "closed"
    for one in workspace.cards.read(order.card_number).certificates.values():
        (issued,) = workspace.authorities.issued(serial_number=one.serial_number)
        assert issued.status.state is CertificateState.REVOKED
        assert issued.status.reason is x509.ReasonFlags.key_compromise


def test_right_removed_reaches_every_office(workspace: Workspace) -> None:
    """A removal by Valvira stops production and ends the provider's access, and revokes nothing."""
    person = cast("nurse")
    professional = workspace.valvira.professional_of(person)
    assert professional is not None
    number = professional.registration_number
    provider = Provider(
        workspace.records, workspace.valvira, workspace.thl, COUNTY,
        lambda certificate: workspace.authorities.status(b"", certificate.serial_number),
    )  # fmt: skip
    provider.grant_access(number, "patient-records", actor="head nurse")
    order = workspace.vartti.order_professional_card(registrar=registrars()[0], applicant=person, identity=PASSPORT)
    workspace.valvira.remove_right(number, order.right_code, actor="valvira", reason="test of the consequences")
    assert not provider.may(number, "patient-records")
    assert [one.ended_by for one in provider.sweep().ended] == ["access.right"]
    with pytest.raises(Refused) as refused:
        workspace.vartti.personalise(order.id)
    assert refused.value.rule == "order.right.none"
    assert workspace.vartti.order(order.id).state == "rejected"


def test_test_world_refusals(workspace: Workspace) -> None:
    """The world's lapsed and untrained registrars, and people without a right, are refused by their rules."""
    rows = load_yaml(fixtures() / "world" / "registration_points.yaml")["registrars"]
    untrained = next(Hetu(row["hetu"]) for row in rows if row["trained_on"] is None)
    lapsed = next(Hetu(row["hetu"]) for row in rows if str(row["valid_to"]) < "2026")
    for registrar, rule in ((untrained, "registrar.course"), (lapsed, "registrar.expired")):
        with pytest.raises(Refused) as refused:
            workspace.vartti.order_professional_card(
                registrar=registrar, applicant=cast("physician"), identity=PASSPORT
            )
        assert refused.value.rule == rule


def test_two_registrars_at_once(workspace: Workspace) -> None:
    """With the real database and registers exactly one of two simultaneous orders wins."""
    gate, results = threading.Barrier(2), []

    def press(registrar: Hetu) -> None:
        gate.wait()
        try:
            order = workspace.vartti.order_professional_card(
                registrar=registrar, applicant=cast("social-worker"), identity=PASSPORT
            )
            results.append(order.state)
        except Refused as refused:
            results.append(refused.rule)

    threads = [threading.Thread(target=press, args=(one,)) for one in registrars()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["order.one-card", "ordered"]


def apply(workspace: Workspace, kind: str, csr: Path) -> str:
    workspace.service_certificates.open_account(COUNTY, user=cast("physician"))
    application = workspace.service_certificates.apply(
        organisation=COUNTY, kind=kind, user=cast("physician"), contact=CONTACT
    )
    workspace.service_certificates.attach_csr(application, csr.read_bytes())
    return application


def request(directory: Path, subject: str, *more: str, bits: int = 2048, form: str = "PEM") -> Path:
    target = directory / f"request-{len(list(directory.iterdir()))}.csr"
    openssl(
        "req", "-new", "-newkey", f"rsa:{bits}", "-nodes", "-keyout", "key.pem", "-out", target.name,
        "-outform", form, "-subj", subject, *more, cwd=directory,
    )  # fmt: skip
    return target


SUBJECT = "/C=FI/ST=Finland/L=Testila/O=Tunturilaakson hyvinvointialue TEST"


def test_service_certificates_by_openssl(workspace: Workspace, tmp_path: Path) -> None:
    """Requests made by openssl become certificates in DER and PEM that openssl verifies; revoked ones it rejects."""
    server = request(tmp_path, f"{SUBJECT}/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}")
    system = request(tmp_path, f"{SUBJECT}/serialNumber={COUNTY}/CN=Testijarjestelma", bits=4096, form="DER")
    for kind, csr in (("server", server), ("system-signature", system)):
        application = apply(workspace, kind, csr)
        issued = workspace.service_certificates.process(application, "officer 1")
        for name, content in workspace.service_certificates.collect(application).files(kind).items():
            (tmp_path / name).write_bytes(content)
        mails = workspace.records.outbox_directory / "emails"
        for suffix in (".der", ".pem", "-chain.pem", "-delivery.eml"):
            assert len(list(mails.glob(f"*-{application}{suffix}"))) == 1
        chain = x509.load_pem_x509_certificates((tmp_path / f"{kind}-chain.pem").read_bytes())
        (tmp_path / "root.pem").write_bytes(workspace.authorities.root.public_bytes(Encoding.PEM))
        assert chain[-1] == workspace.authorities.root
        clock = str(int(NOW.timestamp()))
        verify = [
            "verify", "-attime", clock, "-CAfile", "root.pem", "-untrusted", f"{kind}-chain.pem", f"{kind}.pem",
        ]  # fmt: skip
        assert f"{kind}.pem: OK" in openssl(*verify, cwd=tmp_path)
        text = openssl("x509", "-in", f"{kind}.der", "-inform", "DER", "-noout", "-text", cwd=tmp_path)
        assert ("TLS Web Client Authentication, TLS Web Server Authentication" in text) == (kind == "server")
        serial = openssl("x509", "-in", f"{kind}.pem", "-noout", "-serial", cwd=tmp_path).strip().split("=")[1]
        revoked = workspace.service_certificates.request_revocation(
            application, serial=serial, reason="key-compromise"
        )
        assert (revoked.state, revoked.serial) == ("revoked", issued.serial)
    workspace.authorities.publish(tmp_path / "published")
    crl = tmp_path / "published" / "crl" / "dvvtshsp3rc.crl"
    listed = openssl("crl", "-in", str(crl), "-inform", "DER", "-noout", "-text", cwd=tmp_path).upper()
    assert serial in listed
    openssl("crl", "-in", str(crl), "-inform", "DER", "-out", "list.pem", cwd=tmp_path)
    rejected = subprocess.run(
        ["openssl", *verify[:3], "-crl_check", "-CRLfile", "list.pem", *verify[3:]],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert rejected.returncode != 0
    assert "revoked" in rejected.stdout + rejected.stderr


@pytest.mark.parametrize(
    ("subject", "more", "bits", "rule"),
    [
        (f"{SUBJECT}/CN={HOST}", (), 1024, "csr.key.size"),
        (f"{SUBJECT}/CN=192.0.2.1", ("-addext", "subjectAltName=IP:192.0.2.1"), 2048, "csr.ip-only"),
        (f"{SUBJECT}/OU=Kanta/CN={HOST}", ("-addext", f"subjectAltName=DNS:{HOST}"), 2048, "csr.organisational-unit"),
        (f"{SUBJECT}/CN={HOST}/emailAddress=a@b.fi", (), 2048, "csr.email"),
    ],
)
def test_openssl_requests_that_dvv_sends_back(
    workspace: Workspace, tmp_path: Path, subject: str, more: tuple[str, ...], bits: int, rule: str
) -> None:
    """The refusal names the rule of the request that is broken, and the application waits for a better one."""
    with pytest.raises(Refused) as refused:
        apply(workspace, "server", request(tmp_path, subject, *more, bits=bits))
    assert refused.value.rule == "application.csr"
    assert rule in refused.value.sentence


def test_request_changed_after_signing(workspace: Workspace, tmp_path: Path) -> None:
    """A request whose signature does not verify proves no possession of the key."""
    path = request(tmp_path, f"{SUBJECT}/CN={HOST}", form="DER")
    path.write_bytes(path.read_bytes().replace(b"Testila", b"Testilb"))
    with pytest.raises(Refused, match=r"csr\.signature"):
        apply(workspace, "server", path)


KILLED = """
    import os, signal, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from sotepki.clock import SetClock
    from sotepki.workspace import Workspace

    point, countdown = sys.argv[2], int(sys.argv[3])

    def killing(function, after):
        def wrapper(*arguments, **named):
            global countdown
            countdown -= 1
            if not countdown and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = function(*arguments, **named)
            if not countdown and after:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer
        return wrapper

    with Workspace.open(Path(sys.argv[1]), clock=SetClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))) as workspace:
        target, name = {
            "issue": (workspace.authorities, "issue"),
            "card": (workspace.cards, "personalise"),
            "write": (type(workspace.records.database), "writing"),
        }[point]
        setattr(target, name, killing(getattr(target, name), sys.argv[4] == "after"))
        workspace.vartti.personalise(sys.argv[5])
"""


@pytest.mark.parametrize(
    ("point", "countdown", "when"),
    [
        ("issue", 1, "after"),
        ("issue", 2, "after"),
        ("card", 1, "before"),
        ("card", 1, "after"),
        ("write", 6, "before"),
    ],
)
def test_sigkill_while_a_card_is_made(directory: Path, point: str, countdown: int, when: str) -> None:
    """After a real SIGKILL the next run ends with one card, one letter with its code, and no certificate astray."""
    applicants = [cast(part) for part in ("psychologist", "dentist", "sosionomi", "pharmacist")]
    with Workspace.open(directory, clock=SetClock(NOW)) as workspace:
        workspace.vartti.policies.set("code-letter-working-days", "0", actor="trainer")
        free = [one for one in applicants if not workspace.vartti.orders(hetu=one)]
        person = free[0] if free else _close_and_reuse(workspace, applicants[0])
        order = workspace.vartti.order_professional_card(
            registrar=registrars()[0], applicant=person, identity=PASSPORT
        )
        letters = len(list((workspace.records.outbox_directory / "letters").glob("*")))
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(directory), point, str(countdown), when, order.id],
        capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with opened_books(directory) as books:
        states = books.execute(text("SELECT state FROM dvv_card_order WHERE number = :n"), {"n": int(order.id[1:])})
        assert [tuple(row) for row in states] == [("in-production",)]
    with Workspace.open(directory, clock=SetClock(NOW)) as workspace:  # opening finishes what was interrupted
        done = workspace.vartti.order(order.id)
        assert done.state == "delivered"
        assert workspace.vartti.resume() == []
        content = workspace.cards.read(done.card_number)
        holder = f"{done.registration_number} card {done.card_number}"
        issued = workspace.authorities.issued(holder=holder)
        good = {one.serial_number for one in issued if one.status.state is CertificateState.GOOD}
        assert good == {one.serial_number for one in content.certificates.values()}
        assert len({one.serial_number for one in issued}) == len(issued)
        assert len(list((workspace.records.outbox_directory / "letters").glob("*"))) == letters + 1
        with workspace.cards.insert(done.card_number) as card:
            card.activate(code_of(workspace, done.card_number), Pin("1234"), Pin("567890"))
        with workspace.records.look() as session:
            assert first_break(session) is None


def test_a_name_that_fits_no_certificate_leaves_the_workspace_usable(directory: Path) -> None:
    """Every command after it was refused before, for an order that somebody else had given."""
    who = cast("psychologist")
    with Workspace.open(directory, clock=SetClock(NOW)) as workspace:
        _close_and_reuse(workspace, who)
        person = workspace.population.person(who)
        assert person is not None
        longer = replace(person, surname="Pitkänimi-Testi" * 5)
        workspace.population.change_person(longer, actor="clerk")
        order = workspace.vartti.order_professional_card(registrar=registrars()[0], applicant=who, identity=PASSPORT)
        with pytest.raises(Refused, match="SN is longer"):
            workspace.vartti.personalise(order.id)
    with Workspace.open(directory, clock=SetClock(NOW)) as workspace:
        assert workspace.vartti.order(order.id).state == "rejected"
        workspace.population.change_person(person, actor="clerk")


def test_what_cannot_be_caught_up_stops_no_command(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opens the workspace may be here to mend the very thing that is refused."""

    def refused(self: object) -> None:
        raise Refused("An order of somebody else cannot go on.", rule="order.state")

    monkeypatch.setattr(Vartti, "resume", refused)
    with Workspace.open(directory, clock=SetClock(NOW)) as workspace:
        assert workspace.population.count()


def _close_and_reuse(workspace: Workspace, person: Hetu) -> Hetu:
    for order in workspace.vartti.orders(hetu=person):
        if order.state == "delivered":
            workspace.vartti.close_card(order.card_number, "returned", "dvv")
    return person


def test_renewal_and_expiry_follow_the_clock(directory: Path) -> None:
    """A workspace whose clock is moved five years on marks its cards expired."""
    with Workspace.open(directory, clock=SetClock(NOW + timedelta(days=5 * 366))) as workspace:
        moved = workspace.vartti.follow_time()
        assert {order.state for order in moved} <= {"expired"}
        assert RegistrationNumber("00900000001") not in {one.registration_number for one in moved}
