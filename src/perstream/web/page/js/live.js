// What a source sees at this moment, about a dozen pictures a second, while somebody looks.

import { fetched } from "./api.js";

const APART_MS = 75;
const IDLE_MS = 400;

// source(): the name, or null. none(): no live picture at present. Returns what ends it.
export function watchLive(image, source, none) {
  let number = 0;
  let shown = null;
  let name = null;
  let over = false;

  async function once() {
    if (document.hidden || !source()) return IDLE_MS;
    if (name !== source()) {
      name = source();
      number = 0;
    }
    const began = performance.now();
    const answer = await fetched(`/v1/sources/${encodeURIComponent(name)}/live?after=${number}`);
    if (answer.status !== 200) {
      none();
      return IDLE_MS;
    }
    number = answer.headers.get("X-Picture");
    const url = URL.createObjectURL(await answer.blob());
    if (over) return URL.revokeObjectURL(url);
    image.src = url;
    if (shown) URL.revokeObjectURL(shown);
    shown = url;
    return Math.max(0, APART_MS - (performance.now() - began));
  }

  async function run() {
    while (!over) {
      let rest = IDLE_MS;
      try {
        rest = await once();
      } catch {
        none(); // the link says that the daemon is gone
      }
      await new Promise((done) => setTimeout(done, rest));
    }
  }

  run();
  return () => {
    over = true;
    if (shown) URL.revokeObjectURL(shown);
  };
}
