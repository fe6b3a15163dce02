// All memories by day, newest first, with the stretches of which there are no pictures.

import { get } from "./api.js";
import { memory } from "./cards.js";
import { clock, day, el, failed, show } from "./dom.js";

const PAGE = 60;

export function timeline(main) {
  const days = el("div", {});
  const more = el("button", { onclick: next }, "Earlier");
  show(main, days, more);
  let before = null;
  let list = null;
  let last = null;
  let gaps = [];

  async function next() {
    more.disabled = true;
    try {
      if (before === null) gaps = joined((await get("/v1/gaps")).gaps).reverse();
      const page = await get(`/v1/memories?limit=${PAGE}${before ? `&before_id=${before}` : ""}`);
      for (const item of page.memories) {
        const date = day(item.observed_at);
        if (date !== last) {
          list = el("ul", { class: "memories" });
          days.append(el("h2", {}, date), list);
          last = date;
        }
        while (gaps.length && gaps[0].started_at >= item.observed_at) list.append(gap(gaps.shift()));
        list.append(memory(item));
      }
      before = page.next_before_id;
      if (before === null) {
        for (const one of gaps.splice(0)) list?.append(gap(one));
        if (!days.children.length) show(days, el("p", { class: "empty" }, "Nothing is remembered yet."));
      }
      more.hidden = before === null;
    } catch (error) {
      days.append(failed(error));
    } finally {
      more.disabled = false;
    }
  }

  next();
}

// A long pause is told in pieces.
function joined(gaps) {
  const whole = [];
  for (const one of gaps) {
    const last = whole.findLast((other) => other.source === one.source);
    if (last && last.reason === one.reason && new Date(one.started_at) - new Date(last.ended_at) < 1000) last.ended_at = one.ended_at;
    else whole.push({ ...one });
  }
  return whole;
}

function gap(one) {
  const minutes = (new Date(one.ended_at) - new Date(one.started_at)) / 60000;
  const long = minutes < 1 ? `${Math.round(minutes * 60)} s` : `${minutes.toFixed(0)} min`;
  return el("li", { class: "gap" }, `${clock(one.started_at)}: ${one.source} ${one.reason} for ${long}`);
}
