import type { TargetRecord } from '@countersign/connectors/records';
import type { ConnectorStage } from '@countersign/connectors/testing';
import { memoryRunStore } from '@countersign/sdk';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GuardedCase, told, type Approved } from './guarded-case.ts';
import { HttpLedger } from './http-ledger.ts';
import { commandPolicy } from './parties.ts';

/** What the definition fears of a case, and what it is told instead. */
export interface Feared<Params> {
  /** With the id of its attack row. */
  readonly name: string;
  /** As `refused ACTION_DIGEST_MISMATCH`, or the code of a request that is refused. */
  readonly answer: string;
  readonly attempt: (of: GuardedCase<Params>) => Promise<string>;
}

export interface GuardedSubject<Params> {
  readonly type: string;
  open(): Promise<ConnectorStage<Params>>;
  close(): Promise<void>;
  /** Once for the file: a server, for instance. */
  readonly start?: () => Promise<void>;
  readonly stop?: () => Promise<void>;
  /** As an agent asks for them: with what it claims beside them, which no connector reads. */
  readonly asked: (params: Params) => object;
  /** From now on the target does what it is told, and gives no answer in time. */
  silence(): Promise<void>;
  /** The target's own record, where there is a reader for it. */
  readonly record?: () => Promise<TargetRecord>;
  readonly feared: readonly Feared<Params>[];
}

/** Of servers of its own, on a busy machine. */
const START_WITHIN_MS = 240_000;

/** One use case from end to end: what is asked for, decided, run by its connector on the real thing, reported and compared. */
export function guardedCase<Params>(name: string, subject: GuardedSubject<Params>): void {
  describe(`${subject.type} from end to end: ${name}`, () => {
    let ledger: HttpLedger;
    let of: GuardedCase<Params>;
    beforeAll(async () => {
      await subject.start?.();
      ledger = await HttpLedger.start({ policy: commandPolicy({ types: [subject.type] }) });
    }, START_WITHIN_MS);
    afterAll(async () => {
      await ledger.discard();
      await subject.stop?.();
    });
    beforeEach(async () => {
      const { asked } = subject;
      of = new GuardedCase({ ledger, stage: await subject.open(), asked });
    });
    afterEach(() => subject.close());

    async function agrees(action: Parameters<typeof of.reconciled>[0]): Promise<void> {
      if (subject.record === undefined) return;
      const matched = of.changes(action);
      expect(matched).toBeGreaterThan(0);
      expect(await of.reconciled(action, await subject.record())).toEqual({
        matched,
        findings: [],
      });
    }

    /** For whoever comes later and remembers nothing, with the evidence of today or that of before. */
    async function isSpent(approved: Approved): Promise<void> {
      const { action } = approved;
      expect(told(await of.run({ action }))).toBe('refused ALREADY_CONSUMED');
      expect((await of.run(approved)).outcome).toBe('refused');
      expect(await of.stage.effects()).toBe(1);
    }

    it('is run once as it was approved, reported, and agrees with the record of its target', async () => {
      const approved = await of.approved();
      const result = await of.run(approved);
      expect(told(result)).toBe('ended succeeded');
      expect(await of.stage.effects()).toBe(1);
      expect(await of.reports(approved.action)).toEqual(['succeeded']);
      if (result.outcome === 'ended') expect(await of.isNamed(result)).toBe(true);
      await agrees(approved.action);
      await isSpent(approved);
    });

    it('C16: that gets no answer in time has an unknown outcome, and nobody sends it again', async () => {
      const approved = await of.approved();
      const store = memoryRunStore();
      await subject.silence();
      expect(told(await of.run(approved, { store }))).toBe('unknown OUTCOME_UNKNOWN');
      expect(told(await of.run(approved, { store }))).toBe('unknown OUTCOME_UNKNOWN');
      await isSpent(approved);
      expect(await of.reports(approved.action)).toEqual(['unknown']);
      // Whoever looks at the target finds out.
      await agrees(approved.action);
    });

    it.each(
      [...commonFears<Params>(), ...subject.feared].map((feared) => [feared.name, feared] as const),
    )('%s', async (_, { attempt, answer }) => {
      expect(await attempt(of)).toBe(answer);
      expect(await of.stage.effects()).toBe(0);
    });
  });
}

function commonFears<Params>(): readonly Feared<Params>[] {
  return [
    {
      name: 'H04: does not go on because nobody has objected',
      answer: 'refused NOT_BOUND',
      attempt: async (of) => {
        const action = await of.draft();
        await of.ask(action);
        return told(await of.run({ action }));
      },
    },
    {
      name: 'H04: does not go on when a person has said no',
      answer: 'denied, refused NOT_BOUND',
      attempt: async (of) => {
        const action = await of.draft();
        const heard = await of.decided(action, 'deny');
        return `${heard}, ${told(await of.run({ action }))}`;
      },
    },
    {
      name: 'A01: does not do something else on the same target',
      answer: 'refused ACTION_DIGEST_MISMATCH',
      attempt: async (of) => told(await of.run(await of.approved(), { params: of.stage.others })),
    },
    {
      name: 'A07: does not change what is no longer as the person saw it',
      answer: 'refused PRECONDITION_STALE',
      attempt: async (of) => {
        const approved = await of.approved();
        await of.stage.moveTarget?.();
        return told(await of.run(approved));
      },
    },
  ];
}
