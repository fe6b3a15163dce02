// One memory in a dialog: what it says, where it comes from, and what can be done with it.

import { call, get, picture } from "./api.js";
import { corrected, forgotten } from "./changes.js";
import { clock, day, el, failed, seconds, show } from "./dom.js";

const dialog = () => document.getElementById("moment");

export async function openMoment(id) {
  const box = dialog();
  show(box, el("p", { class: "soft" }, "loading"));
  if (!box.open) box.showModal();
  try {
    await fill(box, await get(`/v1/memories/${id}`));
  } catch (error) {
    show(box, failed(error), el("button", { onclick: () => box.close() }, "Close"));
  }
}

// The recording itself at this place, where the daemon still has it; else where to find it.
function play(box, memory, place) {
  return attempt(box, async () => {
    const clip = await call("POST", `/v1/memories/${memory.memory_id}/clip`);
    const where = clip.path ? `${clip.path} at ${seconds(clip.start_s)}` : null;
    if (!clip.url) {
      show(place, el("p", { class: "soft", role: "status" }, where || "It was seen live, or before the daemon last started, or parts of it are masked; only this picture is shown."));
      return;
    }
    const video = el("video", { controls: true, autoplay: true, playsinline: true, src: `${clip.url}#t=${clip.start_s}` });
    video.muted = true;
    video.addEventListener("error", () => show(place, el("p", { class: "soft", role: "status" }, `The browser cannot play ${where}`)));
    box.querySelector(":scope > img")?.remove();
    show(place, video);
  });
}

async function fill(box, memory) {
  const id = memory.memory_id;
  const url = await picture(`/v1/memories/${id}/thumbnail`);
  const span = memory.source && memory.start_s !== null ? `${seconds(memory.start_s)} to ${seconds(memory.end_s)}` : null;
  const place = el("div", {});
  const facts = [
    ["when", `${day(memory.observed_at)}, ${clock(memory.observed_at)}`],
    ["known by", memory.provenance + (memory.speaker ? ` (${memory.speaker})` : "")],
    ["source", memory.source],
    ["in the recording", span],
    ["about", memory.category],
    ["mentions", (memory.entities || []).join(", ")],
    ["held", (memory.granularities || []).join(", ")],
  ];
  show(
    box,
    el("h2", { id: "moment-title" }, `Memory ${id}`, memory.pinned ? " (pinned)" : ""),
    place,
    url && el("img", { src: url, alt: "the moment" }),
    el("p", {}, memory.caption),
    el("dl", {}, facts.filter(([, value]) => value).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    el(
      "div",
      { class: "row" },
      el("button", { class: "first", onclick: () => box.close() }, "Close"),
      span && el("button", { onclick: () => play(box, memory, place) }, "Play this place"),
      el("button", { onclick: () => walk(box, id) }, "Walk from here"),
      el("button", { onclick: () => pin(box, memory) }, memory.pinned ? "Unpin" : "Pin"),
      el("button", { onclick: () => correct(box, memory) }, "Correct"),
      el("button", { class: "bad", onclick: () => forget(box, memory) }, "Forget …"),
    ),
  );
}

function walk(box, id) {
  box.close();
  location.hash = `#/graph?node=memory:${id}`;
}

async function attempt(box, work) {
  try {
    await work();
  } catch (error) {
    box.append(failed(error));
  }
}

function pin(box, memory) {
  return attempt(box, async () => {
    await fill(box, await call("POST", `/v1/memories/${memory.memory_id}/pin`, { pinned: !memory.pinned }));
  });
}

function correct(box, memory) {
  const text = el("textarea", { "aria-label": "What it should say", maxlength: 4000 });
  text.value = memory.caption;
  show(
    box,
    el("h2", { id: "moment-title" }, `Correct memory ${memory.memory_id}`),
    el("p", { class: "soft" }, "Your words take the place of its text. Its picture and its time stay."),
    text,
    el(
      "div",
      { class: "row" },
      el("button", {
        class: "first",
        onclick: () =>
          attempt(box, async () => {
            const now = await call("POST", `/v1/memories/${memory.memory_id}/correct`, { text: text.value });
            corrected(now);
            await fill(box, now);
          }),
      }, "Save"),
      el("button", { onclick: () => openMoment(memory.memory_id) }, "Cancel"),
    ),
  );
  text.focus();
}

function forget(box, memory) {
  return attempt(box, async () => {
    const selector = { ids: [memory.memory_id] };
    const would = await call("POST", "/v1/forget", { selector, dry_run: true });
    show(
      box,
      el("h2", { id: "moment-title" }, `Forget memory ${memory.memory_id}?`),
      el("p", {}, memory.caption),
      el(
        "p",
        { class: "soft" },
        `For good: ${would.memory_ids.length} memory, ${would.entities} things nothing else mentions, ` +
          `${would.edges} connections, its picture, and its copies in ${would.backups_rewritten} backups.`,
      ),
      el(
        "div",
        { class: "row" },
        el("button", {
          class: "bad",
          onclick: () =>
            attempt(box, async () => {
              await call("POST", "/v1/forget", { selector });
              box.close();
              forgotten(would.memory_ids);
            }),
        }, "Forget for good"),
        el("button", { class: "first", onclick: () => openMoment(memory.memory_id) }, "Keep it"),
      ),
    );
  });
}
