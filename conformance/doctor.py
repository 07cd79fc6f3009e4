"""Looks at the description of a system before a run: each part, whether it is there, readable, and answers."""

from __future__ import annotations

import shutil
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from cryptography import x509

from conformance.describing import mask_identity_codes
from conformance.judging import lists_of
from conformance.sut.addresses import OperatedScs, RunningTlsServer
from conformance.sut.asking import Asks
from conformance.sut.command import Command
from conformance.sut.facets import (
    HoldsCertificates,
    HoldsCsrs,
    HoldsFiles,
    SystemFailed,
    SystemUnderTest,
    Trust,
)
from conformance.sut.facets_paperwork import HoldsPaperwork
from conformance.sut.http import HttpEndpoint
from conformance.sut.loading import files_system
from conformance.sut.operator import Hands
from conformance.sut.person import Nobody
from conformance.sut.rows import Row
from sotepki.clock import Clock
from sotepki.errors import Refused, SotepkiError
from sotepki.x509.csr import check_csr
from sotepki.x509.names import readable
from sotepki.x509.reading import read_certificates

_SECONDS = 5.0


class State(StrEnum):
    OK = "ok"
    NOTE = "note"
    """It can be run, and somebody should look."""
    WRONG = "wrong"


@dataclass(frozen=True)
class Symptom:
    """What is to be said of one part."""

    part: str
    state: State
    sentence: str
    advice: str = ""


Look = Callable[[], Iterator[tuple[State, str]]]


def examine_description(path: Path, clock: Clock) -> list[Symptom]:
    """Look at every part that a TOML file names; one that is wrong does not hide the others."""
    try:
        file = Row.read(path)
        kind = file.values.get("kind", "files")
        if kind != "files":
            return _made_here(path, str(kind))
        sut = files_system(file, Nobody())
    except SotepkiError as error:
        return [Symptom("description", State.WRONG, error.sentence, error.advice)]
    found = [Symptom("description", State.OK, f"{path.name} describes {sut.name}.")]
    for part, look in _looks(sut, clock):
        found += _symptoms(part, look)
    return found


def _made_here(path: Path, kind: str) -> list[Symptom]:
    from conformance.sut.loading import KINDS, MADE_HERE
    from conformance.sut.mutants import mutant_named

    try:
        if kind not in KINDS:
            return [Symptom("description", State.WRONG, f"There is no kind {kind!r}.", f"Known: {', '.join(KINDS)}.")]
        file = Row.read(path)
        file.only(MADE_HERE[kind])
        if kind == "mutant":
            mutant_named(str(file.values.get("mutant", "")))
    except SotepkiError as error:
        return [Symptom("description", State.WRONG, error.sentence, error.advice)]
    return [Symptom("description", State.OK, f"{path.name} asks for the suite's own {kind}; nothing else is needed.")]


def _symptoms(part: str, look: Look) -> Iterator[Symptom]:
    seen = False
    try:
        for state, sentence in look():
            seen = True
            yield Symptom(part, state, sentence)
        if not seen:
            yield Symptom(part, State.NOTE, f"[{part}] names nothing, so nothing of it is tested.")
    except SotepkiError as error:
        yield Symptom(part, State.WRONG, error.sentence, error.advice)
    except SystemFailed as error:
        yield Symptom(part, State.NOTE, error.sentence, error.log.strip()[-300:])
    except (OSError, ValueError) as error:
        yield Symptom(part, State.WRONG, f"It cannot be used: {error}.")


def _looks(sut: SystemUnderTest, clock: Clock) -> Iterator[tuple[str, Look]]:
    files: tuple[tuple[str, Any, Callable[[Any], Iterator[tuple[State, str]]]], ...] = (
        ("trust", sut.trust, partial(_trust, clock=clock)),
        ("certificates", sut.certificates, partial(_certificates, clock=clock)),
        ("earlier-certificates", sut.earlier, partial(_certificates, clock=None)),
        ("csrs", sut.csrs, _requests),
        ("documents", sut.documents, _files),
        ("frames", sut.frames, _files),
    )
    for part, facet, look in files:
        if facet is not None:
            yield part, partial(look, facet)
    for part, facet in (
        ("sign", sut.signer),
        ("frame", sut.framer),
        ("verify", sut.verifier),
        ("client", sut.client),
        ("card", sut.card_user),
        ("card-desk", sut.card_desk),
        ("scs-user", sut.scs_user),
        ("rights", sut.rights),
    ):
        if (asked := getattr(facet, "asked", None)) is not None:
            untold = part == "sign" and sut.trust is None
            yield part, partial(_signing if untold else _asked, asked)
        elif (hands := getattr(facet, "hands", None)) is not None:
            yield part, partial(_hands, hands)
    if isinstance(sut.tls_server, RunningTlsServer):
        yield "tls-server", partial(_tls_server, sut.tls_server)
    if isinstance(sut.scs, OperatedScs):
        yield "scs", partial(_scs, sut.scs)
    if sut.token is not None:
        yield "token", partial(_token, sut.token)
    if sut.papers is not None:
        yield "paperwork", partial(_papers, sut.papers)


def _trust(trust: Trust, clock: Clock) -> Iterator[tuple[State, str]]:
    yield (
        State.OK,
        f"{len(trust.roots)} roots, {len(trust.intermediates)} issuers, {len(trust.crls)} lists.",
    )
    for authority in trust.issuers:
        yield from _validity(authority, "authority", clock)
    if not trust.crls:
        yield State.NOTE, "There are no revocation lists, so revocation of your certificates is not judged."
        return
    for authority in trust.issuers:
        name, lists = readable(authority.subject), lists_of(authority, trust)
        if not lists:
            yield (
                State.NOTE,
                f"There is no revocation list of {name} that can be used. If it issued a certificate of yours, "
                "certificate.not-revoked is skipped, unless one is revoked.",
            )
        ends = [crl.next_update_utc for crl in lists if crl.next_update_utc is not None]
        if ends and len(ends) == len(lists) and max(ends) < clock.now():
            yield State.NOTE, f"The list of {name} is old (nextUpdate {max(ends):%Y-%m-%d}); fetch a new one."


def _certificates(holder: HoldsCertificates, clock: Clock | None) -> Iterator[tuple[State, str]]:
    for role, data in holder.certificates().items():
        try:
            certificate = read_certificates(data)[0]
        except Refused as error:
            yield State.WRONG, f"{role}: {error.sentence} {error.advice}".rstrip()
            continue
        yield State.OK, f"{role}: {readable(certificate.subject)}"
        if clock is not None:
            yield from _validity(certificate, str(role), clock)


def _validity(certificate: x509.Certificate, what: str, clock: Clock) -> Iterator[tuple[State, str]]:
    now = clock.now()
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        end = certificate.not_valid_after_utc
        yield State.NOTE, f"The {what} {readable(certificate.subject)} is not valid now (ends {end:%Y-%m-%d})."


def _requests(holder: HoldsCsrs) -> Iterator[tuple[State, str]]:
    for kind, data in holder.csrs().items():
        problems = [finding for finding in check_csr(data, kind).findings if finding.severity == "error"]
        if problems:
            yield State.NOTE, f"{kind}: {problems[0].message}"
        else:
            yield State.OK, f"{kind}: a certificate request."


def _files(holder: HoldsFiles) -> Iterator[tuple[State, str]]:
    files = holder.files()
    yield State.OK, f"{len(files)} files."
    for file in files:
        if mask_identity_codes(file.content) != file.content:
            yield (
                State.WRONG,
                f"{file.name} holds a personal identity code outside the 900-series; test data must not.",
            )


def _hands(hands: Hands) -> Iterator[tuple[State, str]]:
    hands.handover.put("README.txt", "The suite hands over here what the system must trust and show for a test.\n")
    yield (
        State.OK,
        f"A person does what the suite says and answers at the terminal within {hands.timeout:g} seconds; "
        f"files are handed over in {hands.handover.directory}.",
    )


def _asked(asked: Asks) -> Iterator[tuple[State, str]]:
    if isinstance(asked, Command):
        program = asked.arguments[0]
        place = program if "/" in program else shutil.which(program)
        if place is None:
            yield State.WRONG, f"There is no program {program} on this machine."
            return
    elif isinstance(asked, HttpEndpoint):
        asked.reach()
    asked.ask({"operation": "hello"})
    yield State.OK, f"{asked.name} answers."


def _signing(asked: Asks) -> Iterator[tuple[State, str]]:
    yield (
        State.NOTE,
        "There is no [trust], so it is not judged where its certificates come from, and 'sotepki conformance cross' "
        "hands its documents to nobody.",
    )
    yield from _asked(asked)


def _tls_server(server: RunningTlsServer) -> Iterator[tuple[State, str]]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only a look; the cases judge
    with (
        socket.create_connection((server.host, server.port), _SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=server.name or server.host) as secured,
    ):
        der = secured.getpeercert(binary_form=True) or b""
        yield State.OK, f"It speaks {secured.version()}."
    yield State.OK, f"It shows {readable(x509.load_der_x509_certificate(der).subject)}."


def _scs(scs: OperatedScs) -> Iterator[tuple[State, str]]:
    try:
        with urllib.request.urlopen(f"{scs.url.rstrip('/')}/version", timeout=_SECONDS, context=scs.tls) as answer:
            yield State.OK, f"It answers /version with HTTP status {answer.status}."
    except urllib.error.HTTPError as error:
        yield State.NOTE, f"It answers /version with HTTP status {error.code}."


def _papers(holder: HoldsPaperwork) -> Iterator[tuple[State, str]]:
    yield State.OK, f"The papers of {holder.paperwork().system.name} can be read."


def _token(token: object) -> Iterator[tuple[State, str]]:
    with token.session(logged_in=True) as session:  # type: ignore[attr-defined]
        yield State.OK, f"It opens, and shows {len(session.private_keys())} private keys."
