"""The TOML file that describes a system under test (``--sut FILE``); docs/conformance.md explains every key."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.bench import Bench
from conformance.requirements import Role, SystemClass
from conformance.sut.addresses import OperatedScs, RunningTlsServer
from conformance.sut.asking import AskedFramer, AskedSigner, AskedVerifier, Asks
from conformance.sut.asking_card import AskedCardUser, AskedDesk
from conformance.sut.asking_services import AskedClient, AskedRights, AskedScsUser
from conformance.sut.command import Command
from conformance.sut.facets import CertificateRole, SignatureKind, SignerIdentity, SystemUnderTest, Trust
from conformance.sut.facets_paperwork import PaperworkDirectory
from conformance.sut.facets_token import TokenAddress
from conformance.sut.files import CertificateFiles, CsrFiles, FileDirectory, read_trust
from conformance.sut.http import HttpEndpoint
from conformance.sut.identity import signer_identity
from conformance.sut.operator import Handover, Hands, OperatorClient, OperatorRights, OperatorScsUser
from conformance.sut.operator_card import OperatorCardUser, OperatorDesk
from conformance.sut.person import AtTerminal, Operator
from conformance.sut.rows import Row
from sotepki.errors import Misuse
from sotepki.x509.csr import CsrKind
from sotepki.x509.tls import tls_of

if TYPE_CHECKING:
    from conformance.sut.reference import Reference

KINDS = ("reference", "mutant", "files")
MADE_HERE: Mapping[str, tuple[str, ...]] = {
    "reference": ("kind", "name", "system"),
    "mutant": ("kind", "mutant", "name", "system"),
}
"""The keys of a file that asks for a system of the suite's own."""
_ASKED = ("command", "url", "ca", "timeout", "output_limit")
_ASKED_OR_OPERATED = (*_ASKED, "operator", "handover")
_ROLES = tuple(str(role) for role in CertificateRole)
TABLES: Mapping[str, tuple[str, ...]] = {
    "system": ("class", "roles"),
    "trust": ("certificates", "crls", "workspace"),
    "certificates": _ROLES,
    "earlier-certificates": _ROLES,
    "csrs": tuple(str(kind) for kind in CsrKind),
    "documents": ("directory",),
    "frames": ("directory",),
    "sign": (*_ASKED, "kinds"),
    "frame": _ASKED,
    "verify": _ASKED,
    "client": _ASKED_OR_OPERATED,
    "card": _ASKED_OR_OPERATED,
    "card-desk": _ASKED_OR_OPERATED,
    "tls-server": ("address", "name", "client-certificate", "timeout"),
    "token": ("module", "label", "pin-file"),
    "scs": ("url", "ca", "versions"),
    "scs-user": (*_ASKED_OR_OPERATED, "origin"),
    "rights": (*_ASKED_OR_OPERATED, "proceeds-unasked"),
    "paperwork": ("directory",),
}
_NOT_TESTED = frozenset({"system", "trust"})


@dataclass(frozen=True)
class Attached:
    """A system that is ready to be tested, and the bench that was made for it, if its kind needs one.

    Attributes:
        system_class, roles: what the description says of the system; they choose cases.
        operated: whether a person handles a part of it, who can do one thing at a time.
    """

    sut: SystemUnderTest
    bench: Bench | None
    system_class: SystemClass | None = None
    roles: frozenset[Role] = frozenset()
    operated: bool = False


@contextmanager
def attach(path: Path, *, operator: Operator | None = None, shared: SuiteSide | None = None) -> Iterator[Attached]:
    """Read the TOML file and attach what it names, until the block ends.

    Args:
        operator: the person who handles the system; whoever is at the terminal, if none is given.
        shared: the suite's side, where several systems are attached; else one is made if it is needed.

    Raises:
        Misuse: the file or something that it names is missing, not readable, unknown or contradictory.
    """
    file = Row.read(path)
    kind = file.values.get("kind", "files")
    if kind not in KINDS:
        raise Misuse(f"{path.name} has the kind {kind!r}; known are {', '.join(KINDS)}.", subject=str(path))
    if kind == "files":
        system_class, roles = _system(file)
        sut = files_system(file, operator or AtTerminal())
        yield Attached(sut, shared.bench if shared else None, system_class, roles, _operated(file))
        return
    file.only(MADE_HERE[kind])
    from conformance.sut.mutants import mutant_named

    system_class, roles = _system(file)
    mutant = mutant_named(str(file.values.get("mutant", ""))) if kind == "mutant" else None
    with ExitStack() as resources:
        side = shared or SuiteSide(resources.enter_context(Bench.temporary()), resources)
        sut = mutant.build(side.reference) if mutant else side.reference.system()
        yield Attached(replace(sut, name=file.text("name", sut.name)), side.bench, system_class, roles)


class SuiteSide:
    """A bench and the reference system in it, for several systems that are built from the one reference."""

    def __init__(self, bench: Bench, resources: ExitStack) -> None:
        self.bench = bench
        self._resources = resources

    @cached_property
    def reference(self) -> Reference:
        """Made when it is first asked for."""
        from conformance.sut.reference import reference_system

        return self._resources.enter_context(reference_system(self.bench))


def files_system(file: Row, operator: Operator) -> SystemUnderTest:
    """The system that a file of kind "files" describes; nothing is asked of it yet.

    Raises:
        Misuse: see ``attach``.
    """
    file.only(("kind", "name", *TABLES))
    tables = {name: file.table(name, known) for name, known in TABLES.items()}
    present = {name: row for name, row in tables.items() if row is not None}
    if not set(present) - _NOT_TESTED:
        raise Misuse(
            f"{file.file.name} attaches nothing that could be tested.",
            advice=f"Add at least one of the tables {', '.join(sorted(set(TABLES) - _NOT_TESTED))}.",
        )
    certificates = _certificates(tables["certificates"])
    facets: dict[str, tuple[str, Callable[[Row], Any]]] = {
        "trust": ("trust", _trust),
        "earlier-certificates": ("earlier", _certificates),
        "csrs": ("csrs", lambda row: CsrFiles({CsrKind(kind): row.path(kind) for kind in row})),
        "documents": ("documents", lambda row: FileDirectory(row.directory())),
        "frames": ("frames", lambda row: FileDirectory(row.directory())),
        "sign": ("signer", lambda row: AskedSigner(_asked(row), _identities(row, certificates))),
        "frame": ("framer", lambda row: AskedFramer(_asked(row))),
        "verify": ("verifier", lambda row: AskedVerifier(_asked(row))),
        "client": ("client", lambda row: _by(row, operator, AskedClient, OperatorClient)),
        "card": ("card_user", lambda row: _by(row, operator, AskedCardUser, OperatorCardUser)),
        "card-desk": ("card_desk", lambda row: _by(row, operator, AskedDesk, OperatorDesk)),
        "tls-server": ("tls_server", _tls_server),
        "token": ("token", _token),
        "scs": ("scs", lambda row: _scs(row, operator)),
        "scs-user": ("scs_user", lambda row: _by(row, operator, AskedScsUser, OperatorScsUser, row.text("origin"))),
        "rights": ("rights", lambda row: _rights(row, operator)),
        "paperwork": ("papers", lambda row: PaperworkDirectory(row.directory())),
    }
    made = {field: make(row) for name, (field, make) in facets.items() if (row := tables[name]) is not None}
    return SystemUnderTest(name=file.text("name", file.file.stem), kind="files", certificates=certificates, **made)


def _scs(row: Row, operator: Operator) -> OperatedScs:
    return OperatedScs(_url(row), tuple(row.texts("versions", ["1.1"])), operator.tell, _tls(row))


def _rights(row: Row, operator: Operator) -> Any:
    proceeds_unasked = row.truth("proceeds-unasked", False)
    return _by(row, operator, AskedRights, OperatorRights, proceeds_unasked)


def _system(file: Row) -> tuple[SystemClass | None, frozenset[Role]]:
    row = file.table("system", TABLES["system"])
    if row is None:
        return None, frozenset()
    return (
        _member(SystemClass, row.text("class"), row, "class") if "class" in row else None,
        frozenset(_member(Role, name, row, "roles") for name in row.texts("roles", [])),
    )


def _member(kind: Any, name: str, row: Row, key: str) -> Any:
    try:
        return kind(name)
    except ValueError:
        raise row.wrong(key, f"has {name!r}; known are {', '.join(kind)}") from None


def _trust(row: Row) -> Trust:
    if "workspace" in row:
        if len(row.values) > 1:
            raise Misuse(f"In {row.file.name}, [trust] names a workspace or files, not both.")
        published = row.path("workspace") / "published"
        if not published.is_dir():
            raise row.wrong("workspace", f"names {published.parent}, where no sotepki workspace stands")
        return read_trust(sorted(published.glob("ca/*.crt")), sorted(published.glob("crl/*.crl")))
    return read_trust(row.matches("certificates"), row.matches("crls"))


def _certificates(row: Row | None) -> CertificateFiles | None:
    return None if row is None else CertificateFiles({CertificateRole(role): row.path(role) for role in row})


def _asked(row: Row) -> Asks:
    limits = {
        "timeout": row.number("timeout", 30, 0.1, 600),
        "output_limit": int(row.number("output_limit", 32 * 1024 * 1024, 1, 1024**3)),
    }
    if "url" in row:
        if "command" in row:
            raise Misuse(f"In {row.file.name}, [{row.name}] names a command or a url, not both.")
        return HttpEndpoint(_url(row), tls=_tls(row), **limits)  # type: ignore[arg-type]
    if "command" not in row and "operator" in TABLES[row.name]:
        advice = "Give command or url, or say operator = true: a person then does what the suite says."
        raise Misuse(f"In {row.file.name}, [{row.name}] does not say how it is asked.", advice=advice)
    arguments = row.texts("command")
    if not arguments:
        raise Misuse(f"In {row.file.name}, [{row.name}] has an empty command.")
    return Command(tuple(arguments), row.base, **limits)  # type: ignore[arg-type]


def _url(row: Row) -> str:
    url = row.text("url")
    if not url.isascii() or not url.isprintable() or " " in url:
        # Nobody could be asked there, and that would be taken for a failure of the system.
        wrong = "has a space or a letter that an address cannot hold; write %20 for a space, and a host as xn--..."
        raise row.wrong("url", wrong)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise row.wrong("url", "must be an address that begins with http:// or https://")
    return url


def _tls(row: Row) -> ssl.SSLContext:
    try:
        return tls_of(row.path("ca") if "ca" in row else None)
    except Misuse:
        raise row.wrong("ca", f"names {row.path('ca')}, which holds no certificates in PEM") from None


def _identities(row: Row, certificates: CertificateFiles | None) -> Mapping[SignatureKind, SignerIdentity]:
    kinds = [_member(SignatureKind, kind, row, "kinds") for kind in row.texts("kinds", ["professional"])]
    if not kinds:
        raise row.wrong("kinds", "names no kind")
    held = certificates.certificates() if certificates else {}
    of_kind = {
        SignatureKind.PROFESSIONAL: CertificateRole.CARD_SIGNATURE,
        SignatureKind.SYSTEM: CertificateRole.SYSTEM_SIGNATURE,
    }
    for kind in kinds:
        if of_kind[kind] not in held:
            raise Misuse(
                f"In {row.file.name}, [sign] makes {kind} signatures, but [certificates] does not name "
                f"{of_kind[kind]}.",
                advice="The suite must know who signs, so that its documents name the same.",
            )
    own = held.get(CertificateRole.SYSTEM_SIGNATURE)
    # Kanta takes a document from its own organisation only, and a professional's card does not name it.
    organisation = signer_identity(own, SignatureKind.SYSTEM).organisation if own is not None else None
    return {kind: signer_identity(held[of_kind[kind]], kind, organisation) for kind in kinds}


def _by(row: Row, operator: Operator, asked: Any, operated: Any, *more: Any) -> Any:
    """A part that answers questions itself, or that a person operates."""
    if not row.truth("operator", False):
        return asked(_asked(row), *more)
    if "command" in row or "url" in row:
        raise Misuse(f"In {row.file.name}, [{row.name}] names a command or a url, or says operator = true, not both.")
    place = row.path("handover") if "handover" in row else row.base / "handover"
    return operated(Hands(operator, Handover(place), row.number("timeout", 120, 1, 3600)), *more)


def _operated(file: Row) -> bool:
    """Whether a person handles a part of the system; a person's own SCS is one."""
    rows = [file.table(name, known) for name, known in TABLES.items()]
    return any(row is not None and (row.name == "scs" or row.values.get("operator") is True) for row in rows)


def _tls_server(row: Row) -> RunningTlsServer:
    address = row.text("address")
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise row.wrong("address", "must be host:port")
    name = row.text("name") if "name" in row else ""
    return RunningTlsServer(
        host.strip("[]"), int(port), name, row.truth("client-certificate", True), row.number("timeout", 10, 0.1, 600)
    )


def _token(row: Row) -> Any:
    module, pin_file = row.path("module"), row.path("pin-file")
    for key, path in (("module", module), ("pin-file", pin_file)):
        if not path.is_file():
            raise row.wrong(key, f"names {path}, which is not there")
    from conformance.sut.token import Pkcs11Token

    return Pkcs11Token(TokenAddress(module, row.text("label"), pin_file))
