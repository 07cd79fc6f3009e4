"""TLS client authentication by a browser: Chromium, NSS and OpenSC take the key of the card in the reader.

The browser's own windows ask for the certificate and the PIN, so it runs in a virtual screen and the PIN is typed.
"""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import shutil
import subprocess

import pytest
from card_pcsc_world import HOLDER, PIN1, RSA, Desk, card_keys, desk, module  # noqa: F401
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.card import CardShelf

pytestmark = pytest.mark.integration

PROGRAMS = {"chromium": "chromium", "certutil": "libnss3-tools", "modutil": "libnss3-tools", "Xvfb": "xvfb",
            "xdotool": "xdotool"}  # fmt: skip
# What a user does by hand: tell NSS of OpenSC, go to the page, type the PIN, confirm the certificate.
SCRIPT = """
cd "$1"; database="sql:$HOME/.pki/nssdb"; mkdir -p "$HOME/.pki/nssdb"
certutil -N -d "$database" --empty-password
modutil -dbdir "$database" -add sote -libfile "$2" -force
openssl s_server -accept 4433 -www -cert server.pem -key server.key -CAfile ca.pem -Verify 3 >>server.log 2>&1 &
server=$!
export DISPLAY=:77
Xvfb $DISPLAY -screen 0 1200x900x24 >xvfb.log 2>&1 &
screen=$!
sleep 1
# A window can go while somebody types into it; then a person would close the browser and begin anew.
for attempt in 1 2 3; do
    chromium --no-sandbox --disable-gpu --no-first-run --password-store=basic --user-data-dir="$1/browser$attempt" \
        --ignore-certificate-errors https://localhost:4433/ >chromium.log 2>&1 &
    browser=$!
    for _ in $(seq 30); do
        sleep 1
        window=$(xdotool search --onlyvisible --name "Unlock Security Device" | tail -1)
        if [ -n "$window" ]; then
            timeout 9 xdotool windowfocus --sync "$window" && timeout 9 xdotool type --window "$window" "$3" \
                && xdotool key --window "$window" Return
        else
            xdotool key Return
        fi
        grep -q "verify return:1" server.log && break
    done
    sleep 1
    kill $browser; wait $browser
    grep -q "verify return:1" server.log && break
    : >server.log
done
kill $server $screen
cat server.log
"""


def test_chromium_logs_in_with_the_card(desk: Desk) -> None:
    """Web services take card logins this way; the server must see the certificate of the card."""
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        pytest.skip(f"needs the Debian packages {', '.join(missing)}")
    desk.new_card(f"{RSA}/9")
    number = f"{RSA}-9"
    issuer = CardShelf(desk.home / "cards").read(number).issuers[0]
    (desk.home / "ca.pem").write_bytes(issuer.public_bytes(Encoding.PEM))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", desk.home / "server.key", "-out",
         desk.home / "server.pem", "-subj", "/CN=localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    script = desk.home / "browser.sh"
    script.write_text(SCRIPT, encoding="ascii")
    with desk.inserted(number, "--profile", "authentic"):
        # TLS 1.3 wants PSS, so the driver is myeid; only PIN1's slot, since a browser has no use for PIN2.
        environment = desk.configuration(desk.sotepki("opensc-conf", "--driver", "myeid", "--pin1-only").output)
        done = desk.run("sh", script, desk.home, module(), PIN1, **environment)
        assert done.said(f"CN = {HOLDER}", "verify return:1"), done.output
        trace = desk.sotepki("trace", number).output
    assert "VERIFY PIN1" in trace and "digital signature" in trace and "VERIFY PIN2 with" not in trace
    assert desk.tries(number) == {"pin1": 5, "pin2": 5, "puk": 5}
