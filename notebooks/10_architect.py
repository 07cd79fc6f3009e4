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
# # The architect: what if?
#
# A certificate is five years of decisions in two kilobytes. Somebody once chose the key, the lifetime, the place of the
# registration number; cards were made, systems were built around them, and now every change has a price that nobody has
# written down.
#
# This notebook is for the person who has to say what a change would cost, before it is one. We look at the profiles as data,
# change keys and lifetimes, weigh revocation lists against OCSP, and at the end put the whole country into a set of queues to
# see which one fills first. Sizes are those of certificates that are really built here; numbers that are assumptions say so.
# Half an hour to read, twenty seconds to run.

# %%
from story import be_kind, table

be_kind()

# %% [markdown]
# ## 1. The profiles, and how firmly we know them
#
# Every field of every certificate is a row with a source and a grade. *Confirmed* was read in a public source or decoded from a
# real certificate; *inferred* follows from a pattern; *unknown* is a plain assumption. An architect should know which
# bricks are which before building on them.

# %% NBVAL_CHECK_OUTPUT
from sotepki.x509.explorer import crl_growth_frame, diff_profiles, profile_frame, profiles_frame, what_if_frame

profiles = profiles_frame()
print(len(profiles), "profiles,", profiles["rows"].sum(), "rows")

# %%
from architect_pictures import lines, ranges, stacked

GRADES = ("confirmed", "secondhand", "inferred", "recalled", "unknown")
SHOWN = (
    "test-sote-person-ca-rsa", "professional-signature-rsa", "professional-signature-ec", "personnel-signature-rsa",
    "test-server", "test-system-signature", "production-professional-signature-rsa",
)  # fmt: skip
stacked({name: {grade: profiles.loc[name, grade] for grade in GRADES} for name in SHOWN}, across="rows by grade")

# %% [markdown]
# The RSA tree was seen; of the EC tree of the professionals much is inferred from it. Here is one row in full, and what
# separates the two trees. Besides key and hash these are addresses and policy numbers, so a system that has hard-wired any of
# them will notice the change of tree.

# %% NBVAL_CHECK_OUTPUT
row = profile_frame("professional-signature-rsa").loc["extension.key-usage"]
print(f"value:  {row['value']}\ngrade:  {row['grade']}, {row['basis']}\nsource: {row['source']}")

# %% NBVAL_CHECK_OUTPUT
for field in diff_profiles("professional-signature-rsa", "professional-signature-ec")["field"]:
    print(field)

# %% [markdown]
# ## 2. Another key
#
# An *overlay* is a change laid over a profile. The certificate is built and signed with throw-away keys, measured, and thrown
# away; it is never issued. RSA-3072 under RSA-4096 is today's professional card (ammattikortti); P-384 is the tree that exists
# beside it; ML-DSA is the post-quantum signature of FIPS 204, as far as the installed library has it.

# %%
from sotepki.x509.explorer import Algorithm, Overlay
from sotepki.x509.what_if import available_algorithms

overlays = [Overlay(name="today: RSA-3072"), Overlay(algorithm=Algorithm.P_384, name="P-384")]
overlays += [
    Overlay(algorithm=one, name=str(one).upper())
    for one in (Algorithm.ML_DSA_44, Algorithm.ML_DSA_65)
    if one in available_algorithms()
]
costs = what_if_frame("professional-signature-rsa", overlays, rounds=9)
stacked(
    {
        name: {
            "two certificates": 2 * line["certificate_octets"],
            "issuing CA and private keys": line["card_octets"] - 2 * line["certificate_octets"],
        }
        for name, line in costs.iterrows()
    },
    across="octets on the card",
)

# %% [markdown]
# The table gives factors, today being 1. Times are those of this machine, and of a processor, not of a card's chip; compare them
# with each other only.

# %%
table(
    ("Overlay", "Certificate", "Chain", "On the card", "Sign", "Verify", "A signature, octets"),
    [
        (name, *(f"{line[f'{what}_ratio']:.2f}" for what in ("certificate", "chain", "card", "sign", "verify")),
         line["signature_octets"])
        for name, line in costs.iterrows()
    ],
)  # fmt: skip

# %% NBVAL_CHECK_OUTPUT
print("P-384 certificate is smaller than today's:", costs.loc["P-384", "certificate_ratio"] < 0.75)
print("and slower to verify:", costs.loc["P-384", "verify_ratio"] > 2)

# %% [markdown]
# Three things to take along:
#
# * **P-384** makes everything smaller and signing faster; who verifies pays. In this field one signature is made once and
#   verified many times, so the bill goes to Kanta and the readers.
# * **ML-DSA** roughly doubles what is on the card and triples the certificate. In a TLS handshake or a signed document of ten
#   kilobytes that is noticeable; on a card it is a question for the maker of the chip.
# * The card's own commands are short: an answer holds 256 octets. Notebook 11 shows what reading a card means; multiply.
#
# ## 3. Another lifetime
#
# A shorter life means that a stolen card is dangerous for less time, and that a revocation list is shorter: an entry stays until
# the certificate's own end. It also means more cards. Both from the same inputs:

# %%
from simulation import load_inputs, parts, sensitivity

inputs = load_inputs()
curves, made = {}, {}
for lifetime in (5, 3, 2):
    issued = round(2 * inputs["professionals"] * (1 / lifetime + inputs["replaced_share"]))
    growth = crl_growth_frame(
        issued_per_year=issued, revoked_share=inputs["revoked_share"] * lifetime / 5, lifetime_years=lifetime,
        years=8, algorithm=Algorithm.RSA_4096,
    )  # fmt: skip
    curves[f"{lifetime} years"] = (list(growth.index), [octets / 1e6 for octets in growth["octets"]])
    made[lifetime] = (issued // 2, growth["octets"].iloc[-1])
lines(curves, across="years after the beginning", up="revocation list, megabytes")

# %% NBVAL_CHECK_OUTPUT
table(
    ("Lifetime", "Cards a year", "List in the steady state, MB"),
    [
        (f"{years} years", f"{cards:,}".replace(",", " "), f"{octets / 1e6:.1f}")
        for years, (cards, octets) in made.items()
    ],
)

# %% [markdown]
# (Revocations are taken to come evenly over a card's life, so a life of two years sees two fifths of those of five.)
#
# The list shrinks to about a third while the number of cards doubles, and each of those cards is an appointment of a person with
# a registrar (rekisteröijä), or a renewal in the self-service. Section 5 shows which of the two hurts.
#
# Your own what-if: in JupyterLab the cell below has sliders for key and lifetime; on a page it is the table of one position.

# %%
from widgets import profile_slider

profile_slider("professional-signature-rsa").set(key="p-384", years=3)

# %% [markdown]
# ## 4. List or question?
#
# Who wants to know whether a certificate is revoked either fetches the list or asks OCSP. A list is fetched by each system so and
# so many times a day, whatever happens; a question is asked for each login and each document. An answer, built here as a responder
# would, costs this much:

# %%
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sotepki.x509.what_if import example_certificate

leaf = x509.load_der_x509_certificate(example_certificate("professional-signature-rsa"))
moment = datetime(2026, 3, 2, tzinfo=UTC)
key = rsa.generate_private_key(65537, 3072)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST responder")])
stand_in = (
    x509.CertificateBuilder(name, name, key.public_key(), 1, moment, moment + timedelta(days=30))
    .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    .sign(key, hashes.SHA256())
)
question = ocsp.OCSPRequestBuilder().add_certificate(leaf, stand_in, hashes.SHA1()).build()
answer = (
    ocsp.OCSPResponseBuilder()
    .add_response(
        leaf, stand_in, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, moment, moment + timedelta(hours=1), None, None
    )
    .responder_id(ocsp.OCSPResponderEncoding.HASH, stand_in)
    .certificates([stand_in])
    .sign(key, hashes.SHA256())
)
# The responder's certificate travels in the answer: the stand-in is weighed as one of the profile.
added = len(example_certificate("ocsp-responder")) - len(stand_in.public_bytes(Encoding.DER))
asked = len(question.public_bytes(Encoding.DER)) + len(answer.public_bytes(Encoding.DER)) + added
listed = made[5][1]
print(
    f"a question and its answer: {asked} octets; a list: {listed} octets; one list = {listed / asked:.0f} questions"
)

# %%
numbers = [10**power for power in range(1, 7)]
fetches = {24: "list, every hour", 4: "list, four times a day", 1: "list, once a day"}
lines(
    {"OCSP": (numbers, [number * asked / 1e6 for number in numbers])}
    | {name: (numbers, [count * listed / 1e6] * len(numbers)) for count, name in fetches.items()},
    across="questions of one system in a day", up="megabytes a day", logarithmic=True,
)  # fmt: skip

# %% [markdown]
# Where the lines cross, the two cost the same *octets*. But octets are not the whole bill: a list is a day's or an hour's old
# truth, and can be used when the line is down; an answer is fresh, and nobody logs in when the responder is silent or wrong.
# Notebook 13 tells of a night on which that mattered.
#
# ## 5. The whole country
#
# Now everything together. Each part is a queue: jobs arrive at random in the busiest hour of a weekday, servers work them off.
# The inputs are in `notebooks/simulation/inputs.yaml`, each with a range, a grade and a source. Read the grades: the volumes are
# *recalled* orders of magnitude or our own assumptions; the rates were measured on **one process or one core of a small
# machine**, not in anybody's data centre.


# %% NBVAL_CHECK_OUTPUT
def plain(number):
    """A number as people write it."""
    if number >= 1000:
        return f"{number:,.0f}".replace(",", " ")
    return f"{number:.3g}"


table(
    ("Input", "Value", "Range", "Unit", "Grade"),
    [(f"`{one.id}`", plain(one.value), f"{plain(one.low)} to {plain(one.high)}", one.unit, f"{one.grade}, {one.basis}")
     for one in inputs],
)  # fmt: skip


# %% NBVAL_CHECK_OUTPUT
def shown(numbers):
    """The parts, the fullest first."""
    return table(
        ("Part", "Jobs a second", "One server does", "Servers", "Load", "Grows by", "Comfortable with"),
        [
            (part.name, plain(part.arrivals), f"{plain(part.rate)} a second", f"{part.servers} × {part.server}",
             f"{part.load:.0%}", f"× {part.headroom:.1f}" if part.headroom < 100 else "× 100 and more", part.needed)
            for part in sorted(parts(numbers), key=lambda one: one.load, reverse=True)
        ],
    )  # fmt: skip


shown(inputs)

# %% [markdown]
# *Load* is the share of the busy hour in which the servers are busy; *grows by* is how much more would fill them; *comfortable
# with* is how many servers keep the load under 70 %.
#
# Two parts lie close together: the responder that signs every answer anew, and the people at the registration points. The one
# writer of the archive is less than half as full. With these inputs, each would carry the busiest hour on one small machine, and
# the people with the sixty that are assumed. **What fills first is not the issuing of certificates**: a few in a minute, and the
# CA hardly notices. It is what follows each certificate through its life: questions, appointments, and documents. (A real service
# has more machines than that for another reason: they must also carry on when one of them fails.)
#
# ### How much of that is our assumptions?
#
# For each part, every input in turn is moved through its range. The bar goes from the lowest to the highest load that a single
# input can cause.

# %%
spread = {}
for part in sorted(parts(inputs), key=lambda one: one.load, reverse=True):
    ends = [end for pair in sensitivity(inputs, part.name).values() for end in pair]
    spread[part.name] = (min(ends), part.load, max(ends))
ranges(spread, across="load in the busiest hour (1 = full)", limit=1)

# %% NBVAL_CHECK_OUTPUT
rows = []
for part in ("registration points", "OCSP responder", "archive's books"):
    for name, (low, high) in list(sensitivity(inputs, part).items())[:3]:
        rows.append((part, f"`{name}`", f"{low:.0%} to {high:.0%}", inputs.numbers[name].grade))
table(("Part", "Input", "Load from low to high", "Grade of the input"), rows)

# %% [markdown]
# So which part saturates first? An honest answer is a share: we draw all inputs from their ranges, three thousand times (evenly on
# a logarithmic scale, always with the same seed), and count which part is the fullest.

# %% NBVAL_CHECK_OUTPUT
import math
import random
from collections import Counter

dice = random.Random(2026)


def drawn(one):
    """A value from the range of an input."""
    if one.low <= 0:
        return dice.uniform(one.low, one.high)
    return math.exp(dice.uniform(math.log(one.low), math.log(one.high)))


first, full = Counter(), Counter()
ROUNDS = 3000
for _ in range(ROUNDS):
    lot = inputs.but(**{one.id: drawn(one) for one in inputs})
    fullest = max(parts(lot), key=lambda one: one.load)
    first[fullest.name] += 1
    full[fullest.name] += fullest.load >= 1
table(
    ("Fullest part", "Share of the draws", "Over its limit"),
    [(name, f"{count / ROUNDS:.0%}", f"{full[name] / ROUNDS:.0%}") for name, count in first.most_common()],
)

# %% [markdown]
# In more than four draws of five it is the registration points: people, rooms and opening hours. The others fall to the archive,
# which has one writer, to the signing of OCSP answers, which leads only while nobody keeps an answer for a minute, and to the
# line over which the list is fetched. In one draw of twelve something is *over* its limit, and then it is nearly always the
# people.
#
# ### What would carry it
#
# Take a bad year: documents double, people log in ten times a day, and cards live two years instead of five.

# %% NBVAL_CHECK_OUTPUT
bad = inputs.but(documents_a_year=800e6, logins_a_day=10, card_years=2)
shown(bad)

# %% [markdown]
# And the remedies, each by itself:

# %% NBVAL_CHECK_OUTPUT
REMEDIES = {
    "nothing": {},
    "OCSP answers kept for some minutes (four of five are given again)": {"ocsp_cached_share": 0.8},
    "four of five renewals in the self-service": {"self_service_share": 0.8},
    "a day that is spread more evenly": {"busy_hour_share": 0.10},
}
rows = []
for remedy, change in REMEDIES.items():
    loads = {part.name: part.load for part in parts(bad.but(**change))}
    rows.append(
        (remedy, *(f"{loads[name]:.0%}" for name in ("registration points", "OCSP responder", "archive's books")))
    )
table(("Remedy", "Registration points", "OCSP responder", "Archive's books"), rows)

# %% [markdown]
# Each queue has its own cure, and none costs hardware first: a responder that may give an answer twice, a form that people fill in
# at home and, should the archive fill one day, a second writer that takes every other service provider. What no cure touches is the hand that types PIN2: thirty million
# prescriptions at five seconds each are some forty thousand hours of physicians' time in a year.

# %% NBVAL_CHECK_OUTPUT
print(f"{inputs['prescriptions_a_year'] * 5 / 3600:,.0f} hours".replace(",", " "))

# %% [markdown]
# ## What was shown
#
# The model leaves out what it cannot know: the real machines of DVV and Kela, networks, attacks, the fifteen minutes after a
# failure when everybody tries again. It compares parts; it does not promise milliseconds. The rows of the profile that the
# notebook turned, with their rule ids:

# %% NBVAL_CHECK_OUTPUT
TURNED = (
    "key",
    "validity",
    "extension.key-usage",
    "extension.crl-distribution-points",
    "extension.authority-information-access",
)
frame = profile_frame("professional-signature-rsa")
table(
    ("Rule", "What it asks", "How firmly it is known"),
    [(f"`{frame.loc[field, 'id']}`", frame.loc[field, "rule"], f"{frame.loc[field, 'grade']}, {frame.loc[field, 'basis']}")
     for field in TURNED],
)  # fmt: skip

# %% [markdown]
# ## Exercises
#
# The first two are checked; `hint()` helps, and solutions stand in [solutions](solutions.ipynb). They keep their books in a
# small workspace of their own.

# %%
from story import close, new_workspace

from sotepki.training import task

practice = new_workspace("architect", card_keys=0)

# %%
curve = task("shorter-with-a-curve", practice)
curve

# %%
# Your turn: build both certificates, and hand in the difference.
curve.check(None)

# %%
question = task("where-least-is-known", practice)
question

# %%
# Your turn: hand in the id of the profile.
question.check(None)

# %% [markdown]
# And without a check:
#
# 1. How few desks are still comfortable in the bad year? *Expected: the column "comfortable with" of the table.*
# 2. Put your own organisation in: `inputs.but(professionals=1200, documents_a_year=900_000, prescriptions_a_year=60_000,
#    dispensings_a_year=100_000, subscribers=1, desks=1)`. *Expected: every load is under one percent, except that of the one desk.*
# 3. Let answers be signed with P-384 in memory (4 057 a second, docs/field/engineering.md 7.1). *Expected: the responder's load
#    falls to about a tenth, and the fullest part is another.*
# 4. Which inputs would you ask the authorities for first? *Expected: those at the top of the sensitivity table whose grade is
#    unknown.*

# %%
close("architect")
print("sotepki notebook: reached the end")
