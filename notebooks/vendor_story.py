"""What the vendor's story needs besides the public API: knocks at Kanta's door, a workstation with a card in its
reader, and a package that somebody else unpacks."""

from __future__ import annotations

import hashlib
import http.client
import json
import subprocess
import time
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sotepki.clock import Clock, SystemClock
from sotepki.journey.sending import client_context, post_frame
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.kela.request_log import RequestEntry
from sotepki.scs import SignatureService, load_settings, local_certificate, running
from sotepki.scs.client import ScsClient
from sotepki.scs.pins import scripted_pins
from sotepki.scs.readers import ShelfReader
from sotepki.services import KANTA_HOST, RunningServices
from sotepki.workspace import Workspace
from sotepki.x509.tls import tls_of

_PATIENCE = 10.0


@dataclass(frozen=True)
class Knock:
    """One connection to Kanta.

    Attributes:
        client: what the client saw: the code of the answer, or its own TLS error.
        code, entry: the answer as people tell it, and what Kanta wrote into its log.
    """

    client: str
    code: str
    entry: RequestEntry


@dataclass(frozen=True)
class Door:
    """Kanta's door, seen from both sides."""

    services: RunningServices

    def knock(
        self, message: bytes, identity: ServiceIdentity | None, *, roots: str = "", name: str = KANTA_HOST
    ) -> Knock:
        """Connect with a certificate or none, send a message, and read what Kanta's log says of it.

        Args:
            roots: whom the client trusts (PEM); by default the workspace's TEST root.
            name: the name that the client expects in Kanta's certificate.
        """
        kanta = self.services.kanta
        before = max((line.number for line in kanta.requests(1)), default=0)
        try:
            context = client_context(roots or self.services.trust_file.read_text(encoding="ascii"), identity)
            answer = post_frame(message, url=self.services.kanta_url, context=context, server_name=name)
            seen = code = str(json.loads(answer.body)["code"])
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or type(error).__name__
            seen, code = str(reason), "no answer"
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            newest = kanta.requests(1)
            if newest and newest[0].number > before:
                return Knock(seen, code, newest[0])
            time.sleep(0.05)
        raise AssertionError("Kanta wrote nothing into its log.")


def home_made(directory: Path, like: ServiceIdentity, clock: Clock) -> ServiceIdentity:
    """A self-signed certificate for the same host, as makers use it in their own network."""
    key, now = ec.generate_private_key(ec.SECP256R1()), clock.now()
    (common,) = like.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common.value)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    key_file, chain_file = directory / "home-made.key", directory / "home-made.pem"
    key_file.touch(mode=0o600)
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    chain_file.write_bytes(made.public_bytes(Encoding.PEM))
    return replace(like, certificate=made, chain=(made,), key_file=key_file, chain_file=chain_file)


@dataclass
class Workstation:
    """A desk with a card reader and the Signature Creation Service, on a free port.

    Attributes:
        typed: what the person types: PIN1 and PIN2, or ``cancel`` in the place of one.
    """

    workspace: Workspace
    stack: ExitStack
    typed: str
    reader: ShelfReader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = self.stack.enter_context(ShelfReader(self.workspace.cards))

    def page(self, origin: str, *, version: str = "1.1", quirks: Sequence[str] = ()) -> ScsClient:
        """A page of this origin, before a service of this version and with these habits."""
        chain = local_certificate(self.workspace.directory / "scs" / "localhost.pem", SystemClock().now())
        settings = load_settings(version).with_quirks(quirks)
        service = SignatureService(self.reader, lambda request: scripted_pins(self.typed)(request), settings=settings)
        url = self.stack.enter_context(running(service, chain, port=0))
        return ScsClient(url, tls_of(chain.with_suffix(".crt")), origin)


def preflight(page: ScsClient) -> dict[str, str]:
    """The headers with which a service answers a browser that asks whether this page may POST to it."""
    place = urlsplit(page.url)
    connection = http.client.HTTPSConnection(str(place.hostname), place.port, context=page.tls)
    asked = {
        "Origin": page.origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    try:
        connection.request("OPTIONS", "/sign", headers=asked)
        answered = connection.getresponse()
        return {name: value for name, value in answered.getheaders() if name.startswith("Access-Control-")}
    finally:
        connection.close()


def unpacked(package: Path, directory: Path) -> tuple[str, list[str]]:
    """What ``openssl cms -verify`` says of a package's manifest, and the files whose digests do not agree with it."""
    directory.mkdir(exist_ok=True)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(directory)
    return verified(directory)


def verified(directory: Path) -> tuple[str, list[str]]:
    """The same for a package that was unpacked before."""
    command = "openssl cms -verify -binary -inform DER -in manifest.json.p7s -content manifest.json"
    options = ["-CAfile", "signer-TEST.pem", "-purpose", "any", "-out", "/dev/null"]
    done = subprocess.run([*command.split(), *options], cwd=directory, capture_output=True, text=True, check=False)
    listed = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))["files"]
    differ = [name for name, digest in listed.items() if _digest(directory / name) != digest]
    return ("intact" if done.returncode == 0 else "not intact"), differ


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
