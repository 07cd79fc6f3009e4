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
#   sotepki:
#     languages:
#       fi: 05_palvelunantaja
#       sv: 05_tjanstetillhandahallare
# ---

# %% [markdown] lang="en"
# # The service provider: a small clinic on its way to Kanta
#
# Tandkliniken Havsbris has two dentists, one nurse, and a server in a cupboard. In spring it wants to write its
# patient records into the Patient Data Repository (Potilastietovaranto) like everybody else. Nobody there has ever
# seen a certificate request.
#
# This notebook goes the whole way with them: the contract, the certificates, the plans, the access rights, the first
# document. Then a year passes, because getting in is only half of it. A right ends, a plan falls due, a certificate
# runs out on a Friday night, a server is taken out of service. Forty minutes to read, half a minute to run.
#
# Ebba Dimstrand, dentist and physician, has been given the job. Kasperi Kaarnakoski of the supplier, Ohjelmistotalo
# Kaarna, knows the technical side. The story goes forward, cell by cell; if it has gone astray, the cell with
# `new_workspace` begins it anew.

# %% [markdown] lang="fi"
# # Palvelunantaja: pieni klinikka matkalla Kantaan
#
# Tandkliniken Havsbrisissä on kaksi hammaslääkäriä, yksi sairaanhoitaja ja palvelin komerossa. Keväällä klinikka
# haluaa tallentaa potilasasiakirjansa Potilastietovarantoon niin kuin kaikki muutkin. Varmennepyyntöä ei siellä ole
# kukaan koskaan nähnyt.
#
# Tämä muistikirja kulkee heidän kanssaan koko matkan: sopimus, varmenteet, suunnitelmat, käyttöoikeudet, ensimmäinen
# asiakirja. Sitten kuluu vuosi, sillä liittyminen on vasta puolet työstä. Ammattioikeus päättyy, suunnitelma on
# tarkistettava, varmenne vanhenee perjantaiyönä, palvelin poistetaan käytöstä. Lukemiseen menee neljäkymmentä
# minuuttia ja ajamiseen puoli minuuttia.
#
# Asiaa hoitaa Ebba Dimstrand, hammaslääkäri ja lääkäri. Tekniikan tuntee Kasperi Kaarnakoski, joka on töissä
# toimittajalla, Ohjelmistotalo Kaarnalla. Tarina etenee solu solulta; jos se menee sekaisin, solu, jossa on
# `new_workspace`, aloittaa sen alusta. Ohjelma puhuu englantia, mutta jokaisen säännön selitys on suomeksi.

# %% [markdown] lang="sv"
# # Tjänstetillhandahållaren: en liten klinik på väg till Kanta
#
# Tandkliniken Havsbris har två tandläkare, en sjukskötare och en server i en skrubb. I vår vill kliniken börja föra
# in sina patientjournaler i Patientdatalagret som alla andra. Ingen där har någonsin sett en certifikatbegäran.
#
# Den här anteckningsboken följer dem hela vägen: avtalet, certifikaten, planerna, åtkomsträttigheterna, den första
# handlingen. Sedan går det ett år, för att komma in är bara halva arbetet. En yrkesrättighet upphör, en plan ska ses
# över, ett certifikat går ut en fredagsnatt, en server tas ur bruk. Det tar fyrtio minuter att läsa och en halv minut
# att köra.
#
# Uppdraget har getts till Ebba Dimstrand, tandläkare och läkare. Tekniken kan Kasperi Kaarnakoski, som arbetar hos
# leverantören Ohjelmistotalo Kaarna. Berättelsen går framåt cell för cell; om den har kommit ur kurs börjar cellen
# med `new_workspace` om från början. Programmet talar engelska, men varje regel förklaras på svenska.

# %% lang="en"
LANGUAGE = "en"

# %% lang="fi"
LANGUAGE = "fi"

# %% lang="sv"
LANGUAGE = "sv"

# %%
from phrases import speaker
from pictures import Actor, Deed, actors

say = speaker("05_provider", LANGUAGE)
DVV, POINT, CLINIC, KANTA = say("dvv"), say("point"), say("clinic"), say("kanta")
AROUND = (
    Actor("THL", say("duty-thl"), 0, 2),
    Actor(DVV, say("duty-dvv"), 1.95, 2),
    Actor("Valvira", say("duty-valvira"), 3.9, 2),
    Actor(POINT, say("duty-point"), 0, 1),
    Actor(CLINIC, say("duty-clinic"), 1.95, 1),
    Actor("Kaarna", say("duty-kaarna"), 3.9, 1),
    Actor(KANTA, say("duty-kanta"), 1.95, 0),
)
DEEDS = (
    Deed("THL", DVV, say("who-is-who")),
    Deed(DVV, CLINIC, say("service-certificates")),
    Deed("Valvira", CLINIC, say("rights-daily")),
    Deed(POINT, CLINIC, say("cards")),
    Deed("Kaarna", CLINIC, say("system")),
    Deed(CLINIC, KANTA, say("documents")),
)
actors(AROUND, DEEDS)

# %%
from datetime import UTC, datetime, timedelta
from functools import partial

import told
from story import close, new_workspace, table

from sotepki.journey import load_cast, make_request
from sotepki.journey.card_holder import card_in_hand

told.be_kind(LANGUAGE)
attempt = partial(told.attempt, language=LANGUAGE)
workspace = new_workspace("provider", at=datetime(2026, 3, 2, 6, 0, tzinfo=UTC), card_keys=2)
cast = load_cast()
clinic = workspace.thl.organisation(cast.organisation("dental-clinic"))
provider = workspace.provider(clinic.oid)
ebba = workspace.valvira.professional_of(cast.person("dentist-and-physician"))
goran = workspace.valvira.professional_of(cast.person("dentist"))
lumi = workspace.valvira.professional_of(cast.person("nurse"))
registrar = cast.person("registrar-coast-1")
desk = workspace.directory / "clinic"
SERVICE = "patient-data-repository"


def day(moment):
    """A day as it stands on a calendar."""
    return f"{moment:%-d.%-m.%Y}"


def state(thing):
    """The state of a contract, a card, an application or a plan, in words."""
    return say(f"state-{thing.state}")


def yes(answer):
    """Yes or no."""
    return say("yes" if answer else "no")


# %% [markdown] lang="en"
# ## 1. The list on the first Monday
#
# What is needed to join is known from the pages of Kanta and DVV; the list is worked through from above. What stands
# open and is firmly known is an error and stands in the way. What we only remember, or have put there as good sense,
# warns.

# %% [markdown] lang="fi"
# ## 1. Luettelo ensimmäisenä maanantaina
#
# Mitä liittymiseen tarvitaan, kerrotaan Kannan ja DVV:n sivuilla. Luettelo käydään läpi ylhäältä alas. Jos avoin
# kohta tiedetään varmasti, se on virhe ja estää liittymisen. Jos kohta on vain muistinvarainen tai oma järkevä
# lisäyksemme, se on varoitus.

# %% [markdown] lang="sv"
# ## 1. Listan den första måndagen
#
# Vad som behövs för att ansluta sig står på Kantas och MDB:s sidor. Listan gås igenom uppifrån och ned. Det som är
# öppet och säkert känt är ett fel och hindrar anslutningen. Det som vi bara minns, eller själva har fogat till av
# gott omdöme, är en varning.

# %%
from process_pictures import board, way

history = {}


def look(moment):
    """Evaluate the list, and remember for the picture how each item stands at this moment."""
    readiness = provider.readiness(provider.facts(SERVICE))
    for item in readiness.items:
        weight = str(item.finding.severity) if item.finding else ""
        mark = "done" if item.met else "open" if weight == "error" else "warning"
        history.setdefault(item.rule.removeprefix("join."), {})[say(moment)] = mark
    print(say("ready", ready=yes(readiness.ready), open=len(readiness.open), all=len(readiness.items)))
    return readiness


def whole_history():
    """The list at every moment at which we looked."""
    marks = {mark: say(f"mark-{mark}") for mark in ("done", "open", "warning")}
    items = {say(f"item {name}"): list(seen.values()) for name, seen in history.items()}
    return board(items, list(history["plan"]), words=marks, legend=say("legend"))


# %% NBVAL_CHECK_OUTPUT
monday = look("when-monday")


def asked(item):
    """What has to be done about an item; nothing, if it is met."""
    return "" if item.met else told.what_to_do(item.rule, item.finding.advice, LANGUAGE)


table(
    (say("head-item"), say("head-stands"), say("head-grade"), say("head-do")),
    [(f"`{item.rule}`", item.reason, say(f"grade-{item.as_dict()['grade']}"), asked(item)) for item in monday.items],
)

# %% [markdown] lang="en"
# Two items are done, because somebody else has done them: THL has the clinic in the SOTE organisation register
# (SOTE-organisaatiorekisteri), and a private clinic is of the kind that joins. The rest is Ebba's spring.
#
# ## 2. A contract, so that there will be cards
#
# Dentists sign with professional cards (ammattikortti). The clinic will never run a registration point
# (rekisteröintipiste) for three people; it authorises the county's point to act for it (valtuutus). That is a
# contract with DVV, made in the e-service (verkkoasiointi), where the clinic first needs an account.

# %% [markdown] lang="fi"
# Kaksi kohtaa on kunnossa, koska joku muu on ne hoitanut: THL on merkinnyt klinikan SOTE-organisaatiorekisteriin, ja
# yksityinen klinikka kuuluu niihin, jotka liittyvät. Loppu on Ebban kevät.
#
# ## 2. Sopimus, jotta saadaan kortteja
#
# Hammaslääkärit allekirjoittavat ammattikorteilla. Kolmen ihmisen klinikka ei perusta omaa rekisteröintipistettä,
# vaan valtuuttaa hyvinvointialueen pisteen toimimaan puolestaan. Valtuutus on sopimus DVV:n kanssa, ja se tehdään
# verkkoasioinnissa, jossa klinikka tarvitsee ensin asiakastilin.

# %% [markdown] lang="sv"
# Två punkter är klara, eftersom någon annan har skött dem: THL har fört in kliniken i
# THL-SOTE-organisationsregistret, och en privat klinik hör till dem som ansluter sig. Resten är Ebbas vår.
#
# ## 2. Ett avtal, så att det blir några kort
#
# Tandläkare undertecknar med yrkeskort. En klinik med tre personer inrättar inget eget registreringsställe, utan ger
# välfärdsområdets ställe fullmakt att handla för den. Fullmakten är ett avtal med MDB och görs i e-tjänsten, där
# kliniken först behöver ett kundkonto.

# %% NBVAL_CHECK_OUTPUT
eservice, contracts = workspace.service_certificates, workspace.contracts
attempt(
    say("friendly-face"),
    lambda: eservice.open_account(clinic.oid, user=ebba.person.hetu, identified_with="friendly-face"),
)
eservice.open_account(clinic.oid, user=ebba.person.hetu, identified_with="bank-codes")
eservice.invite(clinic.oid, by=ebba.person.hetu, user=cast.person("technical-contact"))
print(say("account-open"))

# %% NBVAL_CHECK_OUTPUT
contract = contracts.draw_up(
    "authorisation", clinic.oid, signer=ebba.person.hetu, point="TEST-RP-02",
    delivery_address="Strandvägen 1, 00000 Fiktivnäs", contact="Ebba Dimstrand", language="sv",
)  # fmt: skip
contracts.sign(contract.id, by=ebba.person.hetu, method="bank-codes")
attempt(say("approves"), lambda: contracts.approve(contract.id))
contracts.attach_document(
    contract.id, "employment-certificate", "anstallda.txt", b"TEST: three people", by=ebba.person.hetu
)
contract = contracts.approve(contract.id)
print(say("contract", state=state(contract)))

# %% [markdown] lang="en"
# The certificate of employment (palvelussuhdetodistus) comes first, since the point cannot know who works at the
# clinic. Göran von Påhitt goes there, shows his passport, and comes back with a card and two PINs.

# %% [markdown] lang="fi"
# Palvelussuhdetodistus tulee ensin, sillä piste ei voi tietää, kuka klinikalla työskentelee. Göran von Påhitt käy
# pisteessä, näyttää passinsa ja palaa mukanaan kortti ja kaksi tunnuslukua.

# %% [markdown] lang="sv"
# Intyget över anställning kommer först, för stället kan inte veta vem som arbetar på kliniken. Göran von Påhitt går
# dit, visar sitt pass och kommer tillbaka med ett kort och två koder.

# %% NBVAL_CHECK_OUTPUT
card = card_in_hand(workspace, registrar=registrar, applicant=goran.person.hetu)
print(say("card-of-goran", state=state(card)))

# %% [markdown] lang="en"
# ## 3. The certificates of the system
#
# A server certificate (palvelinvarmenne) opens the connection to Kanta; a system signature certificate
# (järjestelmäallekirjoitusvarmenne) signs what no person signs. Ebba applies. She names Kasperi as technical contact
# (tekninen yhteyshenkilö), who gets a link by mail and sees nothing but this one application.

# %% [markdown] lang="fi"
# ## 3. Järjestelmän varmenteet
#
# Palvelinvarmenne avaa yhteyden Kantaan. Järjestelmäallekirjoitusvarmenne allekirjoittaa sen, mitä kukaan ihminen ei
# allekirjoita. Ebba tekee hakemukset. Tekniseksi yhteyshenkilöksi hän nimeää Kasperin, joka saa linkin sähköpostissa
# ja näkee vain tämän yhden hakemuksen.

# %% [markdown] lang="sv"
# ## 3. Systemets certifikat
#
# Ett servercertifikat öppnar förbindelsen till Kanta. Ett systemsignaturcertifikat undertecknar det som ingen
# människa undertecknar. Ebba ansöker. Till teknisk kontaktperson utser hon Kasperi, som får en länk per e-post och
# bara ser denna enda ansökan.

# %% NBVAL_CHECK_OUTPUT
import re

from sotepki.dvv import ApplicationKind, TechnicalContact

kasperi = TechnicalContact(
    "Kasperi Kaarnakoski", "kasperi@kaarna.test.example", shared_mailbox=f"teknik@{clinic.domains[0]}"
)


def mailed_link(application):
    """The code that came to the technical contact by mail."""
    (mail,) = (workspace.directory / "outbox" / "emails").glob(f"*{application}-link.eml")
    return re.search(r"--link (\S+)", mail.read_text(encoding="utf-8"))[1]


def apply(kind):
    """Ebba's application for a certificate, by the rules of production."""
    return eservice.apply(
        organisation=clinic.oid,
        kind=kind,
        user=ebba.person.hetu,
        contact=kasperi,
        as_production=True,
    )


def stands(application):
    """How an application stands."""
    found = eservice.application(application)
    return say("application", id=application, kind=say(f"kind-{found.kind}"), state=state(found))


server, signature = apply(ApplicationKind.SERVER), apply(ApplicationKind.SYSTEM_SIGNATURE)
for one in (server, signature):
    print(stands(one))

# %% [markdown] lang="en"
# Kasperi makes keys on the clinic's server with `openssl req`; the private key never leaves it. His first request
# (varmennepyyntö, CSR) names a host of his own firm, out of habit.

# %% [markdown] lang="fi"
# Kasperi luo avaimet klinikan palvelimella komennolla `openssl req`, eikä yksityinen avain poistu sieltä koskaan.
# Tottumuksesta hän kirjoittaa ensimmäiseen varmennepyyntöön oman työnantajansa palvelimen nimen.

# %% [markdown] lang="sv"
# Kasperi skapar nycklarna på klinikens server med `openssl req`, och den privata nyckeln lämnar den aldrig. Av gammal
# vana skriver han namnet på en server hos sin egen firma i den första certifikatbegäran.

# %% NBVAL_CHECK_OUTPUT
subject = {"C": "FI", "ST": "Finland", "L": clinic.municipality, "O": clinic.name}


def request(name, host):
    """A new key and a request for a host name."""
    return make_request(desk, name, {**subject, "CN": host}, dns_names=[host])


foreign = request("habit", "kanta.kaarna.test.example").request.read_bytes()
link = mailed_link(server)
attempt(say("first-request"), lambda: eservice.attach_csr(server, foreign, link=link))
made = request("server", f"kanta.{clinic.domains[0]}")
ours, other_link = made.request.read_bytes(), mailed_link(signature)
attempt(say("other-link"), lambda: eservice.attach_csr(server, ours, link=other_link))
submitted = eservice.attach_csr(server, ours, link=link)
print(say("promised", application=stands(server), day=day(submitted.promised_by)))

# %% [markdown] lang="en"
# The content of the certificate is read from the request, not from the form; whatever is wrong in it is wrong in the
# certificate. From now on DVV's working days run, Finnish public holidays not counted. The officer has a question
# first.

# %% [markdown] lang="fi"
# Varmenteen sisältö luetaan varmennepyynnöstä eikä lomakkeelta: mikä pyynnössä on väärin, on väärin myös
# varmenteessa. Tästä alkavat kulua DVV:n työpäivät, pyhäpäiviä ei lasketa. Virkailijalla on ensin kysymys.

# %% [markdown] lang="sv"
# Certifikatets innehåll läses ur certifikatbegäran, inte ur blanketten: det som är fel i den är fel i certifikatet.
# Från och med nu räknas MDB:s arbetsdagar, helgdagarna inte. Tjänstemannen har först en fråga.

# %% NBVAL_CHECK_OUTPUT
eservice.return_application(server, say("who-runs"))
workspace.clock.advance(timedelta(days=1))
letter = b"TEST: Kaarna runs the server for us"
eservice.attach_document(server, "power-of-attorney", "kaarna.txt", letter, user=ebba.person.hetu)
eservice.complete(server, user=ebba.person.hetu)
workspace.clock.advance(timedelta(days=3))
issued = eservice.process(server)
promise = say(f"promise-{issued.promise(workspace.clock.now())}")
print(say("promise", application=stands(server), promise=promise))

# %% [markdown] lang="en"
# The way of this application, drawn from the journal; grey are the ways that it did not take.

# %% [markdown] lang="fi"
# Hakemuksen kulku lokista piirrettynä. Harmaat ovat tiet, joille se ei lähtenyt.

# %% [markdown] lang="sv"
# Ansökans väg, ritad ur loggen. Grå är de vägar som den inte tog.

# %%
import json

from sotepki.records import newest_entries
from sotepki.state_diagrams import all_machines

machines = {machine.id: machine for machine in all_machines()}
with workspace.records.look() as session:
    entries = [one for one in newest_entries(session, 1000) if one.subject == server]
steps = [json.loads(one.details) for one in entries]
taken = [steps[0]["from_state"], *(one["to_state"] for one in steps if "to_state" in one)]
way(machines["service-application"], taken, say)

# %% [markdown] lang="en"
# The other certificate has a condition of its own: a **private** applicant attaches the system's certificate of
# conformity (vaatimustenmukaisuustodistus). And the number in it is another: not a host name, but the clinic's OID,
# which has to be the keeper's OID in every document that it signs.

# %% [markdown] lang="fi"
# Toisella varmenteella on oma ehtonsa: **yksityinen** hakija liittää hakemukseen järjestelmän
# vaatimustenmukaisuustodistuksen. Myös tunniste varmenteessa on toinen: ei palvelimen nimi vaan klinikan OID-tunnus.
# Sen on oltava sama kuin rekisterinpitäjän OID jokaisessa asiakirjassa, jonka varmenne allekirjoittaa.

# %% [markdown] lang="sv"
# Det andra certifikatet har ett eget villkor: en **privat** sökande bifogar systemets intyg om överensstämmelse.
# Också numret i det är ett annat: inte ett servernamn utan klinikens OID-kod. Den ska vara densamma som den
# personuppgiftsansvarigas OID i varje handling som det undertecknar.

# %% NBVAL_CHECK_OUTPUT
named = {**subject, "serialNumber": str(clinic.oid), "CN": "Havsbris TEST"}
system_request = make_request(desk, "signature", named)
eservice.attach_csr(signature, system_request.request.read_bytes(), link=mailed_link(signature))
attempt(say("processes"), lambda: eservice.process(signature))
paper = b"TEST certificate of conformity"
eservice.attach_document(signature, "conformity-certificate", "intyg.txt", paper, user=ebba.person.hetu)
eservice.process(signature)
print(stands(signature))

# %% NBVAL_CHECK_OUTPUT
delivered = {one: eservice.collect(one).certificate for one in (server, signature)}
mails = (workspace.directory / "outbox" / "emails").iterdir()
print(sorted(path.name.partition("-")[2] for path in mails if server in path.name))
for one in delivered.values():
    kept = one.not_valid_after_utc - one.not_valid_before_utc
    print(say("lasts", name=one.subject.rfc4514_string().partition(",")[0], years=round(kept.days / 365)))

# %% [markdown] lang="en"
# A server certificate lives one year at most, a system signature certificate two. Ebba writes both days into the
# clinic's calendar, with a note two months earlier. Whether DVV reminds anybody is not known.
#
# ## 4. The plans
#
# Every provider writes an information-security plan (tietoturvasuunnitelma), and a clinic a self-monitoring plan
# (omavalvontasuunnitelma) as well. A plan is not a file in a drawer: it has parts, an author, somebody who approves
# it, and a day of review.

# %% [markdown] lang="fi"
# Palvelinvarmenne on voimassa enintään vuoden, järjestelmäallekirjoitusvarmenne kaksi. Ebba kirjoittaa molemmat
# päivät klinikan kalenteriin ja muistutuksen kaksi kuukautta aiemmaksi. Siitä, muistuttaako DVV ketään, ei ole tietoa.
#
# ## 4. Suunnitelmat
#
# Jokainen palvelunantaja laatii tietoturvasuunnitelman, ja klinikka lisäksi omavalvontasuunnitelman. Suunnitelma ei
# ole tiedosto pöytälaatikossa: sillä on osat, laatija, hyväksyjä ja tarkistuspäivä.

# %% [markdown] lang="sv"
# Ett servercertifikat gäller högst ett år, ett systemsignaturcertifikat två. Ebba för in båda dagarna i klinikens
# kalender, med en påminnelse två månader före. Om MDB påminner någon är inte känt.
#
# ## 4. Planerna
#
# Varje tjänstetillhandahållare skriver en informationssäkerhetsplan, och en klinik dessutom en plan för egenkontroll.
# En plan är inte en fil i en låda: den har delar, en författare, någon som godkänner den och en dag för översyn.

# %% NBVAL_CHECK_OUTPUT
from sotepki.provider.plans import plan_kinds

kinds = plan_kinds()
parts = kinds["information-security"].parts
table(
    (say("head-part"), say("head-tells"), say("head-grade")),
    [(f"`{name}`", say(f"part {name}"), say(f"grade-{part.grade}")) for name, part in parts.items()],
)

# %% NBVAL_CHECK_OUTPUT
from datetime import date

plans = provider.plans


def write(kind, part, text):
    """Ebba writes a part of a plan."""
    return plans.write(clinic.oid, kind, part, text, actor="Ebba")


def approve(kind, review_by):
    """Göran, who owns the clinic, approves a plan."""
    return plans.approve(clinic.oid, kind, review_by=review_by, actor="Göran")


SECURITY = "information-security"
for kind in kinds:
    plans.begin(clinic.oid, kind, actor="Ebba")
write(SECURITY, "training", say("text-training"))
attempt(say("code-in-text"), lambda: write(SECURITY, "incidents", say("text-incidents")))
attempt(say("half-written"), lambda: approve(SECURITY, date(2026, 12, 1)))
for kind, known in kinds.items():
    for part in known.parts:
        write(kind, part, say("text-chapter", part=part))
attempt(say("three-years"), lambda: approve(SECURITY, date(2029, 3, 1)))
for kind in kinds:
    plan = approve(kind, date(2027, 2, 1))
    review = day(plan.review_by)
    print(say("plan-stands", plan=say(f"plan-{kind}"), version=plan.version, state=state(plan), day=review))

# %% [markdown] lang="en"
# What the plan must tell is partly read in public texts and partly known from second-hand copies; the grades say
# which. That once a year is often enough is our choice.
#
# ## 5. The people
#
# A card shows who somebody is. What they may do *here* the clinic decides, by task and right (käyttöoikeus), and it
# answers for it. Lumi Tuiskuoja, the nurse, reads and writes records; she does not prescribe.

# %% [markdown] lang="fi"
# Se, mitä suunnitelmassa on kerrottava, perustuu osin julkisiin teksteihin ja osin toisen käden jäljennöksiin;
# varmuus näkyy sarakkeesta. Että kerran vuodessa riittää, on meidän valintamme.
#
# ## 5. Ihmiset
#
# Kortti kertoo, kuka joku on. Mitä hän saa tehdä *täällä*, sen päättää klinikka tehtävän ja käyttöoikeuden mukaan, ja
# se myös vastaa siitä. Sairaanhoitaja Lumi Tuiskuoja lukee ja tekee kirjauksia; lääkkeitä hän ei määrää.

# %% [markdown] lang="sv"
# Vad planen ska berätta har vi delvis läst i offentliga texter och delvis i andrahandskopior; säkerheten står i
# kolumnen. Att en gång om året räcker är vårt eget val.
#
# ## 5. Människorna
#
# Ett kort visar vem någon är. Vad hen får göra *här* bestämmer kliniken, efter uppgift och åtkomsträttighet, och den
# svarar för det. Sjukskötaren Lumi Tuiskuoja läser och skriver journal; hon förskriver inte läkemedel.


# %% NBVAL_CHECK_OUTPUT
def grant(professional, duty):
    """Ebba gives somebody a task of the clinic."""
    given = provider.grant_access(professional.registration_number, duty, actor="Ebba")
    print(say("given", name=professional.person.first_name, task=say(f"task {given.task}")))


for one in (goran, ebba, lumi):
    grant(one, "patient-records")
grant(goran, "prescribing")
attempt(say("lumi-prescribing"), lambda: grant(lumi, "prescribing"))
tuomo = workspace.valvira.professional_of(cast.person("nurse-whose-right-was-removed"))
attempt(say("tuomo"), lambda: grant(tuomo, "patient-records"))

# %% [markdown] lang="en"
# Tuomo Pyryharju has been a nurse for twenty years. Valvira has removed his right, which no paper in his folder
# tells; the register does.
#
# A sweep every night asks Valvira about everybody. Then the rest of the list: training, support, who is called when
# Kanta is down.

# %% [markdown] lang="fi"
# Tuomo Pyryharju on ollut sairaanhoitaja kaksikymmentä vuotta. Valvira on poistanut hänen oikeutensa. Sitä ei kerro
# yksikään hänen mappinsa paperi, mutta rekisteri kertoo.
#
# Tarkistusajo kysyy joka yö Valviralta kaikkien oikeudet. Sitten luettelon loput kohdat: koulutus, tuki ja se,
# kenelle soitetaan, kun Kanta ei toimi.

# %% [markdown] lang="sv"
# Tuomo Pyryharju har varit sjukskötare i tjugo år. Valvira har tagit bort hans rättighet. Det står inte på något
# papper i hans mapp, men registret berättar det.
#
# En kontrollkörning frågar varje natt Valvira om alla. Sedan resten av listan: utbildning, stöd, vem man ringer när
# Kanta ligger nere.

# %% NBVAL_CHECK_OUTPUT
from sotepki.provider.books import MODEL, SupportContact
from sotepki.provider.join_lists import join_data

attempt(say("every-second-day"), lambda: provider.schedule.set(clinic.oid, 48, actor="Ebba"))
provider.schedule.set(clinic.oid, 24, actor="Ebba")
staff = [one.registration_number for one in (ebba, goran, lumi)]
for topic in join_data().topics:
    provider.books.train(staff, topic, actor="Ebba")
support = f"support@{clinic.domains[0]}"
provider.books.name_support(
    SupportContact("Havsbris support TEST", support, "+358 40 000 0000", "8-16"), actor="Ebba"
)
for model in join_data().models:
    provider.books.arrange(f"{MODEL}{model}", say("text-chapter", part=model), actor="Ebba")
    print(say("agreed", what=say(f"model {model}")))
provider.books.arrange("access-point", "our own system", actor="Ebba")
friday = look("when-friday")
print(say("still-open", rules=", ".join(item.rule for item in friday.open)))

# %% [markdown] lang="en"
# ## 6. The supplier's part
#
# What is left is not the clinic's to do, and yet the clinic's to check: that the system stands in the register of
# information systems (Astori) with a security certificate in force, and that this very version has been through joint
# testing (yhteistestaus). Kaarna registers its Kaiku 4.2 in March and is tested in May; notebook 07 shows how. Here
# it is one cell.

# %% [markdown] lang="fi"
# ## 6. Toimittajan osuus
#
# Jäljellä oleva ei ole klinikan tehtävä, mutta klinikan on tarkistettava se: että järjestelmä on
# tietojärjestelmärekisteri Astorissa, että sen tietoturvallisuustodistus on voimassa ja että juuri tämä versio on
# käynyt läpi yhteistestauksen. Kaarna rekisteröi järjestelmänsä Kaiku 4.2 maaliskuussa, ja se testataan toukokuussa;
# muistikirja 07 näyttää, miten. Tässä siihen riittää yksi solu.

# %% [markdown] lang="sv"
# ## 6. Leverantörens del
#
# Det som återstår är inte klinikens att göra, och ändå klinikens att kontrollera: att systemet finns i
# informationssystemregistret (Astori) med ett gällande intyg om informationssäkerhet, och att just denna version har
# gått igenom samtestningen. Kaarna anmäler sitt Kaiku 4.2 i mars och testas i maj; anteckningsbok 07 visar hur. Här
# räcker en cell.

# %%
from sotepki.kela import SystemClass
from sotepki.valvira.supervision import EvidenceKind, Role

entered = workspace.supervision.notify(
    name="Kaiku",
    version="4.2",
    system_class="A2",
    kind="information-system",
    purpose="patient records",
    producer="Ohjelmistotalo Kaarna Oy TEST",
    actor="Kaarna",
)
tests = workspace.joint_tests
test = tests.register(
    system="Kaiku",
    version="4.2",
    supplier=cast.organisation("vendor"),
    system_class=SystemClass.A2,
    content="Potilastietovaranto",
    begins_on=date(2026, 5, 7),
    actor="Kaarna",
)
tests.report_pretests(test, significant_errors=0, actor="Kaarna")
workspace.clock.advance(datetime(2026, 5, 11, 6, 0, tzinfo=UTC) - workspace.clock.now())
workspace.catch_up()
tests.finish_phase(test, 1, passed=True, actor="kela")
statement = tests.give_statement(test, actor="kela")
papers = {EvidenceKind.JOINT_TEST: statement.number, EvidenceKind.SECURITY_CERTIFICATE: "TT-1"}
for kind, number in papers.items():
    workspace.supervision.attach(
        entered.id, kind, number=number, issuer="TEST", issued_on=date(2026, 5, 11), actor="LVV"
    )


# %% NBVAL_CHECK_OUTPUT
def tell_open(readiness):
    """What the program says of the items that are open, and what each asks."""
    for item in readiness.open:
        told.explain(item.reason, item.rule, item.finding.advice, LANGUAGE)


provider.books.arrange("information-system", entered.id, actor="Ebba")
tell_open(provider.readiness(provider.facts(SERVICE)))
workspace.supervision.step(entered.id, "register", role=Role.AUTHORITY, actor="LVV")
_ = look("when-may")

# %%
whole_history()

# %% [markdown] lang="en"
# Two warnings of March deserve a word. Older pages bar the use of a system without joint testing; the newer page of
# the supervisory authority says that it may be possible under conditions (docs/field/kanta.md 11), and so its absence
# warns. Ebba waited all the same: conditions are for others to argue about.
#
# ## 7. The first document
#
# Göran writes a record of his first visit that day, types PIN2, and the clinic's server sends it.

# %% [markdown] lang="fi"
# Kahdesta maaliskuun varoituksesta on paikallaan sanoa jotakin. Vanhemmat sivut kieltävät järjestelmän käytön ilman
# yhteistestausta. Valvontaviranomaisen uudemman sivun mukaan se voi ehdoin olla mahdollista (docs/field/kanta.md 11),
# ja siksi puute on vain varoitus. Ebba odotti silti: ehdoista saavat muut kiistellä.
#
# ## 7. Ensimmäinen asiakirja
#
# Göran kirjaa päivän ensimmäisen käynnin ja antaa allekirjoitustunnusluvun (PIN2), ja klinikan palvelin lähettää
# asiakirjan.

# %% [markdown] lang="sv"
# Två varningar i mars förtjänar ett ord. Äldre sidor förbjuder att ett system används utan samtestning. Enligt
# tillsynsmyndighetens nyare sida kan det vara möjligt på vissa villkor (docs/field/kanta.md 11), och därför är
# bristen bara en varning. Ebba väntade ändå: villkor får andra tvista om.
#
# ## 7. Den första handlingen
#
# Göran skriver journal över dagens första besök och knappar in signaturkoden (PIN2), och klinikens server skickar
# handlingen.

# %%
from contextlib import ExitStack

from sending_story import PostRoom, identity_of

from sotepki.documents import build_patient_record
from sotepki.services import running_services

stack = ExitStack()
services = stack.enter_context(running_services(workspace))
room = PostRoom(workspace, services, language=LANGUAGE)
patient = workspace.population.person(cast.person("client-swedish"))


def send(what, shown):
    """A record that Göran writes and signs now, sent over a connection with this certificate."""
    record = build_patient_record(
        client=patient,
        organisation=clinic,
        author=goran,
        document_oid=room.new_oid(clinic),
        created=workspace.clock.now(),
    )
    signed = room.by_card(record, goran, card.card_number)
    room.send(what, room.framed(signed, clinic), shown)


first_server = identity_of(workspace, server, made, desk)

# %% NBVAL_CHECK_OUTPUT
send(say("first-record"), first_server)

# %% [markdown] lang="en"
# ## 8. A Tuesday in September: a right ends
#
# Valvira removes Göran's right. No letter comes to the clinic, and nothing on his card changes. Three questions,
# three answers:

# %% [markdown] lang="fi"
# ## 8. Tiistai syyskuussa: ammattioikeus päättyy
#
# Valvira poistaa Göranin oikeuden. Klinikalle ei tule kirjettä, eikä hänen kortissaan muutu mikään. Kolme kysymystä,
# kolme vastausta:

# %% [markdown] lang="sv"
# ## 8. En tisdag i september: en yrkesrättighet upphör
#
# Valvira tar bort Görans rättighet. Inget brev kommer till kliniken, och på hans kort ändras ingenting. Tre frågor,
# tre svar:

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=113, hours=3))
workspace.catch_up()
number, reason = goran.registration_number, "TEST decision"
workspace.valvira.remove_right(number, "T02", actor="valvira", reason=reason)

held = [one.registration_number for one in provider.access.held(clinic.oid)]
print(say("in-books", answer=yes(number in held)))
print(say("may-write", answer=yes(provider.may(number, "patient-records"))))
print(say("card-of-goran", state=state(workspace.vartti.order(card.id))))
send(say("all-the-same"), first_server)

# %% [markdown] lang="en"
# The books still hold his access right, and `may`, which asks Valvira at the moment of the deed, already says no.
# Kanta asks too. Overnight the sweep puts the books in order:

# %% [markdown] lang="fi"
# Kirjoissa hänen käyttöoikeutensa on vielä, mutta `may`, joka kysyy Valviralta teon hetkellä, sanoo jo ei. Kantakin
# kysyy. Yöllä tarkistusajo panee kirjat kuntoon:

# %% [markdown] lang="sv"
# I böckerna står hans åtkomsträttighet kvar, men `may`, som frågar Valvira i handlingens ögonblick, säger redan nej.
# Kanta frågar också. Under natten ställer kontrollkörningen böckerna i ordning:

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=1))
for _organisation, swept in workspace.sweep_schedule.follow_time():
    print(say("swept", checked=swept.checked, ended=len(swept.ended)))
    for access in swept.ended:
        print(say("ended", task=say(f"task {access.task}"), rule=access.ended_by))

# %% [markdown] lang="en"
# A month later the decision is reversed. The right is back; the access is not. It is given anew, by somebody who has
# looked.

# %% [markdown] lang="fi"
# Kuukautta myöhemmin päätös kumotaan. Ammattioikeus palaa, käyttöoikeus ei. Sen antaa uudelleen joku, joka on
# katsonut.

# %% [markdown] lang="sv"
# En månad senare upphävs beslutet. Yrkesrättigheten kommer tillbaka, åtkomsträttigheten inte. Den ges på nytt, av
# någon som har sett efter.

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=30))
workspace.valvira.restore_right(number, "T02", actor="valvira", reason=reason)
print(say("may-write", answer=yes(provider.may(number, "patient-records"))))
grant(goran, "patient-records")
print(say("may-write", answer=yes(provider.may(number, "patient-records"))))

# %% [markdown] lang="en"
# ## 9. Renewal, before the Friday night
#
# In January Ebba's note comes up: the server certificate ends in the first week of March, on a Friday night. A
# renewal (uusiminen) is always a new order, with a **new key**. Kasperi tries last year's request first; it lies
# there so handily.

# %% [markdown] lang="fi"
# ## 9. Uusiminen ennen perjantaiyötä
#
# Tammikuussa Ebban muistutus tulee vastaan: palvelinvarmenne päättyy maaliskuun ensimmäisellä viikolla,
# perjantaiyönä. Uusiminen on aina uusi tilaus, ja siihen tehdään **uusi avain**. Kasperi yrittää ensin viime vuoden
# pyynnöllä, kun se on niin kätevästi tallella.

# %% [markdown] lang="sv"
# ## 9. Förnyelse, före fredagsnatten
#
# I januari dyker Ebbas påminnelse upp: servercertifikatet går ut den första veckan i mars, en fredagsnatt. En
# förnyelse är alltid en ny beställning, med en **ny nyckel**. Kasperi prövar först fjolårets begäran; den ligger ju
# så bra till.

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(datetime(2027, 1, 11, 7, 0, tzinfo=UTC) - workspace.clock.now())
workspace.catch_up()
renewal = eservice.renew(server, user=ebba.person.hetu)
attempt(say("last-years"), lambda: eservice.attach_csr(renewal, made.request.read_bytes()))
remade = request("server-2027", f"kanta.{clinic.domains[0]}")
eservice.attach_csr(renewal, remade.request.read_bytes())
workspace.clock.advance(timedelta(days=4))
eservice.process(renewal)
print(say("renewed", application=stands(renewal), old=eservice.application(renewal).renewal_of))
second_server = identity_of(workspace, renewal, remade, desk)

# %% [markdown] lang="en"
# Both are valid now, for some weeks, and that is the point: the new one is installed and tried while the old one
# still works.

# %% [markdown] lang="fi"
# Nyt molemmat ovat voimassa muutaman viikon, ja se on tarkoituskin: uusi asennetaan ja kokeillaan, kun vanha vielä
# toimii.

# %% [markdown] lang="sv"
# Nu gäller båda under några veckor, och det är just meningen: det nya installeras och prövas medan det gamla ännu
# fungerar.

# %%
from calendar_pictures import spans

from sotepki.clock import finnish_day


def days(certificate):
    """First and last day of a certificate, in Finland."""
    return finnish_day(certificate.not_valid_before_utc), finnish_day(certificate.not_valid_after_utc)


def picture():
    """The clinic's certificates and plan against today."""
    plan = plans.in_force(clinic.oid, "information-security")
    rows = {
        say("row-first-server"): days(first_server.certificate),
        say("row-second-server"): days(second_server.certificate),
        say("row-system-signature"): days(delivered[signature]),
        say("row-plan"): (plan.reviewed_on, plan.review_by),
    }
    return spans(rows, today=finnish_day(workspace.clock.now()), now=say("today"))


picture()

# %% NBVAL_CHECK_OUTPUT
send(say("with-first"), first_server)
send(say("with-second"), second_server)

# %% [markdown] lang="en"
# Kasperi tries the second certificate, is content, and forgets to switch. The weekend comes.

# %% [markdown] lang="fi"
# Kasperi kokeilee toista varmennetta, on tyytyväinen ja unohtaa vaihtaa sen käyttöön. Tulee viikonloppu.

# %% [markdown] lang="sv"
# Kasperi prövar det andra certifikatet, är nöjd och glömmer att byta. Helgen kommer.

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(
    first_server.certificate.not_valid_after_utc - workspace.clock.now() + timedelta(days=2, hours=9)
)
workspace.catch_up()
print(stands(server))
send(say("monday-first"), first_server)
send(say("with-second"), second_server)

# %% [markdown] lang="en"
# A restart with the right file, and the clinic works again. Had the second certificate not been in the drawer, it
# would have been a week of paper.
#
# And the list? Ebba looks at it once more, because the list is not only for joining:

# %% [markdown] lang="fi"
# Uudelleenkäynnistys oikean tiedoston kanssa, ja klinikka toimii taas. Jos toista varmennetta ei olisi ollut
# laatikossa, edessä olisi ollut viikko paperilla.
#
# Entä luettelo? Ebba katsoo sen vielä kerran, sillä se ei ole vain liittymistä varten:

# %% [markdown] lang="sv"
# En omstart med rätt fil, och kliniken fungerar igen. Hade det andra certifikatet inte funnits i lådan, hade det
# blivit en vecka på papper.
#
# Och listan? Ebba ser på den en gång till, för listan är inte bara till för anslutningen:

# %% NBVAL_CHECK_OUTPUT
tell_open(look("when-next-spring"))

# %% [markdown] lang="en"
# The day of review has passed. Reviewing a plan that still holds takes one meeting and one line:

# %% [markdown] lang="fi"
# Tarkistuspäivä on mennyt. Kun suunnitelma pitää yhä paikkansa, sen tarkistamiseen riittää yksi kokous ja yksi rivi:

# %% [markdown] lang="sv"
# Dagen för översyn har passerat. Att se över en plan som ännu håller kräver ett möte och en rad:

# %% NBVAL_CHECK_OUTPUT
for kind in kinds:
    plans.review(clinic.oid, kind, review_by=date(2028, 2, 1), actor="Göran")
_ = look("when-reviewed")

# %%
whole_history()

# %% [markdown] lang="en"
# ## 10. Removal
#
# In summer the clinic moves its system to Kaarna's machine room. The server in the cupboard is switched off, and its
# certificate should not outlive it: somebody might find the disk. Revocation (varmenteen sulkeminen) is asked for
# with the serial number and a reason.

# %% [markdown] lang="fi"
# ## 10. Käytöstä poistaminen
#
# Kesällä klinikka siirtää järjestelmänsä Kaarnan konesaliin. Komeron palvelin sammutetaan, eikä sen varmenteen pidä
# elää pitempään kuin palvelin: joku voi löytää levyn. Varmenteen sulkemista pyydetään sarjanumerolla, ja syy
# ilmoitetaan.

# %% [markdown] lang="sv"
# ## 10. Avveckling
#
# På sommaren flyttar kliniken sitt system till Kaarnas maskinsal. Servern i skrubben stängs av, och dess certifikat
# ska inte överleva den: någon kan hitta disken. Spärrning av certifikatet begärs med serienumret och en orsak.

# %% NBVAL_CHECK_OUTPUT
from sotepki.dvv import SOTE_SERVICES

workspace.clock.advance(datetime(2027, 6, 14, 7, 0, tzinfo=UTC) - workspace.clock.now())
workspace.catch_up()
serial = second_server.certificate.serial_number


def revoke(number, reason):
    """Ebba asks for the revocation of the server certificate."""
    user = ebba.person.hetu
    return eservice.request_revocation(renewal, serial=number, reason=reason, user=user)


attempt(say("without-number"), lambda: revoke(0, "not-needed"))
attempt(say("reason-of-dvv"), lambda: revoke(serial, "misuse-suspected"))
revoke(serial, "not-needed")
print(stands(renewal))
workspace.authorities.publish(workspace.published)
attempt(say("undone"), lambda: revoke(serial, "not-needed"))

# %% NBVAL_CHECK_OUTPUT
import time

workspace.clock.advance(timedelta(hours=1))
time.sleep(1.1)  # Kanta remembers a good answer for a second
send(say("with-revoked"), second_server)
listed = workspace.authorities.issued(authority_id=SOTE_SERVICES, serial_number=serial)
print(say("listed", count=len(listed)))

# %% [markdown] lang="en"
# When a clinic closes altogether, the same is done with every certificate, the access rights of everybody are ended
# by hand, and the cards stay with their holders: a professional card belongs to the person, not to the employer.

# %% [markdown] lang="fi"
# Kun klinikka lopettaa kokonaan, samoin tehdään jokaiselle varmenteelle, ja kaikkien käyttöoikeudet päätetään käsin.
# Kortit jäävät haltijoilleen: ammattikortti on ihmisen oma, ei työnantajan.

# %% [markdown] lang="sv"
# När en klinik läggs ner helt görs detsamma med varje certifikat, och allas åtkomsträttigheter avslutas för hand.
# Korten blir hos sina innehavare: ett yrkeskort hör till personen, inte till arbetsgivaren.

# %% NBVAL_CHECK_OUTPUT
from sotepki.records import first_break

reason = "the clinic closes"
for one in provider.access.held(clinic.oid):
    person, duty = one.registration_number, one.task
    provider.access.end(clinic.oid, person, duty, actor="Ebba", reason=reason)
print(say("rights-left", count=len(provider.access.held(clinic.oid))))
print(say("card-of-goran", state=state(workspace.vartti.order(card.id))))
with workspace.records.look() as session:
    print(say("unbroken", answer=yes(first_break(session) is None)))

# %% [markdown] lang="en"
# ## What was shown
#
# The last column says how firmly the rule is known: what a public source confirms, and what is a choice of this
# workspace.

# %% [markdown] lang="fi"
# ## Mitä näytettiin
#
# Viimeinen sarake kertoo, kuinka varmasti sääntö tunnetaan: minkä julkinen lähde vahvistaa ja mikä on tämän työtilan
# valinta.

# %% [markdown] lang="sv"
# ## Vad som visades
#
# Den sista kolumnen säger hur säkert regeln är känd: vad en offentlig källa bekräftar, och vad som är ett val i denna
# arbetsyta.

# %% NBVAL_CHECK_OUTPUT
told.rules_shown(
    "contract.attachments",
    "account.strong-identification",
    "application.server.domain",
    "application.contact.application",
    "application.conformity-certificate.production",
    "csr.key.reused",
    "plan.complete",
    "plan.review-day",
    "access.right",
    "access.prescriber",
    "doc.right",
    "kanta.client.validity",
    "kanta.client.revoked",
    "application.revocation-serial",
    "join.plan",
    language=LANGUAGE,
)

# %% [markdown] lang="en"
# ## Exercises
#
# Each is checked. They concern other providers of the test world, so nothing that you did above stands in the way.
# `hint()` helps, `explain()` tells what was to be learnt.

# %% [markdown] lang="fi"
# ## Harjoituksia
#
# Jokainen tarkistetaan. Ne koskevat testimaailman muita palvelunantajia, joten mikään edellä tekemäsi ei ole tiellä.
# `hint()` auttaa, `explain()` kertoo, mitä oli opittava.

# %% [markdown] lang="sv"
# ## Övningar
#
# Var och en kontrolleras. De gäller andra tjänstetillhandahållare i testvärlden, så inget som du gjorde ovan står i
# vägen. `hint()` hjälper, `explain()` berättar vad som skulle läras.

# %%
from sotepki.training import task

care_home = task("care-home-server", workspace, language=LANGUAGE)
care_home

# %%
# Your turn: account, application, request, decision.

# %%
care_home.check()

# %%
plan_exercise = task("plan-of-the-unit", workspace, language=LANGUAGE)
plan_exercise

# %%
# Your turn: begin, write, approve.

# %%
plan_exercise.check()

# %%
renewal_exercise = task("renew-and-revoke", workspace, language=LANGUAGE)
renewal_exercise

# %%
# Your turn: order anew with a new key, then have the old certificate revoked.

# %%
renewal_exercise.check()

# %% [markdown] lang="en"
# And without a check: open the calendar of your own organisation. Which certificate ends next, who knows it, and
# where does the new one come from? *Expected: a name, not a department.*

# %% [markdown] lang="fi"
# Ja yksi ilman tarkistusta: avaa oman organisaatiosi kalenteri. Mikä varmenne päättyy seuraavaksi, kuka sen tietää,
# ja mistä uusi tulee? *Odotettu vastaus: nimi, ei osasto.*

# %% [markdown] lang="sv"
# Och en utan kontroll: öppna din egen organisations kalender. Vilket certifikat går ut härnäst, vem vet det, och
# varifrån kommer det nya? *Väntat svar: ett namn, inte en avdelning.*

# %%
stack.close()
close("provider")
print("sotepki notebook: reached the end")
