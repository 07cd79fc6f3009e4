# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The inside of a card, APDU by APDU
#
# When a nurse puts the professional card (ammattikortti) into a reader, nothing seems to happen; then a window asks for a PIN,
# and she is logged in. In between, reader and card have exchanged about a hundred short messages. Each is called an APDU, most
# are under a dozen bytes, and all of them can be read by a patient human being.
#
# In this notebook we are that human being. We order a card for a nurse of the test world, open its electric contacts, and
# type bytes. By the end we shall have activated it, logged in, signed, locked a PIN and opened it again, with no card software
# at all. It takes half an hour to read and fifteen seconds to run.
#
# The card is an emulation that answers as the sources say; `docs/field/card.md` gives each fact its grade, and where the sources
# are silent, `docs/card.md` says what was chosen.

# %%
from datetime import UTC, datetime

from story import be_kind, close, new_workspace, rules_shown, table

from sotepki.journey import load_cast
from sotepki.journey.card_holder import PIN1, PIN2, activation_code, passport

be_kind()
workspace = new_workspace("card", at=datetime(2026, 3, 2, 9, 15, 30, tzinfo=UTC), card_keys=2)
cast = load_cast()
registrar, nurse = cast.person("registrar-county-1"), cast.person("nurse")

# %% NBVAL_CHECK_OUTPUT
ordered = workspace.vartti.order_professional_card(registrar=registrar, applicant=nurse, identity=passport(workspace))
order = workspace.vartti.personalise(ordered.id)
workspace.vartti.hand_over(order.card_number, registrar=registrar, identity=passport(workspace))
workspace.vartti.post_letter(order.card_number)  # four working days too early: we do not wait
content = workspace.cards.read(order.card_number)
print(content.state.holder, "-", content.state.kind, "-", content.state.phase)

# %% [markdown]
# The card is *personalised*: keys and certificates are on it, PINs are not. The letter with the activation code
# (aktivointitunnusluku) came by another way.
#
# ## 1. Power
#
# Giving power to the contacts is answered by the ATR, the *answer to reset*: at most 33 bytes in which the card says who it is
# and how it likes to be spoken to. Here is the ATR of the sote cards made from about 2025 on.

# %%
from contextlib import ExitStack

from sotepki.card.door import open_door
from sotepki.card.trace import explain_command, explain_response, hidden_secrets

desk = ExitStack()
exchanges = []


def insert(profile="opensc"):
    """Put the card into the reader (pulling it first, if it is in)."""
    desk.close()
    door = desk.enter_context(open_door(workspace.cards, order.card_number, profile=profile, trace=exchanges.append))
    return door, door.power_on()


# %% NBVAL_CHECK_OUTPUT
door, atr = insert("authentic")
print(atr.hex(" ").upper())
ATR = (
    (1, "TS", "direct convention: bits come as they are"),
    (1, "T0", "TA1, TC1 and TD1 follow; 13 historical bytes"),
    (1, "TA1", "speed: Fi 512, Di 32"),
    (1, "TC1", "no extra guard time"),
    (1, "TD1", "protocol T=0 is offered first; TD2 follows"),
    (1, "TD2", "then T=1; TA3 and TB3 follow"),
    (1, "TA3", "blocks of up to 254 bytes"),
    (1, "TB3", "waiting times of T=1"),
    (1, "category", "of the historical bytes"),
    (2, "service data", "select by name; EF.DIR and EF.ATR hold data objects"),
    (5, "pre-issuing data", "the maker's"),
    (4, "capabilities", "selection by name and identifier, command chaining; selection by path is NOT announced"),
    (1, "the card's last word", "83: Cosmo X; 82: ID.me"),
    (1, "TCK", "all bytes after TS, XORed, give 0"),
)
rows, at = [], 0
for length, name, meaning in ATR:
    rows.append((f"`{atr[at : at + length].hex(' ').upper()}`", name, meaning))
    at += length
table(("Bytes", "Name", "Meaning"), rows)

# %% NBVAL_CHECK_OUTPUT
check = 0
for byte in atr[1:]:
    check ^= byte
print("the ATR's check byte is right:", check == 0)

# %% [markdown]
# No released OpenSC knows this ATR, which is the first thing that goes wrong at a vendor's desk: *Unsupported card*. The cure is a
# block of `opensc.conf` (`sotepki card opensc-conf` prints it). We go on with a second face of the same card, which stock OpenSC
# binds to a driver that can sign.
#
# ## 2. The grammar
#
# A command has four bytes that are always there: class (CLA, nearly always `00`), instruction (INS), and two parameters (P1, P2).
# Then may follow the length of data (Lc), the data, and how much answer is expected (Le). An answer is data, or nothing, and
# always two bytes of status, the *status word*. That is the whole grammar.

# %% NBVAL_CHECK_OUTPUT
from sotepki.card.trace import explain_status

table(
    ("Status word", "Meaning"),
    [(f"`{word:04X}`", explain_status(word)) for word in
     (0x9000, 0x6180, 0x6282, 0x63C4, 0x6700, 0x6982, 0x6983, 0x6985, 0x6A82, 0x6A86, 0x6A88, 0x6B00, 0x6C30, 0x6D00, 0x6E00)],
)  # fmt: skip

# %% [markdown]
# We need one function: it sends bytes, and says in words what was asked and answered. PINs are masked before they are printed;
# so is anything that was decrypted.


# %%
def talk(command, data=b"", *, end="", quiet=False):
    """Send a command, given in hexadecimal, with ``data`` and ``end`` behind it; tell what happened, give the answer."""
    sent = bytes.fromhex(command) + (bytes([len(data)]) + data if data else b"") + bytes.fromhex(end)
    answer = door.transmit(sent)
    shown, _ = hidden_secrets(sent, answer)
    if not quiet:
        text = shown.hex(" ").upper()
        print(text if len(text) < 80 else f"{text[:60]} ... ({len(sent)} bytes)")
        print(f"    {explain_command(shown)}")
        print(f"    -> {explain_response(answer)}")
    return answer


# %% NBVAL_CHECK_OUTPUT
door, _ = insert()
talk("00A4000C 02 3F00")
talk("00B00000 00")
talk("00A4040C", b"nobody")
_ = talk("00FF0000")
# %% [markdown]
# Select the master file; read from it, which fails because a directory cannot be read; select an application that is not
# there; an instruction that does not exist. A card never raises its voice: two bytes, and it waits for the next command.
#
# ## 3. The files
#
# A card is a small file system. Files have two-byte identifiers: `3F00` is the root (MF), `2F00` the list of applications
# (EF.DIR). Let us read that one.

# %% NBVAL_CHECK_OUTPUT
talk("00A4000C 02 3F00", quiet=True)
talk("00A4000C 02 2F00")
directory = talk("00B00000 00")[:-2]
print(directory.hex(" ").upper())

# %% [markdown]
# The content is TLV: a tag, a length, a value, and values may hold TLVs again. Ten lines of Python read all of it.


# %% NBVAL_CHECK_OUTPUT
def tlv(data):
    """The data objects in a row of bytes, as tag and value."""
    at = 0
    while at < len(data) and data[at] not in (0x00, 0xFF):
        tag, length, at = data[at], data[at + 1], at + 2
        if length > 0x80:
            more = length & 0x7F
            length, at = int.from_bytes(data[at : at + more], "big"), at + more
        yield tag, data[at : at + length]
        at += length


((_, template),) = tlv(directory)
for tag, value in tlv(template):
    readable = value.decode() if tag == 0x50 else value.hex().upper()
    print(f"{tag:02X}  {readable}")

# %% [markdown]
# `4F` is the name of the PKCS#15 application (it begins with A0 and ends in ASCII, `PKCS-15`), `50` a label, `51` the path of
# its directory. PKCS#15 is the convention by which card software finds its way: a file EF.ODF lists further files; these list
# PINs, keys and certificates; those give the paths.


# %% NBVAL_CHECK_OUTPUT
def read(path):
    """A file by its path from the MF, read in pieces of up to 256 bytes; None if it cannot be selected."""
    talk("00A4000C 02 3F00", quiet=True)
    for step in path[:-1]:
        talk("00A4010C", bytes.fromhex(step), quiet=True)
    if talk("00A4020C", bytes.fromhex(path[-1]), quiet=True)[-2:] != b"\x90\x00":
        return None
    content = b""
    while True:
        answer = talk(f"00B0{len(content):04X} 00", quiet=True)
        content += answer[:-2]
        if answer[-2:] != b"\x90\x00" or len(answer) < 258:
            return content


APPLICATION = "5015"
KINDS = {0xA0: "private keys", 0xA4: "certificates", 0xA5: "trusted certificates", 0xA8: "PINs"}


def inside(data, wanted):
    """The first value with a tag, at any depth."""
    for tag, value in tlv(data):
        if tag == wanted:
            return value
        if tag & 0x20 and (found := inside(value, wanted)) is not None:
            return found
    return None


listed = {KINDS[tag]: inside(value, 0x04) for tag, value in tlv(read([APPLICATION, "5031"]))}
for kind, path in listed.items():
    print(f"{kind:>20}: {path.hex('/', 2).upper()}")

# %% [markdown]
# And one step further, to the objects themselves. The labels are Finnish, as on the cards of the field.

# %% NBVAL_CHECK_OUTPUT
objects = []
for kind, path in listed.items():
    steps = [path[at : at + 2].hex() for at in range(2, len(path), 2)]
    for _, one in tlv(read(steps)):
        label = inside(one, 0x0C)
        print(f"{kind:>20}: {label.decode()}")

# %% [markdown]
# Enough for a picture. The lengths are those that the card just told us.

# %%
from card_pictures import file_tree

FILES = (
    (1, ("2F00",), "EF.DIR: which applications"),
    (1, ("4333",), "certificate of the issuing CA"),
    (1, ("4334",), "certificate of the root"),
    (1, ("5015",), "PKCS#15 application"),
    (2, ("5015", "5031"), "EF.ODF: where everything is"),
    (2, ("5015", "5032"), "EF.TokenInfo: label, serial number"),
    (2, ("5015", "4401"), "EF.AOD: PINs"),
    (2, ("5015", "4402"), "EF.PrKD: private keys"),
    (2, ("5015", "4403"), "EF.CD: certificates"),
    (2, ("5015", "4405"), "EF.CD: trusted certificates"),
    (2, ("5015", "4331"), "authentication certificate"),
    (1, ("5016",), "DF.ESIGN"),
    (2, ("5016", "4332"), "signature certificate"),
)
tree = [(0, "3F00", "MF", 0)]
for depth, path, name in FILES:
    tree.append((depth, path[-1], name, 0 if path[-1] in ("5015", "5016") else len(read(list(path)) or b"")))
file_tree(tree)

# %% [markdown]
# Certificates fill the card; everything else is crumbs. They are public, and no PIN was asked. Whoever finds a card can read
# the nurse's name, title and registration number.

# %% NBVAL_CHECK_OUTPUT
from cryptography import x509

signature_certificate = x509.load_der_x509_certificate(read(["5016", "4332"]))
authentication_certificate = x509.load_der_x509_certificate(read(["5015", "4331"]))
for attribute in signature_certificate.subject:
    print(f"{attribute.oid._name:>14}  {attribute.value}")

# %% [markdown]
# The private keys are not in the tree at all. There is no command that reads them; there are only commands that use them.
#
# ## 4. Activation
#
# `VERIFY` gives a PIN; without data it only asks how things stand, and costs no try. P2 says which: `03` is PIN1
# (perustunnusluku), `04` PIN2 (allekirjoitustunnusluku) inside DF.ESIGN, `12` the activation code.

# %% NBVAL_CHECK_OUTPUT
talk("00A4040C", bytes.fromhex("A000000063504B43532D3135"), quiet=True)
talk("00200003")
_ = talk("00200012")
# %% [markdown]
# A new card has no PINs, so they are as good as locked. What the activation window of the card software does is two commands
# for each PIN: verify the code, then set the PIN with it.

# %% NBVAL_CHECK_OUTPUT
code = activation_code(workspace, order.card_number)
ESIGN = "00A4040C 06 452E5349474E"

talk("00200012", code.reveal().encode())
talk("002C0203", PIN1.reveal().encode())
talk("00A4000C 02 3F00", quiet=True)
talk(ESIGN)
talk("00200012", code.reveal().encode(), quiet=True)
_ = talk("002C0204", PIN2.reveal().encode())
# %% NBVAL_CHECK_OUTPUT
print("state of the card:", workspace.cards.read(order.card_number).state.phase)

# %% [markdown]
# The software that many hospitals use waits half a minute for each number and shows stars. The bytes are these.
#
# ## 5. A login
#
# The server sends a challenge, the card signs its hash with the authentication key, the server verifies with the certificate.
# Four commands: select the application, verify PIN1, say which key and algorithm (`MSE SET`), compute.
#
# `80 01 42` names the algorithm: the low half, 2, is PKCS#1, the high half, 4, is SHA-256. `84 01 01` names the key. The
# signature of an RSA-3072 key has 384 bytes; one answer holds 256 (we ask for as many by the last byte, `00`), so the card says
# `61 80`: *there are 128 (hexadecimal 80) more*.

# %% NBVAL_CHECK_OUTPUT
import hashlib

challenge = b"a challenge from the server, never used before"
exchanges.clear()
talk("00A4040C", bytes.fromhex("A000000063504B43532D3135"))
talk("00200003", PIN1.reveal().encode())
talk("002241B6", bytes.fromhex("800142 840101"))
first = talk("002A9E9A", hashlib.sha256(challenge).digest(), end="00")
rest = talk("00C00000 80")
signature = first[:-2] + rest[:-2]

# %%
from card_pictures import conversation

NAMES = (
    "SELECT the application",
    "VERIFY PIN1",
    "MSE SET: key 01, algorithm 42",
    "PSO: sign this digest",
    "GET RESPONSE",
)
conversation(
    [
        (
            name,
            len(one.command),
            f"{one.response[-2:].hex().upper()}  {explain_response(one.response[-2:])[5:]}",
            len(one.response),
        )
        for name, one in zip(NAMES, exchanges, strict=True)
    ]
)

# %% NBVAL_CHECK_OUTPUT
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

authentication_certificate.public_key().verify(signature, challenge, padding.PKCS1v15(), hashes.SHA256())
print(f"{len(signature)} bytes, and the nurse's certificate verifies them")

# %% [markdown]
# PIN1 stays verified until the card is pulled or reset: she can open the next system without typing again.
#
# ## 6. A signature
#
# The signature key (`82`) is stricter. It lives in DF.ESIGN, wants PIN2, and forgets it after **one** use. The second
# attempt below sends exactly the same bytes.

# %% NBVAL_CHECK_OUTPUT
digest = hashlib.sha256(b"a nursing record").digest()
talk("00A4000C 02 3F00", quiet=True)
talk(ESIGN)
talk("00200004", PIN2.reveal().encode())
talk("002241B6", bytes.fromhex("800142 840182"))
part = talk("002A9E9A", digest, end="00")
made = part[:-2] + talk("00C00000 80", quiet=True)[:-2]
signature_certificate.public_key().verify(made, b"a nursing record", padding.PKCS1v15(), hashes.SHA256())
print("one signature, verified")
_ = talk("002A9E9A", digest, end="00")

# %% [markdown]
# `6982`: *a PIN is missing*. This rule is why a system that wants to sign fifty documents in one go has to ask fifty times, or
# keep the PIN in memory and answer for it.
#
# ## 7. Tries
#
# Five wrong tries in a row lock a PIN. The counter goes down *before* the PIN is looked at, so pulling the card in time saves
# nothing. We watch the counter of PIN1 through a bad morning.


# %% NBVAL_CHECK_OUTPUT
def left():
    """Tries left of PIN1, by a probe that costs none."""
    status = int.from_bytes(talk("00200003", quiet=True)[-2:], "big")
    return {0x9000: 5, 0x6983: 0}.get(status, status & 0xF)


def start():
    """Back to the application, with PIN1 forgotten."""
    door.reset()
    talk("00A4040C", bytes.fromhex("A000000063504B43532D3135"), quiet=True)


start()
morning = [("begin", left())]
for guess in ("1111", "2222"):
    talk("00200003", guess.encode(), quiet=True)
    morning.append((f"wrong, {guess}", left()))
talk("00200003", PIN1.reveal().encode(), quiet=True)
start()
morning.append(("right, and reset", left()))
for guess in ("1111", "2222", "3333", "4444"):
    talk("00200003", guess.encode(), quiet=True)
    morning.append((f"wrong, {guess}", left()))
talk("00200003", b"5555", quiet=True)
morning.append(("wrong, 5555", left()))
answer = talk("00200003", PIN1.reveal().encode())
morning.append(("right one, too late", left()))
talk("00200012", code.reveal().encode(), quiet=True)
talk("002C0203", PIN1.reveal().encode())
morning.append(("unlocked, by the code", left()))

# %%
from card_pictures import tries_left

tries_left(morning)

# %% [markdown]
# The right PIN sets the counter back to five; once locked, even the right one is refused, and only the activation code opens
# the card again. That is why the code's letter is kept. Who has lost it asks the registration point (rekisteröintipiste) for a
# new one in Vartti; five wrong tries of the code itself end the card (here; how many a real card gives
# is not public).
#
# ## 8. What a program does
#
# Nobody types bytes. `CardClient` is a small client of ours that shares no code with the emulated card; it works with any PC/SC
# reader. It looks before it leaps: it asks how the card numbers its PINs, reads what is there, counts tries before it spends
# one. Here it meets three faces of the same card.

# %% NBVAL_CHECK_OUTPUT
from sotepki.card.client import CardClient

rows = []
for profile in ("opensc", "authentic", "authentic-v7"):
    exchanges.clear()
    door, _ = insert(profile)
    client = CardClient(door)
    found = client.objects()
    looked = client.commands
    proof = client.sign_digest(digest, "sha256", PIN2)
    read_bytes = sum(len(one.response) for one in exchanges)
    rows.append((profile, len(found.certificates), looked, client.commands - looked, read_bytes, proof.algorithm))
table(("Face", "Certificates", "Commands to read", "Commands to sign", "Bytes from the card", "Signature"), rows)

# %% [markdown]
# The three faces differ in their habits, and the client's commands do not: it relies only on what every card announces, so it
# never has to guess. Nearly all bytes of an insertion are certificates. A client that remembers them by the card's serial
# number makes the second login of the day quick; a client that reads them anew before each signature makes fifty signatures
# slow.
#
# ## 9. When the contact breaks
#
# Cards are pulled at the worst of moments. The emulation does it on purpose: here in the middle of a signature, after the
# key was used and before the answer left.

# %% NBVAL_CHECK_OUTPUT
from sotepki.card.door import Faults
from sotepki.errors import SotepkiError

desk.close()
door = desk.enter_context(
    open_door(workspace.cards, order.card_number, trace=exchanges.append, faults=Faults(pulled_in_signature=True))
)
door.power_on()
try:
    CardClient(door).sign_digest(digest, "sha256", PIN2)
except SotepkiError as error:
    print(type(error).__name__, "-", error.rule or "no rule")
print("answer of a card that is gone:", explain_response(door.transmit(bytes.fromhex("00200003"))))
desk.close()
for credential, tries in workspace.cards.read(order.card_number).state.tries.items():
    print(f"tries left of {credential}: {tries}")

# %% [markdown]
# The card made a signature that nobody received. Nothing is lost: PIN2 is asked again, and a program that waits for the answer
# must not count the document as signed.
#
# ## 10. The same card at a reader with keys
#
# So far we typed bytes. In JupyterLab the cell below has keys, as a reader with a pad of its own; on a page it shows the counters.
# Give a wrong PIN1, sign twice after one PIN2, lock PIN1 and open it with the code of the letter: each key that you press is one
# of the commands above.

# %% NBVAL_CHECK_OUTPUT
from widgets import pin_pad

pad = pin_pad(workspace, order.card_number)
pad

# %% [markdown]
# ## What was shown

# %% NBVAL_CHECK_OUTPUT
rules_shown("card.pin.wrong", "card.pin.locked", "card.pin2.not-verified", "card.client.answer")

# %% [markdown]
# ## Exercises
#
# They use another card, that of Sampo the pharmacist, so pull this one first (`desk.close()`). Each is checked; `hint()` helps, and
# solutions stand in [solutions](solutions.ipynb).

# %%
from sotepki.training import task

desk.close()

# %%
nine = task("nine-digits", workspace)
nine

# %%
# Your turn: send the command, and hand in the status.
nine.check(None)

# %%
padded = task("padded-pin", workspace)
padded

# %%
# Your turn: send VERIFY once, and hand in the status.
padded.check(None)

# %%
number = task("number-of-the-card", workspace)
number

# %%
# Your turn: read EF.TokenInfo, and hand in the serial number.
number.check(None)

# %% [markdown]
# And without a check:
#
# 1. Sign a SHA-384 digest (48 bytes) with the algorithm `52`. *Expected: a signature; with `42` a refusal, since the digest does
#    not fit.*
# 2. Put the card into a virtual PC/SC reader (`sotepki card insert`, [docs/card-readers.md](../docs/card-readers.md)) and compare
#    what `pkcs11-tool --list-objects` finds with the tree above.

# %%
desk.close()
close("card")
print("sotepki notebook: reached the end")
