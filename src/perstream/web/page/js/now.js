// What the daemon sees now, what it makes of it, what it says unasked, and the conversation.

import { get, picture } from "./api.js";
import { doNotDisturb } from "./cards.js";
import { el, seconds, show } from "./dom.js";
import { KEPT, listen, recent } from "./events.js";
import { feed } from "./feed.js";
import { watchLive } from "./live.js";

const LINES = 150;
const LOOK_MS = 250;
const SETTLE_MS = 150; // until the live picture shows what an event tells of
const QUEUE = 4; // the short-term queue's default length

export function now(main) {
  const image = el("img", { alt: "latest keyframe" });
  const over = el("div", { class: "over" });
  const log = el("ol", { class: "log", "aria-label": "Decisions of the remember gate, newest first" });
  const empty = el(
    "p",
    { class: "empty" },
    "Nothing is being watched. ",
    el("a", { href: "#/sources" }, "Add a source"),
    ", or tell something below.",
  );
  const quiet = el("p", { class: "empty", hidden: feed.children.length > 0 }, "Answers, and words said unasked, appear here.");
  const view = el("div", { class: "view" }, image, over);
  const queue = el("ol", { class: "queue", "aria-label": "Short-term memory: the latest keyframes, newest last" });
  const which = el("div", { class: "row which", role: "group", "aria-label": "Which source", hidden: true });
  show(
    main,
    el("div", { class: "now" }, el("div", {}, view, queue, which, empty, log), el("div", {}, feed, quiet, doNotDisturb())),
  );
  let source = null;
  let chosen = null;
  const spoke = new Map(); // of each source what the observers made of its latest keyframe
  let stale = false;
  let looking = false;
  let shown = null;
  let moving = false;
  let replaying = true; // of what happened before the view was opened there is no picture here

  function seen(event) {
    if (!source && event.source && event.kind !== "done") {
      source = event.source;
      stale = true;
    }
    if (event.kind === "paused" && event.source === source) event.paused ? blank() : over.replaceChildren();
    if (event.kind === "keyframe") spoke.set(event.source, (event.seen || []).join(" · "));
    if (event.kind === "keyframe" && event.source !== source) return;
    if (event.kind === "keyframe") {
      stale = true;
      over.textContent = (event.seen || []).join(" · ") || event.reason;
      keep(event);
    } else if (event.kind === "gate") {
      line(event.pts_s, el("span", { class: `tag ${event.remembered ? "keep" : ""}` }, event.remembered ? "keep" : "skip"), `${event.category.replaceAll("_", " ")} ${event.score.toFixed(2)} · ${spoke.get(event.source) || "heard"}`);
      spoke.delete(event.source);
    } else if (event.kind === "memory") {
      line(event.pts_s, el("span", { class: "tag keep" }, `memory ${event.id}`), event.caption, event.id);
    } else if (["gap", "paused", "error", "frame_dropped", "done"].includes(event.kind)) {
      line(event.pts_s, el("span", { class: "tag" }, event.kind.replace("_", " ")), event.message || event.reason || told(event));
    }
  }

  // A pause shows nothing, not even what was seen before it.
  function blank() {
    image.removeAttribute("src");
    over.textContent = "paused";
    show(queue);
  }

  // A keyframe in the short-term queue, with the picture that is on the page a moment after it.
  function keep(event) {
    const small = el("canvas", { width: 160, height: 90, "aria-hidden": "true" });
    if (!replaying) setTimeout(() => {
      if (image.complete && image.naturalWidth) small.getContext("2d").drawImage(image, 0, 0, 160, 90);
    }, moving ? SETTLE_MS : 2 * LOOK_MS);
    queue.append(el("li", { title: (event.seen || []).join(" · ") || event.reason }, small, el("span", { class: "soft" }, seconds(event.pts_s))));
    while (queue.children.length > QUEUE) queue.firstChild.remove();
  }

  function line(at, tag, text, memory) {
    log.prepend(el("li", { "data-memory": memory }, el("span", { class: "soft" }, seconds(at)), tag, el("span", { title: text }, text)));
    while (log.children.length > LINES) log.lastChild.remove();
  }

  async function look() {
    if (moving || looking || !stale || !source || document.hidden) return;
    looking = true;
    stale = false;
    try {
      const url = await picture(`/v1/sources/${encodeURIComponent(source)}/view`, false);
      if (url) {
        image.src = url;
        if (shown) URL.revokeObjectURL(shown);
        shown = url;
      }
    } catch {
      // the link says that the daemon is gone
    } finally {
      looking = false;
    }
  }

  // Where several are at work: which one is looked at. Nothing is redrawn while nothing changed.
  function choices(running) {
    const names = running.map((one) => one.name);
    which.hidden = names.length < 2;
    if (which.dataset.names !== JSON.stringify(names)) {
      which.dataset.names = JSON.stringify(names);
      show(which, names.map((name) => el("button", {
        onclick: () => {
          chosen = name;
          sources();
        },
      }, name)));
    }
    for (const [n, button] of [...which.children].entries()) button.setAttribute("aria-pressed", names[n] === source);
  }

  async function sources() {
    try {
      const running = (await get("/v1/sources")).sources;
      empty.hidden = running.length > 0;
      view.hidden = !running.length;
      queue.hidden = !running.length;
      const working = running.filter((one) => !["ended", "failed"].includes(one.state));
      const current = running.find((one) => one.name === chosen) ?? working.at(-1) ?? running.at(-1);
      if (current && current.name !== source) {
        source = current.name;
        over.textContent = "";
        show(queue);
        stale = true;
      }
      if (current?.state === "paused") blank();
      choices(working);
    } catch {
      // tried again
    }
  }

  for (const event of recent().slice(-KEPT)) seen(event);
  replaying = false;
  const stop = listen(seen);
  const answered = new MutationObserver(() => (quiet.hidden = feed.children.length > 0));
  answered.observe(feed, { childList: true });
  const looks = setInterval(look, LOOK_MS);
  image.addEventListener("load", () => (moving = image.src !== shown));
  const unwatch = watchLive(image, () => source, () => {
    // Recordings that have ended, pauses: the latest keyframe stands there instead.
    stale = stale || moving;
    moving = false;
  });
  const lists = setInterval(sources, 3000);
  sources().then(look);
  return () => {
    stop();
    answered.disconnect();
    clearInterval(looks);
    clearInterval(lists);
    unwatch();
    if (shown) URL.revokeObjectURL(shown);
  };
}

function told(event) {
  if (event.kind === "done") return `${event.frames} frames, ${event.keyframes} keyframes, ${event.memories} memories`;
  if (event.kind === "paused") return event.paused ? "paused" : "resumed";
  return event.count ? `${event.count}` : "";
}
