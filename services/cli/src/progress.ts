import type { TextSink } from './context.ts';

const CLEAR_LINE = '\r\u001B[2K';

/** What is being waited for: one line that is rewritten on a terminal, one line in all elsewhere. */
export class Progress {
  readonly #sink: TextSink;
  #said: string | undefined;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  show(text: string, detail = ''): void {
    if (this.#sink.isTty) this.#sink.write(`${CLEAR_LINE}${text}${detail}`);
    else if (this.#said !== text) this.#sink.write(`${text}\n`);
    this.#said = text;
  }

  clear(): void {
    if (this.#sink.isTty && this.#said !== undefined) this.#sink.write(CLEAR_LINE);
    this.#said = undefined;
  }
}
