// This device's camera and microphone, sent to the daemon; it goes on whatever view of the page is shown.

import { Sender } from "./sender.js";

// From the poorest to the best: pictures a second, longer side in pixels, JPEG quality.
const LEVELS = [
  { rate: 1, side: 480, quality: 0.5 },
  { rate: 2, side: 640, quality: 0.6 },
  { rate: 5, side: 800, quality: 0.65 },
  { rate: 8, side: 960, quality: 0.7 },
];
const SLOW_MS = 600;
const QUICK_MS = 200;
const CLIMB_MS = 4000;
const REST_MS = 8000;
const DARK_MS = 400; // so long a camera that was switched on again may still show black
const WORDS = {
  NotAllowedError: "The camera was refused. Allow it for this page in the browser's address bar, then start again.",
  NotFoundError: "This device has no camera, or it is unplugged.",
  NotReadableError: "The camera is in use by another program.",
  OverconstrainedError: "That camera is not there any more.",
};

const listeners = new Set();
const canvas = document.createElement("canvas");
export const video = document.createElement("video");
video.muted = true;
video.playsInline = true;

export const state = { phase: "off", link: "off", trouble: "", sound: false, dropped: 0, sent: 0, bytes: 0, level: 2, delayMs: 0 };
let stream = null;
let sender = null;
let ears = null;
let lock = null;
let timer = 0;
let changedAt = 0;
let restedAt = 0;
let clearAt = 0;

export function onCapture(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(change = {}) {
  Object.assign(state, change);
  for (const listener of listeners) listener(state);
}

export async function start({ name, camera, sound }) {
  stop();
  if (!navigator.mediaDevices) {
    tell({ phase: "failed", trouble: "Browsers lend the camera only to pages of this machine (localhost) or over https." });
    return;
  }
  tell({ phase: "asking", trouble: "", dropped: 0, sent: 0, bytes: 0, level: 2 });
  try {
    const wanted = camera ? { deviceId: { exact: camera } } : { facingMode: "environment" };
    stream = await navigator.mediaDevices.getUserMedia({ video: { ...wanted, width: { ideal: 1280 }, height: { ideal: 720 } }, audio: sound });
  } catch (error) {
    tell({ phase: "failed", trouble: WORDS[error.name] || `The camera does not start: ${error.message}` });
    return;
  }
  for (const track of stream.getVideoTracks()) {
    track.addEventListener("ended", () => {
      stop();
      tell({ phase: "failed", trouble: "The camera went away: unplugged, or taken by another program." });
    });
  }
  video.srcObject = stream;
  await video.play();
  sender = new Sender(name, (link, words = "") => {
    if (link === "over") {
      stop();
      tell({ phase: "failed", trouble: words });
    } else tell({ link, trouble: words });
  });
  tell({ phase: "on", sound: stream.getAudioTracks().length > 0 });
  if (state.sound) await listen();
  await stayAwake();
  changedAt = performance.now();
  shoot();
}

export function stop() {
  clearTimeout(timer);
  sender?.end();
  sender = null;
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  video.srcObject = null;
  ears?.close();
  ears = null;
  lock?.release();
  lock = null;
  tell({ phase: "off", link: "off", trouble: "" });
}

// While it is paused nothing leaves the camera: its tracks are switched off, not merely unsent.
export function pause(paused) {
  for (const track of stream?.getTracks() ?? []) track.enabled = !paused;
  tell({ phase: paused ? "paused" : "on" });
  restedAt = -Infinity;
  clearAt = performance.now() + DARK_MS;
}

async function shoot() {
  const began = performance.now();
  try {
    if (state.phase === "paused") rest(began);
    else if (began >= clearAt) {
      if (sender?.free && video.videoWidth) await picture(began);
      else if (sender) missed();
    }
  } catch (error) {
    tell({ trouble: `A picture was lost: ${error.message}`, dropped: state.dropped + 1 });
  }
  if (!sender) return;
  adapt();
  timer = setTimeout(shoot, Math.max(5, 1000 / LEVELS[state.level].rate - (performance.now() - began)));
}

async function picture(at) {
  const { side, quality } = LEVELS[state.level];
  const scale = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
  const bytes = await blob.arrayBuffer();
  if (!sender?.ready || state.phase !== "on") return;
  sender.picture(bytes, at / 1000);
  tell({ sent: state.sent + 1, bytes: sender.bytes, delayMs: sender.delayMs });
}

function missed() {
  tell({ dropped: state.dropped + 1 });
}

function rest(now) {
  if (now - restedAt < REST_MS) return;
  restedAt = now;
  sender.rest();
}

function adapt() {
  const now = performance.now();
  if (!sender.ready || state.phase !== "on") {
    changedAt = now;
  } else if ((sender.delayMs > SLOW_MS || !sender.free) && state.level > 0 && now - changedAt > 1000) {
    tell({ level: state.level - 1 });
    changedAt = now;
  } else if (sender.delayMs < QUICK_MS && sender.free && state.level < LEVELS.length - 1 && now - changedAt > CLIMB_MS) {
    tell({ level: state.level + 1 });
    changedAt = now;
  }
}

export function level() {
  return LEVELS[state.level];
}

async function listen() {
  try {
    ears = new AudioContext({ sampleRate: 16000 });
    await ears.audioWorklet.addModule(new URL("ear.js", import.meta.url));
    const ear = new AudioWorkletNode(ears, "ear", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    ear.port.onmessage = ({ data }) => state.phase === "on" && sender?.sound(data, performance.now() / 1000);
    ears.createMediaStreamSource(stream).connect(ear);
  } catch (error) {
    tell({ sound: false, trouble: `Pictures are sent, sound is not: ${error.message}` });
  }
}

async function stayAwake() {
  try {
    lock = await navigator.wakeLock?.request("screen");
  } catch {
    // the battery is low, or the browser has no such thing: the screen may sleep
  }
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && stream) stayAwake();
});
