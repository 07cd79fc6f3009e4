"""Certificate requests that DVV would send back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_csr

from conformance.sut.facets import Facet
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import Reference, Requests
from sotepki.journey.openssl import make_request
from sotepki.x509.csr import CsrKind


def _remade(kind: CsrKind, *, bits: int = 2048, dns: bool = True, **changes: str | None) -> Fault:
    """A request made anew with openssl; ``changes`` sets subject attributes, None leaves one out."""

    def fault(reference: Reference) -> Mapping[str, Any]:
        organisation = reference.provider.organisation
        subject: dict[str, str | None] = {
            "C": "FI", "ST": "Finland", "L": organisation.municipality, "O": organisation.name,
        }  # fmt: skip
        if kind is CsrKind.SERVER:
            subject["CN"] = reference.provider.host_name
        else:
            subject |= {"serialNumber": organisation.oid.value, "CN": "Mutantti TEST"}
        subject |= changes
        names = (reference.provider.host_name,) if kind is CsrKind.SERVER and dns else ()
        place = reference.bench.directory / "mutant-requests"
        made = make_request(
            place,
            f"{kind}-{bits}-{len(changes)}",
            {k: v for k, v in subject.items() if v},
            dns_names=names,
            bits=bits,
        )
        return _with(reference, kind, made.request)

    return fault


def _with(reference: Reference, kind: CsrKind, request: Path | bytes) -> Mapping[str, Any]:
    content = request if isinstance(request, bytes) else request.read_bytes()
    return {"csrs": Requests({**reference.csrs.made, kind: content})}


def _changed_after_signing(reference: Reference) -> Mapping[str, Any]:
    request = load_pem_x509_csr(reference.csrs.made[CsrKind.SYSTEM_SIGNATURE])
    der = bytearray(request.public_bytes(Encoding.DER))
    place = der.index(b"TEST")
    der[place : place + 4] = b"TSET"
    return _with(reference, CsrKind.SYSTEM_SIGNATURE, bytes(der))


MUTANTS = (
    Mutant(
        "csr-server-ip-only",
        "Asks for a server certificate for an IP address without a domain name",
        Facet.CSRS,
        _remade(CsrKind.SERVER, dns=False, CN="192.0.2.10"),
    ),
    Mutant(
        "csr-server-with-unit",
        "Asks for a server certificate with an organisational unit",
        Facet.CSRS,
        _remade(CsrKind.SERVER, OU="Tietohallinto"),
    ),
    Mutant(
        "csr-server-short-key",
        "Asks for a server certificate for an RSA key of 1024 bits",
        Facet.CSRS,
        _remade(CsrKind.SERVER, bits=1024),
    ),
    Mutant(
        "csr-system-changed-after-signing",
        "Edits the request after openssl has signed it",
        Facet.CSRS,
        _changed_after_signing,
    ),
    Mutant(
        "csr-system-without-oid",
        "Asks for a system signature certificate without the organisation's OID",
        Facet.CSRS,
        _remade(CsrKind.SYSTEM_SIGNATURE, serialNumber=None),
    ),
    Mutant(
        "csr-system-short-key",
        "Asks for a system signature certificate for an RSA key of 1024 bits",
        Facet.CSRS,
        _remade(CsrKind.SYSTEM_SIGNATURE, bits=1024),
    ),
)
