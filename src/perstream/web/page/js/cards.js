// How memories, replies and words said unasked look, wherever they stand.

import { picture } from "./api.js";
import { clock, el, seconds } from "./dom.js";
import { openMoment } from "./moment.js";

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
        item.source && thumbnail(item.memory_id, "the moment"),
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
    { class: `memory ${item.source ? "" : "told"}`, "data-memory": item.memory_id },
    el(
      "button",
      { onclick: () => openMoment(item.memory_id) },
      item.source && thumbnail(item.memory_id, ""),
      el("span", { class: "clip" }, item.caption),
      el("span", { class: "soft" }, `${where(item)} · ${item.category}${item.pinned ? " · pinned" : ""}`),
    ),
  );
}

export function said(event) {
  return el(
    "article",
    { class: "card say new" },
    el("strong", { class: "words" }, event.text),
    el("p", { class: "soft" }, `Why now: ${event.why} · ${clock(event.at)}`),
    evidence(event.evidence || []),
  );
}
