"""Authorities that are made when they first certify something: once, whole, and published like the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from authority_world import World, authority_keys, card_subject, holder_key, new_world, open_world
from cryptography import x509

from sotepki.dvv.authority.authorities import Authorities
from sotepki.errors import Fault
from sotepki.tokens import KeyKind, PrivateKey
from sotepki.x509.profiles import load_profiles

TEMPORARY = "sote-temporary"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = new_world(tmp_path)
    yield made
    made.records.database.close()


def spare_certificate(world: World) -> x509.Certificate:
    return world.authorities.issue(
        TEMPORARY, "spare-signature-rsa", subject=card_subject(), public_key=holder_key().public_key(), actor="test",
        holder="00000000001 spare card 1 issue 1",
    )  # fmt: skip


def test_it_is_made_with_its_first_certificate_and_published(world: World) -> None:
    """A new workspace does not wait for keys that it may never need, and a spare card can be checked all the same."""
    assert TEMPORARY not in world.authorities.made() and world.authorities.missing() == []
    world.authorities.publish_if_due(world.published)
    certificate = spare_certificate(world)
    certificate.verify_directly_issued_by(world.authorities.certificate(TEMPORARY))
    world.authorities.certificate(TEMPORARY).verify_directly_issued_by(world.authorities.root)
    assert world.authorities.publish_if_due(world.published) == {TEMPORARY: 1}
    assert world.authorities.authority_of(certificate) == TEMPORARY
    assert world.authorities.responder(TEMPORARY).respond(b"") != b""


def test_it_is_made_once_whoever_comes_first(world: World, tmp_path: Path) -> None:
    """Two runs that issue the first spare card must not leave two authorities of one name."""
    first = spare_certificate(world)
    second = open_world(tmp_path)
    spare_certificate(second)
    assert second.authorities.certificate(TEMPORARY) == world.authorities.certificate(TEMPORARY)
    first.verify_directly_issued_by(second.authorities.certificate(TEMPORARY))
    assert len(world.authorities.issued(holder=f"authority:{TEMPORARY}")) == 1
    assert len(world.authorities.issued(holder=f"responder:{TEMPORARY}")) == 1


@pytest.mark.parametrize("label", ["ca-sote-temporary", "ocsp-sote-temporary"])
def test_one_that_a_crash_left_unfinished_is_finished(world: World, label: str) -> None:
    """A power cut while it is made must not leave an authority without a responder."""

    def fails(wanted: str, _kind: KeyKind) -> PrivateKey:
        if wanted == label:
            raise KeyboardInterrupt
        return authority_keys()[wanted]

    world.authorities = Authorities(world.records, authority_keys().__getitem__, load_profiles(), create_key=fails)
    with pytest.raises(KeyboardInterrupt):
        spare_certificate(world)
    again = open_world(world.directory, world.clock)
    spare_certificate(again)
    assert len(again.authorities.issued(holder=f"authority:{TEMPORARY}")) == 1
    assert len(again.authorities.issued(holder=f"responder:{TEMPORARY}")) == 1


def test_without_a_place_for_keys_it_is_said(world: World) -> None:
    """A program that only reads a workspace cannot make authorities."""
    world.authorities = Authorities(world.records, authority_keys().__getitem__, load_profiles())
    with pytest.raises(Fault, match="has not been made"):
        spare_certificate(world)
