import type { TextSink } from './context.ts';
import type { CliError } from './cli-error.ts';
import { terminalText } from './terminal-text.ts';

type Facts = Readonly<Record<string, unknown>>;

const CLEAR_LINE = '\r\u001B[2K';

/** Says what happens, to a person in words or to a program as one JSON object a line. */
export class Narrator {
  readonly #sink: TextSink;
  readonly #isJson: boolean;
  #isWaiting = false;

  constructor(sink: TextSink, isJson: boolean) {
    this.#sink = sink;
    this.#isJson = isJson;
  }

  say(event: string, words: string, facts: Facts = {}): void {
    const line = this.#isJson ? JSON.stringify({ event, ...facts }) : `countersign: ${words}`;
    this.#sink.write(`${line}\n`);
  }

  /** What is being waited for: one line that is rewritten on a terminal, one line in all elsewhere. */
  wait(words: string, detail: string): void {
    if (this.#isJson) return;
    if (this.#sink.isTty) this.#sink.write(`${CLEAR_LINE}countersign: ${words}${detail}`);
    else if (!this.#isWaiting) this.#sink.write(`countersign: ${words}\n`);
    this.#isWaiting = true;
  }

  waited(): void {
    if (this.#isWaiting && this.#sink.isTty) this.#sink.write(CLEAR_LINE);
    this.#isWaiting = false;
  }

  fail({ code, message, hint, exitCode }: CliError): void {
    if (this.#isJson) {
      this.#sink.write(
        `${JSON.stringify({ event: 'error', code, message, hint, exit: exitCode })}\n`,
      );
      return;
    }
    // A stack is ours, and has lines; a refusal may quote what others wrote.
    const shown = code === 'INTERNAL' ? message : terminalText(message);
    this.#sink.write(`countersign: ${code}: ${shown}\n${hint === undefined ? '' : `  ${hint}\n`}`);
  }
}
