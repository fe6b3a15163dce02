// Answers and words said unasked, the newest on top; they stay while the page is open, whatever view is shown.

import { said } from "./cards.js";
import { el } from "./dom.js";
import { listen } from "./events.js";

const CARDS = 50;

export const feed = el("section", { "aria-label": "Answers, and words said unasked", "aria-live": "polite" });

export function post(card) {
  feed.prepend(card);
  while (feed.children.length > CARDS) feed.lastChild.remove();
}

listen((event) => {
  if (event.kind === "proactive") post(said(event));
});
