"""How the reference system comes by its server certificate: the one that lies there, if it is of use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from authority_world import World, holder_key, new_world
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sotepki.errors import Misuse
from sotepki.identifiers import BusinessId, Hetu, organisation_oid
from sotepki.journey import load_cast
from sotepki.journey.service_provider import ServiceIdentity, provider_system
from sotepki.reference_system import starting
from sotepki.registers import Organisation
from sotepki.tokens import KeyKind

WITHOUT_DOMAIN = Organisation(
    organisation_oid(BusinessId("9900001-8"), 1010), "Terveyskeskus TEST", "", BusinessId("9900001-8"), "hospital",
    "Kaltio", True,
)  # fmt: skip


@dataclass
class Place:
    """A directory with a server certificate and its key, in a world whose e-service issues another one if asked."""

    world: World
    directory: Path
    certificate: x509.Certificate
    ordered: ServiceIdentity

    def starts_with(self) -> ServiceIdentity:
        office = SimpleNamespace(open_account=lambda *_args, **_kinds: None)
        workspace = SimpleNamespace(
            authorities=self.world.authorities, clock=self.world.clock, service_certificates=office
        )
        organisation = Organisation(**{**vars(WITHOUT_DOMAIN), "domains": ("terveys.test.example",)})
        return starting._server_identity(cast(Any, workspace), organisation, load_cast(), self.directory)

    def revoke(self) -> None:
        reason = x509.ReasonFlags.key_compromise
        self.world.authorities.revoke(self.certificate, reason=reason, actor="test")

    def write_key(self, number: int) -> None:
        key = holder_key(number, KeyKind.RSA_2048)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.directory / "server.key").write_bytes(secret)

    def move_on(self) -> None:
        end = self.certificate.not_valid_after_utc
        self.world.clock.advance(end - self.world.clock.now() - timedelta(days=29))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    world = new_world(tmp_path)
    certificate = world.server_certificate()
    ordered = ServiceIdentity("new", certificate, (), tmp_path, tmp_path, tmp_path)
    monkeypatch.setattr(starting, "service_identity", lambda *_: ordered)
    made = Place(world, tmp_path, certificate, ordered)
    (tmp_path / "server.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    made.write_key(1)
    return made


def test_a_certificate_of_use_is_used_again(place: Place) -> None:
    """Every start would cost another application in the e-service."""
    assert place.starts_with().certificate == place.certificate
    assert place.starts_with() is not place.ordered


@pytest.mark.parametrize(
    "befall",
    [
        Place.revoke,
        lambda place: place.write_key(2),
        lambda place: (place.directory / "server.key").write_text("torn"),
        lambda place: (place.directory / "server.key").unlink(),
        lambda place: (place.directory / "server.pem").write_text("torn"),
        Place.move_on,
    ],
    ids=["revoked", "another key", "torn key", "no key", "torn certificate", "about to end"],
)
def test_a_certificate_of_no_use_is_replaced(place: Place, befall: Callable[[Place], object]) -> None:
    """A system whose certificate was revoked was refused by Kanta for ever, however often it was started anew."""
    befall(place)
    assert place.starts_with() is place.ordered


def test_an_organisation_without_a_domain_is_told_that_it_lacks_one(tmp_path: Path) -> None:
    """'--organisation' of a health centre without a domain ended with IndexError and an account for nothing."""
    nothing = cast(Any, None)
    for begin in (
        lambda: starting._server_identity(nothing, WITHOUT_DOMAIN, load_cast(), tmp_path),
        lambda: provider_system(nothing, WITHOUT_DOMAIN, user=cast(Hetu, None), directory=tmp_path),
    ):
        with pytest.raises(Misuse, match="has no domain") as misuse:
            begin()
        assert "organisation import" in misuse.value.advice
