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
# # Valvira: who may do what, and who is told
#
# On a Monday in March a student of medicine is entered in a register. In the next fifteen months the same person becomes a physician,
# is restricted, loses the right, and gets it back. Each of these takes an official one line. What makes the work hard is
# everybody else: the card that was printed yesterday, the hospital's system, the pharmacy, the neighbour who looks the doctor up.
#
# This notebook sits at the official's desk. We decide, and after each decision walk through the field and ask who knows. In the
# last part the same office supervises not people but systems. Half an hour to read, half a minute to run.
#
# The people are invented, every identity code is of the 900-series, and the clock of this workspace moves only when we move it.

# %%
import json
from datetime import UTC, date, datetime, timedelta

from register_pictures import ENDED, IN_FORCE, RESTRICTED, Period, periods, rights_of, states, who_says_what
from story import attempt, be_kind, close, new_workspace, rules_shown, table

from sotepki.journey import load_cast

be_kind()
workspace = new_workspace("valvira", at=datetime(2026, 3, 2, 7, 0, tzinfo=UTC), card_keys=1)
cast = load_cast()
valvira, clock = workspace.valvira, workspace.clock

# %% [markdown]
# ## 1. Two registers and an office
#
# Terhikki (terveydenhuollon ammattihenkilöiden keskusrekisteri) holds the professionals of health care, Suosikki those of social
# welfare. Who keeps them has had more than one name. The registers stay; a name is a matter of the day:

# %% NBVAL_CHECK_OUTPUT
from sotepki.valvira import authority_name

for at in (datetime(2025, 12, 31, tzinfo=UTC), clock.now()):
    print(f"{at:%d.%m.%Y}  {authority_name(at).fi} / {authority_name(at).sv}")

# %% [markdown]
# People go on saying Valvira, and so do we. A person has **one** registration number (rekisteröintinumero) of eleven digits and any number of rights (ammattioikeus). A right
# has a code, a kind, a first day, sometimes a last day, and it may be restricted. Here are some that the test world brings along:

# %%
SHOWN = (
    "physician", "dentist-and-physician", "nurse-with-three-rights", "in-both-registers", "pharmacy-student",
    "restricted-physician", "physician-restored", "nurse-whose-right-was-removed", "student-whose-right-lapsed",
)  # fmt: skip
today = clock.now().date()
shown = [valvira.professional_of(cast.person(part)) for part in SHOWN]
periods(rights_of(shown, today, today + timedelta(days=500)), today=today)

# %% [markdown]
# Three **kinds** of rights are in the picture. *Licensed* (laillistettu) and *protected title* (nimikesuojattu) go on until somebody
# decides otherwise. *Limited* (määräaikainen) is a student's right under supervision and ends on its last day by itself. The list of
# codes is public only in part, and each code says how well it is known:

# %% NBVAL_CHECK_OUTPUT
yes = {True: "yes", False: ""}
table(
    ("Code", "Register", "Kind", "Title", "Prescriber", "How firmly the code is known"),
    [
        (one.code, one.register, one.kind, f"{one.title_fi} / {one.title_sv}", yes[one.prescriber], one.grade)
        for one in valvira.right_codes()
        if one.code in ("001", "034", "T06", "T12", "T20", "T40")
    ],
)

# %% [markdown]
# A code that begins with `T` is a stand-in of this world, so that nobody takes it for a national one.
#
# ## 2. The first right
#
# Leevi Suvantola-Testi is in his last term of medicine and is to work at the county's hospital this spring, under
# supervision. The official names him by his identity code (henkilötunnus), this once; from then on the number is enough. The name
# comes from the Population Information System (väestötietojärjestelmä). Somebody has forgotten what a limited right needs:

# %% NBVAL_CHECK_OUTPUT
leevi = cast.person("employee-without-right")
attempt("A student's right without an end", lambda: valvira.grant_right(leevi, "T20", actor="valvira"))
student = valvira.grant_right(leevi, "T20", actor="valvira", valid_to=date(2026, 6, 30))
number = student.registration_number
print(f"{student.person.surname}: number {number}, prescriber's identifier {student.prescriber_id}")

# %% [markdown]
# The second number is the prescriber's identifier (yksilöintitunnus, once SV-numero). It comes with the first right that allows
# prescribing. Without it on the card no prescription can be signed; in spring 2023 a batch of real cards lacked it
# (docs/field/pki.md 5.4: confirmed).
#
# He passes his examination in June. On 1 July Valvira licenses him. The number stays, and the student's right is over without
# anybody having done anything:


# %% NBVAL_CHECK_OUTPUT
def on(year, month, day, hour=7):
    """Let the time come (it never goes back), and what time brings."""
    clock.advance(max(datetime(year, month, day, hour, tzinfo=UTC) - clock.now(), timedelta(0)))
    workspace.catch_up()


def rights_now():
    """The rights in force at this moment, in words."""
    found = valvira.rights_in_force(number, clock.now())
    return "; ".join(f"{one.code} {one.title_fi} {list(one.restrictions) or ''}".strip() for one in found) or "none"


on(2026, 7, 1)
valvira.grant_right(leevi, "001", actor="valvira")
print(number, "-", rights_now())
attempt("The same right once more", lambda: valvira.grant_right(leevi, "001", actor="valvira"))

# %% [markdown]
# ## 3. The field around it
#
# Now the others come into play, and each of them asks Valvira in its own way:
#
# * Vartti, when a registrar orders a **card** (ammattikortti);
# * the hospital, when it gives **access rights** (käyttöoikeudet) to its systems; that is the employer's duty, not Valvira's;
# * the hospital's **system**, whenever it wants, over the role and attribute service (rooli- ja attribuuttitietopalvelu);
# * **Kanta**, when a signed document arrives;
# * and the **public**, in JulkiTerhikki.
#
# We set all of it up: a card in Leevi's hand, a system with its certificates, and the services on this machine.

# %% NBVAL_CHECK_OUTPUT
from cryptography.x509.oid import NameOID
from valvira_story import Field

field = Field(workspace, leevi)
hospital = field.hospital
for oid in (NameOID.TITLE, NameOID.SERIAL_NUMBER, NameOID.PSEUDONYM):
    (attribute,) = field.certificate.subject.get_attributes_for_oid(oid)
    print(f"{oid._name:>13}  {attribute.value}")
for given in ("patient-records", "prescribing"):
    print("the hospital gives", hospital.grant_access(number, given, actor="hospital").task)

# %% [markdown]
# The right stands **on** the card: code and both titles in `title`, the number in `serialNumber`, the prescriber's identifier in
# `pseudonym`. So a change of rights is a change of card data and wants a new card. Keep that in mind; it is why a card cannot be
# the place to look for a right.
#
# ### The system asks
#
# The role and attribute service answers over mutual TLS, and only systems that were approved for it. The hospital's system is not
# on the list yet. (That it speaks XML and is asked by the number is known. Its paths and names are not public; they are settings
# here and graded as such.)

# %% NBVAL_CHECK_OUTPUT
print(field.question())
status, body = field.ask()
print(status, body.get("rule"), "-", body.get("message"))
workspace.approved_systems.approve(
    field.system.host_name, system="Kaiku 4.2", organisation=field.organisation.oid, actor="valvira"
)
status, body = field.ask()
print(status, json.dumps(body, indent=2, ensure_ascii=False))

# %% [markdown]
# No name and no identity code comes back: whoever asks by the number knows already whom they mean.
#
# ### The public asks
#
# Anybody may look a professional up, one person at a time, by full name or number. The service is a copy made once a day; Leevi
# was licensed this morning, so the public meets him tomorrow.

# %% NBVAL_CHECK_OUTPUT
print("on 1 July:", len(field.look_up()), "found")
on(2026, 7, 2)
(found,) = field.look_up(surname="Suvantola-Testi", given_names="Leevi")
print("on 2 July:", json.dumps(found, ensure_ascii=False, indent=2))
print("with a wildcard:", field.look_up(surname="Suvantola*", given_names="Leevi")["rule"])

# %% [markdown]
# ## 4. A restriction
#
# In January Valvira restricts the right (ammatinharjoittamisoikeuden rajoitus): no prescribing, and work under supervision only.
# Targets of restrictions are codes too, from the code service:

# %% NBVAL_CHECK_OUTPUT
from sotepki.identifiers import Oid

targets = workspace.thl.codes(Oid(field.interface.restriction_code_system))
table(("Code", "suomi", "svenska"), [(one.code, one.name_fi, one.name_sv) for one in targets.codes])

# %% [markdown]
# From now on, after each decision we ask everybody the same question: *what do you say of Leevi?*

# %%
chronicle = {}
on(2027, 1, 11)
chronicle["licensed"] = field.everybody()
valvira.restrict_right(number, "001", ["10", "30"], actor="valvira", reason="valvontapäätös")
on(2027, 1, 12)
chronicle["restricted, next day"] = field.everybody()

# %% NBVAL_CHECK_OUTPUT
rows = [(who, *(said[who][0] for said in chronicle.values())) for who in chronicle["licensed"]]
table(("Who is asked", *chronicle), rows)

# %% [markdown]
# Read the column from above. The attribute service tells the restrictions by their codes; JulkiTerhikki tells only *that* there is
# one, since what it says about a person's work is not everybody's to know. The hospital may not let him prescribe and may let
# him write in records. Its own list still holds both: nobody has swept it yet. Certificate and card are as they were, and Kanta
# takes his document, because under supervision one may write.
#
# The system that shall know the difference between *may sign* and *may prescribe* has to ask. No certificate says it.

# %% NBVAL_CHECK_OUTPUT
sweep = hospital.sweep()
for access, reason in zip(sweep.ended, sweep.reasons, strict=True):
    print(f"ended: {access.task} - {reason} [{access.ended_by}]")
print("kept:", [one.task for one in hospital.access.held(field.organisation.oid)])

# %% [markdown]
# ## 5. A removal, minute by minute
#
# In May the right is removed. A removal takes effect now, or on a day to come, never in the past: what a system was rightly told
# yesterday stays true about yesterday.

# %% NBVAL_CHECK_OUTPUT
on(2027, 5, 3, 9)
last_week = clock.now() - timedelta(days=7)
decision = {"actor": "valvira", "reason": "päätös"}
attempt(
    "A removal that began last week", lambda: valvira.remove_right(number, "001", effective_at=last_week, **decision)
)
removed_at = clock.now()
valvira.remove_right(number, "001", **decision)
print("in force now:", rights_now())

# %%
clock.advance(timedelta(minutes=1))
chronicle["removed, a minute later"] = field.everybody()
on(2027, 5, 4)
hospital.sweep()
chronicle["next morning"] = field.everybody()
who_says_what({who: [said[who] for said in chronicle.values()] for who in chronicle["licensed"]}, list(chronicle))

# %% NBVAL_CHECK_OUTPUT
late = [who for who, said in chronicle["removed, a minute later"].items() if said != chronicle["next morning"][who]]
never = [who for who, said in chronicle["next morning"].items() if said[1] != ENDED]
print("knew only the next morning:", ", ".join(late))
print("does not know to this day: ", ", ".join(never))

# %% [markdown]
# Here is the lesson that this notebook was written for. A minute after the removal everybody who **asks** knows it. The public
# copy knows it tomorrow. The hospital's own list knows it when the hospital sweeps. And the certificate stays *good*: no source
# says that a lost right revokes a card by itself (docs/field/registration.md 7, docs/field/pki.md 6). Who checks certificates only
# would never learn of it.
#
# ## 6. And the card?
#
# The card opens doors that do not ask Valvira. Somebody must close it. Not the registrar, by this reason; DVV does, when it was
# asked to:

# %% NBVAL_CHECK_OUTPUT
from sotepki.dvv import DVV

reason, registrar = "right-removed", cast.person("registrar-county-1")
number_of_card = field.card.card_number
attempt("The registrar closes the card", lambda: workspace.vartti.close_card(number_of_card, reason, registrar))
closed = workspace.vartti.close_card(number_of_card, reason, DVV)
print("the card is", closed.state)
(entry,) = workspace.authorities.issued(serial_number=field.certificate.serial_number)
print("its certificates:", entry.status.state, "-", entry.status.reason.value)

# %% [markdown]
# In a training workspace DVV can be made to do this by itself: the switch `revoke-on-removal` of Vartti. It is off, because nobody
# has found it written that the real DVV does so.
#
# ## 7. Back again
#
# The court sets the decision aside. The right is restored, the restrictions are lifted, and the gap stays: who asks about a moment
# is told about that moment. Kanta asks about the moment of the **signature**, so a document of May is judged by the rights of May.

# %% NBVAL_CHECK_OUTPUT
on(2027, 6, 14)
valvira.restore_right(number, "001", actor="valvira", reason="hallinto-oikeuden päätös")
for target in ("10", "30"):
    valvira.lift_restriction(number, "001", target, actor="valvira", reason="hallinto-oikeuden päätös")
moments = {"as a student": datetime(2026, 4, 1, tzinfo=UTC), "restricted": datetime(2027, 2, 1, tzinfo=UTC)}
moments |= {"in the gap": removed_at + timedelta(days=1), "today": clock.now()}
for what, at in moments.items():
    found = field.ask(at=at.isoformat())[1]["rights"]
    print(f"{what:>13}:", [(one["code"], [limit["code"] for limit in one["restrictions"]]) for one in found])

# %%
steps = [date(2026, 7, 1), date(2027, 1, 11), removed_at.date(), clock.now().date(), date(2027, 12, 31)]
life = [Period("T20 student", date(2026, 3, 2), date(2026, 6, 30), IN_FORCE)]
life += [
    Period("001 physician", begin, end, meaning)
    for begin, end, meaning in zip(steps, steps[1:], (IN_FORCE, RESTRICTED, ENDED, IN_FORCE), strict=False)
]
life.append(Period("card", field.card.ordered_at.date(), closed.closed_at.date(), IN_FORCE))
periods(life, today=clock.now().date())

# %% [markdown]
# ## 8. The same office, other subjects: information systems
#
# The authority also supervises what the professionals work with. A producer (tietojärjestelmäpalvelun tuottaja) classifies its
# system, notifies it, and may let it be used in production only once it stands in the register of information systems (Astori)
# and while nothing bars it. These are the states and steps, read from the file that the office itself obeys:

# %%
from sotepki.valvira.supervision import EvidenceKind, Role, system_machine

across = {"notified": (0, 0), "returned": (-1.6, 1.3), "registered": (2.6, 0), "barred": (5.2, 0)}
states(system_machine(), {**across, "withdrawn": (2.6, -2.3)})

# %% [markdown]
# Kaiku 4.2, the system of our hospital, is of class A2: connected to Kanta, so it shows a security certificate
# (tietoturvallisuustodistus) from an assessment body and a statement of joint testing (yhteistestauslausunto) from Kela. Without
# the first its use is barred. Of the second the older page of the authority says the same, while the newer one allows the use under
# conditions, and wins: the register warns.

# %% NBVAL_CHECK_OUTPUT
office = workspace.supervision


def step(name, role=Role.AUTHORITY, reason=""):
    """Let Kaiku take a step, and print the state it is in afterwards."""
    print(f"{name}: {office.step(kaiku.id, name, role=role, actor=str(role), reason=reason).state}")


kaiku = office.notify(
    name="Kaiku", version="4.2", system_class="A2", kind="information-system", purpose="potilastiedot",
    producer="Ohjelmistotalo Kaarna Oy TEST", actor="producer",
)  # fmt: skip
today = clock.now().date()
attempt("Register it at once", lambda: step("register"))
office.attach(
    kaiku.id, EvidenceKind.SECURITY_CERTIFICATE, number="TT-1", issuer="Arviointilaitos TEST", issued_on=today,
    actor="valvira",
)  # fmt: skip
attempt("The producer registers it itself", lambda: step("register", Role.PRODUCER))
step("register")


def usable():
    """Say whether Kaiku may be used, and what is found of its evidence."""
    found = office.usability(kaiku.id)
    print(f"{clock.now():%d.%m.%Y}: may {'' if found.allowed else 'not '}be used ({office.system(kaiku.id).state})")
    for finding in found.findings:
        print(f"  {finding.severity}: {finding.message} [{finding.rule}]")


usable()
office.attach(kaiku.id, EvidenceKind.JOINT_TEST, number="YT-7", issuer="Kela TEST", issued_on=today, actor="valvira")
usable()

# %% [markdown]
# A hospital reports a deviation (poikkeama). As long as a significant one is open, a barred system is not released, however good
# its papers are.

# %% NBVAL_CHECK_OUTPUT
deviation = office.report_deviation(
    kaiku.id, weight="significant", description="The list of medicines is empty.",
    reported_by=field.organisation.name, actor="hospital",
)  # fmt: skip
step("bar", reason="merkittävä poikkeama")
attempt("Release it while the deviation is open", lambda: step("release"))
for name, role, reason in (
    ("take-up", Role.AUTHORITY, ""), ("require-measures", Role.AUTHORITY, "korjattava"),
    ("report-correction", Role.PRODUCER, "versio 4.2.1"), ("close", Role.AUTHORITY, "tarkastettu"),
):  # fmt: skip
    deviation = office.deviation_step(
        deviation.id, name, role=role, actor=str(role), reason=reason,
        deadline=clock.now().date() + timedelta(days=14) if name == "require-measures" else None,
    )  # fmt: skip
    print(f"{name}: {deviation.state}")
step("release")

# %% [markdown]
# And time passes. A security certificate holds for three years; half a year before its end the register reminds, and on the day
# after it bars.

# %% NBVAL_CHECK_OUTPUT
for day in (date(2028, 1, 10), date(2030, 2, 1), date(2030, 6, 15)):
    on(day.year, day.month, day.day)
    usable()

# %% [markdown]
# ## What was shown
#
# Each decision of this notebook is an entry of the audit journal, chained to the one before it, and stands in the list of changes
# (`valvira.changes()`) by which everybody who keeps a copy keeps it true.

# %% NBVAL_CHECK_OUTPUT
rules_shown(
    "valvira.right.limited-has-end", "valvira.right.not-twice", "valvira.right.no-backdating", "valvira.restriction.code",
    "valvira.search.no-wildcards", "attribute.client.approved", "access.restriction", "close.reason-actor",
    "supervision.security-certificate", "supervision.joint-test.conditions", "supervision.actor", "supervision.deviation.open",
)  # fmt: skip

# %% [markdown]
# ## Exercises
#
# Each task looks at the workspace after what you did, and says what is still missing: write your lines above the check and run the
# cell. `.hint()` helps, `.explain()` tells what it was about. The clock of this workspace stands in the year 2030.

# %%
from sotepki.training import task

restriction = task("restriction-for-a-time", workspace)
restriction

# %% NBVAL_CHECK_OUTPUT
# Your turn: workspace.valvira.restrict_right(...)
restriction.check()

# %%
removal = task("removal-to-come", workspace)
removal

# %% NBVAL_CHECK_OUTPUT
# Your turn: workspace.valvira.remove_right(...)
removal.check()

# %%
knowledge = task("what-a-system-may-know", workspace)
knowledge

# %% NBVAL_CHECK_OUTPUT
answer = []  # Your turn: put the codes of the restrictions into this list.
knowledge.check(answer)

# %%
waiting = task("system-into-the-register", workspace)
waiting

# %% NBVAL_CHECK_OUTPUT
# Your turn: workspace.supervision.attach(...), then workspace.supervision.step(...)
waiting.check()

# %% [markdown]
# And without a check:
#
# 1. Set the switch: `Policies(workspace.records).set("revoke-on-removal", "on", actor="dvv")` from `sotepki.dvv.vartti.policy`. Run
#    section 5 again. *Expected: the row of the certificate changes too, as soon as Vartti follows the time.*
# 2. Let the attribute service be out of date: `field.house.faults`, or `sotepki fault set attribute-service --stale 24`. *Expected:
#    for a day it tells a right that was removed, and only `at` in the answer says how late it is. Does your system look at it?*
# 3. In your own system: where is the moment of the question? *Expected: the moment of the signature, of the login, or of now; and
#    somebody has decided which.*

# %%
field.close()
close("valvira")
print("sotepki notebook: reached the end")
