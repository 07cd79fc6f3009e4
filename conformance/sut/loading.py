"""The TOML file that describes a system under test (``--sut FILE``); docs/conformance.md explains every key."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from conformance.bench import Bench
from conformance.sut.command import Command, CommandFramer, CommandSigner, CommandVerifier
from conformance.sut.facets import CertificateRole, SignatureKind, SignerIdentity, SystemUnderTest, Trust
from conformance.sut.files import CertificateFiles, CsrFiles, FileDirectory, read_trust
from conformance.sut.identity import signer_identity
from conformance.sut.operator import OperatorClient
from sotepki.errors import Misuse
from sotepki.x509.csr import CsrKind

KINDS = ("reference", "mutant", "files")
_TABLES: Mapping[str, tuple[str, ...]] = {
    "trust": ("certificates", "crls", "workspace"),
    "certificates": tuple(str(role) for role in CertificateRole),
    "csrs": tuple(str(kind) for kind in CsrKind),
    "documents": ("directory",),
    "frames": ("directory",),
    "sign": ("command", "kinds", "timeout", "output_limit"),
    "frame": ("command", "timeout", "output_limit"),
    "verify": ("command", "timeout", "output_limit"),
    "client": ("operator", "timeout"),
}


@dataclass(frozen=True)
class Attached:
    """A system that is ready to be tested, and the bench that was made for it, if its kind needs one."""

    sut: SystemUnderTest
    bench: Bench | None


@contextmanager
def attach(path: Path, *, operator: Callable[[str], None] = print) -> Iterator[Attached]:
    """Read the TOML file and attach what it names, until the block ends.

    Args:
        operator: shows a person a line that says what to do now.

    Raises:
        Misuse: the file or something that it names is missing, not readable, unknown or contradictory.
    """
    table = _read(path)
    kind = table.get("kind", "files")
    if kind not in KINDS:
        raise Misuse(f"{path.name} has the kind {kind!r}; known are {', '.join(KINDS)}.", subject=str(path))
    if kind == "files":
        yield Attached(_files_system(table, path, operator), None)
        return
    _refuse_unknown(table, ("kind", "mutant", "name") if kind == "mutant" else ("kind", "name"), path.name)
    from conformance.sut.mutants import mutant_named
    from conformance.sut.reference import reference_system

    mutant = mutant_named(str(table.get("mutant", ""))) if kind == "mutant" else None
    with Bench.temporary() as bench, reference_system(bench) as reference:
        sut = mutant.build(reference) if mutant else reference.system()
        yield Attached(sut, bench)


def _files_system(table: Mapping[str, Any], path: Path, operator: Callable[[str], None]) -> SystemUnderTest:
    _refuse_unknown(table, ("kind", "name", *_TABLES), path.name)
    tables = {name: _table(table, name, path) for name in _TABLES if name in table}
    if not set(tables) - {"trust"}:
        raise Misuse(
            f"{path.name} attaches nothing that could be tested.",
            advice=f"Add at least one of the tables {', '.join(sorted(set(_TABLES) - {'trust'}))}.",
        )
    base = path.resolve().parent
    trust = _trust(tables.get("trust"), base, path)
    certificates = _certificates(tables.get("certificates"), base)
    signer = None
    if "sign" in tables:
        signer = CommandSigner(
            _command(tables["sign"], "sign", base, path), _identities(tables["sign"], certificates, path)
        )
    return SystemUnderTest(
        name=_string(table.get("name", path.stem), "name", path),
        kind="files",
        trust=trust,
        certificates=certificates,
        csrs=_csrs(tables.get("csrs"), base),
        documents=_directory(tables.get("documents"), "documents", base, path),
        frames=_directory(tables.get("frames"), "frames", base, path),
        signer=signer,
        framer=CommandFramer(_command(tables["frame"], "frame", base, path)) if "frame" in tables else None,
        verifier=CommandVerifier(_command(tables["verify"], "verify", base, path)) if "verify" in tables else None,
        client=_client(tables.get("client"), path, operator),
    )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise Misuse(f"The file {path} cannot be read: {error.strerror}.", subject=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misuse(f"The file {path} is not TOML: {error}.", subject=str(path)) from None


def _table(table: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    value = table[name]
    if not isinstance(value, dict):
        raise Misuse(f"In {path.name}, {name} must be a table, written as [{name}].")
    _refuse_unknown(value, _TABLES[name], f"{path.name}, table [{name}],")
    return value


def _refuse_unknown(row: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in row:
        if key not in known:
            near = get_close_matches(key, known, n=1, cutoff=0.5)
            advice = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(known)}."
            raise Misuse(f"{where} has the unknown key {key!r}.", advice=advice)


def _trust(row: Mapping[str, Any] | None, base: Path, path: Path) -> Trust | None:
    if row is None:
        return None
    if "workspace" in row:
        if len(row) > 1:
            raise Misuse(f"In {path.name}, [trust] names a workspace or files, not both.")
        published = base / _string(row["workspace"], "trust.workspace", path) / "published"
        return read_trust(sorted(published.glob("ca/*.crt")), sorted(published.glob("crl/*.crl")))
    certificates = [p for pattern in _strings(row.get("certificates", []), "trust.certificates", path)
                    for p in _matches(base, pattern, path)]  # fmt: skip
    crls = [p for pattern in _strings(row.get("crls", []), "trust.crls", path) for p in _matches(base, pattern, path)]
    return read_trust(certificates, crls)


def _matches(base: Path, pattern: str, path: Path) -> list[Path]:
    if Path(pattern).is_absolute():
        return [Path(pattern)]
    found = sorted(base.glob(pattern)) if any(c in pattern for c in "*?[") else [base / pattern]
    if not found:
        raise Misuse(f"In {path.name}, [trust], nothing matches {pattern!r}.")
    return found


def _certificates(row: Mapping[str, Any] | None, base: Path) -> CertificateFiles | None:
    if row is None:
        return None
    return CertificateFiles({CertificateRole(role): base / str(name) for role, name in row.items()})


def _csrs(row: Mapping[str, Any] | None, base: Path) -> CsrFiles | None:
    return None if row is None else CsrFiles({CsrKind(kind): base / str(name) for kind, name in row.items()})


def _directory(row: Mapping[str, Any] | None, name: str, base: Path, path: Path) -> FileDirectory | None:
    if row is None:
        return None
    directory = base / _string(row.get("directory"), f"{name}.directory", path)
    if not directory.is_dir():
        raise Misuse(f"In {path.name}, [{name}], there is no directory {directory}.")
    return FileDirectory(directory)


def _command(row: Mapping[str, Any], name: str, base: Path, path: Path) -> Command:
    arguments = _strings(row.get("command"), f"{name}.command", path)
    if not arguments:
        raise Misuse(f"In {path.name}, [{name}] has an empty command.")
    return Command(
        tuple(arguments),
        base,
        timeout=_number(row.get("timeout", 30), f"{name}.timeout", path, 0.1, 600),
        output_limit=int(_number(row.get("output_limit", 32 << 20), f"{name}.output_limit", path, 1, 256 << 20)),
    )


def _identities(
    row: Mapping[str, Any], certificates: CertificateFiles | None, path: Path
) -> Mapping[SignatureKind, SignerIdentity]:
    kinds = _strings(row.get("kinds", ["professional", "system"]), "sign.kinds", path)
    identities = {}
    for name in kinds:
        try:
            kind = SignatureKind(name)
        except ValueError:
            known = ", ".join(SignatureKind)
            raise Misuse(f"In {path.name}, [sign] has the kind {name!r}; known are {known}.") from None
        role = (
            CertificateRole.CARD_SIGNATURE if kind is SignatureKind.PROFESSIONAL else CertificateRole.SYSTEM_SIGNATURE
        )
        if certificates is None or role not in certificates.paths:
            raise Misuse(
                f"In {path.name}, [sign] makes {kind} signatures, but [certificates] does not name {role}.",
                advice="The suite makes documents that fit the signer, and reads who signs from that certificate.",
            )
        identities[kind] = signer_identity(certificates.certificates()[role], kind)
    return identities


def _client(row: Mapping[str, Any] | None, path: Path, operator: Callable[[str], None]) -> OperatorClient | None:
    if row is None:
        return None
    if row.get("operator") is not True:
        raise Misuse(
            f"In {path.name}, [client] must say operator = true.",
            advice="A person then makes the system connect when the suite says so.",
        )
    return OperatorClient(operator, _number(row.get("timeout", 120), "client.timeout", path, 1, 3600))


def _string(value: object, key: str, path: Path) -> str:
    if not isinstance(value, str) or not value:
        raise Misuse(f"In {path.name}, {key} must be a text.")
    return value


def _strings(value: object, key: str, path: Path) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
        raise Misuse(f"In {path.name}, {key} must be a list of texts.")
    return value


def _number(value: object, key: str, path: Path, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Misuse(f"In {path.name}, {key} must be a number from {least:g} to {most:g}.")
    return float(value)
