// What happened to memories, told to everything that shows one: forgotten ones vanish, corrected ones say the new words.

import { forgetPictures } from "./api.js";

const listeners = new Set();

export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function forgotten(ids) {
  forgetPictures();
  for (const listener of listeners) listener({ gone: new Set(ids.map(Number)), corrected: null });
}

export function corrected(memory) {
  for (const listener of listeners) listener({ gone: new Set(), corrected: memory });
}

// Bring what is shown under `root` up to date.
export function apply(root, { gone, corrected: memory }) {
  for (const shown of root.querySelectorAll("[data-memory]")) {
    const id = Number(shown.dataset.memory);
    if (gone.has(id)) vanish(shown);
    else if (memory && memory.memory_id === id) {
      const words = shown.querySelector(".clip");
      if (words) words.textContent = memory.caption;
    }
  }
}

function vanish(shown) {
  const card = shown.closest(".say, .reply");
  shown.remove();
  if (!card) return;
  // What was said quoted it.
  const words = card.querySelector(".words");
  if (words) words.textContent = "This rested on a memory that was forgotten.";
}
