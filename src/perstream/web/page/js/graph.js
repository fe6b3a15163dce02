// The memory graph, walked: where one stands, what lies around it, and the way one came. Never the whole is drawn.

import { get } from "./api.js";
import { clock, day, el, failed, show } from "./dom.js";
import { openMoment } from "./moment.js";

const PAGE = 24;
const KINDS = { category: "Category", memory: "Memory", entity: "Thing" };
const SVG = "http://www.w3.org/2000/svg";

// The way one came, newest last; it stays while the page is open.
let path = [];
let span = { since: "", until: "" };

export function graph(main) {
  const node = new URLSearchParams(location.hash.split("?")[1] || "").get("node") || "";
  const way = el("nav", { class: "way", "aria-label": "The way here" });
  const since = el("input", { type: "date", "aria-label": "From", onchange: again });
  const until = el("input", { type: "date", "aria-label": "Until", onchange: again });
  since.value = span.since;
  until.value = span.until;
  const here = el("div", { class: "here" });
  const around = el("ul", { class: "around" });
  const lines = document.createElementNS(SVG, "svg");
  lines.setAttribute("aria-hidden", "true");
  const board = el("div", { class: "walk" }, lines, here, around);
  const more = el("button", { hidden: true, onclick: () => load() }, "More");
  show(main, el("div", { class: "row" }, way, el("span", { class: "grow" }), since, until), board, more);
  let offset = 0;

  function again() {
    span = { since: since.value, until: until.value };
    offset = 0;
    show(around);
    load();
  }

  async function load() {
    more.disabled = true;
    try {
      const query = new URLSearchParams({ node, limit: PAGE, offset });
      if (since.value) query.set("since", new Date(`${since.value}T00:00:00`).toISOString());
      if (until.value) query.set("until", new Date(`${until.value}T23:59:59`).toISOString());
      const found = await get(`/v1/graph/around?${query}`);
      if (!offset) stand(found);
      around.append(...found.places.map(step));
      offset += PAGE;
      more.hidden = offset >= found.total;
      if (!around.children.length) around.append(el("li", { class: "empty" }, node ? "Nothing else hangs on it in this time." : "Nothing is remembered yet."));
      draw();
    } catch (error) {
      show(around, el("li", {}, failed(error)));
    } finally {
      more.disabled = false;
    }
  }

  function stand(found) {
    const place = found.here ?? { node: "", kind: "root", label: "Everything remembered" };
    const at = path.findIndex((one) => one.node === place.node);
    path = at >= 0 ? path.slice(0, at + 1) : [...path, place].slice(-6);
    if (path[0].node) path = [{ node: "", kind: "root", label: "Everything remembered" }, ...path];
    show(way, path.slice(0, -1).map((one) => [el("a", { href: address(one.node) }, short(one.label, 28)), " › "]).flat());
    show(
      here,
      el(
        "div",
        { class: `node ${place.kind}`, "data-memory": place.kind === "memory" ? place.node.slice(7) : null },
        el("span", { class: "soft" }, KINDS[place.kind] || "Start"),
        el("strong", { class: "clip" }, place.label),
        place.at && el("span", { class: "soft" }, `${day(place.at)}, ${clock(place.at)}`),
        el("span", { class: "soft" }, place.kind === "memory" ? "" : `${found.total.toLocaleString()} around it`),
        place.kind === "memory" && el("button", { onclick: () => openMoment(Number(place.node.slice(7))) }, "Open the moment"),
      ),
    );
  }

  function step(place) {
    return el(
      "li",
      { "data-memory": place.kind === "memory" ? place.node.slice(7) : null },
      el(
        "a",
        { class: `node ${place.kind}`, href: address(place.node) },
        el("span", { class: "soft" }, [place.via, place.at ? `${new Date(place.at).toLocaleDateString()} ${clock(place.at)}` : ""].filter(Boolean).join(" · ")),
        el("span", { class: "clip" }, place.label),
        place.memories > 0 && el("span", { class: "tag" }, `${place.memories.toLocaleString()} memor${place.memories === 1 ? "y" : "ies"}`),
      ),
    );
  }

  // A curve from where one stands to each neighbour.
  function draw() {
    const frame = board.getBoundingClientRect();
    const from = here.firstChild?.getBoundingClientRect();
    lines.replaceChildren();
    if (!from || from.right > (around.getBoundingClientRect().left || 0)) return; // narrow: one below the other
    const x = from.right - frame.left;
    const y = from.top - frame.top + Math.min(from.height / 2, 40);
    for (const item of around.querySelectorAll("a")) {
      const to = item.getBoundingClientRect();
      const end = [to.left - frame.left, to.top - frame.top + to.height / 2];
      const middle = (x + end[0]) / 2;
      const line = document.createElementNS(SVG, "path");
      line.setAttribute("d", `M${x},${y} C${middle},${y} ${middle},${end[1]} ${end[0]},${end[1]}`);
      lines.append(line);
    }
  }

  const size = new ResizeObserver(draw);
  size.observe(board);
  load();
  return () => size.disconnect();
}

function address(node) {
  return node ? `#/graph?node=${encodeURIComponent(node)}` : "#/graph";
}

function short(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
