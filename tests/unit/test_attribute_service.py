"""The role and attribute service: approved systems over mutual TLS get current rights, nobody else gets anything."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from databases import database_url
from http_world import Reply, answer_to_dripping, ask, post_json, worst_status
from registers_world import NOON, Registers, open_registers

from sotepki.errors import Fault, Refused, SotepkiError
from sotepki.evidence import Grade
from sotepki.identifiers import Oid
from sotepki.loopback import running
from sotepki.resources import package_file
from sotepki.serving import bodies
from sotepki.serving.faults import Down, ServiceFaultBoard, ServiceFaults
from sotepki.serving.history import RequestHistory
from sotepki.valvira import ApprovedSystems
from sotepki.valvira.attribute_interface import AttributeInterface
from sotepki.valvira.attribute_service import NAME, attribute_application
from sotepki.valvira.rules import attribute_rules
from sotepki.x509.status import CertificateState, CertificateStatus

COUNTY = Oid("1.2.246.10.99000018.10.0")
HOST = "potilas.tunturilaakso.test.example"
PATH = "/attribute/v1/professional"
SPACE = "{urn:sotepki:test:attribute-service:1}"


_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _certificate(
    name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None, *, until: int = 2049
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(until, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        # From Python 3.13 on, clients verify strictly: what RFC 5280 wants of a CA and its issues is to be there.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer is None:
        builder = builder.add_extension(_SIGNS_CERTIFICATES, critical=True)
    else:
        of_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer[1].public_key())
        builder = builder.add_extension(of_issuer, critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


@dataclass
class Service:
    """The service without TLS; ``client`` is the certificate that the next request shows."""

    registers: Registers
    approvals: ApprovedSystems
    faults: ServiceFaultBoard
    history: RequestHistory
    client: x509.Certificate | None
    revoked: bool = False
    silent: SotepkiError | None = None
    url: str = ""

    def get(self, query: str, accept: str = "application/json") -> Reply:
        return ask(self.url, f"{PATH}?{query}", headers={"Accept": accept})


def _status(service: Service) -> CertificateStatus:
    if service.silent is not None:
        raise service.silent
    return CertificateStatus(CertificateState.REVOKED if service.revoked else CertificateState.GOOD)


@pytest.fixture(scope="module")
def authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    return _certificate("TEST CA")


@pytest.fixture
def service(tmp_path: Path, authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]) -> Iterator[Service]:
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as registers:
        approvals = ApprovedSystems(registers.records)
        approvals.approve(HOST, COUNTY, "Potilastietojärjestelmä TEST", actor="x")
        opened = Service(
            registers, approvals, ServiceFaultBoard(), RequestHistory(), _certificate(HOST, authority)[0]
        )
        app = attribute_application(
            registers.valvira,
            approved=approvals,
            clock=registers.clock,
            status=lambda _: _status(opened),
            faults=opened.faults,
            history=opened.history,
            certificate_of=lambda _request: opened.client,
        )
        with running(app) as url:
            opened.url = url
            yield opened


def test_rights_and_restrictions_of_the_moment_in_json(service: Service) -> None:
    number = service.registers.number("restricted-physician")
    found = service.get(f"registrationNumber={number}").json
    assert found["registrationNumber"] == number.value and found["prescriberId"] == "099006"
    assert found["at"] == NOON.isoformat()
    (right,) = found["rights"]
    assert (right["code"], right["codeSystem"]) == ("001", "1.2.246.537.6.140.2008")
    assert [one["code"] for one in right["restrictions"]] == ["10", "30"]
    assert right["restrictions"][0]["codeSystem"] == "1.2.246.537.6.147.2008"
    assert right["professionalStatus"] == {
        "code": "supervised",
        "codeSystem": "Valvira - Ammattiasema - valvonnanalaisuus",
    }
    text = json.dumps(found)
    assert service.registers.hetu("restricted-physician").value not in text and "Jääskeläpuro" not in text


def test_the_same_in_xml_which_is_the_default_form(service: Service) -> None:
    number = service.registers.number("restricted-physician")
    question = (
        f"<professionalQuery xmlns='{SPACE[1:-1]}'><registrationNumber>{number}</registrationNumber>"
        "<right>001</right></professionalQuery>"
    ).encode()
    for reply in (
        service.get(f"registrationNumber={number}", accept="*/*"),
        ask(service.url, PATH, method="POST", headers={"Content-Type": "application/xml"}, body=question),
    ):
        assert reply.status == 200 and reply.headers["content-type"].startswith("application/xml")
        root = ElementTree.fromstring(reply.body)
        assert root.tag == f"{SPACE}professional"
        assert root.findtext(f"{SPACE}registrationNumber") == number.value
        rights = root.findall(f"{SPACE}rights/{SPACE}right")
        assert [right.findtext(f"{SPACE}code") for right in rights] == ["001"]
        assert [
            one.findtext(f"{SPACE}code") for one in rights[0].findall(f"{SPACE}restrictions/{SPACE}restriction")
        ] == ["10", "30"]


def test_a_removal_is_seen_at_once_and_the_past_stays_as_it_was(service: Service) -> None:
    """A system would let somebody act whose right is gone, or refuse what was rightly signed before."""
    registers, number = service.registers, service.registers.number("nurse")
    registers.advance(hours=1)
    registers.valvira.remove_right(number, "T06", actor="x", reason="test")
    assert service.get(f"registrationNumber={number}").json["rights"] == []
    before = NOON.isoformat().replace("+", "%2B")
    assert len(service.get(f"registrationNumber={number}&at={before}").json["rights"]) == 1
    assert service.get(f"registrationNumber={number}&right=001&at={before}").json["rights"] == []
    service.faults.set(NAME, ServiceFaults(stale_hours=2))
    assert len(service.get(f"registrationNumber={number}").json["rights"]) == 1, "a stale service tells what was"


def test_a_stale_service_does_not_know_what_was_granted_since(service: Service) -> None:
    """A vendor tries out an old answer, and gets one that no register ever gave; ``at`` must tell how old it is."""
    registers, number = service.registers, service.registers.number("nurse")
    registers.advance(hours=10)
    registers.valvira.grant_right(registers.hetu("nurse"), "T07", actor="x", valid_from=date(2026, 1, 1))

    def told(query: str = "") -> tuple[str, list[str]]:
        found = service.get(f"registrationNumber={number}{query}").json
        return found["at"], [right["code"] for right in found["rights"]]

    assert told() == ((NOON + timedelta(hours=10)).isoformat(), ["T06", "T07"])
    service.faults.set(NAME, ServiceFaults(stale_hours=3))
    assert told() == ((NOON + timedelta(hours=7)).isoformat(), ["T06"])
    assert told("&at=2026-03-01T12:00:00Z") == ("2026-03-01T12:00:00+00:00", ["T06"])
    registers.advance(hours=3)
    assert told()[1] == ["T06", "T07"]


def test_who_is_not_approved_learns_nothing(
    service: Service, authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
) -> None:
    query = f"registrationNumber={service.registers.number('physician')}"
    approved = service.client
    for client, revoked, rule in (
        (None, False, "attribute.client.certificate"),
        (_certificate("other.test.example", authority)[0], False, "attribute.client.approved"),
        (authority[0], False, "attribute.client.approved"),
        (_certificate(HOST, authority, until=2026)[0], False, "attribute.client.validity"),
        (approved, True, "attribute.client.validity"),
    ):
        service.client, service.revoked = client, revoked
        reply = service.get(query)
        assert (reply.status, reply.json["rule"]) == (403, rule)
        assert "rights" not in reply.json
    service.client, service.revoked = approved, False
    service.approvals.withdraw(HOST, actor="x")
    assert service.get(query).json["rule"] == "attribute.client.approved"
    with pytest.raises(Refused) as caught:
        service.approvals.withdraw(HOST, actor="x")
    assert caught.value.rule == "attribute.approval.known"
    assert [one.withdrawn_at for one in service.approvals.all()] == [NOON]


@pytest.mark.parametrize(
    ("query", "status", "rule"),
    [
        ("", 400, "attribute.query.form"),
        ("registrationNumber=1", 400, "identifier.registration-number.form"),
        ("registrationNumber=00999999999", 404, "attribute.number.known"),
        ("registrationNumber=00900000001&at=2026-05-04", 400, "attribute.query.form"),
        ("registrationNumber=00900000001&surname=x", 400, "attribute.query.form"),
    ],
)
def test_a_wrong_question_is_refused_in_the_form_that_was_asked_for(
    service: Service, query: str, status: int, rule: str
) -> None:
    reply = service.get(query)
    assert (reply.status, reply.json["rule"]) == (status, rule)
    xml = service.get(query, accept="application/xml")
    assert xml.status == status
    assert ElementTree.fromstring(xml.body).findtext(f"{SPACE}rule") == rule


def test_faults_and_history_name_the_system_and_not_the_person(service: Service) -> None:
    number = service.registers.number("physician").value
    service.faults.set(NAME, ServiceFaults(down=Down.UNAVAILABLE, answers=1))
    assert service.get(f"registrationNumber={number}").status == 503
    assert service.get(f"registrationNumber={number}").status == 200
    records = service.history.records()
    assert [(one.status, one.client, one.faulty) for one in records] == [(503, "", True), (200, HOST, False)]
    assert number not in ask(service.url, "/history").text


def test_no_rubbish_gives_a_500(service: Service) -> None:
    status, what = worst_status(service.url, (PATH,))
    assert status < 500, what


def test_a_question_that_drips_gets_a_sentence(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """One approved system could hold all connections of the service."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.3)
    answer = answer_to_dripping(service.url, PATH, "application/json", Accept="application/json")
    assert answer.startswith(b"HTTP/1.1 408") and b"did not arrive within" in answer


def test_approvals_are_refused_by_their_rules(service: Service) -> None:
    for host in ("", "x", "kanta fi", "*.test.example", "a" * 300, "ä.example", "-a.example"):
        with pytest.raises(Refused) as caught:
            service.approvals.approve(host, COUNTY, "x", actor="x")
        assert caught.value.rule == "attribute.approval.host"
    for system in ("", "  ", "a\nb", "x" * 201, "010181-900C"):
        with pytest.raises(Refused) as caught:
            service.approvals.approve("other.test.example", COUNTY, system, actor="x")
        assert caught.value.rule == "attribute.approval.system"
    with pytest.raises(Refused) as caught:
        service.approvals.approve(HOST.upper(), COUNTY, "x", actor="x")
    assert caught.value.rule == "attribute.approval.once"


def test_every_rule_is_used() -> None:
    named = set()
    for path in package_file("valvira").glob("*.py"):
        named |= {word for word in path.read_text(encoding="utf-8").split('"') if word.startswith("attribute.")}
    assert named == set(attribute_rules().rules)


def test_a_vendor_may_give_the_form_that_it_knows(service: Service, tmp_path: Path) -> None:
    """The real names are not public: whoever knows them must not have to change code."""
    rows = yaml.safe_load(package_file("valvira", "attribute_service.yaml").read_text(encoding="utf-8"))
    rows["path"]["value"] = "/rooli"
    rows["names"]["value"]["registration_number"] = "rekisterointinumero"
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump(rows), encoding="utf-8")
    interface = AttributeInterface.load(own)
    assert interface.grades["path"] is Grade.UNKNOWN and interface.grades["right_code_system"] is Grade.CONFIRMED
    app = attribute_application(
        service.registers.valvira,
        approved=service.approvals,
        clock=service.registers.clock,
        interface=interface,
        certificate_of=lambda _request: service.client,
    )
    with running(app) as url:
        reply = post_json(url, "/rooli", {"rekisterointinumero": "00900000001"})
    assert reply.json["rekisterointinumero"] == "00900000001"
    del rows["names"]["value"]["right"]
    own.write_text(yaml.safe_dump(rows), encoding="utf-8")
    with pytest.raises(Fault, match="lacks the name 'right'"):
        AttributeInterface.load(own)
    own.write_text("path: 5\n", encoding="utf-8")
    with pytest.raises(Fault, match="lacks"):
        AttributeInterface.load(own)


def test_over_mutual_tls_the_certificate_of_the_connection_decides(
    tmp_path: Path, authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
) -> None:
    def chain(name: str) -> Path:
        certificate, key = _certificate(name, authority)
        path = tmp_path / f"{name}.pem"
        path.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
        )
        return path

    pem = authority[0].public_bytes(Encoding.PEM).decode()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain("localhost"))
    server.load_verify_locations(cadata=pem)
    server.verify_mode = ssl.CERT_REQUIRED
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as registers:
        approvals = ApprovedSystems(registers.records)
        approvals.approve(HOST, COUNTY, "TEST", actor="x")
        app = attribute_application(registers.valvira, approved=approvals, clock=registers.clock)
        with running(app, server) as url:
            port = int(url.rpartition(":")[2])
            for name, status in ((HOST, 200), ("other.test.example", 403)):
                context = ssl.create_default_context(cadata=pem)
                context.load_cert_chain(chain(name))
                connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
                connection.request("GET", f"{PATH}?registrationNumber=00900000001")
                assert connection.getresponse().status == status
                connection.close()
            bare = http.client.HTTPSConnection(
                "localhost", port, context=ssl.create_default_context(cadata=pem), timeout=10
            )
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
                bare.request("GET", PATH)
                bare.getresponse()
            bare.close()


def test_a_responder_that_does_not_answer_is_no_fault_of_the_client(service: Service) -> None:
    """A system that gets 400 drops its question as malformed; one that gets 503 asks again (docs/registers.md)."""
    query = f"registrationNumber={service.registers.number('restricted-physician')}"
    service.silent = Refused("The responder does not answer.", rule="ocsp.unavailable")
    reply = service.get(query)
    assert reply.status == 503 and "could not be asked" in reply.text
    assert reply.json["rule"] == "ocsp.unavailable", "'sotepki rule' says more of it"


def test_a_fault_of_the_service_is_told_to_its_operator_only(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator's log would have nothing of a broken workspace, and a stranger its paths."""
    service.silent = Fault("The file /var/lib/records.db is no database.")
    reply = service.get(f"registrationNumber={service.registers.number('physician')}")
    assert (reply.status, reply.json["message"]) == (503, "The service failed.")
    assert "records.db" in caplog.text


def test_a_client_is_admitted_in_the_last_second_of_its_certificate(service: Service) -> None:
    """What the archive takes at such a moment, this service refused."""
    assert service.client is not None
    service.registers.clock.advance(service.client.not_valid_after_utc - NOON + timedelta(milliseconds=500))
    query = f"registrationNumber={service.registers.number('physician')}"
    assert service.get(query).status == 200
    service.registers.clock.advance(timedelta(milliseconds=500))
    assert service.get(query).json["rule"] == "attribute.client.validity"
