import { createHash, type Hash } from 'node:crypto';

/** Every step of a simulation, as one line each: two runs of one seed have the same digest. */
export class Trace {
  readonly #hash: Hash = createHash('sha256');
  readonly #print: ((line: string) => void) | undefined;
  lines = 0;

  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  note(line: string): void {
    this.lines += 1;
    this.#hash.update(line).update('\n');
    this.#print?.(line);
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
