import { createInterface, type Interface } from 'node:readline';
import { cliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { rowsOf } from './display-rows.ts';

const COLUMNS_MIN = 40;
const ROWS_MIN = 10;
/** What was typed or pasted before a question was there is no answer to it. */
const DEAF_MS = 150;

/** With a person who sits at a terminal, reads what stands there, and types. */
export class Conversation {
  readonly #context: CliContext;
  readonly #lines: Interface;

  private constructor(context: CliContext) {
    this.#context = context;
    // The terminal itself lets the person correct a line; what is typed while nobody asks is dropped.
    this.#lines = createInterface({ input: context.stdin, terminal: false });
  }

  /**
   * Makes sure that there is somebody: a decision is never taken from a pipe, and never sent where nobody reads.
   *
   * @throws CliError TERMINAL_REQUIRED, TERMINAL_TOO_SMALL
   */
  static assertPossible({ stdin, stdout }: Pick<CliContext, 'stdin' | 'stdout'>): void {
    if (!stdout.isTty || !('isTTY' in stdin) || stdin.isTTY !== true) {
      throw cliError(
        'TERMINAL_REQUIRED',
        'expected a terminal for input and output: a decision is made by somebody who reads what it is about',
      );
    }
    const { columns, rows } = stdout.size;
    if (columns < COLUMNS_MIN || rows < ROWS_MIN) {
      throw cliError(
        'TERMINAL_TOO_SMALL',
        `expected a terminal of ${COLUMNS_MIN} by ${ROWS_MIN} or more, got ${columns} by ${rows}`,
      );
    }
  }

  /** @throws CliError TERMINAL_REQUIRED, TERMINAL_TOO_SMALL */
  static open(context: CliContext): Conversation {
    Conversation.assertPossible(context);
    return new Conversation(context);
  }

  /** Shows everything, a screen at a time. @throws CliError NOT_DECIDED, INTERRUPTED */
  async show(lines: readonly string[]): Promise<void> {
    const { stdout } = this.#context;
    const { columns, rows } = stdout.size;
    const all = lines.flatMap((line) => rowsOf(line, columns - 1));
    const perScreen = rows - 2;
    for (let from = 0; from < all.length; from += perScreen) {
      stdout.lines(...all.slice(from, from + perScreen));
      const left = all.length - from - perScreen;
      if (left > 0) await this.ask(`-- ${left} more lines: Enter --`);
    }
  }

  /** One line that is typed after the question. @throws CliError NOT_DECIDED at its end, INTERRUPTED */
  async ask(question: string): Promise<string> {
    await this.#pause();
    this.#context.stdout.text(question);
    const { interrupted } = this.#context;
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        this.#lines.removeAllListeners('line').removeAllListeners('close');
        interrupted.removeEventListener('abort', stop);
        end();
      };
      const stop = (): void => {
        settle(() => {
          reject(cliError('INTERRUPTED', 'nothing was decided'));
        });
      };
      this.#lines.once('line', (line) => {
        settle(() => {
          resolve(line);
        });
      });
      this.#lines.once('close', () => {
        settle(() => {
          reject(cliError('NOT_DECIDED', 'the input ended; nothing was decided'));
        });
      });
      interrupted.addEventListener('abort', stop, { once: true });
      if (interrupted.aborted) stop();
    });
  }

  /** From then on somebody else may ask: ssh-keygen, for a passphrase or a PIN. */
  close(): void {
    this.#lines.close();
  }

  async #pause(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, DEAF_MS));
  }
}
