// The ask box: answers arrive word by word and stand still; their evidence opens the moment.

import { call, stream } from "./api.js";
import { evidence } from "./cards.js";
import { el } from "./dom.js";
import { post } from "./feed.js";

export function wireAsk(form) {
  const input = form.elements.question;
  const button = form.querySelector("button");
  let running = null;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (running) {
      running.abort();
      return;
    }
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    if (!location.hash.startsWith("#/now")) location.hash = "#/now";
    running = new AbortController();
    button.textContent = "Stop";
    try {
      if (text.startsWith("/remember ")) await remember(text.slice(10));
      else await ask(text, running.signal);
    } finally {
      running = null;
      button.textContent = "Ask";
      input.focus();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      input.focus();
    }
  });
}

function turn(question) {
  const answer = el("p", { class: "words" });
  const rest = el("div", {});
  const card = el("article", { class: "card reply new" }, el("p", { class: "soft" }, question), answer, rest);
  post(card);
  return { answer, rest };
}

async function ask(question, signal) {
  const { answer, rest } = turn(question);
  let whole = false;
  try {
    await stream("POST", "/v1/ask", { question, stream: true }, (kind, data) => {
      if (kind === "token") answer.append(data.text);
      else if (kind === "error") throw new Error(data.detail);
      else if (kind === "reply") {
        whole = true;
        answer.textContent = data.answer;
        rest.append(...[evidence(data.evidence)].filter(Boolean));
        rest.append(el("p", { class: "soft" }, `${Math.round(data.timings_ms.total ?? 0)} ms`));
      }
    }, signal);
    if (!whole) throw new Error("The daemon went away before it had answered.");
  } catch (error) {
    rest.append(el("p", { class: error.name === "AbortError" ? "soft" : "error" }, error.name === "AbortError" ? "stopped" : error.message));
  }
}

async function remember(text) {
  const { answer, rest } = turn("Remember");
  try {
    const memory = await call("POST", "/v1/remember", { text });
    answer.textContent = memory.caption;
    rest.append(el("p", { class: "soft" }, `kept as memory ${memory.memory_id}, about ${memory.category}`));
  } catch (error) {
    rest.append(el("p", { class: "error" }, error.message));
  }
}
