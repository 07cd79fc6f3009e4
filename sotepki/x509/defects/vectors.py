"""Vectors: defects and good certificates as PEM files with one JSON index, for any vendor's validator.

The shape of the index is docs/schemas/vectors.schema.json. Every vector has a directory of its own:
``certificate.pem``, ``issuers.pem``, ``trust.pem``, ``crl.pem``, ``ocsp.pem`` (and ``ocsp.der``, the same bytes).
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sotepki.errors import Fault, Misuse, Refused
from sotepki.evidence import Finding, Verdict
from sotepki.x509.defects.catalogue import Defect, load_defects
from sotepki.x509.defects.path_builders import Setting
from sotepki.x509.defects.world import BASES, DefectWorld
from sotepki.x509.lint import lint_certificate
from sotepki.x509.path import Purpose, validate_path
from sotepki.x509.reading import (
    certificate_blocks,
    load_certificate,
    read_crls,
    read_ocsp_responses,
)
from sotepki.x509.rulebook import rulebook
from sotepki.x509.second_opinions import Question, pem

FORMAT = 1
INDEX = "index.json"
LARGEST_INDEX = 16 * 1024 * 1024

_FILES = {"issuers": "CERTIFICATE", "trust": "CERTIFICATE", "crl": "X509 CRL", "ocsp": "OCSP RESPONSE"}


@dataclass(frozen=True)
class VectorResult:
    """One vector judged: what was expected and what was said.

    ``agrees`` when both verdicts are as expected and every rule that must fire did.
    """

    id: str
    expected: dict[str, Any]
    path_verdict: Verdict
    path_rules: tuple[str, ...]
    lint_verdict: Verdict
    lint_rules: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether everything is as the index says."""
        pairs = (("path", self.path_verdict, self.path_rules), ("lint", self.lint_verdict, self.lint_rules))
        return all(
            self.expected[check]["verdict"] == str(verdict) and set(self.expected[check]["rules"]) <= set(rules)
            for check, verdict, rules in pairs
        )

    def as_dict(self) -> dict[str, Any]:
        """The result for JSON."""
        return {
            "id": self.id,
            "agrees": self.agrees,
            "expected": self.expected,
            "path": {"verdict": str(self.path_verdict), "rules": list(self.path_rules)},
            "lint": {"verdict": str(self.lint_verdict), "rules": list(self.lint_rules)},
        }


# ---------------------------------------------------------------------------------------------------- judging


def judge_path(setting: Setting, purpose: Purpose, at: datetime) -> tuple[Verdict, tuple[Finding, ...]]:
    """What path validation says of a setting; bytes that are no certificate are an invalid verdict, too."""
    try:
        report = validate_path(
            load_certificate(setting.certificate),
            trust=[load_certificate(one) for one in setting.trust],
            intermediates=[load_certificate(one) for one in setting.issuers],
            at=at,
            purpose=purpose,
            crls=[x509.load_der_x509_crl(one) for one in setting.crls],
            ocsp_responses=[ocsp.load_der_ocsp_response(one) for one in setting.ocsp],
        )
    except Refused as refused:
        return Verdict.INVALID, (rulebook().finding(refused.rule, refused.sentence, advice=refused.advice),)
    return report.verdict, report.findings


def question_about(setting: Setting, purpose: Purpose, at: datetime) -> Question:
    """A setting as a question to another judge."""
    return Question(setting.certificate, setting.issuers, setting.trust, setting.crls, setting.ocsp, at, purpose)


def judge_vector(
    name: str, setting: Setting, purpose: Purpose, at: datetime, expected: dict[str, Any]
) -> VectorResult:
    """Path validation and linting of one vector."""
    verdict, findings = judge_path(setting, purpose, at)
    lint = lint_certificate(setting.certificate, own=True)
    return VectorResult(
        id=name,
        expected=expected,
        path_verdict=verdict,
        path_rules=_rules(findings),
        lint_verdict=lint.verdict,
        lint_rules=_rules(lint.findings),
    )


def _rules(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.rule for finding in findings))


# ---------------------------------------------------------------------------------------------------- writing


def write_vectors(
    directory: Path,
    world: DefectWorld,
    *,
    defects: Sequence[Defect] = (),
    tell: Callable[[str], None] = lambda _name: None,
) -> dict[str, Any]:
    """Build defects (all of the catalogue when none are given) into a new directory, whole or not at all.

    Args:
        tell: called with each id when its files are written.

    Returns:
        the index.

    Raises:
        Misuse: the directory is there and holds something, or cannot be made.
    """
    chosen = list(defects) or list(load_defects().values())
    with _whole(directory) as making:
        rows = []
        for defect in chosen:
            rows.append(_write_one(making, defect, world))
            tell(defect.id)
        index = {
            "format": FORMAT,
            "notice": "TEST. Keys of these certificates were thrown away; trust the root in a test only.",
            "at": world.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "vectors": rows,
        }
        (making / INDEX).write_text(json.dumps(index, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return index


@contextmanager
def _whole(directory: Path) -> Iterator[Path]:
    """A place beside ``directory`` that takes its name when the block ends well, and is removed when it does not."""
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise Misuse(f"{directory} is there already.", advice="Name a directory that is not there yet.")
        directory.parent.mkdir(parents=True, exist_ok=True)
        making = directory.with_name(f".{directory.name}.making-{os.getpid()}")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
    except OSError as error:
        raise Misuse(f"{directory} cannot be made: {error.strerror}.") from None
    try:
        yield making
        if directory.exists():
            directory.rmdir()
        making.rename(directory)
    except OSError as error:
        raise Fault(f"The vectors cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _write_one(directory: Path, defect: Defect, world: DefectWorld) -> dict[str, Any]:
    setting = defect.build(world)
    place = directory / defect.id
    place.mkdir()
    (place / "certificate.pem").write_text(pem(setting.label, setting.certificate), encoding="ascii")
    files = {"certificate": f"{defect.id}/certificate.pem"}
    blocks = {"issuers": setting.issuers, "trust": setting.trust, "crl": setting.crls, "ocsp": setting.ocsp}
    for name, label in _FILES.items():
        if blocks[name]:
            text = "".join(pem(label, block) for block in blocks[name])
            (place / f"{name}.pem").write_text(text, encoding="ascii")
            files[name] = f"{defect.id}/{name}.pem"
    if setting.ocsp:
        (place / "ocsp.der").write_bytes(setting.ocsp[0])
        files["ocsp_der"] = f"{defect.id}/ocsp.der"
    row = {
        "id": defect.id,
        "title": defect.title,
        "group": defect.group,
        "profile": BASES[defect.base].profile,
        "purpose": BASES[defect.base].purpose,
        "files": files,
        "expected": {"path": defect.path.as_dict(), "lint": defect.lint.as_dict()},
    }
    if defect.others:
        row["validators"] = {
            name: {"verdict": str(view.verdict), "reason": view.reason} for name, view in defect.others.items()
        }
    return row


# ---------------------------------------------------------------------------------------------------- reading


def check_index(path: Path) -> list[VectorResult]:
    """Judge every vector of an index that ``write_vectors`` wrote.

    Raises:
        Misuse: the index or a file of it is missing, is not one, or names a file outside its directory.
    """
    index = _read_index(path)
    try:
        at = datetime.fromisoformat(index["at"])
        return [
            judge_vector(
                row["id"], _read_setting(path.parent, row["files"]), Purpose(row["purpose"]), at, row["expected"]
            )
            for row in index["vectors"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise Misuse(f"{path} is not an index of vectors: {type(error).__name__} {error}.") from None


def _read_index(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_INDEX:
            raise Misuse(f"{path} is longer than an index of vectors is.")
        index: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise Misuse(f"The index {path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise Misuse(f"{path} is not JSON.") from None
    if not isinstance(index, dict) or index.get("format") != FORMAT or not isinstance(index.get("vectors"), list):
        raise Misuse(f"{path} is not an index of vectors of form {FORMAT}.")
    return index


def _read_setting(directory: Path, files: dict[str, str]) -> Setting:
    def data(name: str) -> bytes:
        if name not in files:
            return b""
        target = (directory / files[name]).resolve()
        if not target.is_relative_to(directory.resolve()):
            raise Misuse(f"The index names the file {files[name]} outside its directory.")
        try:
            return target.read_bytes()
        except OSError as error:
            raise Misuse(f"The file {files[name]} of the index cannot be read: {error.strerror}.") from None

    def certificates(name: str) -> tuple[bytes, ...]:
        found = data(name)
        return tuple(certificate_blocks(found, name=files[name])) if found else ()

    crls, answers = data("crl"), data("ocsp")
    return Setting(
        certificate=_certificate(data("certificate"), files["certificate"]),
        issuers=certificates("issuers"),
        trust=certificates("trust"),
        crls=tuple(crl.public_bytes(Encoding.DER) for crl in read_crls(crls)) if crls else (),
        ocsp=tuple(one.public_bytes(Encoding.DER) for one in read_ocsp_responses(answers)) if answers else (),
    )


def _certificate(data: bytes, name: str) -> bytes:
    """The certificate as a user's file gives it; a file without one is judged as the bytes that it holds."""
    try:
        return certificate_blocks(data, name=name)[0]
    except Refused:
        return _any_block(data)


def _any_block(data: bytes) -> bytes:
    lines = data.decode("ascii", "replace").splitlines()
    return base64.b64decode("".join(line for line in lines if not line.startswith("-----")))
