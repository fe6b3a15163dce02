// The daemon's API. The owner's token comes once in the address's fragment, which no server sees, and stays in this
// tab. A paired device's token is its own and can be revoked, so it stays in the browser.

const KEY = "perstream-token";

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export function takeToken() {
  const match = /^#token=([\w.~-]{16,200})$/.exec(location.hash);
  if (!match) return;
  keepToken(match[1]);
  history.replaceState(null, "", location.pathname + "#/now");
}

function device() {
  const known = /iPhone|iPad|Android|Windows|Mac|Linux/.exec(navigator.userAgent);
  return known ? known[0] : "device";
}

// Exchange the one-time code in the address's fragment; nothing to do without one. Throws Refused.
export async function takePairing() {
  const match = /^#pair=([\w-]{16,100})$/.exec(location.hash);
  if (!match) return false;
  history.replaceState(null, "", location.pathname + "#/now");
  const paired = await call("POST", "/v1/pair", { code: match[1], name: device() });
  sessionStorage.removeItem(KEY);
  localStorage.setItem(KEY, paired.token);
  return true;
}

export function keepToken(token) {
  sessionStorage.setItem(KEY, token.trim());
}

export function hasToken() {
  return Boolean(token());
}

export function token() {
  return sessionStorage.getItem(KEY) || localStorage.getItem(KEY) || "";
}

// The one that was used: the tab's own, else the device's.
export function dropToken() {
  if (sessionStorage.getItem(KEY)) sessionStorage.removeItem(KEY);
  else localStorage.removeItem(KEY);
}

async function send(method, path, body, signal) {
  const headers = { Authorization: `Bearer ${token()}` };
  const raw = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = raw ? body.type : "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, signal, body: body === undefined || raw ? body : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The daemon does not answer. Is it running? Start it with: perstream serve");
  }
  if (!answer.ok) {
    let detail = answer.statusText;
    try {
      detail = (await answer.json()).detail || detail;
    } catch {
      // no problem document: the status has to do
    }
    if (answer.status === 401) document.dispatchEvent(new CustomEvent("token-needed"));
    throw new Refused(answer.status, String(detail));
  }
  return answer;
}

export function fetched(path) {
  return send("GET", path);
}

export async function get(path, signal) {
  return (await send("GET", path, undefined, signal)).json();
}

// A picture as the body of a request.
export async function upload(path, blob) {
  return (await send("POST", path, blob)).json();
}

export async function call(method, path, body) {
  const answer = await send(method, path, body);
  return answer.status === 204 ? null : answer.json();
}

// Server-sent events by fetch: EventSource could not send the token.
export async function stream(method, path, body, heard, signal) {
  const answer = await send(method, path, body, signal);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      let kind = "message";
      let data = "";
      for (const line of block.split("\n")) {
        if (line.startsWith("event: ")) kind = line.slice(7);
        else if (line.startsWith("data: ")) data = line.slice(6);
      }
      heard(kind, data ? JSON.parse(data) : null);
    }
  }
}

const pictures = new Map();
const MOST_PICTURES = 400;

// A picture as an object URL, or null where there is none.
export async function picture(path, keep = true) {
  if (keep && pictures.has(path)) return pictures.get(path);
  let url = null;
  try {
    const answer = await send("GET", path);
    if (answer.status === 200) url = URL.createObjectURL(await answer.blob());
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 404) throw error;
  }
  if (keep) {
    pictures.set(path, url);
    if (pictures.size > MOST_PICTURES) {
      const [oldest, gone] = pictures.entries().next().value;
      pictures.delete(oldest);
      if (gone) URL.revokeObjectURL(gone);
    }
  }
  return url;
}

export function forgetPictures() {
  for (const url of pictures.values()) if (url) URL.revokeObjectURL(url);
  pictures.clear();
}
