// What needs the owner, in one quiet bar above every view; nothing when all is well.

import { get, hasToken } from "./api.js";
import { el, show } from "./dom.js";
import { listen } from "./events.js";

const AGAIN_MS = 60000;

export function watchAlerts(bar) {
  async function refresh() {
    if (!hasToken()) {
      draw(bar, []);
      return;
    }
    try {
      draw(bar, (await get("/v1/alerts")).alerts);
    } catch {
      // the link in the header says that the daemon is gone
    }
  }
  listen((event) => {
    if (event.kind === "alert") refresh();
  });
  addEventListener("hashchange", refresh);
  setInterval(refresh, AGAIN_MS);
  return refresh;
}

function draw(bar, alerts) {
  const said = alerts.map((alert) => `${alert.rule} ${alert.subject} ${alert.text}`).join("\n");
  if (bar.dataset.said === said) return; // a reader of the screen is not told twice
  bar.dataset.said = said;
  bar.hidden = !alerts.length;
  show(bar, alerts.length && el("ul", {}, alerts.map((alert) => el("li", { class: alert.urgent ? "urgent" : null, title: `since ${new Date(alert.since).toLocaleString()}` }, alert.text))));
}
