// How the daemon is doing: what memory takes of what it may, what was dropped and held back, and what left the machine.

import { get } from "./api.js";
import { el, failed, show } from "./dom.js";

const KEPT = 120;
const history = new Map();

export function health(main) {
  const body = el("div", {});
  show(main, body);

  async function refresh() {
    try {
      show(body, page(await get("/v1/status")));
    } catch (error) {
      show(body, failed(error));
    }
  }

  refresh();
  const timer = setInterval(refresh, 2000);
  return () => clearInterval(timer);
}

function page(status) {
  const memory = status.memory;
  const drops = {};
  for (const source of status.sources) {
    for (const [reason, count] of Object.entries(source.dropped || {})) drops[reason] = (drops[reason] || 0) + count;
  }
  return [
    el(
      "div",
      { class: "grid" },
      figure("memories", memory.memories),
      figure("on disk, MB", memory.disk_mb),
      figure("in memory at most, MB", memory.ram_mb),
      figure("percepts that failed", status.errors),
      status.sources.filter((source) => source.latency?.count && source.state !== "ended").map((source) => figure(`${source.name}: picture to memory, ms (p95)`, Math.round(source.latency.p95_ms))),
    ),
    el("h2", {}, "Brain"),
    el("div", { class: "card" }, el("strong", {}, status.backend), (status.notes || []).map((note) => el("p", { class: "soft" }, note)), status.adapter && el("p", {}, `adapter ${status.adapter}`)),
    table("Builtin parts stood in", status.fallbacks),
    table("Frames dropped", drops),
    table("Words held back", status.silences),
    table("Its own care", care(status)),
    el("h2", {}, "What left this process"),
    status.sent?.length
      ? el("table", {}, el("tr", {}, ["server", "for", "calls", "kB", "pictures", "failed"].map((name) => el("th", {}, name))), status.sent.map((one) => el("tr", {}, [one.server, one.kind, one.calls, (one.bytes_sent / 1000).toFixed(0), one.pictures, one.failed].map((value) => el("td", {}, String(value))))))
      : el("p", { class: "soft" }, "Nothing. No model server is in use."),
  ];
}

// Backups, what hangs, what is let go.
function care(status) {
  const { backups, watchdog, chores } = status;
  const rows = {};
  if (backups?.every_h) rows["newest backup"] = backups.newest ? `${new Date(backups.newest).toLocaleString()}, ${backups.kept} of its own kept` : "none yet";
  if (backups?.last_error) rows["last backup failed"] = backups.last_error;
  if (watchdog?.keep_one_in > 1) rows["shedding load"] = `one keyframe in ${watchdog.keep_one_in} of live sources`;
  for (const one of watchdog?.stuck || []) rows[`stuck: ${one.kind} ${one.subject}`] = `${one.step}, ${Math.round(one.seconds)} s`;
  for (const chore of chores || []) if (chore.last_error) rows[`failed: ${chore.name}`] = chore.last_error;
  return rows;
}

function figure(name, value) {
  const points = [...(history.get(name) || []), value].slice(-KEPT);
  history.set(name, points);
  return el("div", { class: "card" }, el("div", { class: "soft" }, name), el("strong", {}, Number(value).toLocaleString()), spark(points));
}

function spark(points) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", `0 0 ${KEPT} 30`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const most = Math.max(...points);
  const least = Math.min(...points);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("fill", "none");
  line.setAttribute("stroke", "currentColor");
  line.setAttribute("vector-effect", "non-scaling-stroke");
  line.setAttribute("points", points.map((value, n) => `${KEPT - points.length + n},${most > least ? 28 - (26 * (value - least)) / (most - least) : 15}`).join(" "));
  svg.append(line);
  return svg;
}

function table(title, counts) {
  const rows = Object.entries(counts || {});
  if (!rows.length) return null;
  return [el("h2", {}, title), el("table", {}, rows.map(([reason, count]) => el("tr", {}, el("td", {}, reason), el("td", {}, String(count)))))];
}
