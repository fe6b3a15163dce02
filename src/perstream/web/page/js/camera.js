// The camera of this device: what it sends, whether it does, and a large button that stops it at once.

import { el, show } from "./dom.js";
import { level, onCapture, pause, start, state, stop, video } from "./capture.js";

const NAME_KEY = "perstream-camera-name";
const PHASES = { off: "off", asking: "waiting for your permission", on: "sending", paused: "paused: nothing is sent", failed: "off" };
const LINKS = { off: "", connecting: "connecting …", open: "", lost: "cut off; trying again, nothing is sent meanwhile" };

export function camera(main) {
  const name = el("input", { maxlength: 60, required: true, pattern: "[\\p{L}\\p{N}_][\\p{L}\\p{N}_ .\\-]*", "aria-label": "Name of this camera", title: "Letters, digits, spaces, dots" });
  name.value = localStorage.getItem(NAME_KEY) || (/Mobi/.test(navigator.userAgent) ? "phone" : "laptop camera");
  const which = el("select", { "aria-label": "Which camera" }, el("option", { value: "" }, "back or only camera"));
  const sound = el("input", { type: "checkbox", id: "with-sound" });
  const form = el(
    "form",
    { class: "row", onsubmit: begin },
    name,
    which,
    el("label", { class: "row", for: "with-sound" }, sound, "with microphone"),
    el("button", { class: "first" }, "Start"),
  );
  const sign = el("p", { class: "sending", role: "status" });
  const trouble = el("p", { class: "error", role: "alert" });
  const figures = el("p", { class: "soft" });
  const big = el("button", { class: "big", onclick: () => pause(state.phase === "on") });
  const end = el("button", { class: "bad", onclick: stop }, "Stop");
  const screen = el("div", { class: "view" }, video, el("div", { class: "over" }, sign));
  const controls = el("div", { class: "row" }, big, end);
  const parts = [
    el("h2", {}, "This device's camera"),
    el("p", { class: "soft" }, "Pictures (and sound, if you tick it) go to your own daemon and nowhere else, while this page is open. Others you film may want to know."),
    form,
    screen,
    trouble,
    controls,
    figures,
  ];
  show(main, el("div", { class: "camera" }, parts));

  function begin(event) {
    event.preventDefault();
    localStorage.setItem(NAME_KEY, name.value.trim());
    start({ name: name.value.trim(), camera: which.value, sound: sound.checked }).then(cameras);
  }

  async function cameras() {
    const found = (await navigator.mediaDevices?.enumerateDevices())?.filter((one) => one.kind === "videoinput" && one.deviceId) ?? [];
    const chosen = which.value;
    show(which, el("option", { value: "" }, "back or only camera"), found.map((one, n) => el("option", { value: one.deviceId }, one.label || `camera ${n + 1}`)));
    which.value = chosen;
  }

  function draw() {
    const running = ["on", "paused"].includes(state.phase);
    form.hidden = running;
    screen.hidden = !running;
    controls.hidden = !running;
    screen.classList.toggle("resting", state.phase !== "on" || state.link !== "open");
    sign.textContent = running && LINKS[state.link] ? LINKS[state.link] : `${PHASES[state.phase]}${state.phase === "on" ? (state.sound ? " picture and sound" : " pictures, no sound") : ""}`;
    sign.className = `sending ${state.phase === "on" && state.link === "open" ? "on" : ""}`;
    trouble.textContent = state.trouble;
    trouble.hidden = !state.trouble;
    const words = state.phase === "paused" ? "Go on" : "Pause";
    if (big.textContent !== words) big.textContent = words;
    const { rate, side } = level();
    figures.textContent = running
      ? `${state.sent} pictures sent, ${state.dropped} dropped here, ${(state.bytes / 1e6).toFixed(1)} MB; ${rate} a second at ${side} px, taken in ${Math.round(state.delayMs)} ms`
      : "";
  }

  cameras();
  draw();
  // A page that is moved in the document pauses its video.
  if (video.srcObject) video.play();
  return onCapture(draw);
}

// The sign in the header, whatever view is shown.
export function wireSign(sign) {
  onCapture(({ phase, link }) => {
    sign.hidden = !["on", "paused"].includes(phase);
    sign.textContent = phase === "paused" ? "camera paused" : link === "open" ? "camera on" : "camera cut off";
    sign.className = phase === "on" && link === "open" ? "on" : "";
  });
}
