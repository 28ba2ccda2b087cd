import type { CliError } from './cli-error.ts';
import type { Output } from './output.ts';

type Facts = Readonly<Record<string, unknown>>;

/** Says what happens, to a person in words or to a program as one JSON object a line. */
export class Narrator {
  readonly #output: Output;
  readonly #isJson: boolean;
  #isWaiting = false;

  constructor(output: Output, isJson: boolean) {
    this.#output = output;
    this.#isJson = isJson;
  }

  /** @param words one line, or several */
  say(event: string, words: string | readonly string[], facts: Facts = {}): void {
    if (this.#isJson) {
      this.#output.json({ event, ...facts });
      return;
    }
    const [first = '', ...more] = typeof words === 'string' ? [words] : words;
    this.#output.lines(`countersign: ${first}`, ...more.map((line) => `  ${line}`));
  }

  /** What is being waited for: one line that is rewritten on a terminal, one line in all elsewhere. */
  wait(words: string, detail: string): void {
    if (this.#isJson) return;
    if (this.#output.isTty) this.#output.replaceLine(`countersign: ${words}${detail}`);
    else if (!this.#isWaiting) this.#output.lines(`countersign: ${words}`);
    this.#isWaiting = true;
  }

  waited(): void {
    if (this.#isWaiting && this.#output.isTty) this.#output.replaceLine('');
    this.#isWaiting = false;
  }

  /** @param hint what to do, in the words to type here */
  fail({ code, message, exitCode }: CliError, hint?: string): void {
    if (this.#isJson) {
      this.#output.json({ event: 'error', code, message, hint, exit: exitCode });
      return;
    }
    // A stack is ours, and has lines; what others wrote may be in it, and begins none that could be taken for our own.
    const [first = '', ...more] = code === 'INTERNAL' ? message.split('\n') : [message];
    this.#output.lines(`countersign: ${code}: ${first}`, ...more.map((line) => `  ${line}`));
    if (hint !== undefined) this.#output.lines(...hint.split('\n').map((line) => `  ${line}`));
  }
}
