"""The certificates of the emulator's own servers: in force for real clients, whatever the workspace's clock says."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from kela_world import KelaWorld, new_world

from sotepki.kela import archive_service, server_chain, server_context
from sotepki.services.archive import kanta_server_chain, validity_warning
from sotepki.workspace import Workspace


@pytest.fixture
def world(tmp_path: Path) -> Iterator[KelaWorld]:
    world = new_world(tmp_path)
    yield world
    world.records.database.close()


def _workspace(world: KelaWorld) -> Workspace:
    parts = SimpleNamespace(authorities=world.authorities, clock=world.clock, directory=world.directory)
    return cast(Workspace, parts)


def _served(chain: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(chain.read_bytes())[0]


def _handshake(world: KelaWorld, url: str) -> str:
    """A real TLS client, which knows no clock but the machine's."""
    context = ssl.create_default_context(cadata=world.authorities.root.public_bytes(Encoding.PEM).decode())
    context.load_cert_chain(world.client().files(world.directory))
    parts = urlsplit(url)
    with (
        socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        return str(secured.version())


@pytest.mark.parametrize(("before", "after"), [(14, 0), (400, 0), (0, 340), (14, 400)])
def test_a_real_client_connects_after_the_clock_was_moved(world: KelaWorld, before: int, after: int) -> None:
    """After ``sotepki clock advance`` curl, Java and everybody else are told "certificate is not yet valid"."""
    workspace = _workspace(world)
    for days in (before, after):
        world.advance(days=days)
        chain = kanta_server_chain(workspace)
        with archive_service.running(world.kanta(), chain) as url:
            assert _handshake(world, url).startswith("TLS")
    served, moved = _served(chain), before + after
    in_force = served.not_valid_before_utc <= world.clock.now() <= served.not_valid_after_utc
    assert in_force == (moved < 365), "by both clocks, as long as a certificate of a year can be"
    warning = validity_warning(workspace, chain)
    assert ("the workspace's clock" in warning) == (not in_force) and "the machine's" not in warning


def test_a_certificate_that_serves_both_clocks_is_kept(world: KelaWorld) -> None:
    """A new certificate with every start would fill the books, and a client that pins it would be refused."""
    workspace = _workspace(world)
    world.advance(days=14)
    first = _served(kanta_server_chain(workspace))
    assert _served(kanta_server_chain(workspace)) == first
    world.advance(days=330)
    assert _served(kanta_server_chain(workspace)) == first


def test_an_authority_that_is_younger_than_the_machines_clock_is_warned_of(tmp_path: Path) -> None:
    """Nothing can be done about it, and whoever starts the service would look for the fault in the client."""
    world = new_world(tmp_path, now=datetime.now(UTC).replace(microsecond=0) + timedelta(days=50))
    chain = kanta_server_chain(_workspace(world))
    warning = validity_warning(_workspace(world), chain)
    assert "the machine's clock" in warning and "the workspace's" not in warning
    world.records.database.close()


def test_services_that_start_together_serve_one_certificate(world: KelaWorld) -> None:
    """Of two ``sotepki serve`` one ended with KEY_VALUES_MISMATCH: the file was replaced while it was read."""
    asked: list[int] = []
    authority = world.authorities.certificate("sote-services")

    def certify(key: rsa.RSAPublicKey) -> Sequence[x509.Certificate]:
        asked.append(1)
        time.sleep(0.3)  # long enough for the other one to look
        subject = {"country": "FI", "state": "Finland", "locality": "Helsinki", "organisation": "Kela TEST"}
        certificate = world.authorities.issue(
            "sote-services",
            "test-server",
            subject=subject | {"common_name": "kanta.test.example"},
            public_key=key,
            actor="test",
            holder="kanta",
            dns_names=("kanta.test.example",),
        )
        return certificate, authority

    path, failed = world.directory / "together" / "kanta.pem", []

    def start() -> None:
        try:
            server_context(server_chain(path, certify, world.clock.now()), [authority], lambda _refused: None)
        except Exception as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failed, len(asked)) == ([], 1)
