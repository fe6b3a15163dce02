// What happens in the daemon, as it happens; comes back by itself when the daemon does.

import { hasToken, stream } from "./api.js";
import { forgotten, onChange } from "./changes.js";

const LONGEST_WAIT_MS = 15000;
const listeners = new Set();
let heard = [];
let listening = new AbortController();

export const KEPT = 400;

export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// The latest events, oldest first: what a view that opens late shows.
export function recent() {
  return heard;
}

onChange(({ gone }) => {
  heard = heard.filter((event) => !(event.kind === "memory" && gone.has(event.id)) && !(event.evidence || []).some((one) => gone.has(one.memory_id)));
});

export async function follow(linked) {
  let wait = 500;
  for (;;) {
    if (!hasToken()) {
      await sleep(300);
      continue;
    }
    const opened = performance.now();
    listening = new AbortController();
    try {
      linked("connecting");
      await stream("GET", "/v1/events", undefined, (kind, data) => {
        if (data === null) {
          linked("live");
          return;
        }
        const event = { kind, ...data };
        if (kind === "forgotten") {
          forgotten(event.ids); // in another tab, or by the command line
          return;
        }
        heard = [...heard.slice(-KEPT), event];
        for (const listener of listeners) listener(event);
      }, listening.signal);
    } catch {
      // said below
    }
    linked("lost");
    if (performance.now() - opened > 5000) wait = 500;
    await sleep(wait);
    wait = Math.min(LONGEST_WAIT_MS, wait * 2);
  }
}

// A page that the browser only keeps for the way back must not hold one of the few connections to the daemon.
addEventListener("pagehide", () => listening.abort());

function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
