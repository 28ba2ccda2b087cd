// Loaded before a service (--import): its clock is off by what the file named in the environment says, in milliseconds.
import { readFileSync } from 'node:fs';

const file = process.env.CLOCK_JUMP_FILE;
const now = Date.now.bind(Date);
let read = { atMs: -Infinity, shiftMs: 0 };

function shiftMs() {
  const atMs = now();
  if (atMs - read.atMs > 100) {
    try {
      read = { atMs, shiftMs: Number(readFileSync(file, 'utf8')) || 0 };
    } catch {
      read = { atMs, shiftMs: 0 };
    }
  }
  return read.shiftMs;
}

Date.now = () => now() + shiftMs();
