import type { TextSink } from './context.ts';
import type { CliError } from './cli-error.ts';

type Facts = Readonly<Record<string, unknown>>;

/** Says what happens, to a person in words or to a program as one JSON object a line. */
export class Narrator {
  readonly #sink: TextSink;
  readonly #isJson: boolean;

  constructor(sink: TextSink, isJson: boolean) {
    this.#sink = sink;
    this.#isJson = isJson;
  }

  say(event: string, words: string, facts: Facts = {}): void {
    const line = this.#isJson ? JSON.stringify({ event, ...facts }) : `countersign: ${words}`;
    this.#sink.write(`${line}\n`);
  }

  fail({ code, message, hint, exitCode }: CliError): void {
    if (this.#isJson) {
      this.#sink.write(
        `${JSON.stringify({ event: 'error', code, message, hint, exit: exitCode })}\n`,
      );
      return;
    }
    this.#sink.write(
      `countersign: ${code}: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`,
    );
  }
}
