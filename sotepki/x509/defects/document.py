"""The page docs/certificate-vectors.md, made from the catalogue: ``python -m sotepki.x509.defects.document``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from sotepki.evidence import Verdict
from sotepki.markdown import table
from sotepki.x509.defects.catalogue import Defect, load_defects
from sotepki.x509.defects.validators import Validator, load_validators

_HEAD = """# Certificate vectors

Good and broken certificates for testing a validator. `sotepki cert vectors OUT` builds them into `OUT`, with a TEST
hierarchy of their own whose keys are thrown away, and writes `OUT/index.json`; its shape is
[vectors.schema.json](schemas/vectors.schema.json). This page is made from the catalogue
(`sotepki/x509/defects/catalogue.yaml`, and `validators.yaml` beside it); a test compares them.

## Running a validator over them

For every entry of `vectors` in the index: validate `files.certificate` with `files.issuers` up to `files.trust`,
with the revocation data in `files.crl` and `files.ocsp`, for `purpose`, at the time `at` of the index.
`expected.path` says what path validation must answer and by which of our rules; `expected.lint` what a check of the
certificate alone against its national profile must answer. A validator that knows RFC 5280 and nothing of Finland is
judged by `path`.

`sotepki cert verify --index OUT/index.json` does this with our own validator and linter and exits with 1 unless every
vector is judged as expected. A loop for another validator:

```sh
jq -r '.at as $at | .vectors[] | [.id, .expected.path.verdict, .files.certificate, .files.issuers // "",
  .files.crl // "", $at] | @tsv' OUT/index.json |
while IFS="$(printf '\\t')" read -r id expected certificate issuers crl at; do
  your-validator --at "$at" --issuers "OUT/$issuers" --crl "OUT/$crl" "OUT/$certificate" && said=valid || said=invalid
  [ "$said" = "$expected" ] || echo "$id: expected $expected, said $said"
done
```

Programs to start from: `java conformance/examples/java/PathValidator.java OUT` for the JDK,
`go run conformance/examples/go/path_validator.go OUT` for Go.
"""

_LEARN = """## What your own code must check

A library that validates paths does not know what you use a certificate for. OpenSSL, GnuTLS, the JDK, .NET,
Go, certvalidator and pyca were run over all vectors ([the table](#what-other-validators-say)). Asked for a path and
not for a purpose, all of them take these certificates:

{taken}

So whoever lets in by a certificate, or believes a signature, checks besides the path:

1. **Key usage.** A card signs with nonRepudiation and nothing beside it; a system with digitalSignature and
   nonRepudiation. The JDK and certvalidator can be told which bits must be there, and not that no others may: that
   check is a line of your own, here as in the other libraries.
2. **No CA at the end.** The certificate that signs does not say CA:TRUE (`setBasicConstraints(-2)` in the JDK).
3. **Revocation, and that it was looked at.** certtool takes a missing, old or forged list without a word; pyca and
   Go look at none; X509Chain fetches lists and answers only with `RevocationMode` Online below a root that it trusts
   (`CustomTrustStore`, from .NET 5). Demand an answer, and refuse without one.
4. **When it was revoked.** OpenSSL, GnuTLS and .NET ask whether a certificate is on the list, not since when. A
   signature made before that moment is good.
5. **Weak algorithms.** The JDK takes SHA-1 below a root of one's own; forbid it in
   `jdk.certpath.disabledAlgorithms`. .NET takes MD5 too; read `SignatureAlgorithm` of every element of the chain.
6. **Whom an OCSP answer is about, and how old it is**, if your library only verifies its signature, as ocsptool does.
   The JDK and .NET find an answer only by a CertID made with SHA-1.
"""

_VALIDATORS = """Every vector is judged as `path` says, except as told here. A test runs all of them where they are
installed. Another version may judge otherwise: run the vectors over yours.
"""


def vectors_document() -> str:
    """The page as text."""
    defects = list(load_defects().values())
    broken = [defect for defect in defects if not defect.good]
    parts = [
        _HEAD,
        _what_to_learn(defects),
        f"## The catalogue\n\n{len(defects)} vectors, {len(broken)} of them defects.\n",
    ]
    for group in dict.fromkeys(defect.group for defect in defects):
        parts.append(f"### {group.replace('-', ' ').capitalize()}\n")
        parts.append(_table(("id", "what it is", "path", "lint"), map(_row, _of(defects, group))))
    parts.append(_validators(defects))
    return "\n".join(parts)


def _of(defects: Iterable[Defect], group: str) -> list[Defect]:
    return [defect for defect in defects if defect.group == group]


def _row(defect: Defect) -> tuple[str, ...]:
    cells = [f"{one.verdict}" + (f", `{one.rule}`" if one.rule else "") for one in (defect.path, defect.lint)]
    return (f"`{defect.id}`", defect.title, *cells)


def _what_to_learn(defects: Iterable[Defect]) -> str:
    """What a stock validator takes and must not: the reader's own code has to look."""
    taken = [one for one in defects if one.path.verdict is Verdict.INVALID]
    by_all = [one for one in taken if _takers(one) == set(load_validators())]
    lines = [f"- `{one.id}`: {one.title}" for one in by_all]
    return _LEARN.format(taken="\n".join(lines))


def _takers(defect: Defect) -> set[str]:
    return {name for name, view in defect.others.items() if view.verdict is Verdict.VALID}


def _validators(defects: Iterable[Defect]) -> str:
    validators = load_validators().values()
    parts = ["## What other validators say\n", _VALIDATORS]
    parts.append(_table(("validator", "measured", "asked with"), [(v.name, v.measured, v.asked) for v in validators]))
    parts.append("Empty: as path validation must. The reasons follow the table.\n")
    head = ("id", "must be", *(f"{v.name} ({len(v.views)})" for v in validators))
    rows = [
        (f"`{one.id}`", str(one.path.verdict), *(_said(one, validator) for validator in validators))
        for one in defects
        if one.others
    ]
    parts.append(_table(head, rows))
    for validator in validators:
        parts.append(f"### Why {validator.name} judges otherwise\n")
        by_reason: dict[tuple[Verdict, str], list[str]] = {}
        for name, view in validator.views.items():
            by_reason.setdefault((view.verdict, view.reason), []).append(f"`{name}`")
        reasons = [(str(verdict), why, ", ".join(names)) for (verdict, why), names in by_reason.items()]
        parts.append(_table(("says", "because", "of"), reasons))
    return "\n".join(parts)


def _said(defect: Defect, validator: Validator) -> str:
    view = defect.others.get(validator.id)
    return "" if view is None else f"**{view.verdict}**"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(table(head, rows))


if __name__ == "__main__":
    click.echo(vectors_document(), nl=False)
