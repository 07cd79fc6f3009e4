"""What ``sotepki serve`` prints: scripts read the addresses from its lines."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest

from sotepki.cli.serve import _tell
from sotepki.services import House


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1 kanta.kela.test.example"]])
@pytest.mark.parametrize("name", ["scs", "attribute-service"])
def test_names_and_addresses_are_apart_however_short_the_names_are(
    capsys: pytest.CaptureFixture[str], name: str, hosts: list[str]
) -> None:
    """``serve --only scs`` once printed ``trust/home/...``, which no script could take apart."""
    one = SimpleNamespace(
        address="https://localhost:1/x", url="https://localhost:1", service=SimpleNamespace(purpose="p")
    )
    house: Any = SimpleNamespace(started={name: one}, trust_file=Path("/root.pem"), hosts=lambda: hosts)
    with click.Context(click.Command("serve")) as context:
        context.meta["sotepki.output_format"] = "text"
        _tell(cast(House, house))
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    named = [row[0] for row in rows]
    assert named == [name, "trust", *(["hosts"] if hosts else []), "Ctrl-C"]
    assert rows[0] == [name, "https://localhost:1/x"] and rows[1] == ["trust", "/root.pem"]
