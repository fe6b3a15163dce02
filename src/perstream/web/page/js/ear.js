// In the sound thread: float samples to stretches of half a second of int16.

const STRETCH = 8000;

class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.held = new Int16Array(STRETCH);
    this.count = 0;
  }

  process([input]) {
    for (const sample of input[0] ?? []) {
      this.held[this.count++] = Math.max(-1, Math.min(1, sample)) * 32767;
      if (this.count === STRETCH) {
        this.port.postMessage(this.held.slice().buffer);
        this.count = 0;
      }
    }
    return true;
  }
}

registerProcessor("ear", Ear);
