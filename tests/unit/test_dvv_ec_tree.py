"""The EC tree in a workspace: made with the rest, and the quirk of its card certificates carried through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from authority_world import World, authority_keys, new_world, open_world
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.cli import run
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.dvv.authority.tables import AuthorityRow
from sotepki.errors import Fault
from sotepki.workspace import Workspace


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


def test_the_command_revokes_a_citizens_ec_certificate_by_its_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file on the card was called 'not a certificate', and its holder could not have it revoked."""
    orders = [citizen_order(1)]
    (made,) = world.authorities.issue_many_der("general-ec", "citizen-signature-ec", orders, actor="test")
    forged = made[:-1] + bytes([made[-1] ^ 1])
    for name, data in (("forged.der", forged), ("signature.der", made)):
        (tmp_path / name).write_bytes(data)
    monkeypatch.setattr(Workspace, "open", lambda _directory: nullcontext(world))
    arguments = ["--reason", "key-compromise"]
    assert run(["revoke", "certificate", str(tmp_path / "forged.der"), *arguments]) == 1
    assert "[revocation.unknown-certificate]" in capsys.readouterr().err
    assert run(["revoke", "certificate", str(tmp_path / "signature.der"), *arguments]) == 0
    (issued,) = world.authorities.issued(authority_id="general-ec", holder=orders[0].holder)
    assert issued.status.state == "revoked"


def test_the_command_that_verifies_says_what_a_citizens_ec_certificate_is(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A good certificate that only this library does not read was called 'not a certificate'."""
    orders = [citizen_order(1)]
    (made,) = world.authorities.issue_many_der("general-ec", "citizen-signature-ec", orders, actor="test")
    (tmp_path / "signature.der").write_bytes(made)
    root = world.authorities.certificate("root-ec")
    (tmp_path / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    arguments = [str(tmp_path / "signature.der"), "--trust", str(tmp_path / "root.pem"), "--format", "json"]
    assert run(["cert", "verify", *arguments]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["rule"] == "cert.null-parameters" and "openssl" in finding["advice"]


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
