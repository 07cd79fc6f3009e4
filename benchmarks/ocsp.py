"""OCSP over HTTP: from the cache beside a bare aiohttp handler, uncached beside the token's raw signing rate.

Both services run in processes of their own and are asked over kept connections by the same client here. The bare
handler answers the same bytes with the same content type and does nothing else. Uncached: every request carries a
nonce, so every answer is signed by the responder's RSA-3072 key in SoftHSM; the raw rate is that of the same key in
the same token, signing a DigestInfo with python-pkcs11 directly in one process. Processor time of the process that
answers or signs is counted, so that the client and whatever else runs on the machine weigh nothing.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pkcs11
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from benchmarks.issuing import AUTHORITY, PROFILE, TOKEN, _subject
from sotepki.clock import SystemClock
from sotepki.dvv.authority.bulk import Workshop
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.dvv.publication.service import REQUEST_TYPE, RESPONSE_TYPE, serve_publication
from sotepki.loopback import running
from sotepki.tokens import KeyKind, KeyPool, find_softhsm
from sotepki.tokens.keys import DIGEST_INFO_PREFIX
from sotepki.tokens.pool import make_key

_REQUESTS = 1500
_SIGNED = 300
_CONNECTIONS = 4


def measure(rounds: int = 5) -> dict[str, Any]:
    """Answers per second of processor time, and the ratios (at least 0.6 cached and 0.8 uncached are wanted)."""
    with tempfile.TemporaryDirectory(prefix="sotepki-bench-") as name:
        workshop, path, request, nonces = _world(Path(name))
        with _process(_serve, workshop) as url, _process(_sign, workshop) as signing:
            (answer,) = _ask(url, path, [request])
            _ask(url, path, [request] * 200)
            with _process(_bare, answer) as bare_url:
                _ask(bare_url, path, [request] * 200)
                cached, bare = [], []
                for _ in range(rounds):
                    cached.append(_rate(url, path, [request] * _REQUESTS))
                    bare.append(_rate(bare_url, path, [request] * _REQUESTS))
            uncached, raw = [], []
            _rate(url, path, nonces[:50])
            for number in range(rounds):
                part = nonces[50 + number * _SIGNED : 50 + (number + 1) * _SIGNED]
                uncached.append(_rate(url, path, part))
                raw.append(float(_tell(signing, str(_SIGNED))))
    rates = {
        "cached": statistics.median(cached),
        "bare_aiohttp": statistics.median(bare),
        "uncached": statistics.median(uncached),
        "raw_signatures": statistics.median(raw),
    }
    return {
        "name": "ocsp",
        "ratios": {
            "ocsp.cached.vs_bare_aiohttp": round(rates["cached"] / rates["bare_aiohttp"], 3),
            "ocsp.uncached.vs_raw": round(rates["uncached"] / rates["raw_signatures"], 3),
        },
        "rates": {f"ocsp.{key}_per_second": round(rate, 1) for key, rate in rates.items()},
    }


def _world(directory: Path) -> tuple[Workshop, str, bytes, list[bytes]]:
    pool = KeyPool(directory / "pool")
    pool.fill({KeyKind.RSA_4096: 3, KeyKind.RSA_3072: 3})
    workshop = Workshop(
        f"sqlite:///{directory / 'sotepki.db'}", directory / "outbox", directory / "hsm", TOKEN, pool.directory,
        SystemClock(),
    )  # fmt: skip
    records, ring, authorities = workshop.open()
    records.database.create_tables()
    authorities.create_hierarchy(ring.create)
    order = CertificateOrder(_subject(), make_key(KeyKind.RSA_3072).public_key(), "00000000001")
    (certificate,) = authorities.issue_many(AUTHORITY, PROFILE, [order], actor="bench")
    issuer = authorities.certificate(AUTHORITY)
    path = "/" + authorities.plan.authorities[AUTHORITY].publication_id
    ring.close()
    records.database.close()
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256())
    nonces = [
        builder.add_extension(x509.OCSPNonce(os.urandom(32)), False).build().public_bytes(Encoding.DER)
        for _ in range(50 + 8 * _SIGNED)
    ]
    return workshop, path, builder.build().public_bytes(Encoding.DER), nonces


# ------------------------------------------------------------------------------------------------ the processes


def _serve(workshop: Workshop, pipe: Connection) -> None:
    records, ring, authorities = workshop.open()
    with serve_publication(authorities, workshop.outbox.parent / "published", workshop.clock) as service:
        pipe.send(service.base_url)
        _tell_time(pipe)
    ring.close()
    records.database.close()


def _bare(answer: bytes, pipe: Connection) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=answer, content_type=RESPONSE_TYPE)

    app = web.Application()
    app.add_routes([web.post("/{name}", handler)])
    with running(app) as url:
        pipe.send(url)
        _tell_time(pipe)


def _sign(workshop: Workshop, pipe: Connection) -> None:
    _records, ring, authorities = workshop.open()
    label = authorities.plan.responders.key_label(AUTHORITY)
    ring(label)
    session = pkcs11.lib(str(find_softhsm())).get_token(token_label=TOKEN).open()
    key: Any = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
    digest_info = DIGEST_INFO_PREFIX["sha512"] + bytes(64)
    pipe.send("ready")
    while asked := pipe.recv():
        started = time.process_time()
        for _ in range(int(asked)):
            key.sign(digest_info, mechanism=pkcs11.Mechanism.RSA_PKCS, buffer_size=384)
        pipe.send(str(int(asked) / (time.process_time() - started)))


def _tell_time(pipe: Connection) -> None:
    while pipe.recv():
        pipe.send(str(time.process_time()))


_pipes: dict[str, Connection] = {}


@contextmanager
def _process(target: Any, argument: Any) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(argument, theirs), daemon=True)
    process.start()
    word = str(ours.recv())
    _pipes[word] = ours
    try:
        yield word
    finally:
        ours.send("")
        process.join(10)


def _tell(name: str, word: str) -> str:
    _pipes[name].send(word)
    return str(_pipes[name].recv())


# ------------------------------------------------------------------------------------------------ the client


def _rate(url: str, path: str, requests: Sequence[bytes]) -> float:
    parts = [requests[number::_CONNECTIONS] for number in range(_CONNECTIONS)]
    threads = [threading.Thread(target=_ask, args=(url, path, part)) for part in parts]
    started = float(_tell(url, "time"))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(requests) / (float(_tell(url, "time")) - started)


def _ask(url: str, path: str, requests: Sequence[bytes]) -> list[bytes]:
    """POST requests over one kept connection; a client as bare as can be, so that it weighs little itself."""
    host, _, port = url.removeprefix("http://").partition(":")
    answers = []
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {REQUEST_TYPE}\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for body in requests:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answers.append(_receive(connection))
    return answers


def _receive(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise SystemExit("A service of the benchmark does not answer.")
    length = next(
        int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return body


if __name__ == "__main__":
    print(json.dumps(measure()))
