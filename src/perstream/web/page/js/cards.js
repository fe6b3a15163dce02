// How memories, replies and words said unasked look, wherever they stand.

import { call, get, picture } from "./api.js";
import { clock, el, seconds, show } from "./dom.js";
import { openMoment } from "./moment.js";

const SNOOZE_MS = 3600000;

export function thumbnail(id, alt) {
  const image = el("img", { alt, loading: "lazy", hidden: true });
  picture(`/v1/memories/${id}/thumbnail`).then((url) => {
    if (url) {
      image.src = url;
      image.hidden = false;
    }
  }, () => {});
  return image;
}

export function evidence(items) {
  if (!items.length) return null;
  return el(
    "div",
    { class: "evidence", role: "list", "aria-label": "Evidence" },
    items.map((item) =>
      el(
        "button",
        { role: "listitem", "data-memory": item.memory_id, onclick: () => openMoment(item.memory_id) },
        item.provenance !== "told" && thumbnail(item.memory_id, "the moment"),
        el("span", { class: "clip" }, item.caption),
        el("span", { class: "soft" }, where(item)),
      ),
    ),
  );
}

export function where(item) {
  const span = item.source && item.start_s !== null ? `${item.source} at ${seconds(item.start_s)}` : item.source;
  return [item.provenance, span, clock(item.observed_at)].filter(Boolean).join(" · ");
}

export function memory(item) {
  return el(
    "li",
    { class: `memory ${item.provenance === "told" ? "told" : ""}`, "data-memory": item.memory_id },
    el(
      "button",
      { onclick: () => openMoment(item.memory_id) },
      item.provenance !== "told" && thumbnail(item.memory_id, ""),
      el("span", { class: "clip" }, item.caption),
      el("span", { class: "soft" }, [where(item), item.category?.replaceAll("_", " "), item.pinned && "pinned"].filter(Boolean).join(" · ")),
    ),
  );
}

export function said(event) {
  const card = el(
    "article",
    { class: "card say new", "data-word": event.id },
    el("strong", { class: "words" }, event.text),
    el("p", { class: "soft" }, `Why now: ${event.why} · ${clock(event.at)}`),
    evidence(event.evidence || []),
  );
  if (event.id) card.append(opinions(event, card));
  return card;
}

function opinions(event, card) {
  const row = el("div", { class: "row opinions" });
  const tell = async (work, told) => {
    try {
      await work();
      show(row, el("span", { class: "soft", role: "status" }, told));
    } catch (error) {
      if (error.status === 404) row.remove();
      else row.append(el("span", { class: "error", role: "alert" }, error.message));
    }
  };
  const opinion = (verdict) => call("POST", `/v1/proactive/${event.id}/feedback`, { verdict });
  row.append(
    el("button", { onclick: () => tell(() => opinion("useful"), "Noted: useful.") }, "Useful"),
    el("button", {
      onclick: async () => {
        card.remove();
        await tell(() => opinion("dismissed"), "");
      },
    }, "Dismiss"),
    el("button", {
      onclick: () => {
        const until = new Date(Date.now() + SNOOZE_MS);
        tell(() => call("POST", "/v1/proactive/snooze", { topic: event.topic, until: until.toISOString() }), `Not before ${clock(until.toISOString())}.`);
      },
    }, "Snooze an hour"),
  );
  return row;
}

// A switch for do-not-disturb; nothing where the daemon has none.
export function doNotDisturb() {
  const box = el("input", { type: "checkbox", onchange: () => set() });
  const label = el("label", { class: "row soft", hidden: true }, box, "Do not disturb: only health and safety");
  const set = async () => {
    try {
      box.checked = (await call("PUT", "/v1/proactive/dnd", { on: box.checked })).on;
    } catch {
      box.checked = !box.checked;
    }
  };
  get("/v1/proactive/dnd").then(({ on }) => {
    box.checked = on;
    label.hidden = false;
  }, () => {});
  return label;
}
