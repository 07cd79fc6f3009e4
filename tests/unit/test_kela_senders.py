"""Whom a client of Kanta may speak for: by the organisation in its certificate, or by its access point."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from office_world import COUNTY, COUNTY_ID

from sotepki.clock import SetClock
from sotepki.identifiers import Oid
from sotepki.kela.client import check_sender, host_names
from sotepki.kela.judging import Judge
from sotepki.registers import Organisation

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
HOST = "kanta.silta.test.example"
UNIT = Organisation(COUNTY, "Länsi-Öljy TEST", COUNTY_ID, "hospital", "Testilä", public=True)
ABOVE = Organisation(COUNTY, "Hyvinvointialue", COUNTY_ID, "county", "Testilä", public=True, long_name="Pitkä nimi")


def certificate(organisation: str | None, host: str = "") -> x509.Certificate:
    named = [] if organisation is None else [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)]
    name = x509.Name(named)
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 7, NOW, NOW + timedelta(days=1))
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(KEY, hashes.SHA256())


@pytest.mark.parametrize(
    ("organisation", "host", "rule"),
    [
        ("Länsi-Öljy TEST", "", ""),
        ("LANSI-OLJY  test", "", ""),
        ("Hyvinvointialue", "", ""),
        ("pitka nimi", "", ""),
        ("Länsi-Oljy TESTI", "", "organisation-sender"),
        ("Lnsi-ljy TEST", "", "organisation-sender"),
        (None, "", "organisation-sender"),
        ("Silta Oy", HOST.upper(), ""),
        ("Silta Oy", "kanta.other.test.example", "organisation-sender"),
    ],
)
def test_a_client_speaks_for_its_organisation_and_those_below_or_by_its_access_point(
    organisation: str | None, host: str, rule: str
) -> None:
    """A certificate without an organisation must not speak for one without a long name."""
    points = SimpleNamespace(lineage=lambda _oid: [UNIT, ABOVE], serves=lambda hosts, _oid: HOST in hosts)
    found = check_sender(certificate(organisation, host), COUNTY, points)  # type: ignore[arg-type]
    assert [one.rule for one in found] == ([f"kanta.client.{rule}"] if rule else [])


def test_nobody_speaks_for_an_organisation_that_is_not_in_the_register() -> None:
    points = SimpleNamespace(lineage=lambda _oid: [], serves=lambda _hosts, _oid: True)
    found = check_sender(certificate("Silta Oy", HOST), COUNTY, points)  # type: ignore[arg-type]
    assert [one.rule for one in found] == ["kanta.client.organisation-register"]
    assert host_names(certificate("x", HOST.upper())) == [HOST] and host_names(certificate("x")) == []


def test_a_refused_sender_stays_refused_and_a_good_one_is_remembered() -> None:
    """Whoever may not speak for an organisation would get in with the second message of the same second."""
    asked: list[list[str]] = []

    def serves(hosts: list[str], _oid: Oid) -> bool:
        asked.append(hosts)
        return HOST in hosts

    points = SimpleNamespace(lineage=lambda _oid: [UNIT], serves=serves)
    settings = SimpleNamespace(memory_seconds=60, refuses=frozenset({"kanta.client.organisation-sender"}))
    judge = Judge(SetClock(NOW), None, None, points, None, settings)  # type: ignore[arg-type]
    good, bad = certificate("Silta Oy", HOST), certificate("Silta Oy", "kanta.other.test.example")
    for _ in range(3):
        assert judge.may_act_for(good, COUNTY.value)
        assert not judge.may_act_for(bad, COUNTY.value)
    assert [HOST in hosts for hosts in asked] == [True, False, False, False]
