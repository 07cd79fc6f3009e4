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
# # The workbench: four instruments to try by hand
#
# In the notebooks of the roles these four instruments stand in the middle of a story. Here they stand alone, with a
# fresh workspace behind them, for a trainer who wants to show something quickly and for everybody who would rather
# do than read.
#
# In JupyterLab run all cells first (*Run > Run All Cells*), then use the fields and keys. On a printed page you see
# the tables that the instruments show there as well. Whatever you type, nothing breaks: a wrong input is answered by
# a sentence, the rule that decides, and what to do.
#
# Every instrument speaks English, Finnish and Swedish: `language="fi"`, `language="sv"`. Each click is a plain call,
# so that whatever was clicked can be written down as well.

# %%
from datetime import UTC, datetime

from story import be_kind, new_workspace
from widgets import document_drop, order_form, pin_pad, profile_slider

from sotepki.journey import load_cast
from sotepki.journey.card_holder import PIN1, PIN2, card_in_hand

be_kind()
workspace = new_workspace("workbench", at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
cast = load_cast()
registrar = cast.person("registrar-county-1")

# %% [markdown]
# ## 1. The order form of Vartti
#
# You are Raili Kaamosjärvi, a registrar (rekisteröijä). The nurse Lumi Tuiskuoja stands at your desk; her identity
# code (henkilötunnus) is `160690X914V`. She has put a driving licence (ajokortti) on the table.
#
# The form asks Vartti after every field what stands in the way. Asking orders nothing and leaves no trace in the
# journal; only the button does.

# %% NBVAL_CHECK_OUTPUT
form = order_form(workspace, registrar)
form.fill(applicant=cast.person("nurse"), document="driving-licence", valid_to="31.12.2025")

# %% [markdown]
# Try: a passport (passi) instead; an identity card (henkilökortti) issued by the United States, `US`; Raili's own
# identity code, `010572-9585`; a personnel card (henkilöstökortti) for the nurse; 31 February.
#
# In words, the way out is this:

# %% NBVAL_CHECK_OUTPUT
order_form(workspace, registrar).fill(applicant=cast.person("nurse"), valid_to="31.12.2030").order()

# %% [markdown]
# ## 2. The PIN pad
#
# Onni Kuurasalmi, a specialist physician, has a card in use. Its PIN1 (perustunnusluku) is the test PIN `1234`, its
# PIN2 (allekirjoitustunnusluku) `123456`. The counters go down with every wrong try, and a lock needs the activation
# code (aktivointitunnusluku) of the letter, which lies in the outbox of the workspace.

# %% NBVAL_CHECK_OUTPUT
card = card_in_hand(workspace, registrar=registrar, applicant=cast.person("specialist-physician"), right_code="001")
pad = pin_pad(workspace, card.card_number)
pad.give("pin1", "0000")

# %% [markdown]
# Try: sign without PIN2; sign twice after one PIN2; pull the card and log in; five wrong PINs, and then the right
# one. In words:

# %% NBVAL_CHECK_OUTPUT
pad.give("pin1", PIN1).use("authentication")
pad.give("pin2", PIN2).use("signature").use("signature")

# %% [markdown]
# ## 3. The profile sliders
#
# What would it cost to give professional cards another key, or another lifetime? Each position of the sliders builds
# a certificate and its chain, measures them and throws them away. The length of the revocation list is that of a
# whole country; its inputs, with their grades, are in `simulation/inputs.yaml`.

# %%
profile_slider().set(key="p-384", years=3)

# %% [markdown]
# Try: RSA-4096; a lifetime of one year; ML-DSA, the post-quantum signature, if your library has it; the profile
# `test-server`.
#
# ## 4. A place for files
#
# Choose a file with the button, or drag files into the folder `my-files` beside this notebook (JupyterLab's file
# browser is on the left) and let the instrument look. A document, a certificate, a request, a revocation list: it
# looks at what stands in it, never at the name. Files are read, judged and forgotten. Take test files only, nothing
# with a real person in it.

# %% NBVAL_CHECK_OUTPUT
drop = document_drop(workspace)
drop.judge("holiday.png", b"\x89PNG\r\n\x1a\n")

# %% [markdown]
# A certificate of the card above, with its profile, and one whose last byte was cut off on the way:

# %% NBVAL_CHECK_OUTPUT
der = workspace.cards.read(card.card_number).leaves["signature"].der
drop.judge("signature.cer", der)

# %% NBVAL_CHECK_OUTPUT
drop.judge("signature-from-a-mail.cer", der[:-1])

# %% [markdown]
# The workspace stays open, so that you can go on. It is removed when the kernel ends.

# %%
print("sotepki notebook: reached the end")
