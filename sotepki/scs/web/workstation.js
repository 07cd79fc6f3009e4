// The page of the workstation: which card is in the reader, and the PIN that a page's request waits for.
"use strict";

const at = (id) => document.getElementById(id);
const texts = JSON.parse(at("workstation").dataset.texts);
let open = "";

// The page looks several times a second. What has not changed is not written, or who listens would hear it each time.
function write(id, text, className) {
  if (at(id).textContent !== text) at(id).textContent = text;
  if (className !== undefined && at(id).className !== className) at(id).className = className;
}

function show(state) {
  write("card-state", state.holder ? texts.card_in + " " + state.holder : texts.card_out, state.holder ? "state good" : "state");
  const list = at("card-number");
  if (list && list.options.length !== state.cards.length) {
    list.replaceChildren(...state.cards.map((card) => new Option(card.number + "  " + card.holder, card.number)));
  }
  if (at("remove")) {
    if (!state.holder && document.activeElement === at("remove")) at("insert").focus();
    at("remove").disabled = !state.holder;
  }
  write("last", state.last);
  const question = state.question;
  if (!question && at("question").contains(document.activeElement)) at("pin-title").focus();
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
    write("card-state", texts.stopped, "state bad");
  }
}

async function act(path, row) {
  try {
    show(await postJson(path, row));
  } catch (error) {
    write("last", error.message);
  }
}

at("question").addEventListener("submit", (event) => {
  event.preventDefault();
  const pin = at("pin").value;
  at("pin").value = "";
  act("/pin", { id: open, pin });
});
function cancel() {
  act("/pin", { id: open, pin: null });
}
at("cancel").addEventListener("click", cancel);
at("question").addEventListener("keydown", (event) => { if (event.key === "Escape") cancel(); });
if (at("insert")) {
  at("insert").addEventListener("click", () => act("/insert", { number: at("card-number").value }));
  at("remove").addEventListener("click", () => act("/remove", {}));
}
look();
setInterval(look, 400);
