// Search by words and time; each result says why it is there.

import { call } from "./api.js";
import { memory } from "./cards.js";
import { el, failed, show } from "./dom.js";

export function search(main) {
  const text = el("input", { type: "search", name: "text", class: "grow", placeholder: "Words, a name, \"last Tuesday\" …", maxlength: 4000, "aria-label": "Search for", autofocus: true });
  const since = el("input", { type: "date", "aria-label": "From" });
  const until = el("input", { type: "date", "aria-label": "Until" });
  const results = el("div", { "aria-live": "polite" });
  const form = el("form", { class: "row", onsubmit: look }, text, since, until, el("button", { class: "first" }, "Search"));
  show(main, form, results);
  text.focus();

  async function look(event) {
    event.preventDefault();
    if (!text.value.trim()) return;
    const body = { text: text.value, k: 20 };
    if (since.value) body.since = new Date(`${since.value}T00:00:00`).toISOString();
    if (until.value) body.until = new Date(`${until.value}T23:59:59`).toISOString();
    try {
      const { hits } = await call("POST", "/v1/recall", body);
      if (!hits.length) {
        show(results, el("p", { class: "empty" }, "Nothing found."));
        return;
      }
      const list = el("ul", { class: "memories" });
      for (const hit of hits) {
        const card = memory(hit);
        const parts = Object.entries(hit.score_parts).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ");
        card.firstChild.append(el("span", { class: "soft", title: parts }, `${(100 * hit.score).toFixed(0)} % · ${hit.path.join(" > ")}`));
        list.append(card);
      }
      show(results, list);
    } catch (error) {
      show(results, failed(error));
    }
  }
}
