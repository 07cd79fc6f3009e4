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
#       fi: 03_rekisteroija
#       sv: 03_registrerare
# ---

# %% [markdown] lang="en"
# # The registrar: a new registration point, and a day at its desk
#
# In Kaltio, far up in Tunturilaakso, a nurse who needs a professional card (ammattikortti) drives ninety kilometres to the
# nearest registration point (rekisteröintipiste). The chief physician of the health centre, Aino Hallavuo, has decided that
# this must end. Kaltio shall have a registration point of its own, and two registrars (rekisteröijä): the nurse Lumi Tuiskuoja
# and the IT support person Kasperi Kaarnakoski.
#
# We go with them. First the founding: contract, readers, cabinet, course, applications. Then one whole day at the desk, from
# the first card that is handed over to the spare card that comes back in the afternoon. Everything that a registrar must refuse
# on such a day is refused here as well, and each refusal names its rule.
#
# It takes half an hour to read and half a minute to run. No person here exists, every card says TEST. What no public source
# tells is said to be unknown: how Vartti's screens look, for one. Vartti here is called by its functions, and there is a form.

# %% [markdown] lang="fi"
# # Rekisteröijä: uusi rekisteröintipiste ja päivä sen tiskillä
#
# Kaltiossa, Tunturilaakson perukoilla, ammattikorttia tarvitseva sairaanhoitaja ajaa yhdeksänkymmentä kilometriä lähimpään
# rekisteröintipisteeseen. Terveyskeskuksen johtava lääkäri Aino Hallavuo on päättänyt, että siitä on tultava loppu. Kaltio saa
# oman rekisteröintipisteen ja kaksi rekisteröijää: sairaanhoitaja Lumi Tuiskuojan ja it-tukihenkilö Kasperi Kaarnakosken.
#
# Kuljemme heidän mukanaan. Ensin piste perustetaan: sopimus, kortinlukijat, kaappi, koulutus, hakemukset. Sitten seuraamme
# yhtä kokonaista päivää tiskillä, ensimmäisestä luovutetusta kortista iltapäivällä palautettavaan varakorttiin. Kaikki, mistä
# rekisteröijän on sellaisena päivänä kieltäydyttävä, hylätään täälläkin, ja jokainen hylkäys kertoo sääntönsä.
#
# Lukemiseen menee puoli tuntia ja ajamiseen puoli minuuttia. Ketään näistä ihmisistä ei ole olemassa, ja jokaisessa kortissa
# lukee TEST. Jos jotakin ei kerrota missään julkisessa lähteessä, se sanotaan: esimerkiksi Vartin näyttöjä emme tunne. Varttia
# käytetään tässä funktioilla ja yhdellä lomakkeella. Ohjelma puhuu englantia, mutta jokaisen säännön selitys on suomeksi.

# %% [markdown] lang="sv"
# # Registreraren: ett nytt registreringsställe och en dag vid dess disk
#
# I Kaltio, längst uppe i Tunturilaakso, kör en sjukskötare som behöver ett yrkeskort nittio kilometer till närmaste
# registreringsställe. Hälsocentralens ledande läkare Aino Hallavuo har bestämt att det får vara slut med det. Kaltio ska få ett
# eget registreringsställe och två registrerare: sjukskötaren Lumi Tuiskuoja och it-stödpersonen Kasperi Kaarnakoski.
#
# Vi följer dem. Först inrättas stället: avtal, kortläsare, skåp, utbildning, ansökningar. Sedan följer vi en hel dag vid disken,
# från det första kortet som lämnas ut till det tillfälliga kortet som kommer tillbaka på eftermiddagen. Allt som en registrerare
# måste säga nej till en sådan dag avslås också här, och varje avslag nämner sin regel.
#
# Det tar en halvtimme att läsa och en halv minut att köra. Ingen av personerna finns, och på varje kort står TEST. Det som ingen
# offentlig källa berättar sägs vara okänt, till exempel hur skärmbilderna i Vartti ser ut. Här används Vartti med funktioner och
# med en blankett. Programmet talar engelska, men varje regel förklaras på svenska.

# %% lang="en"
LANGUAGE = "en"

# %% lang="fi"
LANGUAGE = "fi"

# %% lang="sv"
LANGUAGE = "sv"

# %%
from datetime import UTC, date, datetime, timedelta
from functools import partial

import told
from phrases import speaker
from registrar_pictures import day_at_the_desk, deeds_of, readiness, stops_of, two_ways
from story import close, new_workspace, table

from sotepki.clock import HELSINKI, finnish_day
from sotepki.journey import load_cast
from sotepki.journey.card_holder import PIN1, PIN2, activation_code

told.be_kind(LANGUAGE)
attempt = partial(told.attempt, language=LANGUAGE)
say = speaker("03_registrar", LANGUAGE)
kaltio = new_workspace("registrar", at=datetime(2026, 3, 2, 7, 0, tzinfo=UTC), card_keys=8)
cast = load_cast()
county = cast.organisation("county")
aino, lumi, kasperi = (cast.person(part) for part in ("physician", "nurse", "technical-contact"))


def clock_to(month, day, hour=9, minute=0):
    """Let time go on to a moment in Finland in 2026; the letters that are due then leave."""
    moment = datetime(2026, month, day, hour, minute, tzinfo=HELSINKI)
    kaltio.clock.advance(max(timedelta(0), moment - kaltio.clock.now()))
    kaltio.vartti.follow_time()


def state(thing):
    """The state of an order, a card, a contract or a point, in words."""
    return say(f"state-{thing.state}")


# %% [markdown] lang="en"
# ## 1. The contract (sopimus)
#
# Monday, 2 March. Before anything else, the organisation and DVV make an agreement in DVV's e-service (verkkoasiointi). Aino
# opens the customer account (asiakastili) of the wellbeing services county (hyvinvointialue) and draws the contract up.
#
# She would like to serve her own people only. But a public provider must serve *all* professionals from at least one of its
# points, also the dentist of the private practice next door. DVV reminds her.

# %% [markdown] lang="fi"
# ## 1. Sopimus
#
# Maanantai 2. maaliskuuta. Ennen kaikkea muuta organisaatio tekee sopimuksen DVV:n kanssa DVV:n verkkoasioinnissa. Aino avaa
# hyvinvointialueen asiakastilin ja laatii sopimuksen.
#
# Hän palvelisi mieluiten vain omaa väkeä. Julkisen palvelunantajan on kuitenkin palveltava *kaikkia* ammattihenkilöitä ainakin
# yhdessä pisteessään, myös viereisen yksityisvastaanoton hammaslääkäriä. DVV muistuttaa siitä.

# %% [markdown] lang="sv"
# ## 1. Avtalet
#
# Måndagen den 2 mars. Före allt annat ingår organisationen och MDB ett avtal i MDB:s e-tjänst. Aino öppnar välfärdsområdets
# kundkonto och upprättar avtalet.
#
# Hon skulle helst betjäna bara sitt eget folk. Men en offentlig tjänstetillhandahållare ska betjäna *alla* yrkesutbildade
# personer på minst ett av sina ställen, också tandläkaren på den privata mottagningen intill. MDB påminner henne.

# %% tags=["nbval-check-output"]
kaltio.service_certificates.open_account(county, user=aino, identified_with="bank-codes")


def draw_up(serves_all):
    """The contract of Kaltio's registration point."""
    details = {"delivery_address": "Kaltiontie 1, 00000 Testilä", "contact": "Lumi Tuiskuoja", "language": LANGUAGE}
    return kaltio.contracts.draw_up("registration-point", county, signer=aino, serves_all=serves_all, **details)


attempt(say("draw-up"), lambda: draw_up(serves_all=False))
contract = draw_up(serves_all=True)
print()
print(contract.document.decode())

# %% [markdown] lang="en"
# The contract is signed with a certificate card. Aino has none: her old one lapsed, and the new one is to come from the very
# point that she is founding. Bank codes do not help her. So the contract is *sent* first and signed afterwards. DVV approves it
# and sets a last day. (How long one may wait is not public; three months is a choice of this program.)

# %% [markdown] lang="fi"
# Sopimus allekirjoitetaan varmennekortilla. Ainolla ei ole korttia: vanha on vanhentunut, ja uuden pitäisi tulla juuri siitä
# pisteestä, jota hän on perustamassa. Pankkitunnukset eivät auta. Siksi sopimus *lähetetään* ensin ja allekirjoitetaan
# jälkikäteen. DVV hyväksyy sen ja asettaa viimeisen päivän. (Kuinka kauan saa odottaa, ei ole julkista tietoa; kolme kuukautta
# on tämän ohjelman valinta.)

# %% [markdown] lang="sv"
# Avtalet undertecknas med ett certifikatkort. Aino har inget: det gamla har gått ut, och det nya ska komma från just det ställe
# som hon håller på att inrätta. Bankkoder hjälper inte. Därför *sänds* avtalet först och undertecknas i efterhand. MDB godkänner
# det och bestämmer en sista dag. (Hur länge man får vänta är inte offentligt; tre månader är ett val i det här programmet.)

# %% tags=["nbval-check-output"]
attempt(say("sign-bank"), lambda: kaltio.contracts.sign(contract.id, by=aino, method="bank-codes"))
kaltio.contracts.send_unsigned(contract.id, by=aino)
contract = kaltio.contracts.approve(contract.id)
print()
print(say("contract", id=contract.id, state=state(contract)))
print(say("sign-by", day=contract.sign_by))

# %% [markdown] lang="en"
# ## 2. The point on paper
#
# On the contract stands the point. It is only planned, and it shows itself what it lacks. Each shortcoming is a rule.

# %% [markdown] lang="fi"
# ## 2. Piste paperilla
#
# Piste perustuu sopimukseen. Se on vasta suunniteltu, ja se kertoo itse, mitä siltä puuttuu. Jokainen puute on sääntö.

# %% [markdown] lang="sv"
# ## 2. Stället på papper
#
# På avtalet vilar registreringsstället. Det är ännu bara planerat, och det visar självt vad det saknar. Varje brist är en regel.

# %% tags=["nbval-check-output"]
POINT = "TEST-RP-10"
NEEDS = ["point.contract", "point.registrars", "point.card-readers", "point.locked-storage", "point.access-control"]
NEEDS = {rule: say(f"need {rule}") for rule in NEEDS}
lacking = {}


def note_what_lacks(moment):
    """Remember which rules the point does not keep now."""
    lacking[say(moment)] = [finding.rule for finding in kaltio.registration_points.shortcomings(POINT)]
    return lacking[say(moment)]


point = kaltio.registration_office.plan(contract.id, point_id=POINT, name=say("point-name"), public=True, by=aino)
print(say("point", id=point.id, state=state(point)))
table((say("head-lacks"), say("head-rule")), [(NEEDS[rule], f"`{rule}`") for rule in note_what_lacks("when-planned")])

# %% [markdown] lang="en"
# Tuesday, 3 March. Kasperi puts two card readers (kortinlukija) on the desk, and everybody asks why two. One is for the
# registrar's own card, which says who acts. The other is for the card that is being made or emptied: the spare card. The cabinet
# for blanks and forms gets a lock that only the registrars can open, and the door a reader of passes, since the point may not
# stand in open customer space.
#
# Could they open tomorrow?

# %% [markdown] lang="fi"
# Tiistai 3. maaliskuuta. Kasperi asettaa pöydälle kaksi kortinlukijaa, ja kaikki kysyvät, miksi kaksi. Toinen on rekisteröijän
# omaa korttia varten: se kertoo, kuka toimii. Toinen on sitä korttia varten, jota tehdään tai tyhjennetään, siis varakorttia.
# Tyhjien korttien ja lomakkeiden kaappi saa lukon, jonka vain rekisteröijät voivat avata, ja ovi saa kulunvalvonnan, sillä piste
# ei saa olla avoimessa asiakastilassa.
#
# Voisiko pisteen avata jo huomenna?

# %% [markdown] lang="sv"
# Tisdagen den 3 mars. Kasperi ställer två kortläsare på bordet, och alla frågar varför två. Den ena är för registrerarens eget
# kort, som säger vem som handlar. Den andra är för kortet som görs eller töms, det vill säga det tillfälliga kortet. Skåpet för
# tomma kort och blanketter får ett lås som bara registrerarna kan öppna, och dörren får tillträdeskontroll, för stället får inte
# ligga i ett öppet kundutrymme.
#
# Kunde man öppna redan i morgon?

# %% tags=["nbval-check-output"]
clock_to(3, 3)
office = kaltio.registration_office
office.equip(POINT, by=aino, card_readers=2, locked_storage=True, access_control=True)
note_what_lacks("when-equipped")
attempt(say("open-point"), lambda: office.open(POINT))

# %% [markdown] lang="en"
# ## 3. The course (rekisteröijäkoulutus)
#
# Only trained registrars use Vartti. DVV's course is online and ends with an exam, drawn anew for everybody. Lumi has read
# everything. Kasperi, who "knows computers anyway", has not. (The real questions, their number and the pass mark are not public;
# those here rest on the facts in docs/field and are our own.)

# %% [markdown] lang="fi"
# ## 3. Rekisteröijäkoulutus
#
# Vain koulutetut rekisteröijät käyttävät Varttia. DVV:n koulutus on verkossa ja päättyy kokeeseen, joka arvotaan jokaiselle
# erikseen. Lumi on lukenut kaiken. Kasperi, joka ”tuntee tietokoneet muutenkin”, ei ole. (Oikeat kysymykset, niiden määrä ja
# hyväksymisraja eivät ole julkisia; nämä perustuvat docs/field-kansion tietoihin ja ovat omiamme.)

# %% [markdown] lang="sv"
# ## 3. Registrerarutbildningen
#
# Bara utbildade registrerare använder Vartti. MDB:s utbildning går på nätet och slutar med ett prov som lottas fram på nytt för
# var och en. Lumi har läst allt. Kasperi, som ”kan datorer ändå”, har det inte. (De verkliga frågorna, deras antal och gränsen
# för godkänt är inte offentliga; frågorna här vilar på uppgifterna i docs/field och är våra egna.)

# %%
course = kaltio.registrar_course
for trainee in (lumi, kasperi):
    course.enrol(trainee, language=LANGUAGE)
exam = course.exam(lumi)
print(exam.questions[0].text)
for letter, choice in exam.questions[0].choices.items():
    print(f"  {letter}) {choice}")


# %% tags=["nbval-check-output"]
def sit(name, trainee, *, prepared):
    """Sit the exam: with the right answers, or with none of them."""
    exam, key = course.exam(trainee), course.answer_key(trainee)
    wrong = {one.id: next(letter for letter in one.choices if letter != key[one.id]) for one in exam.questions}
    result = course.submit(trainee, key if prepared else wrong)
    verdict = say("exam-passed" if result.passed else "exam-failed")
    print(say("exam", name=name, score=result.score, all=len(exam.questions), verdict=verdict))


sit("Lumi", lumi, prepared=True)
sit("Kasperi", kasperi, prepared=False)
sit("Kasperi", kasperi, prepared=True)

# %% [markdown] lang="en"
# ## 4. Two applications, and the door opens
#
# Wednesday, 4 March. With the certificate of the course, each files a registrar application. It must be one's own certificate;
# in the hurry Kasperi attaches Lumi's.

# %% [markdown] lang="fi"
# ## 4. Kaksi hakemusta, ja ovi avautuu
#
# Keskiviikko 4. maaliskuuta. Kumpikin jättää rekisteröijähakemuksen ja liittää siihen koulutuksen todistuksen. Todistuksen on
# oltava hakijan oma; kiireessä Kasperi liittää Lumin todistuksen.

# %% [markdown] lang="sv"
# ## 4. Två ansökningar, och dörren öppnas
#
# Onsdagen den 4 mars. Var och en lämnar in en ansökan om att bli registrerare, med intyget från utbildningen som bilaga. Intyget
# ska vara ens eget; i brådskan bifogar Kasperi Lumis.

# %% tags=["nbval-check-output"]
clock_to(3, 4)
lumis = course.certificate(lumi).document
attempt(say("apply-with-other"), lambda: office.apply_registrar(kasperi, POINT, certificate=lumis, by=aino))
print()
for name, trainee in (("Lumi", lumi), ("Kasperi", kasperi)):
    office.apply_registrar(trainee, POINT, certificate=course.certificate(trainee).document, by=aino)
    right = office.grant(trainee, POINT)
    print(say("registrar", name=name, state=state(right), day=right.valid_to))
_ = note_what_lacks("when-trained")

# %% [markdown] lang="en"
# A right is not yet an open door. Kasperi tries to order a card that same evening; then, on Thursday, 5 March, DVV opens the
# point.

# %% [markdown] lang="fi"
# Oikeus ei ole vielä avoin ovi. Kasperi yrittää tilata kortin vielä samana iltana; torstaina 5. maaliskuuta DVV avaa pisteen.

# %% [markdown] lang="sv"
# En rättighet är ännu ingen öppen dörr. Kasperi försöker beställa ett kort redan samma kväll; torsdagen den 5 mars öppnar MDB
# stället.

# %% tags=["nbval-check-output"]
from sotepki.dvv import CardRequest, CardSignature, Employment, IdentityProof, sign_with_card

vartti = kaltio.vartti


def passport_of(holder=None, *, in_person=True):
    """A Finnish passport that is valid to the end of May 2030."""
    return IdentityProof("passport", valid_to=date(2030, 5, 31), holder=holder, in_person=in_person)


def order_card(applicant, registrar=kasperi, identity=None):
    """An order for a professional card; by default on a passport."""
    return vartti.order_professional_card(
        registrar=registrar, applicant=applicant, identity=identity or passport_of(applicant)
    )


attempt(say("order-too-early"), lambda: order_card(aino))
clock_to(3, 5)
point = office.open(POINT)
note_what_lacks("when-opened")
print()
print(say("point", id=point.id, state=state(point)))

# %%
readiness(lacking, NEEDS, there=say("there"), lacks=say("lacks"))

# %% [markdown] lang="en"
# *The point in its first four days, drawn from its own books. Whatever is white stands in the way of opening.*
#
# ## 5. The first two orders
#
# The first card of the new point is for Aino, who has a contract to sign. The second is for Lumi: her old card has lapsed too,
# and a nurse without a card signs nothing. She is a registrar now, the form is open before her, and she begins to
# type her own name.

# %% [markdown] lang="fi"
# *Pisteen neljä ensimmäistä päivää, piirrettynä sen omista kirjoista. Kaikki valkoinen estää avaamisen.*
#
# ## 5. Kaksi ensimmäistä tilausta
#
# Uuden pisteen ensimmäinen kortti tehdään Ainolle, jolla on sopimus allekirjoitettavana. Toinen on Lumille: hänenkin vanha
# korttinsa on vanhentunut, eikä sairaanhoitaja ilman korttia allekirjoita mitään. Hän on nyt rekisteröijä, lomake on auki hänen
# edessään, ja hän alkaa kirjoittaa omaa nimeään.

# %% [markdown] lang="sv"
# *Ställets fyra första dagar, ritade ur dess egna böcker. Allt som är vitt hindrar öppnandet.*
#
# ## 5. De två första beställningarna
#
# Det nya ställets första kort är till Aino, som har ett avtal att underteckna. Det andra är till Lumi: också hennes gamla kort
# har gått ut, och en sjukskötare utan kort undertecknar ingenting. Hon är registrerare nu, blanketten ligger öppen framför
# henne, och hon börjar skriva sitt eget namn.

# %% tags=["nbval-check-output"]
ainos = order_card(aino)
print(say("order", id=ainos.id, state=state(ainos), holder="Aino"))
print()
attempt(say("own-card"), lambda: order_card(lumi, registrar=lumi))
print()
lumis_order = order_card(lumi, registrar=kasperi)
print(say("order", id=lumis_order.id, state=state(lumis_order), holder="Lumi"))

# %% [markdown] lang="en"
# A point has at least two registrars for just this reason: nobody can be both the one who asks and the one who checks.
#
# A card takes about two weeks. On Thursday, 19 March, both come to Kaltio by post. The letter with the activation code
# (tunnuslukukirje) does not come with them. It leaves four working days later and goes to the holder's home, so that whoever
# steals one envelope has only half of what is needed.

# %% [markdown] lang="fi"
# Juuri tästä syystä pisteessä on vähintään kaksi rekisteröijää: kukaan ei voi olla sekä se, joka pyytää, että se, joka tarkistaa.
#
# Kortin valmistus vie noin kaksi viikkoa. Torstaina 19. maaliskuuta molemmat kortit tulevat postissa Kaltioon.
# Aktivointitunnuslukukirje ei tule niiden mukana. Se lähtee neljä työpäivää myöhemmin haltijan kotiin, jotta yhden kuoren
# varastanut saa vasta puolet siitä, mitä tarvitaan.

# %% [markdown] lang="sv"
# Av just det skälet har ett ställe minst två registrerare: ingen kan vara både den som begär och den som kontrollerar.
#
# Det tar ungefär två veckor att få ett kort. Torsdagen den 19 mars kommer båda korten med posten till Kaltio. Kodbrevet med
# aktiveringskoden kommer inte med dem. Det skickas fyra arbetsdagar senare hem till innehavaren, så att den som stjäl det ena
# kuvertet bara har hälften av det som behövs.

# %% tags=["nbval-check-output"]
clock_to(3, 19)
ainos, lumis_order = (vartti.personalise(order.id) for order in (ainos, lumis_order))
print(say("order", id=ainos.id, state=state(ainos), holder="Aino"))
print(say("letter-due", day=ainos.letter_due))
clock_to(3, 20, 10)
vartti.hand_over(lumis_order.card_number, registrar=kasperi, identity=passport_of(lumi))
print(say("order", id=lumis_order.id, state=state(vartti.order(lumis_order.id)), holder="Lumi"))

# %%
from IPython.display import SVG

from sotepki.card.face import face_of

SVG(face_of(kaltio.cards.read(ainos.card_number)).svg())

# %% [markdown] lang="en"
# *Aino's card: front with validity, number, registration number, name and profession; the serial number on the back. A photo is
# optional.*
#
# ## 6. Friday, 27 March: the day begins
#
# It is eight o'clock. Kasperi opens the cabinet, counts the blanks for spare cards that came with yesterday's post, and puts his
# personnel card into the left reader. The right one is still empty.

# %% [markdown] lang="fi"
# *Ainon kortti: etupuolella voimassaoloaika, numero, rekisteröintinumero, nimi ja ammatti, takapuolella sarjanumero. Valokuva ei
# ole pakollinen.*
#
# ## 6. Perjantai 27. maaliskuuta: päivä alkaa
#
# Kello on kahdeksan. Kasperi avaa kaapin, laskee eilisessä postissa tulleet tyhjät varakortit ja panee henkilöstökorttinsa
# vasempaan lukijaan. Oikeanpuoleinen on vielä tyhjä.

# %% [markdown] lang="sv"
# *Ainos kort: på framsidan giltighetstid, nummer, registreringsnummer, namn och yrke, på baksidan serienumret. Ett foto är
# frivilligt.*
#
# ## 6. Fredagen den 27 mars: dagen börjar
#
# Klockan är åtta. Kasperi öppnar skåpet, räknar de tomma korten som kom med gårdagens post och sätter sitt personalkort i den
# vänstra läsaren. Den högra är ännu tom.

# %% tags=["nbval-check-output"]
clock_to(3, 25, 12)  # the code letters leave
clock_to(3, 27, 8)
blanks = kaltio.spare_cards.receive_blanks(2, registrar=kasperi)
print(say("blanks", count=len(blanks)))

# %% [markdown] lang="en"
# ### 8:15. Whose card is it?
#
# A colleague of Aino's stands at the desk: could he take her card along? He has brought her passport. It is kindly meant, and
# the answer is no: the holder comes in person, for the identity is checked again at the hand-over, and so is the right.
#
# Ten minutes later Aino comes herself, out of breath, and with the wrong passport in her hand, her daughter's.

# %% [markdown] lang="fi"
# ### 8.15. Kenen kortti?
#
# Tiskillä seisoo Ainon työkaveri: voisiko hän viedä Ainon kortin samalla? Hänellä on mukanaan Ainon passi. Tarkoitus on hyvä ja
# vastaus kielteinen: haltija tulee itse, sillä luovutettaessa henkilöllisyys ja ammattioikeus tarkistetaan uudelleen.
#
# Kymmenen minuutin päästä Aino tulee itse hengästyneenä ja väärä passi kädessään: tyttärensä.

# %% [markdown] lang="sv"
# ### 8.15. Vems kort är det?
#
# Vid disken står en av Ainos kolleger: kunde han ta hennes kort med sig? Han har hennes pass. Det är vänligt menat, och svaret är
# nej: innehavaren kommer själv, för vid utlämnandet kontrolleras identiteten på nytt, och likaså yrkesrättigheten.
#
# Tio minuter senare kommer Aino själv, andfådd och med fel pass i handen, sin dotters.

# %% tags=["nbval-check-output"]
clock_to(3, 27, 8, 15)
number = ainos.card_number
somebody = cast.person("client-child")
absent, other = passport_of(aino, in_person=False), passport_of(somebody)
attempt(say("colleague-fetches"), lambda: vartti.hand_over(number, registrar=lumi, identity=absent))
attempt(say("other-document"), lambda: vartti.hand_over(number, registrar=lumi, identity=other))
clock_to(3, 27, 8, 40)
ainos = vartti.hand_over(number, registrar=lumi, identity=passport_of(aino))
print()
print(say("order", id=ainos.id, state=state(ainos), holder="Aino"))

# %% [markdown] lang="en"
# The code letter came home to her yesterday. She may take the card into use at the desk: she types the eight digits of the
# letter and then two codes of her own, the basic PIN (perustunnusluku) and the signature PIN (allekirjoitustunnusluku). Lumi
# looks out of the window meanwhile. A registrar never sees a holder's codes.
#
# And then Aino keeps her word. With the new card she signs the contract that the point has stood on for three weeks.

# %% [markdown] lang="fi"
# Tunnuslukukirje tuli hänelle eilen kotiin. Kortin saa ottaa käyttöön tiskillä: hän näppäilee kirjeen kahdeksan numeroa ja sitten
# kaksi omaa tunnuslukua, perustunnusluvun ja allekirjoitustunnusluvun. Lumi katsoo sillä välin ikkunasta ulos. Rekisteröijä ei
# koskaan näe haltijan tunnuslukuja.
#
# Sitten Aino pitää lupauksensa. Uudella kortilla hän allekirjoittaa sopimuksen, jonka varassa piste on ollut kolme viikkoa.

# %% [markdown] lang="sv"
# Kodbrevet kom hem till henne i går. Hon får ta kortet i bruk vid disken: hon matar in brevets åtta siffror och sedan två egna
# koder, baskoden och signaturkoden. Lumi tittar ut genom fönstret så länge. En registrerare ser aldrig innehavarens koder.
#
# Och sedan håller Aino sitt ord. Med det nya kortet undertecknar hon avtalet som stället har vilat på i tre veckor.

# %% tags=["nbval-check-output"]
from cryptography.hazmat.primitives.serialization import Encoding

with kaltio.cards.insert(number) as card:
    card.activate(activation_code(kaltio, number), PIN1, PIN2)
    print(say("tries", **card.tries()))
    card.verify_pin2(PIN2)
    certificate = card.certificate("signature").public_bytes(Encoding.DER)
    signature = CardSignature(certificate, sign_with_card(card.signature_key, contract.document))
vartti.note_activation(number, actor=aino)
contract = kaltio.contracts.sign(contract.id, by=aino, signature=signature)
print(say("contract", id=contract.id, state=state(contract)))

# %%
way = partial(stops_of, vartti.history(ainos.id), say)
two_ways({say("card"): way("place", "deliver", "hand-over"), say("letter"): way("produce", "post-letter")})

# %% [markdown] lang="en"
# *Card and code travel apart; the days are those of the books.* The contract in question is now signed by the very bytes that DVV
# keeps, and anybody with `openssl` can check it.
#
# ### 9:00. What proves who you are
#
# The waiting room fills. Before anything is ordered, Kasperi wants to know which documents he may accept. He need not learn the
# list by heart: Vartti can be asked what stands in the way of an order, without ordering.

# %% [markdown] lang="fi"
# *Kortti ja koodi kulkevat eri teitä; päivät ovat kirjoista.* Sopimuksen alle on nyt allekirjoitettu juuri ne tavut, jotka DVV
# säilyttää, ja kuka tahansa voi tarkistaa sen ohjelmalla `openssl`.
#
# ### 9.00. Mikä todistaa henkilöllisyyden
#
# Odotushuone täyttyy. Ennen tilauksia Kasperi haluaa tietää, mitkä asiakirjat hän saa hyväksyä. Luetteloa ei tarvitse opetella
# ulkoa: Vartilta voi kysyä, mikä tilauksen estää, ilman että mitään tilataan.

# %% [markdown] lang="sv"
# *Kort och kod färdas var för sig; dagarna är böckernas.* Underskriften på avtalet omfattar nu just de byte som MDB förvarar, och vem
# som helst kan kontrollera det med `openssl`.
#
# ### 9.00. Vad som styrker identiteten
#
# Väntrummet fylls. Innan något beställs vill Kasperi veta vilka handlingar han får godta. Listan behöver han inte kunna utantill:
# man kan fråga Vartti vad som hindrar en beställning, utan att beställa.

# %% tags=["nbval-check-output"]
clock_to(3, 27, 9)
astrid = cast.person("psychologist")
SHOWN = (
    "passport FI, passport JP, identity-card FI, identity-card SE, identity-card TR, driving-licence FI, kela-card FI"
)


def answer(kind, country, valid_to=date(2030, 5, 31)):
    """What Vartti says of a document, as a row."""
    identity = IdentityProof(kind, valid_to=valid_to, country=country)
    found = vartti.look_over(CardRequest(astrid, identity), registrar=kasperi)
    rules = ", ".join(f"`{finding.rule}`" for finding in found)
    return say(f"doc-{kind}"), country, valid_to, say("not-accepted", rules=rules) if found else say("accepted")


rows = [answer(*shown.split()) for shown in SHOWN.split(", ")]
rows += [answer("police-identification", "FI", ""), answer("passport", "FI", date(2026, 1, 31))]
table((say("head-document"), say("head-country"), say("head-valid"), say("head-answer")), rows)

# %% [markdown] lang="en"
# A passport of any state will do; an identity card (henkilökortti) only of the police, of an EEA state, of Switzerland or San
# Marino. A driving licence (ajokortti) and a Kela card never. Who has none of these is not sent home without hope: at the
# organisation's request the police may identify the person.
#
# ### 9:30. A form, filled in twice
#
# Astrid Månsken-Holm, psychologist, lays her driving licence on the desk. Kasperi fills in the form, and the form says at once
# what is wrong. (In JupyterLab it is a form to click in. On paper and in a static page it is a table with the same fields.)

# %% [markdown] lang="fi"
# Passi kelpaa mistä tahansa valtiosta; henkilökortti vain poliisin, ETA-valtion, Sveitsin tai San Marinon myöntämänä. Ajokortti ja
# Kela-kortti eivät kelpaa koskaan. Jos asiakkaalla ei ole mitään näistä, toivoa on silti: poliisi voi tunnistaa hänet
# organisaation pyynnöstä.
#
# ### 9.30. Lomake kahteen kertaan
#
# Psykologi Astrid Månsken-Holm panee tiskille ajokorttinsa. Kasperi täyttää lomakkeen, ja lomake sanoo heti, mikä on vialla.
# (JupyterLabissa sitä voi napsautella. Paperilla ja staattisella sivulla se on taulukko, jossa on samat kentät.)

# %% [markdown] lang="sv"
# Ett pass duger från vilken stat som helst; ett identitetskort bara från polisen, en EES-stat, Schweiz eller San Marino. Ett körkort
# och ett FPA-kort duger aldrig. Den som inte har något av dessa är inte utan hopp: polisen kan identifiera personen på
# organisationens begäran.
#
# ### 9.30. En blankett, ifylld två gånger
#
# Psykologen Astrid Månsken-Holm lägger sitt körkort på disken. Kasperi fyller i blanketten, och blanketten säger genast vad som är
# fel. (I JupyterLab är den en blankett att klicka i. På papper och på en statisk sida är den en tabell med samma fält.)

# %% tags=["nbval-check-output"]
from widgets import order_form

clock_to(3, 27, 9, 30)
form = order_form(kaltio, registrar=kasperi, language=LANGUAGE)
form.fill(applicant=astrid, document="driving-licence", valid_to="2030-05-31")

# %% [markdown] lang="en"
# She has her passport in the car.

# %% [markdown] lang="fi"
# Passi on hänellä autossa.

# %% [markdown] lang="sv"
# Passet har hon i bilen.

# %% tags=["nbval-check-output"]
form.fill(document="passport").order()

# %% [markdown] lang="en"
# She would have liked her picture on the card, and had sent a photo beforehand, as a PDF. A photo is optional, and one that is
# given is a JPEG or a PNG. (Which forms the real Vartti takes is not public; this is a choice.) Kasperi looks at what would have
# come of it.

# %% [markdown] lang="fi"
# Astrid olisi halunnut korttiin kuvansa ja oli lähettänyt valokuvan etukäteen PDF-tiedostona. Valokuva on vapaaehtoinen, ja jos se
# annetaan, se on JPEG- tai PNG-kuva. (Mitä muotoja oikea Vartti ottaa, ei ole julkista; tämä on valinta.) Kasperi katsoo, mitä siitä
# olisi seurannut.

# %% [markdown] lang="sv"
# Hon hade gärna haft sin bild på kortet och hade skickat ett foto på förhand, som PDF. Ett foto är frivilligt, och om det ges är det
# en JPEG- eller PNG-bild. (Vilka format det verkliga Vartti tar emot är inte offentligt; detta är ett val.) Kasperi ser efter vad
# som hade hänt.

# %% tags=["nbval-check-output"]
social_worker = cast.person("social-worker")
with_pdf = CardRequest(social_worker, passport_of(social_worker), photo=b"%PDF-1.7")
attempt(say("photo-pdf"), lambda: vartti.place_order(with_pdf, registrar=kasperi))

# %% [markdown] lang="en"
# ### 10:30. Five times no
#
# Not every no is about papers. In one hour Vartti refuses five orders, and each time somebody at the desk needs a sentence and
# a way out:
#
# - Aino wants a second card, to keep one at home. One person has one professional card. (Who is both physician and dentist may
#   have two.)
# - Tuomo Pyryharju was a nurse. His right (ammattioikeus) was removed. Vartti asks Valvira at the moment of the order, and no old
#   printout counts.
# - Leevi Suvantola-Testi, the new ward secretary, has never had a right. His is another card; we come to it.
# - Joel Viimaneva sits at the other county point and has not passed the course yet.
# - Reino Nietosmaa passed it long ago, and his right has ended.

# %% [markdown] lang="fi"
# ### 10.30. Viisi kertaa ei
#
# Kaikki hylkäykset eivät johdu papereista. Yhden tunnin aikana Vartti hylkää viisi tilausta, ja joka kerta joku tiskillä tarvitsee
# selityksen ja neuvon:
#
# - Aino haluaisi toisen kortin kotiin. Henkilöllä on yksi ammattikortti. (Sillä, joka on sekä lääkäri että hammaslääkäri, voi olla
#   kaksi.)
# - Tuomo Pyryharju oli sairaanhoitaja. Hänen ammattioikeutensa on poistettu. Vartti kysyy Valviralta tilaushetkellä, eikä vanha
#   tuloste merkitse mitään.
# - Leevi Suvantola-Testillä, uudella osastosihteerillä, ei ole koskaan ollut ammattioikeutta. Hänelle kuuluu toinen kortti; siihen
#   palataan.
# - Joel Viimaneva istuu hyvinvointialueen toisessa pisteessä eikä ole vielä suorittanut koulutusta.
# - Reino Nietosmaa suoritti sen kauan sitten, ja hänen oikeutensa on päättynyt.

# %% [markdown] lang="sv"
# ### 10.30. Fem gånger nej
#
# Alla nej beror inte på papper. På en timme avslår Vartti fem beställningar, och varje gång behöver någon vid disken en mening och
# en väg framåt:
#
# - Aino vill ha ett andra kort att ha hemma. En person har ett yrkeskort. (Den som är både läkare och tandläkare kan ha två.)
# - Tuomo Pyryharju var sjukskötare. Hans yrkesrättighet har återkallats. Vartti frågar Valvira i beställningens ögonblick, och
#   ingen gammal utskrift räknas.
# - Leevi Suvantola-Testi, den nya avdelningssekreteraren, har aldrig haft någon yrkesrättighet. För honom finns ett annat kort; vi
#   återkommer till det.
# - Joel Viimaneva sitter på välfärdsområdets andra ställe och har ännu inte gått utbildningen.
# - Reino Nietosmaa gick den för länge sedan, och hans rätt har upphört.

# %% tags=["nbval-check-output"]
clock_to(3, 27, 10, 30)
tuomo, leevi, niilo = (
    cast.person(part) for part in ("nurse-whose-right-was-removed", "employee-without-right", "practical-nurse")
)
joel, reino = cast.person("registrar-county-untrained"), cast.person("registrar-county-lapsed")
for words, deed in {
    "second-card": lambda: order_card(aino),
    "removed-right": lambda: order_card(tuomo),
    "no-right": lambda: order_card(leevi),
    "untrained": lambda: order_card(niilo, registrar=joel),
    "lapsed": lambda: order_card(niilo, registrar=reino),
}.items():
    attempt(say(words), deed)
    print()

# %% [markdown] lang="en"
# A registrar cannot mend any of these, and need not. What a registrar can do is name the right door: Valvira corrects right data,
# DVV decides about registrars, and the course can be taken again.
#
# ### 11:15. The ward secretary's card
#
# Leevi gets a personnel card (henkilöstökortti). It shows his job title and belongs to his employment: it cannot outlive it. The
# order states his task as well, since the price follows from it. Who handles patient data in care pays nothing.
#
# He mentions that he also does odd jobs for the private clinic Lehtokumpu, and could he have an actor card (toimijakortti) for
# it, now that he is here? Lehtokumpu has not authorised (valtuutus) this point.

# %% [markdown] lang="fi"
# Rekisteröijä ei voi korjata näistä yhtäkään, eikä hänen tarvitse. Hän voi neuvoa oikealle ovelle: Valvira korjaa
# ammattioikeustiedot, DVV päättää rekisteröijistä, ja koulutuksen voi suorittaa uudelleen.
#
# ### 11.15. Osastosihteerin kortti
#
# Leevi saa henkilöstökortin. Siinä on hänen tehtävänimikkeensä, ja se kuuluu palvelussuhteeseen: se ei voi olla voimassa pidempään
# kuin palvelussuhde. Tilauksessa kerrotaan myös tehtävä, sillä siitä riippuu hinta. Joka käsittelee potilastietoja hoidossa, ei
# maksa mitään.
#
# Leevi mainitsee tekevänsä keikkaa myös yksityiselle Lääkäriasema Lehtokummulle; saisiko hän samalla sinne toimijakortin?
# Lehtokumpu ei ole antanut tälle pisteelle valtuutusta.

# %% [markdown] lang="sv"
# En registrerare kan inte rätta till något av detta, och behöver inte heller. Hen kan visa till rätt dörr: Valvira rättar uppgifter
# om yrkesrättigheter, MDB beslutar om registrerare, och utbildningen kan gås på nytt.
#
# ### 11.15. Avdelningssekreterarens kort
#
# Leevi får ett personalkort. På det står hans tjänstebeteckning, och det hör till anställningen: det kan inte gälla längre än den.
# I beställningen uppges också uppgiften, för priset beror på den. Den som behandlar patientuppgifter i vården betalar ingenting.
#
# Han nämner att han också gör inhopp för den privata Lääkäriasema Lehtokumpu; kunde han få ett aktörskort dit på samma gång?
# Lehtokumpu har inte gett det här stället någon fullmakt.

# %% tags=["nbval-check-output"]
clock_to(3, 27, 11, 15)
employment = Employment(say("job-title"), task="patient-care", since=date(2026, 3, 1), until=date(2026, 8, 31))
request = CardRequest(leevi, passport_of(leevi), kind="personnel", employer=county, employment=employment)
leevis = vartti.place_order(request, registrar=kasperi)
print(say("order", id=leevis.id, state=state(leevis), holder=f"Leevi, {say(f'price-{leevis.price}')}"))
print()
clinic = CardRequest(
    leevi, passport_of(leevi), kind="actor", employer=cast.organisation("clinic"), employment=Employment("Konsultti")
)
attempt(say("not-authorised"), lambda: vartti.place_order(clinic, registrar=kasperi))

# %% [markdown] lang="en"
# ### 12:10. A card forgotten at home
#
# Niilo Keloranta, practical nurse, has his shift in twenty minutes, and his card lies at home on the kitchen table. For this there
# is the spare card (varakortti). Kasperi takes a blank from the cabinet, sees Niilo's passport, and makes the card on the spot: his
# own card is in one reader, the spare card in the other. Niilo types his codes himself. There is no letter.
#
# He asks for a month, to be on the safe side. Then, with the card in his hand, for a second one.

# %% [markdown] lang="fi"
# ### 12.10. Kortti jäi kotiin
#
# Lähihoitaja Niilo Kelorannan vuoro alkaa kahdenkymmenen minuutin päästä, ja kortti on kotona keittiön pöydällä. Tätä varten on
# varakortti. Kasperi ottaa kaapista tyhjän kortin, katsoo passin ja tekee kortin Niilon odottaessa: Kasperin oma kortti on toisessa
# lukijassa, varakortti toisessa. Niilo näppäilee tunnuslukunsa itse. Kirjettä ei tule.
#
# Varmuuden vuoksi hän pyytää korttia kuukaudeksi. Ja kun kortti on kädessä, vielä toista.

# %% [markdown] lang="sv"
# ### 12.10. Kortet blev hemma
#
# Närvårdaren Niilo Kelorantas skift börjar om tjugo minuter, och kortet ligger hemma på köksbordet. För det finns det tillfälliga
# kortet (reservkortet). Kasperi tar ett tomt kort ur skåpet, ser på passet och gör kortet medan Niilo väntar: hans eget kort sitter i
# den ena läsaren, det tillfälliga i den andra. Niilo matar själv in sina koder. Något brev kommer inte.
#
# För säkerhets skull ber han om en månad. Sedan, med kortet i handen, om ett till.

# %% tags=["nbval-check-output"]
clock_to(3, 27, 12, 10)


def issue(blank, days):
    """A spare card for Niilo, made at the desk."""
    return kaltio.spare_cards.issue(
        blank.number, registrar=kasperi, holder=niilo, identity=passport_of(niilo), days=days
    )


attempt(say("too-long"), lambda: issue(blanks[0], 31))
spare = issue(blanks[0], 1)
print()
print(say("spare", number=spare.number, state=state(spare), until=finnish_day(spare.not_after)))
with kaltio.cards.insert(spare.number) as card:
    card.activate(spare.activation_code, PIN1, PIN2)
    print(say("tries", **card.tries()))
print()
attempt(say("second-spare"), lambda: issue(blanks[1], 1))

# %% [markdown] lang="en"
# (The longest validity of a spare card is not public; fourteen days is a choice.)
#
# ### 13:00. The letter in the stove
#
# Lumi's own code letter did come, and went into the stove together with the advertisements. Her card is good, only the code is
# gone. DVV takes no orders for letters; a registrar orders a new one in Vartti for somebody who stands at the desk with a
# document. Leevi, always helpful, offers to do it, since both registrars are busy. But he is no registrar. And Lumi, who is one,
# is for this moment a customer: she takes her passport, walks around the desk, and Kasperi does it.

# %% [markdown] lang="fi"
# (Varakortin pisin voimassaoloaika ei ole julkinen; neljätoista päivää on valinta.)
#
# ### 13.00. Kirje meni uuniin
#
# Lumin oma tunnuslukukirje tuli kyllä, mutta se päätyi mainosten mukana uuniin. Kortissa ei ole vikaa, vain tunnusluku on poissa.
# DVV ei ota kirjetilauksia vastaan; rekisteröijä tilaa Vartissa uuden kirjeen sille, joka seisoo tiskillä asiakirja kädessään.
# Aina avulias Leevi tarjoutuu hoitamaan asian, kun molemmilla rekisteröijillä on kiire. Hän ei kuitenkaan ole rekisteröijä. Lumi
# on, mutta tämän hetken hän on asiakas: hän ottaa passinsa, kiertää tiskin toiselle puolelle, ja Kasperi hoitaa asian.

# %% [markdown] lang="sv"
# (Hur länge ett tillfälligt kort högst får gälla är inte offentligt; fjorton dagar är ett val.)
#
# ### 13.00. Brevet i kaminen
#
# Lumis eget kodbrev kom nog, men det åkte in i kaminen tillsammans med reklamen. Kortet är det inget fel på, bara koden är borta.
# MDB tar inte emot beställningar av brev; en registrerare beställer i Vartti ett nytt brev åt den som står vid disken med en
# handling. Den alltid hjälpsamma Leevi erbjuder sig, eftersom båda registrerarna har fullt upp. Men han är ingen registrerare. Lumi
# är det, men just nu är hon kund: hon tar sitt pass, går runt disken, och Kasperi sköter saken.

# %% tags=["nbval-check-output"]
clock_to(3, 27, 13)
hers = lumis_order.card_number
attempt(
    say("code-by-holder"),
    lambda: vartti.order_new_code(hers, registrar=leevi, identity=passport_of(lumi)),
)
vartti.order_new_code(hers, registrar=kasperi, identity=passport_of(lumi))
print()
print(say("new-code", number=hers))

# %% [markdown] lang="en"
# ### 14:00. The telephone
#
# Aino calls. She had lunch by the lake, and her card is gone. "Should I not look for it first?" No. A lost card is reported at
# once: to the registration point, or at any hour to the revocation service (sulkupalvelu). (An older page of the authority gives
# its number as 0800 162 622; look it up before you print it.) The holder's liability ends when the notice is received, and not a
# minute earlier.
#
# A registrar asks for the reason as well, because not everybody may give every reason.

# %% [markdown] lang="fi"
# ### 14.00. Puhelin soi
#
# Aino soittaa. Hän oli lounaalla järven rannassa, ja kortti on poissa. ”Enkö etsisi sitä ensin?” Ei. Kadonneesta kortista ilmoitetaan
# heti: rekisteröintipisteeseen tai mihin aikaan tahansa sulkupalveluun. (Viranomaisen vanhemmalla sivulla numero on
# 0800 162 622; tarkista se, ennen kuin painatat sen mihinkään.) Haltijan vastuu päättyy, kun ilmoitus on vastaanotettu, eikä
# minuuttiakaan aiemmin.
#
# Rekisteröijä kysyy myös syyn, sillä kuka tahansa ei voi ilmoittaa mitä syytä tahansa.

# %% [markdown] lang="sv"
# ### 14.00. Telefonen ringer
#
# Aino ringer. Hon åt lunch vid sjön, och kortet är borta. ”Ska jag inte leta först?” Nej. Ett förlorat kort anmäls genast: till
# registreringsstället, eller när som helst på dygnet till spärrtjänsten. (På en äldre sida hos myndigheten är numret
# 0800 162 622; kontrollera det innan du trycker det någonstans.) Innehavarens ansvar upphör när anmälan har tagits emot, och inte
# en minut tidigare.
#
# Registreraren frågar också efter orsaken, för vem som helst kan inte uppge vilken orsak som helst.

# %% tags=["nbval-check-output"]
from sotepki.dvv.office_data import office_data
from sotepki.dvv.vartti.data import vartti_data

closing = vartti_data().closing_actors
who = {
    reason: ", ".join(say(f"who-{one}") for one in ("holder", "registrar", "dvv") if one in {*actors, "dvv"})
    for reason, actors in closing.items()
}
rows = [(f"`{one}`", who[one], f"`{office_data().closing_reasons[one].value}`") for one in closing]
table((say("head-reason"), say("head-who"), say("head-crl")), rows)

# %% tags=["nbval-check-output"]
clock_to(3, 27, 14)
closed = vartti.close_card(number, "lost", lumi)
print(say("closed", number=number, state=state(closed)))
clock_to(3, 27, 14, 50)
vartti.report_found(number, aino)
print(say("closed", number=number, state=state(vartti.card(number))))
print()
attempt(say("works-again"), lambda: vartti.close_card(number, "lost", aino))

# %% [markdown] lang="en"
# At ten to three the café by the lake telephones: the card lay under the table. It makes no difference. Both certificates are on the
# revocation list (sulkulista) for good; a revocation is never undone. Aino must order a new card, in person, and since the old one
# is closed, nothing stands in the way now. For the shifts in between there is a spare card.
#
# ### 15:30. The spare card comes back
#
# Niilo brings the spare card after his shift. Its certificates are revoked, the chip is emptied, and the card lies again with the
# blanks, behind the lock. The forms of the day go into the archive.

# %% [markdown] lang="fi"
# Kymmentä vaille kolme soittaa rannan kahvila: kortti oli pöydän alla. Se ei muuta mitään. Molemmat varmenteet ovat sulkulistalla
# pysyvästi; sulkemista ei peruta koskaan. Ainon on tilattava uusi kortti käymällä itse paikalla, ja koska vanha on suljettu, mikään
# ei enää estä sitä. Väliajan työvuoroihin saa varakortin.
#
# ### 15.30. Varakortti palautuu
#
# Niilo tuo varakortin vuoronsa päätteeksi. Sen varmenteet suljetaan, siru tyhjennetään, ja kortti palaa tyhjien joukkoon lukon
# taakse. Päivän lomakkeet arkistoidaan.

# %% [markdown] lang="sv"
# Tio i tre ringer kaféet vid sjön: kortet låg under bordet. Det ändrar ingenting. Båda certifikaten står på spärrlistan för gott; en
# spärrning tas aldrig tillbaka. Aino måste beställa ett nytt kort på plats, och eftersom det gamla är spärrat finns det inte längre
# något hinder. För skiften däremellan finns det tillfälliga kortet.
#
# ### 15.30. Det tillfälliga kortet kommer tillbaka
#
# Niilo lämnar tillbaka kortet efter sitt skift. Dess certifikat spärras, chippet töms, och kortet ligger igen bland de tomma bakom
# låset. Dagens blanketter arkiveras.

# %% tags=["nbval-check-output"]
clock_to(3, 27, 15, 30)
returned = kaltio.spare_cards.take_back(spare.number, registrar=kasperi)
print(say("spare-back", number=returned.number, state=state(returned)))

# %% [markdown] lang="en"
# ### 16:00. The day on one page
#
# Nobody has to remember such a day: every step and every refusal stands in the journal, with the registrar's number and without a
# single identity code. This is the day of the registration point, drawn from it.

# %% [markdown] lang="fi"
# ### 16.00. Päivä yhdellä sivulla
#
# Kenenkään ei tarvitse muistaa tällaista päivää: jokainen vaihe ja jokainen hylkäys on lokissa rekisteröijän numerolla ja ilman
# yhtäkään henkilötunnusta. Tämä on rekisteröintipisteen päivä, siitä piirrettynä.

# %% [markdown] lang="sv"
# ### 16.00. Dagen på en sida
#
# Ingen behöver minnas en sådan dag: varje steg och varje avslag står i loggen, med registrerarens nummer och utan en enda
# personbeteckning. Det här är registreringsställets dag, ritad ur den.

# %%
from sotepki.records import newest_entries

with kaltio.records.look() as session:
    entries = [entry for entry in newest_entries(session, 400) if finnish_day(entry.at) == date(2026, 3, 27)]
    deeds = deeds_of(entries, say)
day_at_the_desk(deeds)

# %% [markdown] lang="en"
# *A filled circle was done, a cross was refused. The numbers are those of orders, contracts and cards.*
#
# ## 7. What comes weeks later
#
# Not everything happens on one day. Two weeks later Leevi's card is there. In April Lumi's chip stops answering. A complaint is
# not written of a card that still counts: it is closed as broken first. In June Leevi changes to another employer: the registration point
# closes what is tied to the employment, and only the registration point may give that reason.

# %% [markdown] lang="fi"
# *Täytetty ympyrä on tehty, rasti hylätty. Numerot ovat tilausten, sopimusten ja korttien.*
#
# ## 7. Mitä viikkojen päästä tapahtuu
#
# Kaikki ei tapahdu yhdessä päivässä. Kahden viikon päästä Leevin kortti saapuu. Huhtikuussa Lumin siru lakkaa vastaamasta.
# Voimassa olevasta kortista ei tehdä reklamaatiota: kortti suljetaan ensin rikkoutuneena. Kesäkuussa Leevi siirtyy toiselle työnantajalle:
# rekisteröintipiste sulkee sen, mikä kuuluu palvelussuhteeseen, ja vain rekisteröintipiste voi ilmoittaa sen syyn.

# %% [markdown] lang="sv"
# *En fylld cirkel blev gjord, ett kryss avslogs. Numren är beställningarnas, avtalens och kortens.*
#
# ## 7. Det som kommer veckor senare
#
# Allt sker inte på en dag. Två veckor senare är Leevis kort här. I april slutar Lumis chip svara. Man reklamerar
# inte ett kort som ännu gäller: det spärras först som trasigt. I juni byter Leevi arbetsgivare: registreringsstället spärrar det som hör till anställningen, och
# bara registreringsstället kan uppge den orsaken.

# %% tags=["nbval-check-output"]
clock_to(4, 10)
leevis = vartti.personalise(leevis.id)
vartti.hand_over(leevis.card_number, registrar=kasperi, identity=passport_of(leevi))
clock_to(4, 20)
attempt(
    say("complain-too-early"),
    lambda: vartti.complain(hers, registrar=kasperi, text="The chip does not answer"),
)
vartti.close_card(hers, "broken", lumi)
broken = vartti.complain(hers, registrar=kasperi, text="The chip does not answer")
print()
print(say("closed", number=hers, state=state(broken)))
clock_to(6, 15)
print()
attempt(say("wrong-reason"), lambda: vartti.close_card(leevis.card_number, "employment-ended", leevi))
print()
for card in vartti.end_employment(leevi, county, registrar=lumi):
    print(say("closed", number=card.card_number, state=state(card)))

# %% [markdown] lang="en"
# And in the same month Kasperi moves to the south. His right as a registrar is withdrawn, and the point is shown as what it is:
# below the requirements, until a second registrar has been trained.

# %% [markdown] lang="fi"
# Samassa kuussa Kasperi muuttaa etelään. Hänen oikeutensa toimia rekisteröijänä peruutetaan, ja piste näytetään sellaisena kuin se on: alle
# vaatimusten, kunnes toinen rekisteröijä on koulutettu.

# %% [markdown] lang="sv"
# Samma månad flyttar Kasperi söderut. Hans rätt som registrerare återkallas, och stället visas som det är: under kraven, tills en
# andra registrerare har utbildats.

# %% tags=["nbval-check-output"]
office.withdraw(kasperi, POINT, reason="moved away", by=aino)
point = kaltio.registration_points.point(POINT)
print(say("point", id=point.id, state=state(point)))
for finding in kaltio.registration_points.shortcomings(POINT):
    print(" ", NEEDS[finding.rule], f"[{finding.rule}]")

# %% [markdown] lang="en"
# ## What was shown
#
# The rules as they stand in the rule book, with how firmly each is known.

# %% [markdown] lang="fi"
# ## Mitä näytettiin
#
# Säännöt siten kuin ne ovat sääntökirjassa, ja se, kuinka varmasti kukin tiedetään.

# %% [markdown] lang="sv"
# ## Vad som visades
#
# Reglerna så som de står i regelboken, och hur säkert man vet var och en.

# %% tags=["nbval-check-output"]
SHOWN_RULES = (
    "contract.public-serves-all contract.method point.registrars point.not-open "
    "registrar.course-certificate registrar.course registrar.expired order.not-for-oneself "
    "order.identity.in-person order.identity.person order.identity.kind order.identity.expired "
    "order.photo order.one-card order.right.none staff.point spare.days spare.one-card code.actor "
    "close.reason-actor order.state"
)
told.rules_shown(*SHOWN_RULES.split(), language=LANGUAGE)

# %% [markdown] lang="en"
# ## Exercises
#
# Now you are the registrar. The practice world is new, nothing has happened in it yet. You work at TEST-RP-01 as Raili
# Kaamosjärvi (`registrar-county-1`); your colleague is Tuulikki Ánotvuoma (`registrar-county-2`). Its workspace is called `workspace`, as in the hints.
#
# Each task is shown by one cell. Write what you would do into the next cell, above its last line, and run it: `check()` looks at
# the practice world and says what is still missing. `hint()` helps, `explain()` tells why. A wrong step breaks nothing; it is
# refused, as at a real desk.
#
# When all are done, sit the exam, as the nurse Lumi: `paper = exam(workspace, cast.person("nurse"), language=LANGUAGE)`, with
# `exam` of `sotepki.training`, draws your paper, `paper` shows it, and `paper.hand_in("abcabcab")` hands it in, a letter for each
# question. At the command line it is `sotepki training exam`.

# %% [markdown] lang="fi"
# ## Harjoitukset
#
# Nyt rekisteröijä olet sinä. Harjoitusmaailma on uusi, eikä siinä ole vielä tapahtunut mitään. Toimit pisteessä TEST-RP-01 Raili
# Kaamosjärvenä (`registrar-county-1`); työparisi on Tuulikki Ánotvuoma (`registrar-county-2`). Työtilan nimi on `workspace`, kuten vihjeissä.
#
# Yksi solu näyttää tehtävän. Kirjoita seuraavaan soluun viimeisen rivin yläpuolelle, mitä tekisit, ja aja solu: `check()` katsoo
# harjoitusmaailmaa ja sanoo, mitä vielä puuttuu. `hint()` auttaa, `explain()` kertoo miksi. Väärä askel ei riko mitään; se hylätään
# niin kuin oikeallakin tiskillä.
#
# Kun kaikki on tehty, suorita koe sairaanhoitaja Lumina: `paper = exam(workspace, cast.person("nurse"), language=LANGUAGE)`, jossa
# `exam` on moduulista `sotepki.training`, arpoo kysymykset, `paper` näyttää ne, ja `paper.hand_in("abcabcab")` antaa vastaukset,
# kirjaimen joka kysymykseen. Komentorivillä se on `sotepki training exam`.

# %% [markdown] lang="sv"
# ## Övningar
#
# Nu är det du som är registrerare. Övningsvärlden är ny, ingenting har hänt i den ännu. Du arbetar på stället TEST-RP-01 som Raili
# Kaamosjärvi (`registrar-county-1`); din kollega är Tuulikki Ánotvuoma (`registrar-county-2`). Arbetsytan heter `workspace`, som i ledtrådarna.
#
# En cell visar uppgiften. Skriv i nästa cell, ovanför dess sista rad, vad du skulle göra, och kör den: `check()` ser på
# övningsvärlden och säger vad som ännu saknas. `hint()` hjälper, `explain()` berättar varför. Ett fel steg förstör ingenting; det
# avslås, som vid en verklig disk.
#
# När allt är gjort, avlägg provet som sjukskötaren Lumi: `paper = exam(workspace, cast.person("nurse"), language=LANGUAGE)`, med
# `exam` ur `sotepki.training`, lottar fram frågorna, `paper` visar dem, och `paper.hand_in("abcabcab")` lämnar in svaren, en
# bokstav för varje fråga. På kommandoraden är det `sotepki training exam`.

# %%
from sotepki.journey.card_holder import passport  # noqa: F401  (the exercises need it)
from sotepki.training import task

workspace = new_workspace("registrar-practice", at=datetime(2026, 10, 1, 7, 0, tzinfo=UTC), card_keys=12)


def exercise(name):
    """A task of this notebook in the practice world, in the reader's language."""
    return task(name, workspace, language=LANGUAGE)


# %%
exercise("driving-licence")

# %%
exercise("driving-licence").check()

# %%
exercise("expired-passport")

# %%
exercise("expired-passport").check()

# %%
exercise("order-for-a-colleague")

# %%
exercise("order-for-a-colleague").check()

# %%
exercise("right-removed")

# %%
exercise("right-removed").check()

# %%
exercise("two-professions")

# %%
exercise("two-professions").check()

# %%
exercise("three-rights")

# %%
exercise("three-rights").check()

# %%
exercise("hand-over")

# %%
exercise("hand-over").check()

# %%
exercise("letter-lost")

# %%
exercise("letter-lost").check()

# %%
exercise("lost-card")

# %%
exercise("lost-card").check()

# %%
exercise("left-at-home")

# %%
exercise("left-at-home").check()

# %%
exercise("faulty-card")

# %%
exercise("faulty-card").check()

# %%
exercise("name-changed")

# %%
exercise("name-changed").check()

# %%
exercise("consultant-leaves")

# %%
exercise("consultant-leaves").check()

# %%
exercise("placement-student")

# %%
exercise("placement-student").check()

# %%
exercise("second-registrar")

# %%
exercise("second-registrar").check()

# %%
close("registrar-practice")
close("registrar")
print("sotepki notebook: reached the end")
