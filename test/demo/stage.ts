/** Where the story is told. Colour only on a terminal. */
const isTerminal = process.stdout.isTTY;

function paint(code: number, text: string): string {
  return isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

let attacks = 0;
let proofs = 0;

export const stage = {
  /** How many attacks were played, and refused. */
  get attacks(): number {
    return attacks;
  },
  /** How many actions ran and were proven to somebody else. */
  get proofs(): number {
    return proofs;
  },
  proven(text: string): void {
    proofs += 1;
    stage.step('auditor', text);
  },
  title(text: string): void {
    say('');
    say(paint(1, text));
    say(paint(2, '─'.repeat(Math.min(78, text.length))));
  },
  step(who: string, text: string): void {
    say(`  ${paint(36, who.padEnd(10))} ${text}`);
  },
  detail(text: string): void {
    for (const line of text.trimEnd().split('\n')) say(`  ${' '.repeat(10)} ${paint(2, line)}`);
  },
  held(text: string): void {
    say(`  ${paint(32, '✔'.padEnd(10))} ${text}`);
  },
  refused(attack: string, code: string): void {
    attacks += 1;
    say(`  ${paint(31, 'attack'.padEnd(10))} ${attack}`);
    say(`  ${paint(32, '✔ refused'.padEnd(10))} ${paint(1, code)}`);
  },
  line: say,
};

/** The demo is a test too: where the story does not go as told, it ends with an error. */
export function expectEqual(got: unknown, wanted: unknown, what: string): void {
  if (got !== wanted) {
    throw new Error(`${what}: expected ${String(wanted)}, got ${String(got)}`);
  }
}
