// Which view is shown, whether the daemon is there, and the token.

import { dropToken, hasToken, keepToken, takeToken } from "./api.js";
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

function signIn(wrong = false) {
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
      wrong && el("p", { class: "error", role: "alert" }, "That token was refused. A new one is made when the file is deleted and the daemon starts again."),
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
  signIn(true);
});
addEventListener("hashchange", () => {
  takeToken();
  route();
});
onChange((change) => {
  apply(document, change);
  if (!feed.isConnected) apply(feed, change);
});
takeToken();
wireAsk(askForm);
wireSign(document.getElementById("capturing"));
route();
follow((state) => {
  link.textContent = { live: "live", lost: "daemon gone", connecting: "connecting" }[state];
  link.className = state;
});
