import { rowsOf } from './display-rows.ts';
import { terminalJson, terminalLines, terminalText } from './terminal-text.ts';

/** Where text goes: a stream of the process, or what a test looks at. */
export interface TextSink {
  readonly isTty: boolean;
  /** Of a terminal, where it tells. */
  readonly size?: () => { columns: number | undefined; rows: number | undefined };
  write(text: string): void;
}

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
const CLEAR_LINE = '\r\u001B[2K';

/**
 * The only way from a command to a terminal. What it shows may be of a ledger that lies, or of a file that somebody handed over:
 * no character of it reaches the terminal that could move the cursor, hide, or turn the reading order round.
 */
export class Output {
  readonly #sink: TextSink;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  get isTty(): boolean {
    return this.#sink.isTty;
  }

  /** As a terminal that does not tell is taken to be. */
  get size(): { columns: number; rows: number } {
    const { columns, rows } = this.#sink.size?.() ?? {};
    return { columns: columns || DEFAULT_COLUMNS, rows: rows || DEFAULT_ROWS };
  }

  /** One line each, whatever they hold. */
  lines(...lines: readonly string[]): void {
    this.#sink.write(lines.map((line) => `${terminalText(line)}\n`).join(''));
  }

  /**
   * As lines, where others wrote a part of them: a terminal that wraps one by itself could begin a row with what they wrote, which
   * would look like a line of ours.
   */
  rows(...lines: readonly string[]): void {
    const { columns } = this.size;
    this.lines(...(this.isTty ? lines.flatMap((line) => rowsOf(line, columns - 1)) : lines));
  }

  /** Text with line ends of its own. */
  text(text: string): void {
    this.#sink.write(terminalLines(text));
  }

  /** One value of JSON on one line. */
  json(value: unknown): void {
    this.#sink.write(`${terminalJson(JSON.stringify(value))}\n`);
  }

  /** A document of JSON: byte for byte to a file or a program, safe on a terminal. */
  document(json: string): void {
    this.#sink.write(this.isTty ? terminalJson(json) : json);
  }

  /** Takes the place of the line that the cursor is on. Only for a terminal. */
  replaceLine(text: string): void {
    this.#sink.write(`${CLEAR_LINE}${terminalText(text)}`);
  }
}
