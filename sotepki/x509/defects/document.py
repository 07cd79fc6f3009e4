"""The page docs/certificate-vectors.md, made from the catalogue: ``python -m sotepki.x509.defects.document``."""

from __future__ import annotations

from collections.abc import Iterable

import click

from sotepki.x509.defects.catalogue import Defect, load_defects

_HEAD = """# Certificate vectors

Good and broken certificates for testing a validator. `sotepki cert vectors OUT` builds them into `OUT`, with a TEST
hierarchy of their own whose keys are thrown away, and writes `OUT/index.json`; its shape is
[vectors.schema.json](schemas/vectors.schema.json). This page is made from the catalogue
(`sotepki/x509/defects/catalogue.yaml`); a test compares the two.

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
"""


def vectors_document() -> str:
    """The page as text."""
    defects = list(load_defects().values())
    broken = [defect for defect in defects if not defect.good]
    parts = [_HEAD, f"## The catalogue\n\n{len(defects)} vectors, {len(broken)} of them defects.\n"]
    for group in dict.fromkeys(defect.group for defect in defects):
        parts.append(f"### {group.replace('-', ' ').capitalize()}\n")
        parts.append(_table(("id", "what it is", "path", "lint"), map(_row, _of(defects, group))))
    parts.append(_openssl(defects))
    return "\n".join(parts)


def _of(defects: Iterable[Defect], group: str) -> list[Defect]:
    return [defect for defect in defects if defect.group == group]


def _row(defect: Defect) -> tuple[str, ...]:
    cells = [f"{one.verdict}" + (f", `{one.rule}`" if one.rule else "") for one in (defect.path, defect.lint)]
    return (f"`{defect.id}`", defect.title, *cells)


def _openssl(defects: Iterable[Defect]) -> str:
    differing = [defect for defect in defects if defect.openssl is not None]
    rows = [
        (f"`{defect.id}`", str(defect.path.verdict), str(defect.openssl.verdict), defect.openssl.reason)
        for defect in differing
        if defect.openssl is not None
    ]
    head = (
        "## Where OpenSSL judges otherwise\n\n"
        "`openssl verify` (with `-crl_check_all`, `-attime`, `-auth_level 1`) and `openssl ocsp` judge every "
        "vector\nas `path` does, except these. A test runs OpenSSL 3 over all of them.\n"
    )
    return f"{head}\n{_table(('id', 'path', 'OpenSSL', 'reason'), rows)}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    click.echo(vectors_document(), nl=False)
