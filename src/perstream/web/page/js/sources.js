// What is being watched: add, pause, resume, remove.

import { call, get } from "./api.js";
import { el, failed, show } from "./dom.js";

export function sources(main) {
  const uri = el("input", { class: "grow", placeholder: "webcam:0, rtsp://camera/stream, or a path on the daemon's machine", "aria-label": "Source", maxlength: 4096, required: true });
  const trouble = el("div", {});
  const list = el("div", {});
  const everything = el("p", {});
  show(main, el("h2", {}, "Watched"), everything, list, el("p", {}, el("a", { class: "button", href: "#/camera" }, "Use this device's camera")), el("h2", {}, "Add a source"), el("form", { class: "row", onsubmit: add }, uri, el("button", { class: "first" }, "Watch")), trouble);

  async function attempt(work) {
    show(trouble);
    try {
      await work();
    } catch (error) {
      show(trouble, failed(error));
    }
    await refresh();
  }

  function add(event) {
    event.preventDefault();
    attempt(async () => {
      await call("POST", "/v1/sources", { uri: uri.value.trim() });
      uri.value = "";
    });
  }

  async function refresh() {
    try {
      const found = (await get("/v1/sources")).sources;
      const { paused } = await get("/v1/pause");
      show(everything, el("button", { onclick: () => attempt(() => call("POST", `/v1/${paused ? "resume" : "pause"}`)) }, paused ? "Resume everything" : "Pause everything"), paused && el("span", { class: "soft" }, " Everything is paused, also what comes, also after a restart."));
      show(list, found.length ? found.map(one) : el("p", { class: "empty" }, "Nothing is being watched."));
    } catch (error) {
      show(list, failed(error));
    }
  }

  function one(source) {
    const path = `/v1/sources/${encodeURIComponent(source.name)}`;
    const paused = source.state === "paused";
    const drops = Object.entries(source.dropped || {}).map(([reason, count]) => `${count} ${reason}`).join(", ");
    return el(
      "article",
      { class: "card row" },
      el(
        "div",
        { class: "grow" },
        el("strong", {}, source.name),
        " ",
        el("span", { class: `tag ${source.state === "running" ? "keep" : ""}` }, source.state),
        (source.masks?.length || source.faceless) && el("p", { class: "soft" }, `Nobody sees: ${[...(source.masks || []).map((mask) => `region ${mask}`), source.faceless && "faces"].filter(Boolean).join(", ")}`),
        el("p", { class: "soft" }, `${source.frames} frames, ${source.keyframes} keyframes, ${source.memories} memories${drops ? `; dropped: ${drops}` : ""}`),
      ),
      el(
        "div",
        { class: "row" },
        !["ended", "failed"].includes(source.state) && el("button", { onclick: () => attempt(() => call("POST", `${path}/${paused ? "resume" : "pause"}`)) }, paused ? "Resume" : "Pause"),
        el("button", { class: "bad", onclick: () => attempt(() => call("DELETE", path)) }, "Stop"),
      ),
    );
  }

  refresh();
  const timer = setInterval(() => { if (!list.contains(document.activeElement) && !everything.contains(document.activeElement)) refresh(); }, 2000);
  return () => clearInterval(timer);
}
