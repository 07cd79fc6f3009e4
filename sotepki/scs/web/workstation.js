// The page of the workstation: which card is in the reader, and the PIN that a page's request waits for.
"use strict";

const at = (id) => document.getElementById(id);
const texts = JSON.parse(at("workstation").dataset.texts);
let open = "";

function show(state) {
  at("card-state").textContent = state.holder ? texts.card_in + " " + state.holder : texts.card_out;
  at("card-state").className = "state " + (state.holder ? "good" : "");
  const list = at("card-number");
  if (list && list.options.length !== state.cards.length) {
    list.replaceChildren(...state.cards.map((card) => new Option(card.number + "  " + card.holder, card.number)));
  }
  if (at("remove")) at("remove").disabled = !state.holder;
  at("last").textContent = state.last;
  const question = state.question;
  at("nothing").hidden = Boolean(question);
  at("question").hidden = !question;
  if (!question) {
    open = "";
    return;
  }
  if (question.id === open) return;
  open = question.id;
  at("origin").textContent = question.origin || texts.a_program;
  at("purpose").textContent = question.kind === "PIN2" ? texts.to_sign : texts.to_log_in;
  at("holder").textContent = question.holder;
  at("pin-label").textContent = question.kind === "PIN2" ? texts.pin2 : texts.pin1;
  at("tries").textContent = question.tries === null ? "" : texts.tries + " " + question.tries;
  at("pin").value = "";
  at("pin").focus();
}

async function look() {
  try {
    const answer = await fetch("/state", { cache: "no-store" });
    show(await answer.json());
  } catch (error) {
    at("card-state").textContent = texts.stopped;
    at("card-state").className = "state bad";
  }
}

async function act(path, row) {
  try {
    show(await postJson(path, row));
  } catch (error) {
    at("last").textContent = error.message;
  }
}

at("question").addEventListener("submit", (event) => {
  event.preventDefault();
  const pin = at("pin").value;
  at("pin").value = "";
  act("/pin", { id: open, pin });
});
at("cancel").addEventListener("click", () => act("/pin", { id: open, pin: null }));
if (at("insert")) {
  at("insert").addEventListener("click", () => act("/insert", { number: at("card-number").value }));
  at("remove").addEventListener("click", () => act("/remove", {}));
}
look();
setInterval(look, 400);
