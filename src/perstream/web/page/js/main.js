// Which view is shown, whether the daemon is there, and the token.

import { dropToken, hasToken, keepToken, takePairing, takeToken } from "./api.js";
import { watchAlerts } from "./alerts.js";
import { wireAsk } from "./ask.js";
import { apply, onChange } from "./changes.js";
import { camera, wireSign } from "./camera.js";
import { el, show } from "./dom.js";
import { follow } from "./events.js";
import { graph } from "./graph.js";
import { health } from "./health.js";
import { feed } from "./feed.js";
import { now } from "./now.js";
import { search } from "./search.js";
import { sources } from "./sources.js";
import { timeline } from "./timeline.js";

const VIEWS = { now, timeline, search, graph, sources, health, camera };
const main = document.getElementById("main");
const link = document.getElementById("link");
const TAB_OF = { camera: "sources" };
const askForm = document.getElementById("ask");
let leave = () => {};

function route() {
  leave();
  leave = () => {};
  if (!hasToken()) {
    askForm.hidden = true;
    signIn();
    return;
  }
  const name = location.hash.replace(/^#\/?/, "").split("?")[0];
  const view = VIEWS[name] ? name : "now";
  for (const tab of document.querySelectorAll("nav a")) {
    if (tab.getAttribute("href") === `#/${TAB_OF[view] || view}`) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  document.title = `${view[0].toUpperCase()}${view.slice(1)} · PerStream`;
  askForm.hidden = false;
  leave = VIEWS[view](main) || (() => {});
}

const WRONG = "That token was refused. A new one is made when the file is deleted and the daemon starts again; a device can be paired again.";

function signIn(problem = "") {
  const token = el("input", { type: "password", name: "token", class: "grow", autocomplete: "off", required: true, "aria-label": "Token" });
  show(
    main,
    el(
      "form",
      {
        class: "card",
        onsubmit: (event) => {
          event.preventDefault();
          keepToken(token.value);
          route();
        },
      },
      el("h2", {}, "This memory is yours"),
      el("p", {}, "Run ", el("code", {}, "perstream open"), " to open this page with its key, or paste the token that lies in the file ", el("code", {}, "token"), " of your store."),
      problem && el("p", { class: "error", role: "alert" }, problem),
      el("div", { class: "row" }, token, el("button", { class: "first" }, "Open")),
    ),
  );
  token.focus();
}

document.addEventListener("token-needed", () => {
  if (!hasToken()) return;
  dropToken();
  leave();
  leave = () => {};
  askForm.hidden = true;
  signIn(WRONG);
});
// The view of the address; a key or a code in it is taken first.
async function arrive() {
  takeToken();
  try {
    await takePairing();
  } catch (error) {
    if (hasToken()) return route();
    askForm.hidden = true;
    return signIn(`Not paired: ${error.message}`);
  }
  route();
}

addEventListener("hashchange", arrive);
onChange((change) => {
  apply(document, change);
  if (!feed.isConnected) apply(feed, change);
});
wireAsk(askForm);
wireSign(document.getElementById("capturing"));
await arrive();
const refreshAlerts = watchAlerts(document.getElementById("alerts"));
follow((state) => {
  if (state === "live") refreshAlerts();
  link.textContent = { live: "live", lost: "daemon gone", connecting: "connecting" }[state];
  link.className = state;
});
