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
#       fi: 14_sanasto
#       sv: 14_ordlista
# ---

# %% [markdown] lang="en"
# # Glossary: the words of the field in three languages
#
# The law, the forms and the telephone service speak Finnish and Swedish; the standards speak English. Who works between them needs
# one list of words, and needs to know which words an authority really uses. This is that list. It is read from the table in
# `docs/field/README.md`, and there is no second copy: a word that is corrected there is corrected here.
#
# A small circle after a word, as in varakortti°, says that it was seen on a page of an authority in that language. A word without
# it is an ordinary translation: good enough to understand, not good enough to print on a form.
#
# It takes ten minutes to read, and a second each time you need a word.

# %% [markdown] lang="fi"
# # Sanasto: alan sanat kolmella kielellä
#
# Laki, lomakkeet ja puhelinpalvelu puhuvat suomea ja ruotsia, standardit englantia. Joka työskentelee niiden välissä, tarvitsee
# yhden sanaluettelon ja tiedon siitä, mitä sanoja viranomainen todella käyttää. Tämä on se luettelo. Se luetaan taulukosta, joka on
# tiedostossa `docs/field/README.md`, eikä siitä ole toista kappaletta: siellä korjattu sana on korjattu täälläkin.
#
# Pieni ympyrä sanan perässä, kuten sanassa varakortti°, kertoo, että sana on nähty viranomaisen tämänkielisellä sivulla. Sana ilman
# ympyrää on tavallinen käännös: sillä ymmärtää, mutta lomakkeeseen sitä ei pidä painattaa.
#
# Lukemiseen menee kymmenen minuuttia ja yksittäisen sanan hakuun sekunti.

# %% [markdown] lang="sv"
# # Ordlista: branschens ord på tre språk
#
# Lagen, blanketterna och telefontjänsten talar finska och svenska, standarderna talar engelska. Den som arbetar däremellan behöver
# en lista över orden, och behöver veta vilka ord en myndighet verkligen använder. Det här är den listan. Den läses ur tabellen i
# `docs/field/README.md`, och det finns ingen andra kopia: ett ord som rättas där är rättat här.
#
# En liten ring efter ett ord, som i tillfälligt kort°, säger att ordet har setts på en myndighets sida på det språket. Ett ord utan
# ring är en vanlig översättning: den duger för att förstå, men inte för att tryckas på en blankett.
#
# Det tar tio minuter att läsa, och en sekund varje gång du behöver ett ord.

# %% lang="en"
LANGUAGE = "en"

# %% lang="fi"
LANGUAGE = "fi"

# %% lang="sv"
LANGUAGE = "sv"

# %% tags=["nbval-check-output"]
import told
from glossary import LANGUAGES, alphabetical, load_glossary, sections
from glossary_search import glossary_search, seen_by_section
from IPython.display import Markdown, display
from phrases import speaker
from story import table

told.be_kind(LANGUAGE)
say = speaker("14_glossary", LANGUAGE)
terms = load_glossary()
names = [say(f"name-{language}") for language in LANGUAGES]
print(say("terms", count=len(terms), sections=len(sections(terms))))
print(say("not-seen", **{one: sum(one not in term.seen for term in terms) for one in ("fi", "sv")}))

# %% [markdown] lang="en"
# ## Search
#
# In JupyterLab there is a field to type into; what you type is looked for while you type. Elsewhere call `search.find("...")`. Any
# language will do, and part of a word. Dots over letters may be left out, for keyboards that have none.

# %% [markdown] lang="fi"
# ## Haku
#
# JupyterLabissa on kenttä, johon voi kirjoittaa; haku toimii kirjoittaessa. Muualla kutsu `search.find("...")`. Kieli on vapaa, ja
# sanan osa riittää. Kirjainten pisteet saa jättää pois, jos näppäimistössä ei niitä ole.

# %% [markdown] lang="sv"
# ## Sökning
#
# I JupyterLab finns ett fält att skriva i; det söks medan du skriver. Annars anropar du `search.find("...")`. Vilket språk som helst
# går bra, och en del av ett ord. Prickarna över bokstäverna får utelämnas, för tangentbord som inte har dem.

# %% tags=["nbval-check-output"]
search = glossary_search(LANGUAGE)
search.find("rekisteroija")

# %% tags=["nbval-check-output"]
search.find("tunnusluku")

# %% tags=["nbval-check-output"]
search.find("varakorti")

# %% [markdown] lang="en"
# ## Words that mislead
#
# A list of words does not say where one stumbles. These are the places at which people who are new to the field do.
#
# - **Certificate** is two things. A *varmenne* (certifikat) is the electronic one, with a key. A *todistus* (intyg) is a paper that
#   says something: of a course, of an employment, of conformity. The registrar attaches a todistus in order to be allowed to order
#   varmenteet.
# - **The registrar** (rekisteröijä, registrerare) is a person at a desk. The **registration authority** is an office. The
#   **controller** (rekisterinpitäjä, personuppgiftsansvarig) has nothing to do with either: that is a term of data protection.
# - **Spare card and temporary certificate** are not the same. A spare card (varakortti, tillfälligt kort) is made at the desk and
#   comes back. A temporary certificate (tilapäisvarmenne) is what may be on it. In Swedish both are tillfällig.
# - **Professional card, personnel card, actor card**: ammattikortti for a person with a right, henkilöstökortti for staff without
#   one, toimijakortti for people from outside. *Toimikortti* is none of these: it is the
#   word for certificate cards in general.
# - **PIN1 and PIN2** have names of their own on Finnish letters: perustunnusluku opens, allekirjoitustunnusluku signs. The
#   activation code (aktivointitunnusluku) acts as the PUK and has eight digits.
# - **Authorities change their names, and their abbreviations change with the language.** DVV is MDB in Swedish, and was VRK (BRC)
#   until 2019. Kela is FPA. THL is THL in all. Old test certificates still say VRK.
# - **Pharmacists** are two professions: proviisori (provisor) and farmaseutti (farmaceut). English has one word for both, and the
#   register has two codes.
# - **Closing and revoking**: people say that a card is closed (suljetaan, spärras). What happens is that its certificates are
#   revoked. *Keskeyttäminen* would be a suspension, and whether cards of the field know one is unknown.
# - **Archive and repository**: Potilastiedon arkisto became Potilastietovaranto. Both words are in use, and on old interfaces the
#   former one.
#
# ## How much an authority has said
#
# The dark part of a bar is words that an authority uses on its own pages; the hatched part is ours.

# %% [markdown] lang="fi"
# ## Sanoja, jotka johtavat harhaan
#
# Sanaluettelo ei kerro, missä kompastutaan. Näissä kohdissa alalle tulijat kompastuvat.
#
# - **Certificate** on kaksi asiaa. *Varmenne* (certifikat) on sähköinen, ja siihen kuuluu avain. *Todistus* (intyg) on paperi, joka
#   kertoo jotakin: koulutuksesta, palvelussuhteesta, vaatimustenmukaisuudesta. Rekisteröijä liittää hakemukseensa todistuksen, jotta
#   saisi tilata varmenteita.
# - **Rekisteröijä** (registrar, registrerare) on ihminen tiskin takana. **Rekisteröintiviranomainen** on virasto.
#   **Rekisterinpitäjä** (controller, personuppgiftsansvarig) ei liity kumpaankaan: se on tietosuojan termi.
# - **Varakortti ja tilapäisvarmenne** eivät ole sama asia. Varakortti (spare card, tillfälligt kort) tehdään tiskillä ja palautetaan.
#   Tilapäisvarmenne (temporary certificate) on se, mitä siinä voi olla. Ruotsiksi molemmat ovat tillfällig.
# - **Ammattikortti, henkilöstökortti, toimijakortti**: ensimmäinen on sille, jolla on ammattioikeus, toinen henkilöstölle ilman
#   oikeutta, kolmas ulkopuolisille. *Toimikortti* ei ole näistä mikään: se tarkoittaa varmennekortteja yleensä.
# - **PIN1 ja PIN2** ovat suomalaisissa kirjeissä nimeltään perustunnusluku, joka avaa, ja allekirjoitustunnusluku, joka
#   allekirjoittaa. Aktivointitunnusluku (activation code) toimii PUK-koodina, ja siinä on kahdeksan numeroa.
# - **Virastojen nimet muuttuvat, ja lyhenteet vaihtuvat kielen mukana.** DVV on ruotsiksi MDB, ja vuoteen 2019 se oli VRK (BRC).
#   Kela on FPA. THL on kaikilla kielillä THL. Vanhoissa testivarmenteissa lukee yhä VRK.
# - **Pharmacist** on kaksi ammattia: proviisori (provisor) ja farmaseutti (farmaceut). Englannissa niillä on yksi sana ja rekisterissä
#   kaksi koodia.
# - **Sulkeminen**: sanotaan, että kortti suljetaan (spärras). Se, mitä tapahtuu, on kortin varmenteiden sulkeminen (revocation).
#   *Keskeyttäminen* (suspension) olisi väliaikaista, eikä tiedetä, tunnetaanko sitä alan korteilla.
# - **Arkisto ja tietovaranto**: Potilastiedon arkistosta tuli Potilastietovaranto. Molemmat sanat ovat käytössä, vanhoissa
#   rajapinnoissa edellinen.
#
# ## Kuinka paljon viranomaiset ovat sanoneet
#
# Palkin tumma osa on sanoja, joita viranomainen käyttää omilla sivuillaan; viivoitettu osa on omiamme.

# %% [markdown] lang="sv"
# ## Ord som leder vilse
#
# En ordlista säger inte var man snubblar. Det här är ställena där den som är ny i branschen gör det.
#
# - **Certificate** är två saker. Ett *certifikat* (varmenne) är det elektroniska, med en nyckel. Ett *intyg* (todistus) är ett papper
#   som säger något: om en utbildning, en anställning, överensstämmelse. Registreraren bifogar ett intyg för att få beställa
#   certifikat.
# - **Registreraren** (registrar, rekisteröijä) är en människa vid en disk. **Registreringsmyndigheten** är ett ämbetsverk. **Den
#   personuppgiftsansvariga** (controller, rekisterinpitäjä) har inget med någondera att göra: det är en term i dataskyddet.
# - **Tillfälligt kort och tillfälligt certifikat** är inte samma sak. Kortet (spare card, varakortti) görs vid disken och kommer
#   tillbaka. Certifikatet (temporary certificate, tilapäisvarmenne) är det som kan finnas på det. På svenska är båda tillfälliga.
# - **Yrkeskort, personalkort, aktörskort**: ammattikortti för den som har en rättighet, henkilöstökortti för personal utan, och
#   toimijakortti för utomstående. *Certifikatkort* är inget av dem: det är ordet för alla dessa kort.
# - **PIN1 och PIN2** har egna namn i de finländska breven: baskoden (perustunnusluku) öppnar, signaturkoden
#   (allekirjoitustunnusluku) undertecknar. Aktiveringskoden (activation code) fungerar som PUK och har åtta siffror.
# - **Myndigheter byter namn, och förkortningarna följer språket.** DVV är MDB på svenska och var till 2019 VRK (BRC). Kela är FPA.
#   THL är THL på alla språk. I gamla testcertifikat står fortfarande VRK.
# - **Pharmacist** är två yrken: provisor (proviisori) och farmaceut (farmaseutti). Engelskan har ett ord för båda, och registret har
#   två koder.
# - **Spärrning**: man säger att kortet spärras (suljetaan). Det som sker är att dess certifikat spärras (revocation). *Tillfälligt
#   upphävande* (suspension) vore något annat, och om branschens kort har det är okänt.
# - **Arkiv och datalager**: Patientdataarkivet blev Patientdatalagret. Båda orden används, i gamla gränssnitt det förra.
#
# ## Hur mycket myndigheterna har sagt
#
# Stapelns mörka del är ord som en myndighet använder på sina egna sidor; den streckade delen är våra.

# %%
seen_by_section(terms, LANGUAGE)

# %% [markdown] lang="en"
# ## All words, by section

# %% [markdown] lang="fi"
# ## Kaikki sanat osioittain

# %% [markdown] lang="sv"
# ## Alla ord, avsnitt för avsnitt

# %% tags=["nbval-check-output"]
for section, found in sections(terms).items():
    display(Markdown(f"### {say(f'section {section}')}"))
    display(table(names, [[term.in_language(language) for language in LANGUAGES] for term in found]))

# %% [markdown] lang="en"
# ## In the order of the alphabet
#
# From Finnish, for whoever reads a form; from Swedish, for whoever reads the other side of it. The letters å, ä and ö come last.

# %% [markdown] lang="fi"
# ## Aakkosjärjestyksessä
#
# Suomesta sille, joka lukee lomaketta; ruotsista sille, joka lukee sen toista puolta. Kirjaimet å, ä ja ö tulevat viimeisinä.

# %% [markdown] lang="sv"
# ## I alfabetisk ordning
#
# Från finska för den som läser en blankett; från svenska för den som läser dess andra sida. Bokstäverna å, ä och ö kommer sist.

# %% tags=["nbval-check-output"]
for first, second in (("fi", "sv"), ("sv", "fi")):
    order = (first, second, "en")
    header = [say(f"name-{language}") for language in order]
    display(table(header, [[term.in_language(one) for one in order] for term in alphabetical(terms, first)]))

# %% [markdown] lang="en"
# ## What was shown
#
# Every term of the domain glossary, with how firmly it is known: confirmed where it bears the circle, recalled where not
# (`docs/field/README.md`, section 5). A test fails if one is missing here.
#
# ## Exercises
#
# 1. A physician in Vaasa says that her *kodbrev* has not come. Which letter does she mean, and who orders a new one?
# 2. A form asks for the *FO-nummer* of your organisation. Which number is it, and what does it look like in Finnish?
# 3. Which three of the words that you use every day has no authority used? Look for the ones without a circle.
# 4. Find the words of your own trade with `search.find("...")` that are not here yet. Where would you add them, with which grade?

# %% [markdown] lang="fi"
# ## Mitä näytettiin
#
# Jokainen alan sanaston termi ja se, kuinka varmasti se tiedetään: vahvistettu, jos perässä on ympyrä, muuten muistinvarainen
# (`docs/field/README.md`, osio 5). Testi kaatuu, jos yksikin puuttuu.
#
# ## Harjoituksia
#
# 1. Vaasalainen lääkäri sanoo, ettei hänen kirjeensä *kodbrev* ole tullut. Mitä kirjettä hän tarkoittaa, ja kuka tilaa uuden?
# 2. Lomakkeen kentässä lukee *FO-nummer*. Mikä organisaatiosi numero se on, ja mikä sen nimi on suomeksi?
# 3. Mitä kolmea sanaa käytät joka päivä, vaikka yksikään viranomainen ei ole niitä käyttänyt? Etsi niitä, joilla ei ole ympyrää.
# 4. Etsi haulla `search.find("...")` oman työsi sanoja, joita täällä ei vielä ole. Mihin lisäisit ne, ja millä varmuudella?

# %% [markdown] lang="sv"
# ## Vad som visades
#
# Varje term i branschens ordlista, och hur säkert man vet den: bekräftad där ringen står, annars ur minnet
# (`docs/field/README.md`, avsnitt 5). Ett test misslyckas om någon saknas.
#
# ## Övningar
#
# 1. En läkare i Kuopio säger att hennes *tunnuslukukirje* inte har kommit. Vilket brev menar hon, och vem beställer ett nytt?
# 2. En blankett frågar efter organisationens *Y-tunnus*. Vilket nummer är det, och vad heter det på svenska?
# 3. Vilka tre ord använder du varje dag fastän ingen myndighet har använt dem? Leta efter dem som saknar ring.
# 4. Leta med `search.find("...")` efter ord i ditt eget arbete som inte finns här ännu. Var skulle du lägga till dem, och med vilken
#    säkerhet?

# %%
print("sotepki notebook: reached the end")
