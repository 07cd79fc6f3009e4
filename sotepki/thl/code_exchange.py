"""A version of a code system as CSV: every line repeats what is said of the list, then a code with its names.

A list without codes is one line whose code is empty.
"""

from __future__ import annotations

from sqlalchemy import func, insert, select

from sotepki.errors import Refused
from sotepki.evidence import Basis, Grade
from sotepki.identifiers import Oid
from sotepki.records import Transaction
from sotepki.thl.codes import Code, CodeSystem, code_system
from sotepki.thl.exchange import line, read_lines, write_lines
from sotepki.thl.rules import thl_rules
from sotepki.thl.tables import CodeRow, CodeSystemRow

_NAMES = ("name_fi", "name_sv", "name_en")
_EVIDENCE = ("source", "grade", "basis")
_OF_SYSTEM = ("oid", "version", *(f"system_{name}" for name in _NAMES), "owner", *(f"system_{e}" for e in _EVIDENCE))
_OF_CODE = ("code", *_NAMES, *_EVIDENCE)
COLUMNS = (*_OF_SYSTEM, *_OF_CODE)


def write(system: CodeSystem) -> bytes:
    """The file of a version of a code system; ``read`` gives the same back."""
    described = {
        "oid": system.oid.value,
        "version": system.version,
        "owner": system.owner,
        **{f"system_{name}": str(getattr(system, name)) for name in (*_NAMES, *_EVIDENCE)},
    }
    empty = dict.fromkeys(_OF_CODE, "")
    codes = [{name: str(getattr(code, name)) for name in _OF_CODE} for code in system.codes]
    return write_lines([{**described, **code} for code in codes or [empty]], COLUMNS)


def read(data: bytes, name: str) -> CodeSystem:
    """The version of a code system in a file.

    Raises:
        Refused: ``thl.import.form``, ``thl.code.one-system``, with the number of the line.
    """
    lines = read_lines(data, COLUMNS, name)
    if not lines:
        raise thl_rules().refusal("thl.import.form", f"{name} describes no code system.")
    described = {column: lines[0][1][column] for column in _OF_SYSTEM}
    codes: dict[str, Code] = {}
    for number, row in lines:
        with line(number, name):
            if any(row[column] != described[column] for column in _OF_SYSTEM):
                raise _not_one("The code belongs to another version or is described in another way.")
            if not row["code"] and len(lines) == 1 and not any(row[column] for column in _OF_CODE):
                continue
            if row["code"] in codes:
                raise _not_one(f"The code {row['code'][:40]!r} stands twice.")
            codes[row["code"]] = _code(row)
    with line(lines[0][0], name):
        return _system(described, tuple(codes.values()))


def keep(tx: Transaction, system: CodeSystem) -> bool:
    """Enter a version behind the others; whether it was new. The same version again changes nothing.

    Raises:
        Refused: ``thl.code.version-once``.
    """
    key = {"oid": system.oid.value, "version": system.version}
    if tx.session.get(CodeSystemRow, tuple(key.values())) is not None:
        if code_system(tx.session, system.oid, system.version, tx.now) == system:
            return False
        raise thl_rules().refusal(
            "thl.code.version-once",
            f"The code service has another list {system.oid} in version {system.version!r} already.",
        )
    last = tx.session.scalar(select(func.max(CodeSystemRow.position)))
    described = {name: str(getattr(system, name)) for name in (*_NAMES, "owner", *_EVIDENCE)}
    position = 0 if last is None else last + 1
    tx.session.execute(insert(CodeSystemRow), [{**key, **described, "position": position, "loaded_at": tx.now}])
    codes = [
        {**key, **{name: str(getattr(code, name)) for name in _OF_CODE}, "position": place}
        for place, code in enumerate(system.codes)
    ]
    if codes:
        tx.session.execute(insert(CodeRow), codes)
    return True


def _system(row: dict[str, str], codes: tuple[Code, ...]) -> CodeSystem:
    if not row["version"].strip() or not row["version"].isprintable():
        raise ValueError("the version is empty or not text")
    return CodeSystem(
        oid=Oid.parse(row["oid"]),
        version=row["version"],
        name_fi=_text(row["system_name_fi"]),
        name_sv=_text(row["system_name_sv"]),
        name_en=_text(row["system_name_en"]),
        owner=_text(row["owner"]),
        source=_text(row["system_source"]),
        grade=Grade(row["system_grade"]),
        basis=Basis(row["system_basis"]),
        codes=codes,
    )


def _code(row: dict[str, str]) -> Code:
    if not row["code"].strip() or not row["code"].isprintable():
        raise ValueError("the code is empty or not text")
    return Code(
        code=row["code"],
        name_fi=_text(row["name_fi"]),
        name_sv=_text(row["name_sv"]),
        name_en=_text(row["name_en"]),
        source=_text(row["source"]),
        grade=Grade(row["grade"]),
        basis=Basis(row["basis"]),
    )


def _text(text: str) -> str:
    """The text; one with characters that a database does not hold is refused."""
    if "\x00" in text:
        raise ValueError("a text holds a null character")
    return text


def _not_one(sentence: str) -> Refused:
    return thl_rules().refusal("thl.code.one-system", sentence)
