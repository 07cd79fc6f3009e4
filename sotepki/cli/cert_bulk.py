"""``sotepki cert bulk``: certificates for a whole class, in several processes."""

from __future__ import annotations

import csv
import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace, progress_wanted, read_input
from sotepki.cli.writing import write_output
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.dvv.authority.bulk import Workshop
    from sotepki.dvv.authority.certification import CertificateOrder
    from sotepki.workspace import Workspace
    from sotepki.x509.keys import PublicKey

_OWN_COLUMNS = ("public_key", "holder", "dns_names")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@click.command("bulk")
@click.argument("orders", metavar="ORDERS.csv")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--authority", default="sote-persons", show_default=True, help="The CA that issues.")
@click.option("--profile", default="professional-signature-rsa", show_default=True, help="The profile of all.")
@click.option("--processes", type=click.IntRange(1, 16), default=2, show_default=True, help="Processes that sign.")
@pass_workspace
def bulk(workspace: Workspace, /, orders: str, out: Path, authority: str, profile: str, processes: int) -> None:
    """Issue a certificate for every line of ORDERS.csv into the directory OUT, as OUT/<holder>.pem.

    Columns: 'holder' (a registration number or organisation OID, the name of the file), 'public_key' (a PEM file with
    a public key, request or certificate, relative to the CSV), and the attributes of the subject as the profile names
    them (title, serial_number, given_name, ...); 'dns_names' with spaces between.
    A line whose file stands in OUT already is left out, so an interrupted run is finished by giving it again.
    """
    from sotepki.dvv.authority.bulk import bulk_issuing
    from sotepki.x509.second_opinions import pem

    base = Path(orders).parent
    wanted = [order for order in _read(orders, base) if not (out / f"{order.holder}.pem").exists()]
    out.mkdir(parents=True, exist_ok=True)
    issued = 0
    hidden = not progress_wanted()
    with (
        bulk_issuing(_workshop(workspace), processes) as issuing,
        click.progressbar(length=len(wanted), label="Issuing", hidden=hidden, file=sys.stderr) as bar,
    ):
        for batch in issuing.issue(authority, profile, wanted, actor="dvv") if wanted else ():
            for place, made in zip(batch.places, batch.certificates, strict=True):
                write_output(out / f"{wanted[place].holder}.pem", pem("CERTIFICATE", made).encode("ascii"))
            issued += len(batch.places)
            bar.update(len(batch.places))
    emit({"directory": str(out), "issued": issued}, f"{out}: {issued} certificates issued.")


def _workshop(workspace: Workspace) -> Workshop:
    from sotepki.dvv.authority.bulk import Workshop

    ring = workspace.hsm
    return Workshop(
        database_url=workspace.records.database.engine.url.render_as_string(hide_password=False),
        outbox=workspace.records.outbox_directory,
        token_directory=ring.configuration.parent,
        token_label=ring.token_label,
        pool=workspace.keys.directory,
        clock=workspace.clock,
    )


def _read(file: str, base: Path) -> list[CertificateOrder]:
    from sotepki.dvv.authority.certification import CertificateOrder
    from sotepki.x509.names import ATTRIBUTES

    try:
        reader = csv.DictReader(io.StringIO(read_input(file).decode("utf-8-sig")), strict=True)
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Misuse(f"{file} is not a CSV file in UTF-8: {error}.") from None
    unknown = sorted(set(reader.fieldnames or ()) - {*ATTRIBUTES, *_OWN_COLUMNS})
    if unknown or not {"public_key", "holder"} <= set(reader.fieldnames or ()):
        what = f"has the unknown column {unknown[0]!r}" if unknown else "lacks the column public_key or holder"
        raise Misuse(f"{file} {what}.", advice=f"Columns are {', '.join((*_OWN_COLUMNS, *ATTRIBUTES))}.")
    found: dict[str, CertificateOrder] = {}
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise Misuse(f"Line {number} of {file} has too many or too few fields.")
        holder = row["holder"]
        if not _FILE_NAME.fullmatch(holder) or holder in found:
            raise Misuse(f"The holder {holder!r} in line {number} of {file} is no file name, or stands twice.")
        subject = {name: row[name] for name in ATTRIBUTES if row.get(name)}
        names = tuple((row.get("dns_names") or "").split())
        found[holder] = CertificateOrder(subject, _key(base / row["public_key"]), holder, dns_names=names)
    return list(found.values())


def _key(path: Path) -> PublicKey:
    from asn1crypto import pem
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    from sotepki.x509 import der
    from sotepki.x509.csr_keys import RSASSA_PSS, is_restricted_to_pss
    from sotepki.x509.reading import private_key_given

    data = read_input(path, limit=64 * 1024)
    if b"PRIVATE KEY" in data:
        raise private_key_given(str(path), "csr")
    try:
        if b"CERTIFICATE REQUEST" in data:
            request = x509.load_pem_x509_csr(data)
            key: object = request.public_key()
            only_pss = is_restricted_to_pss(request)
        elif b"BEGIN CERTIFICATE" in data:
            certificate = x509.load_pem_x509_certificate(data)
            key = certificate.public_key()
            only_pss = certificate.public_key_algorithm_oid.dotted_string == RSASSA_PSS
        else:
            key = load_pem_public_key(data)
            only_pss = der.oid(RSASSA_PSS) in pem.unarmor(data)[2]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Misuse(f"{path} holds no public key in PEM.", subject=str(path)) from None
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise Misuse(f"The key in {path} is neither RSA nor EC.", subject=str(path))
    if only_pss:  # pyca reads it as any RSA key, which the certificate would then name
        raise Misuse(f"The RSA key in {path} is restricted to RSASSA-PSS.", subject=str(path))
    return key
