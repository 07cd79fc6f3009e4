"""A system under test attached by files: what it produced earlier, lying in directories."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509

from conformance.sut.facets import CertificateRole, NamedBytes, Trust
from sotepki.errors import Misuse, Refused
from sotepki.x509.csr import CsrKind
from sotepki.x509.reading import MAX_LISTS, read_certificates, read_crls

MAX_FILES = 500
MAX_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True)
class FileDirectory:
    """Documents or frames: every ``*.xml`` file of a directory, not of those below it."""

    directory: Path

    def files(self) -> Sequence[NamedBytes]:
        return self._files

    @cached_property
    def _files(self) -> tuple[NamedBytes, ...]:
        try:
            names = sorted(
                e.name for e in os.scandir(self.directory) if e.name.lower().endswith(".xml") and e.is_file()
            )
        except OSError as error:
            raise Misuse(f"The directory {self.directory} cannot be read: {error.strerror}.") from None
        if not names:
            raise Misuse(f"The directory {self.directory} has no .xml file.", advice="Put the documents there.")
        if len(names) > MAX_FILES:
            raise Misuse(
                f"The directory {self.directory} has {len(names)} .xml files; the suite takes at most {MAX_FILES}.",
                advice="Choose some that differ in type and signer.",
            )
        return tuple(NamedBytes(name, read_bounded(self.directory / name)) for name in names)


@dataclass(frozen=True)
class CertificateFiles:
    """The system's certificates, one file each."""

    paths: Mapping[CertificateRole, Path]

    def certificates(self) -> Mapping[CertificateRole, bytes]:
        return {role: read_bounded(path) for role, path in self.paths.items()}


@dataclass(frozen=True)
class CsrFiles:
    """The system's certificate requests, one file each."""

    paths: Mapping[CsrKind, Path]

    def csrs(self) -> Mapping[CsrKind, bytes]:
        return {kind: read_bounded(path) for kind, path in self.paths.items()}


def read_bounded(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a file of at most ``limit``.

    Raises:
        Misuse: it is not there, cannot be read, or is too long.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise Misuse(f"The file {path} cannot be read: {error.strerror}.", subject=str(path)) from None
    if len(data) > limit:
        raise Misuse(f"The file {path} is longer than {limit // 1048576} MiB, which is the limit.")
    return data


def read_trust(certificates: Sequence[Path], crls: Sequence[Path]) -> Trust:
    """Trust from files: self-issued certificates are roots, the others intermediates.

    Raises:
        Misuse: a file cannot be read, holds nothing usable, or no root is among them.
    """
    found: list[x509.Certificate] = []
    for path in certificates:
        try:
            found += read_certificates(read_bounded(path))
        except Refused as error:
            raise Misuse(f"The trust file {path} holds no usable certificate: {error.sentence}") from None
    roots = tuple(c for c in found if c.subject == c.issuer)
    if not roots:
        raise Misuse(
            "The trust files hold no root certificate.",
            advice="Name the root and the issuing authorities under certificates in [trust].",
        )
    lists = tuple(crl for path in crls for crl in _lists(path))
    return Trust(roots, tuple(c for c in found if c.subject != c.issuer), lists)


def _lists(path: Path) -> list[x509.CertificateRevocationList]:
    try:
        return read_crls(read_bounded(path, MAX_LISTS), name=f"The file {path}", limit=MAX_LISTS)
    except Refused as error:
        advice = error.advice or "Name revocation lists in PEM or DER under crls in [trust]."
        raise Misuse(error.sentence, advice=advice, subject=str(path)) from None
