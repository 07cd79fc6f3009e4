"""Kanta over keep-alive mutual TLS beside full verification alone: documents per second, with 16 clients at once.

The archive runs as a user runs it: ``sotepki serve`` in a process of its own, on SQLite with every document durable
before its acknowledgement. The loader is as bare as can be and runs in another process; what is measured begins when
its connections stand, since they are kept. Beside the rate by the clock, for which loader and archive share the
processors, stands the rate per second of the archive's own processor time: that is what one core does.

Full verification alone is measured twice: by one process, and by as many processes as there are processors, each
counting its own processor time. While the archive is loaded, loader and disk keep the other processors busy, which
costs each some of its speed where they share caches or are two threads of one core; so the second figure compares
like with like, and the first is the stricter one.

The archive runs twice: in one process, and in as many processes as there are processors (``--kanta-processes``). A
part of the documents goes to the one, the next part to the other. Of several processes the processor time is that of
all of them together, so a rate per core is never raised by there being more of them.

A run of many small documents tells how the memory grows.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sotepki.documents import VerificationContext, build_frame, build_social_document, sign_as_system, verify_document
from sotepki.evidence import Verdict
from sotepki.identifiers import Oid
from sotepki.journey import load_cast
from sotepki.tokens import PrivateKey
from sotepki.workspace import Workspace
from sotepki.x509.status import CertificateState, CertificateStatus

CLIENTS = 16
SIZE = 35_000
_PARAGRAPH = "Asiakkaan kanssa on sovittu tuesta, sen tavoitteista ja seurannasta TESTI-ympäristössä. " * 4
_VERIFICATION = ("verification_alone", "verification_on_every_processor")
_RATES = ("by_the_clock", "per_core")
_GOOD = CertificateStatus(CertificateState.GOOD)


def measure(documents: int = 1200, rounds: int = 3) -> dict[str, Any]:
    """Rates and ratios; at least 0.5 of full verification per core is wanted."""
    rates: dict[str, list[float]] = {name: [] for name in (*_VERIFICATION, *_RATES, *map(_spread, _RATES))}
    with tempfile.TemporaryDirectory(prefix="sotepki-bench-") as name, ExitStack() as stack:
        sender = _Sender.made(Path(name) / "workspace")
        signed = [sender.document(SIZE) for _ in range(documents)]
        frames = [sender.frame(document) for document in signed]
        archives = [
            (_RATES, stack.enter_context(sender.archive())),
            (tuple(map(_spread, _RATES)), stack.enter_context(sender.archive(os.cpu_count() or 1))),
        ]
        for number, (_names, archive) in enumerate(archives):
            _load(archive, sender, frames[64 * number : 64 * (number + 1)])
        parts = iter(_parts(frames[128:], rounds * len(archives)))
        for _ in range(rounds):
            rates["verification_alone"].append(sender.verification(signed[:100]))
            rates["verification_on_every_processor"].append(sender.verification_everywhere(signed[:100]))
            for (by_the_clock, per_core), archive in archives:
                part = next(parts)
                seconds, processor_seconds = _load(archive, sender, part)
                rates[by_the_clock].append(len(part) / seconds)
                rates[per_core].append(len(part) / processor_seconds)
    told = {key: statistics.median(values) for key, values in rates.items()}
    ratios = {
        f"kanta.{rate}.vs_verification{where}": round(told[rate] / told[verification], 3)
        for rate in (*_RATES, *map(_spread, _RATES))
        for where, verification in (("", "verification_alone"), ("_on_every_processor", _VERIFICATION[1]))
        if "per_core" in rate or not where
    }
    return {
        "name": "kanta",
        "ratios": ratios,
        "rates": {f"kanta.{key}_per_second": round(rate, 1) for key, rate in told.items()},
    }


def memory(documents: int = 20_000) -> dict[str, Any]:
    """Resident memory of the archive over a run of small documents, in kilobytes, and its growth per document."""
    with tempfile.TemporaryDirectory(prefix="sotepki-bench-") as name:
        sender = _Sender.made(Path(name) / "workspace", curve=True)
        with sender.archive() as archive:
            sizes = []
            for _ in range(10):
                _load(archive, sender, [sender.frame(sender.document(0)) for _ in range(documents // 10)])
                sizes.append(archive.resident_kilobytes())
    # The first tenths fill caches of bounded size; what comes after them would go on.
    growth = (sizes[-1] - sizes[3]) * 1024 / (documents * 6 / 10)
    return {"name": "kanta_memory", "kilobytes": sizes, "bytes_per_document": round(growth, 1)}


@dataclass
class _Archive:
    """The served archive."""

    process: subprocess.Popen[str]
    url: str

    def processor_seconds(self) -> float:
        """User and system time so far, of the process and of those that it has begun."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._processes()]
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")

    def _processes(self) -> list[int]:
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        begun = [int(pid) for thread in threads for pid in (thread / "children").read_text().split()]
        return [self.process.pid, *begun]

    def resident_kilobytes(self) -> int:
        """Resident memory now, of an archive in one process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass
class _Sender:
    """A workspace with an organisation that signs and sends."""

    directory: Path
    key: PrivateKey
    certificate: x509.Certificate
    client_file: Path
    context: VerificationContext
    organisation: Any
    client: Any
    at: Any
    number: int = 0

    @classmethod
    def made(cls, directory: Path, *, curve: bool = False) -> _Sender:
        cast = load_cast()
        with Workspace.create(directory, card_keys=0) as workspace:
            organisation = workspace.thl.organisation(cast.organisation("county"))
            client = workspace.population.person(cast.person("nurse"))
            assert organisation is not None and client is not None
            subject = {
                "country": "FI",
                "state": "Finland",
                "locality": organisation.municipality,
                "organisation": organisation.name,
            }
            authority, profile = "sote-services", "test-system-signature"
            key: PrivateKey
            if curve:  # signing is quicker, and memory is the same
                authority, profile = "sote-services-ec", "test-system-signature-ec"
                key = ec.generate_private_key(ec.SECP384R1())
            else:
                key = rsa.generate_private_key(65537, 4096)
            named = {**subject, "serial_number": organisation.oid.value, "common_name": "Mittaus TEST"}
            certificate = workspace.authorities.issue(
                authority, profile, subject=named, public_key=key.public_key(), actor="bench", holder="bench"
            )
            context = VerificationContext(
                trust=(workspace.authorities.root, workspace.authorities.certificate("root-ec")),
                at=workspace.clock.now(),
                intermediates=workspace.authorities.chain(authority)[:1],
                status=lambda _certificate, _issuer: _GOOD,
                rights=workspace.valvira,
            )
            client_file = _client(workspace, subject)
            return cls(directory, key, certificate, client_file, context, organisation, client, workspace.clock.now())

    def document(self, size: int) -> bytes:
        self.number += 1
        unsigned = build_social_document(
            client=self.client,
            organisation=self.organisation,
            author=None,
            document_oid=self._oid(93),
            created=self.at,
            paragraphs=[_PARAGRAPH] * (size // 1300),
        )
        return sign_as_system(unsigned, key=self.key, certificate=self.certificate, at=self.at)

    def frame(self, document: bytes) -> bytes:
        self.number += 1
        return build_frame(document, message_id=self._oid(94), sender=self.organisation.oid, at=self.at)

    def verification(self, documents: Sequence[bytes]) -> float:
        """Full verifications per second of processor time."""
        began = time.process_time()
        for document in documents:
            if verify_document(document, self.context).verdict is not Verdict.VALID:
                raise SystemExit("A document of the benchmark is not valid.")
        return len(documents) / (time.process_time() - began)

    def verification_everywhere(self, documents: Sequence[bytes]) -> float:
        """The same for one process of as many as there are processors, all verifying at once."""
        count = os.cpu_count() or 1
        context = multiprocessing.get_context("fork")
        ready, rates = context.Barrier(count), context.SimpleQueue()

        def verify() -> None:
            ready.wait()
            rates.put(self.verification(documents))

        processes = [context.Process(target=verify) for _ in range(count)]
        for process in processes:
            process.start()
        told: list[float] = [rates.get() for _ in processes]
        for process in processes:
            process.join()
        return statistics.mean(told)

    @contextmanager
    def archive(self, processes: int = 1) -> Iterator[_Archive]:
        command = [sys.executable, "-m", "sotepki", "serve", "--workspace", str(self.directory), "--free-ports"]
        command += ["--kanta-processes", str(processes)]
        process = subprocess.Popen(
            [*command, "--only", "publication", "--only", "kanta", "--format", "json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        try:
            text = ""
            for line in process.stdout:
                text += line
                if line == "}\n":
                    break
            urls = {row["name"]: row["url"] for row in json.loads(text)["services"]}
            yield _Archive(process, urls["kanta"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def _oid(self, arc: int) -> Oid:
        return Oid(f"{self.organisation.oid}.{arc}.2026.{self.number}")


def _client(workspace: Workspace, subject: dict[str, str]) -> Path:
    key, host = rsa.generate_private_key(65537, 2048), "mittaus.test.example"
    certificate = workspace.authorities.issue(
        "sote-services",
        "test-server",
        subject={**subject, "common_name": host},
        public_key=key.public_key(),
        actor="bench",
        holder="bench",
        dns_names=(host,),
        extended_key_usage=("client-auth",),
    )
    path = workspace.directory / "client.pem"
    chain = (certificate, *workspace.authorities.chain("sote-services")[:1])
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + b"".join(link.public_bytes(Encoding.PEM) for link in chain))
    return path


# ------------------------------------------------------------------------------------------------ the loader


def _spread(rate: str) -> str:
    """The name of a rate of the archive in several processes."""
    return f"processes.{rate}"


def _parts(frames: Sequence[bytes], count: int) -> list[Sequence[bytes]]:
    return [frames[number::count] for number in range(count)]


def _load(archive: _Archive, sender: _Sender, frames: Sequence[bytes]) -> tuple[float, float]:
    """Send the frames from another process by ``CLIENTS`` kept connections.

    Gives the seconds from first to last, and the archive's processor time in them.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_send_all, args=(archive.url, str(sender.client_file), frames, theirs))
    process.start()
    ours.recv()  # the connections stand
    began = archive.processor_seconds()
    ours.send("go")
    refused, seconds = ours.recv()
    spent = archive.processor_seconds() - began
    process.join()
    if refused:
        raise SystemExit(f"The archive refused a document of the benchmark: {refused}")
    return float(seconds), spent


def _send_all(url: str, client_file: str, frames: Sequence[bytes], pipe: Any) -> None:
    parts = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(client_file)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nAccept: application/json\r\n"
    refused: list[str] = []

    def client(share: Sequence[bytes], ready: threading.Barrier) -> None:
        plain = socket.create_connection(("127.0.0.1", int(parts.port or 0)), timeout=120)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain) as connection:
            ready.wait()
            for body in share:
                connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                answer = _received(connection)
                if b'"code": "AA"' not in answer[:200]:
                    refused.append(answer[:600].decode(errors="replace"))
                    return

    def begin() -> None:
        pipe.send("ready")
        pipe.recv()

    ready = threading.Barrier(CLIENTS + 1, action=begin)
    threads = [threading.Thread(target=client, args=(share, ready)) for share in _parts(frames, CLIENTS)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.monotonic()
    for thread in threads:
        thread.join()
    pipe.send((refused[0] if refused else "", time.monotonic() - began))


def _received(connection: ssl.SSLSocket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or _broken()
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536) or _broken()
    return body


def _broken() -> bytes:
    raise SystemExit("The archive closed a connection of the benchmark.")


if __name__ == "__main__":
    print(json.dumps(memory() if "memory" in sys.argv else measure()))
