"""Endpoints that let in whom they should not, or show what they should not."""

from __future__ import annotations

import ssl
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from conformance.sut.facets import Facet, Trust
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import Reference


def _changed(**changes: Any) -> Fault:
    return lambda reference: {"tls_server": replace(reference.tls_server, **changes)}


def _spoilt(spoil: Callable[[ssl.SSLContext], None]) -> Fault:
    return _changed(spoil=spoil)


def _old_tls(context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1


def _optional(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_OPTIONAL


def _nothing(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_NONE


def _broken_suites(context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:eNULL:aNULL:@SECLEVEL=0")


def _of_another_authority(reference: Reference) -> Mapping[str, Any]:
    """It trusts a root that nobody in this test has a certificate of."""
    stranger = reference.bench.server_faces.self_signed.certificate
    return {"tls_server": replace(reference.tls_server, trust=lambda: Trust((stranger,)))}


def _without_chain(reference: Reference) -> Mapping[str, Any]:
    identity = reference.tls_server.identity

    def spoil(context: ssl.SSLContext) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "alone.pem"
            path.write_bytes(identity.certificate.public_bytes(Encoding.PEM))
            context.load_cert_chain(path, identity.key_file)

    return {"tls_server": replace(reference.tls_server, spoil=spoil)}


def _signature_certificate(reference: Reference) -> Mapping[str, Any]:
    return {"tls_server": replace(reference.tls_server, identity=reference.provider.system_signature)}


def _mutant(name: str, title: str, fault: Fault) -> Mutant:
    return Mutant(f"endpoint-{name}", title, Facet.TLS_SERVER, fault)


MUTANTS = (
    _mutant("refuses-everybody", "Trusts a root of its own and no other", _of_another_authority),
    _mutant("speaks-old-tls", "Agrees to TLS 1.1", _spoilt(_old_tls)),
    _mutant("takes-broken-suites", "Agrees to suites without encryption", _spoilt(_broken_suites)),
    _mutant("sends-no-chain", "Sends its certificate without the chain", _without_chain),
    _mutant("with-signature-certificate", "Shows its system signature certificate", _signature_certificate),
    _mutant("takes-anybody", "Asks for a client certificate and takes none too", _spoilt(_optional)),
    _mutant("asks-for-nothing", "Asks for no client certificate", _spoilt(_nothing)),
    _mutant("cuts-the-line", "Cuts the line after its answer", _changed(closes=False)),
)  # fmt: skip
"""In the order of the cases."""
