"""The EC tree in a workspace: made with the rest, and the quirk of its card certificates carried through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from authority_world import World, authority_keys, new_world, open_world
from cryptography import x509

from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.dvv.authority.tables import AuthorityRow
from sotepki.errors import Fault


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = new_world(tmp_path)
    yield made
    made.records.database.close()


def test_a_workspace_without_the_ec_tree_is_told_what_it_lacks(tmp_path: Path) -> None:
    """A workspace of an older version gets the authorities that its version did not know."""
    world = new_world(tmp_path)
    assert world.authorities.missing() == []
    with world.records.change("dvv", "test") as tx:
        row = tx.session.get(AuthorityRow, "general-ec")
        assert row is not None
        row.der = None
        tx.journal("forgotten", "general-ec")
    assert open_world(tmp_path).authorities.missing() == ["general-ec"]


def citizen_order(number: int = 1) -> CertificateOrder:
    satu = f"9000000{number}K"
    subject = {"serial_number": satu, "given_name": "Testi", "surname": "Kansalainen"}
    subject["common_name"] = f"KANSALAINEN TESTI {satu}"
    key = authority_keys()["ocsp-general-ec"].public_key()
    return CertificateOrder(subject, key, satu, email="testi@example.fi")


def test_certificates_with_explicit_null_are_issued_recorded_and_revoked_like_others(world: World) -> None:
    """EC card certificates that strict readers refuse must work in the whole workspace."""
    quirk = bytes.fromhex("300c06082a8648ce3d0403030500")
    orders = [citizen_order(1), citizen_order(2)]
    made = world.authorities.issue_many_der("general-ec", "citizen-signature-ec", orders, actor="test")
    assert [der.count(quirk) for der in made] == [2, 2]
    issued = world.authorities.issued(authority_id="general-ec", holder=orders[0].holder)[-1]
    assert issued.der == made[0]
    key_id = x509.SubjectKeyIdentifier.from_public_key(authority_keys()["ca-general-ec"].public_key()).digest
    assert world.authorities.status(key_id, issued.serial_number).state == "good"
    world.authorities.revoke(
        ("general-ec", issued.serial_number), reason=x509.ReasonFlags.key_compromise, actor="test"
    )
    assert world.authorities.status(key_id, issued.serial_number).state == "revoked"
    world.authorities.publish(world.published)
    crl = x509.load_der_x509_crl((world.published / "crl" / "dvvtp5ec.crl").read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(issued.serial_number) is not None


def test_the_addresses_of_an_order_stand_in_its_certificate(world: World) -> None:
    """Who logs in by name, or writes to the holder, finds nobody."""
    order = replace(citizen_order(), upn="testi@toimialue.example")
    (made,) = world.authorities.issue_many_der("general-ec", "citizen-authentication-ec", [order], actor="test")
    assert order.email.encode() in made and order.upn.encode() in made


def test_a_profile_with_a_quirk_is_not_issued_as_what_cannot_be_read(world: World) -> None:
    """Nothing may be recorded as issued when the caller gets an error instead of the certificate."""
    before = len(world.authorities.issued(authority_id="general-ec"))
    with pytest.raises(Fault, match="issue_many_der"):
        world.authorities.issue_many("general-ec", "citizen-signature-ec", [citizen_order()], actor="test")
    assert len(world.authorities.issued(authority_id="general-ec")) == before


def test_the_ec_tree_issues_under_its_own_root(world: World) -> None:
    root = world.authorities.certificate("root-ec")
    world.authorities.certificate("sote-persons-ec").verify_directly_issued_by(root)
    assert root != world.authorities.root
    assert world.authorities.responder("sote-services-ec").respond(b"") != b""
