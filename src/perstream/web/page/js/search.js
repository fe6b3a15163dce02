// Search by words and time; each result says why it is there.

import { call, upload } from "./api.js";
import { memory } from "./cards.js";
import { el, failed, show } from "./dom.js";

const SIDE_PX = 800;

export function search(main) {
  const text = el("input", { type: "search", name: "text", class: "grow", placeholder: "Words, a name, \"last Tuesday\" …", maxlength: 4000, "aria-label": "Search for", autofocus: true });
  const since = el("input", { type: "date", "aria-label": "From" });
  const until = el("input", { type: "date", "aria-label": "Until" });
  const file = el("input", { type: "file", accept: "image/*", class: "hidden", id: "by-picture", onchange: lookAlike });
  const pick = el("label", { class: "button", for: "by-picture", tabindex: 0, onkeydown: (event) => event.key === "Enter" && file.click() }, "By picture …");
  const sample = el("img", { class: "sample", alt: "what is searched for", hidden: true });
  const results = el("div", { "aria-live": "polite" });
  const form = el("form", { class: "row", onsubmit: look }, text, since, until, el("button", { class: "first" }, "Search"), pick, file, sample);
  show(main, form, results);
  text.focus();

  async function look(event) {
    event.preventDefault();
    if (!text.value.trim()) return;
    const body = { text: text.value, k: 20 };
    if (since.value) body.since = new Date(`${since.value}T00:00:00`).toISOString();
    if (until.value) body.until = new Date(`${until.value}T23:59:59`).toISOString();
    sample.hidden = true;
    await found(() => call("POST", "/v1/recall", body));
  }

  // Pictures of any size and kind become a JPEG that the daemon takes.
  async function lookAlike() {
    if (!file.files.length) return;
    await found(async () => {
      const { blob, url } = await shrunk(file.files[0]);
      sample.src = url;
      sample.hidden = false;
      return upload("/v1/recall/picture", blob);
    });
    file.value = "";
  }

  async function found(ask) {
    try {
      const { hits } = await ask();
      if (!hits.length) {
        show(results, el("p", { class: "empty" }, "Nothing found."));
        return;
      }
      const list = el("ul", { class: "memories" });
      for (const hit of hits) {
        const card = memory(hit);
        const parts = Object.entries(hit.score_parts).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ");
        card.firstChild.append(el("span", { class: "soft", title: parts }, `${(100 * hit.score).toFixed(0)} % · ${hit.path.join(" > ")}`));
        list.append(card);
      }
      show(results, list);
    } catch (error) {
      show(results, failed(error));
    }
  }
}

async function shrunk(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error("This file is no picture that the browser can read.");
  }
  const scale = Math.min(1, SIDE_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = el("canvas", { width: Math.max(1, Math.round(bitmap.width * scale)), height: Math.max(1, Math.round(bitmap.height * scale)) });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.8));
  return { blob, url: URL.createObjectURL(blob) };
}
