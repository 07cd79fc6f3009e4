"""Kanta's pages of a running ``sotepki serve`` in real Chromium: drop a document, read why a client was refused."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser_world import chromium, needs_chromium, picture, tab
from serve_world import Office, Serving, made_office, serving

from sotepki.journey.walk import changed
from sotepki.x509.serials import serial_text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.integration,
    needs_chromium,
    pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="needs SoftHSM"),
]
ONLY = ("--only", "publication", "--only", "kanta", "--only", "kela", "--only", "status")

# A file that a person drops with the mouse: the browser sees no difference.
DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "application/xml" }));
  const place = document.getElementById("place");
  for (const kind of ["dragover", "drop"]) {
    place.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
  }
}"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return made_office(tmp_path_factory.mktemp("pages") / "workspace")


@pytest.fixture(scope="module")
def house(office: Office) -> Iterator[Serving]:
    with serving(office, *ONLY) as running:
        yield running


@pytest.fixture(scope="module")
def browser(office: Office) -> Iterator[Browser]:
    with chromium(office.provider.server.chain_file) as browser:
        yield browser


def dropped(page: Page, name: str, content: bytes) -> str:
    """Drop a file and wait for the verdict."""
    page.evaluate(DROP, [name, base64.b64encode(content).decode("ascii")])
    page.locator("#verdict").get_by_text(name).filter(has_not_text="Validating").wait_for()
    return page.locator("#verdict").inner_text()


def test_a_document_is_dropped_and_its_findings_are_read(house: Serving, browser: Browser) -> None:
    document = house.office.document()
    with tab(browser) as page:
        page.goto(house.bases["kela"] + "/validation")
        assert "valid, 0 findings" in dropped(page, "asiakirja.xml", document)
        assert "invalid" in dropped(page, "muutettu.xml", changed(document))
        assert page.locator("#findings .error").count() >= 1
        assert "doc.digest" in page.locator("#findings").inner_text()
        assert "Likely cause" in page.locator("#findings").inner_text()
        picture(page, "kanta-validation")
        assert "invalid" in dropped(page, "kirje.txt", b"this is no document")
        assert "indeterminate" in dropped(page, "<b>nimi</b>.xml", b"\x00\xff" * 100)
        assert page.locator("#verdict b").count() == 0, "a file's name is text, not markup"


def test_a_document_is_chosen_with_the_keyboard_as_well(house: Serving, browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "asiakirja.xml"
    file.write_bytes(house.office.document())
    with tab(browser, width=360) as page:
        page.goto(house.bases["kela"] + "/validation")
        page.get_by_label("Choose a file, or drop one here").set_input_files(file)
        page.get_by_text("asiakirja.xml: valid, 0 findings.").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_revoked_client_is_refused_and_command_and_page_say_why(house: Serving, browser: Browser) -> None:
    """The certificate is revoked while the services run."""
    assert house.send(house.office.frame())["code"] == "AA"
    serial = serial_text(house.office.provider.server.certificate.serial_number)
    house.command("revoke", "certificate", serial, "--reason", "key-compromise")
    assert refusal(house.send(house.office.frame())) == "kanta.client.revoked"
    line = house.command("kanta", "requests", "--refused")[0]
    assert "kanta.client.revoked" in line["rules"]
    with tab(browser, width=1200, height=500) as page:
        page.goto(house.bases["kela"] + "/status")
        row = page.locator("tbody tr").first.inner_text()
        assert "kanta.client.revoked" in row and serial in row
        picture(page, "kanta-status")
        page.goto(house.bases["status"] + "/")
        page.get_by_text("answers").first.wait_for()
        assert page.locator(".state.bad").count() == 0


def test_a_client_certificate_that_has_expired_is_refused_by_rule(office: Office, house: Serving) -> None:
    """By the workspace's clock: three years later the services are started again."""
    house.stop(15)
    house.command("clock", "advance", "1200")
    with serving(office, *ONLY) as later:
        later_answer = sent_whatever_the_server_shows(later)
        assert "kanta.client.validity" in {finding["rule"] for finding in later_answer["findings"]}
        assert "kanta.client.validity" in later.command("kanta", "requests", "--refused")[0]["rules"]


def sent_whatever_the_server_shows(house: Serving) -> dict[str, Any]:
    """A message to Kanta, whose certificate is of the future and not yet valid for this machine's curl."""
    body = house.office.directory.parent / "later.xml"
    body.write_bytes(house.office.frame())
    answer: dict[str, Any] = json.loads(
        house.as_client(
            house.urls["kanta"], "--insecure", "--header", "Content-Type: text/xml",
            "--header", "Accept: application/json", "--data-binary", f"@{body}",
        )
    )  # fmt: skip
    return answer


def refusal(answer: dict[str, Any]) -> str:
    """The one rule of a refused message."""
    assert answer["code"] == "AR", answer
    (rule,) = {finding["rule"] for finding in answer["findings"]}
    return str(rule)
