"""A class is issued by two processes on one SoftHSM token; whatever is killed, no serial number is used twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from cryptography import x509
from sqlalchemy import select

from sotepki.clock import SystemClock
from sotepki.dvv.authority.authorities import Authorities
from sotepki.dvv.authority.bulk import Workshop, bulk_issuing
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.dvv.authority.tables import CertificateRow, SerialRow
from sotepki.errors import Fault, Misuse, Refused
from sotepki.records import Records
from sotepki.tokens import KeyKind, KeyPool
from sotepki.tokens.pool import make_key

pytestmark = pytest.mark.integration

PROFILE = "professional-signature-rsa"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workshop, Records, Authorities]]:
    directory = tmp_path_factory.mktemp("bulk")
    workshop = Workshop(
        f"sqlite:///{directory / 'sotepki.db'}",
        directory / "outbox",
        directory / "hsm",
        "bulk TEST CA",
        directory / "pool",
        SystemClock(),
    )
    KeyPool(directory / "pool").fill({KeyKind.RSA_4096: 3, KeyKind.RSA_3072: 3})
    records, ring, authorities = workshop.open()
    records.database.create_tables()
    authorities.create_hierarchy(ring.create)
    yield workshop, records, authorities
    ring.close()
    records.database.close()


KEY = make_key(KeyKind.RSA_3072).public_key()


def _orders(count: int, first: int = 1) -> list[CertificateOrder]:
    return [
        CertificateOrder(
            {
                "title": "310 Sosiaalityöntekijä, Socialarbetare",
                "serial_number": f"9{number:010d}",
                "given_name": "Aino",
                "surname": "Oppilas",
                "common_name": f"Oppilas Aino 9{number:010d}",
            },
            KEY,
            f"9{number:010d}",
        )
        for number in range(first, first + count)
    ]


def test_two_processes_issue_a_class_and_each_certificate_is_its_holders(
    shop: tuple[Workshop, Records, Authorities],
) -> None:
    workshop, _, authorities = shop
    orders = _orders(60)
    made: dict[int, bytes] = {}
    with bulk_issuing(workshop, 2) as issuing:
        for batch in issuing.issue("sote-persons", PROFILE, orders, actor="test", batch=10):
            made |= dict(zip(batch.places, batch.certificates, strict=True))
    assert sorted(made) == list(range(60))
    issuer = authorities.certificate("sote-persons")
    serials = set()
    for place, der in made.items():
        certificate = x509.load_der_x509_certificate(der)
        certificate.verify_directly_issued_by(issuer)
        serials.add(certificate.serial_number)
        (name,) = certificate.subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)
        assert name.value == orders[place].holder
        (kept,) = authorities.issued(holder=orders[place].holder)
        assert kept.der == der
    assert len(serials) == 60


def test_what_the_profile_forbids_is_refused_in_another_process_too(
    shop: tuple[Workshop, Records, Authorities],
) -> None:
    workshop, _, _ = shop
    bad = CertificateOrder({**_orders(1)[0].subject, "organisation": "Testipalvelu Oy"}, KEY, "bad")
    with bulk_issuing(workshop, 1) as issuing, pytest.raises(Refused) as refused:
        list(issuing.issue("sote-persons", PROFILE, [bad], actor="test"))
    assert refused.value.rule.startswith(f"cert.{PROFILE}")


def test_a_killed_process_is_told_and_no_serial_number_comes_twice(
    shop: tuple[Workshop, Records, Authorities],
) -> None:
    workshop, records, _ = shop
    with bulk_issuing(workshop, 2) as issuing, pytest.raises(Fault, match="ended from outside"):
        for number, _ in enumerate(issuing.issue("sote-persons", PROFILE, _orders(200, 1000), actor="test", batch=5)):
            if number == 3:
                children = list(issuing._executor._processes)
                os.kill(children[0], signal.SIGKILL)
    with bulk_issuing(workshop, 2) as issuing:
        list(issuing.issue("sote-persons", PROFILE, _orders(20, 2000), actor="test", batch=5))
    with records.look() as session:
        issued = list(session.execute(select(CertificateRow.authority_id, CertificateRow.serial)))
        taken = set(session.execute(select(SerialRow.authority_id, SerialRow.serial)))
    assert len(issued) == len(set(issued))
    assert set(issued) <= taken
    assert len({row.serial for row in issued}) >= 20


def test_a_number_of_processes_that_makes_no_sense_is_misuse(shop: tuple[Workshop, Records, Authorities]) -> None:
    with pytest.raises(Misuse), bulk_issuing(shop[0], 0):
        pass
