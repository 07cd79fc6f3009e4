"""The certificate of the local listener: what is served is what users are told to trust."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from sotepki import cli
from sotepki.scs import CertificateVariant, SignatureService, local_certificate, running

NOW = datetime.now(UTC)


@pytest.mark.parametrize("damage", ["missing", "empty", "another"])
def test_the_certificate_to_trust_is_the_one_that_is_served(tmp_path: Path, damage: str) -> None:
    """'scs trust' named a file that was not there, or one by which no browser trusts the service."""
    path = local_certificate(tmp_path / "a.pem", NOW)
    other = local_certificate(tmp_path / "b.pem", NOW).with_suffix(".crt").read_bytes()
    served, told = path.read_bytes(), path.with_suffix(".crt")
    right = told.read_bytes()
    told.unlink() if damage == "missing" else told.write_bytes(other if damage == "another" else b"")
    assert local_certificate(path, NOW).read_bytes() == served
    assert told.read_bytes() == right and right in served


def test_services_that_start_together_serve_one_certificate(tmp_path: Path) -> None:
    """They left the key of one beside the certificate of another."""
    path, together = tmp_path / "scs" / "a.pem", threading.Barrier(8)

    def start() -> bytes:
        together.wait(10)
        return local_certificate(path, NOW).read_bytes()

    with ThreadPoolExecutor(8) as pool:
        found = {made.result(10) for made in [pool.submit(start) for _ in range(8)]}
    assert len(found) == 1 and path.with_suffix(".crt").read_bytes() in found.pop()


def test_the_commands_know_the_certificate_of_the_observed_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """'scs trust' named another certificate than the one of 'scs serve --observed-certificate'."""
    (tmp_path / "workspace.json").write_text("{}", encoding="ascii")
    where = ("--observed-certificate", "--format", "json", "--workspace", str(tmp_path))
    assert cli.run(["scs", "trust", *where]) == 0
    told = Path(json.loads(capsys.readouterr().out)["certificate"])
    shown = x509.load_pem_x509_certificate(told.read_bytes())
    assert shown.extensions.get_extension_for_class(x509.BasicConstraints).value.ca, "of the observed form"
    chain = local_certificate(told.with_suffix(".pem"), NOW, CertificateVariant.OBSERVED)
    with running(SignatureService(lambda: None, lambda _request: None), chain, port=0) as url:
        assert cli.run(["scs", "version", "--scs", url, *where]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == "1.1"
