// The socket to the daemon: pictures and sound go out as fast as they are acknowledged, and it comes back by itself.

import { token } from "./api.js";

const PICTURE = 1;
const SOUND = 2;
const IN_FLIGHT = 2;
const MOST_WAITING = 256 * 1024;
const LONGEST_WAIT_MS = 10000;
const FINAL = { 4401: "The token was refused.", 4410: "This source was stopped in the daemon." };

export class Sender {
  // told(state, words): "connecting", "open", "lost" (it will try again), "over" (it will not).
  constructor(name, told) {
    this.name = name;
    this.told = told;
    this.delayMs = 0;
    this.sent = 0;
    this.bytes = 0;
    this.wait = 500;
    this.closed = false;
    this.open();
  }

  open() {
    this.ready = false;
    this.waiting = [];
    this.told("connecting");
    const address = new URL(`v1/sources/${encodeURIComponent(this.name)}/push`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.hash = "";
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ token: token() }));
    socket.onmessage = (message) => this.heard(JSON.parse(message.data));
    socket.onclose = (event) => this.lost(event);
  }

  heard(said) {
    if (said.ready !== undefined) {
      this.ready = true;
      this.wait = 500;
      this.told("open");
    } else if (said.ack !== undefined && this.waiting.length) {
      this.delayMs = 0.8 * this.delayMs + 0.2 * (performance.now() - this.waiting.shift());
    }
  }

  lost(event) {
    this.ready = false;
    if (this.closed) return;
    if (FINAL[event.code]) {
      this.closed = true;
      this.told("over", FINAL[event.code]);
      return;
    }
    this.told("lost", event.reason || "The daemon does not answer.");
    setTimeout(() => this.closed || this.open(), this.wait);
    this.wait = Math.min(LONGEST_WAIT_MS, this.wait * 2);
  }

  // Whether another picture may go: the daemon has taken the ones before, and they have left this machine.
  get free() {
    return this.ready && this.waiting.length < IN_FLIGHT && this.socket.bufferedAmount < MOST_WAITING;
  }

  picture(bytes, seconds) {
    this.waiting.push(performance.now());
    this.sent += 1;
    this.send(PICTURE, bytes, seconds);
  }

  sound(bytes, seconds) {
    if (this.ready && this.socket.bufferedAmount < MOST_WAITING) this.send(SOUND, bytes, seconds);
  }

  rest() {
    if (this.ready) this.socket.send('{"rest":true}');
  }

  end() {
    if (this.ready) this.socket.send('{"end":true}');
    this.closed = true;
    setTimeout(() => this.socket.close(), 500);
  }

  send(kind, bytes, seconds) {
    const message = new Uint8Array(9 + bytes.byteLength);
    const head = new DataView(message.buffer);
    head.setUint8(0, kind);
    head.setFloat64(1, seconds, true);
    message.set(new Uint8Array(bytes), 9);
    this.bytes += message.byteLength;
    this.socket.send(message);
  }
}
