import { inputDigest } from '@countersign/ledger';
import type { NoteSigner } from '@countersign/tlog';
import { afterEach, describe, expect, it } from 'vitest';
import { evidenceOutcome } from '../support/evidence-outcome.ts';
import { FoundedLedger, entryOf } from '../support/founded-ledger.ts';
import { auditLog } from '../support/log-audit.ts';
import { adding, idOf, logKeyAction, removing, signedHeads } from '../support/log-key-rotation.ts';
import { noteSigner } from '../support/note-key.ts';
import { StepBroker, type Fate } from '../support/step-broker.ts';

let ledger: FoundedLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
});

/** The key that is added or removed, and who writes when it is decided and after it. */
interface Rotation {
  readonly name: string;
  readonly change: 'add' | 'remove';
  /** Signers of the writer that dies. */
  readonly dying: readonly ('old' | 'new')[];
  /** Signers of the writer that comes next. */
  readonly next: readonly ('old' | 'new')[];
}

const ROTATIONS: readonly Rotation[] = [
  { name: 'adds a key', change: 'add', dying: ['old', 'new'], next: ['old', 'new'] },
  { name: 'adds a key that it does not have', change: 'add', dying: ['old'], next: ['old', 'new'] },
  {
    name: 'adds a key, before one without it',
    change: 'add',
    dying: ['old', 'new'],
    next: ['old'],
  },
  { name: 'removes a key', change: 'remove', dying: ['old', 'new'], next: ['old', 'new'] },
  {
    name: 'removes a key, before one without it',
    change: 'remove',
    dying: ['old', 'new'],
    next: ['new'],
  },
  { name: 'removes the only key that it has', change: 'remove', dying: ['old'], next: ['new'] },
];

/** The steps from the batch that decides the change to the checkpoint that seals it. */
const STEPS: readonly { readonly what: string; readonly fate: Fate }[] = [
  { what: 'batch', fate: 'kill-before' },
  { what: 'batch', fate: 'kill-after' },
  { what: 'batch', fate: 'lose-reply' },
  { what: 'sign', fate: 'kill-before' },
  { what: 'sign', fate: 'kill-after' },
  { what: 'checkpoint', fate: 'kill-before' },
  { what: 'checkpoint', fate: 'kill-after' },
  { what: 'checkpoint', fate: 'lose-reply' },
];

const CASES = ROTATIONS.flatMap((rotation) =>
  STEPS.map((step): [string, Rotation, (typeof STEPS)[number]] => [
    `${rotation.name}, ${step.fate} ${step.what}`,
    rotation,
    step,
  ]),
);

/** A writer that meets its fate at that step, the first time after it was armed. */
class Struck {
  isArmed = false;
  isStruck = false;
  readonly #step: (typeof STEPS)[number];

  constructor(step: (typeof STEPS)[number]) {
    this.#step = step;
  }

  fateAt(what: string): Fate {
    if (!this.isArmed || this.isStruck || what !== this.#step.what) return 'go';
    this.isStruck = true;
    return this.#step.fate;
  }

  signer(own: NoteSigner, broker: StepBroker): NoteSigner {
    return {
      ...own,
      sign: async (message) => {
        const met = this.fateAt('sign');
        const signed = met === 'kill-before' ? undefined : await own.sign(message);
        if (met !== 'go') broker.kill();
        return signed === undefined || broker.isDead ? new Promise<never>(() => undefined) : signed;
      },
    };
  }
}

async function changed(
  at: FoundedLedger,
  change: Parameters<typeof logKeyAction>[1],
): Promise<void> {
  entryOf(await at.decide(await at.admit(logKeyAction(at, change))), 'authority-changed');
}

describe('a writer that dies while a key of the log is rotated', () => {
  it.each(CASES)('%s', async (_, { change, dying, next }, step) => {
    ledger = await FoundedLedger.create();
    const at = ledger;
    const keys = { old: at.signer, new: noteSigner(at.origin) };
    const of = (names: readonly ('old' | 'new')[]): NoteSigner[] => names.map((name) => keys[name]);
    at.signers = of(['old', 'new']);
    at.renewServices();
    at.start();
    const before = await at.bind();
    if (change === 'remove') await changed(at, adding(keys.new));
    await at.stop();

    const struck = new Struck(step);
    const broker = new StepBroker(at.broker, ({ what }) => struck.fateAt(what));
    at.renewServices();
    at.writer = at.newWriter({
      broker,
      signers: of(dying).map((own) => struck.signer(own, broker)),
    });
    at.start();
    const effect = change === 'add' ? adding(keys.new) : removing(keys.old);
    const asked = await at.admit(logKeyAction(at, effect));
    struck.isArmed = true;
    const frame = at.parties.decisionFrame(asked.admission);
    await at.submit('decision', asked.actionId, frame);
    // One that has lost its only key stops by itself, before it signs or publishes anything more.
    const isOver = (): boolean => struck.isStruck || at.writer.status.state === 'stopped';
    await expect.poll(isOver, { timeout: 5_000 }).toBe(true);
    // The process is gone, whatever it was about to do.
    broker.kill();
    at.projector.stop();

    at.signers = of(next);
    at.renewServices();
    at.start();
    const answer = await at.projector.waitForInput(inputDigest(frame), 20_000);
    if (answer === undefined) throw new Error('expected an answer');
    entryOf(answer, 'authority-changed');
    const after = await at.bind();
    expect(at.writer.status.state).toBe('running');

    const audit = await auditLog(at.broker, { origin: at.origin, logKeys: [keys.old.vkey] });
    expect(audit.sealedSize).toBe(audit.size);
    expect(audit.counts).toMatchObject({ notValidCheckpoints: 0, unsignedCheckpoints: 0 });
    expect(audit.entries.filter(({ type }) => type === 'authority-changed')).toHaveLength(
      change === 'add' ? 1 : 2,
    );
    const last = (await signedHeads(at)).at(-1)?.keys;
    const left = change === 'add' ? next : next.filter((name) => name === 'new');
    expect(last).toEqual(of(left).map(idOf));
    for (const { actionId } of [before, after]) {
      await at.projector.waitForStored(after.binding.index + 1, 5_000);
      // The projector of before was on its way out, and the one that comes second stands back a moment.
      await expect
        .poll(() => evidenceOutcome(at, actionId), { timeout: 10_000 })
        .toMatchObject({ outcome: 'VALID' });
    }
  });
});

describe('two writers, one with the old key alone and one with both', () => {
  it('make one log of it, and the one that has lost its key stops', async () => {
    ledger = await FoundedLedger.create();
    const at = ledger;
    const [oldKey, newKey] = [at.signer, noteSigner(at.origin)];
    at.signers = [oldKey, newKey];
    at.renewServices();
    at.start();
    const rival = at.newWriter({ signers: [oldKey] });
    const running = rival.run().then(
      () => undefined,
      (error: unknown) => error,
    );
    for (let count = 0; count < 5; count += 1) await at.bind();
    await changed(at, adding(newKey));
    for (let count = 0; count < 5; count += 1) await at.bind();
    await changed(at, removing(oldKey));
    await at.bind();
    await expect.poll(() => rival.status.state, { timeout: 5_000 }).toBe('stopped');
    expect(await running).toMatchObject({ code: 'SIGNING_KEY_NOT_VALID_AT' });
    const audit = await auditLog(at.broker, { origin: at.origin, logKeys: [oldKey.vkey] });
    expect(audit.sealedSize).toBe(audit.size);
    expect(audit.counts.notValidCheckpoints).toBe(0);
    expect(at.writer.status.state).toBe('running');
  });
});
