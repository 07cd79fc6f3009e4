"""Pictures of the report and of a card, from what the program really does: ``python -m handbook.pictures [DIR]``.

A report of the suite on a system that is broken on purpose, as Chromium shows it (in English for the README, in
Finnish at the width of a desk and of a phone); and a card in a reader: its face, commands with stock tools, and the
trace of what went over the contacts. Needs Chromium, pcscd, vpcd and OpenSC.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from handbook.staging import DOCS
from sotepki.clock import finnish_day
from sotepki.journey import load_cast
from sotepki.journey.card_holder import PIN1, card_in_hand
from sotepki.workspace import Workspace

CARD = "card-in-reader.png"
REPORTS = {
    "report.png": ("English", 960, 960),
    "conformance-report-desktop.png": ("Suomi", 1200, 1500),
    "conformance-report-phone.png": ("Suomi", 390, 1200),
}
AREAS = ("csr", "certificates", "signatures")
SIGN = "pkcs11-tool --slot-index 0 --login --sign -m SHA256-RSA-PKCS --id 45 -i data -o signature"
_FIRST_SHOWN = "VERIFY PIN1"
_FRONT = "0 0 856 540"


def main(directory: Path) -> None:
    """Make all pictures anew."""
    with tempfile.TemporaryDirectory(prefix="sotepki-pictures-") as name, sync_playwright() as playwright:
        desk = Path(name)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium") or "", args=["--no-sandbox"])
        report = _report(desk)
        for name, (language, width, height) in REPORTS.items():
            _photograph(browser, report, directory / name, width, height, language)
        _photograph(browser, _card_in_reader(desk), directory / CARD, 1260, 476)
        browser.close()


def _photograph(browser: Browser, page: Path, picture: Path, width: int, height: int, language: str = "") -> None:
    tab = browser.new_page(viewport={"width": width, "height": height})
    tab.goto(page.as_uri())
    if language:
        tab.get_by_text(language, exact=True).first.click()
    tab.screenshot(path=str(picture), animations="disabled")
    tab.close()


def _report(desk: Path) -> Path:
    description = 'kind = "mutant"\nmutant = "signer-pretty-prints-after-signing"\n'
    (desk / "system.toml").write_text(description, encoding="utf-8")
    areas = [word for area in AREAS for word in ("--area", area)]
    _run(desk, "sotepki", "conformance", "run", "--sut", "system.toml", "--report", "report", *areas, code=1)
    return desk / "report" / "report.html"


def _card_in_reader(desk: Path) -> Path:
    cast = load_cast()
    with Workspace.create(desk / "workspace", card_keys=2) as workspace:
        order = card_in_hand(
            workspace,
            registrar=cast.person("registrar-county-1"),
            applicant=cast.person("specialist-physician"),
            right_code="001",
        )
        number = order.card_number
        made_on = finnish_day(workspace.clock.now()).isoformat()
    (desk / "data").write_text(f"A document of {made_on}, TEST\n", encoding="utf-8")
    session = [
        f"sotepki card insert {number} --background",
        "sotepki card readers",
        SIGN,
        f"sotepki card trace {number}",
    ]
    # The PIN reaches the tool by its own option and does not stand in the picture.
    typed = [line.replace("--login", f"--login --pin {PIN1.reveal()}") for line in session]
    script = "\n".join(f"{line}\necho %%%" for line in typed) + f"\nsotepki card remove {number} >/dev/null\n"
    (desk / "session.sh").write_text(script, encoding="utf-8")
    printed = _run(desk, "sotepki", "card", "readers", "sh", "-e", "session.sh").split("%%%\n")
    _run(desk, "sotepki", "card", "show", str(number), "--svg", "card.svg")
    shown = [_shown(command, answer) for command, answer in zip(session, printed, strict=False)]
    face = re.sub(
        r'width="[^"]+" height="[^"]+" viewBox="[^"]+"', f'viewBox="{_FRONT}"', _text(desk / "card.svg"), count=1
    )
    page = desk / "card.html"
    page.write_text(_PAGE.format(face=face, session="\n".join(shown)), encoding="utf-8")
    return page


def _shown(command: str, answer: str) -> str:
    """A command and its answer; of the trace what came since the PIN, as the rest is the reading of the files."""
    lines = answer.rstrip("\n").splitlines()
    if " trace " in command:
        first = max(number for number, line in enumerate(lines) if _FIRST_SHOWN in line) - 1
        lines = ["    ...", *(line if len(line) < 76 else f"{line[:70]} ..." for line in lines[first:])]
    return "\n".join([f"<b>$ {html.escape(command)}</b>", *map(html.escape, lines)])


def _run(desk: Path, *command: str, code: int = 0) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=desk, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


_PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 24px; display: flex; gap: 28px; align-items: center; background: #f4f6f8; }}
svg {{ width: 430px; flex: none; border-radius: 16px; box-shadow: 0 6px 18px #0003; }}
pre {{ margin: 0; flex: 1; padding: 16px 18px; border-radius: 8px; background: #1b2a3a; color: #dfe6ee;
  font: 12px/1.5 "DejaVu Sans Mono", monospace; overflow: hidden; }}
b {{ color: #fff; }}
</style>{face}<pre>{session}</pre>
"""


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "pictures")
