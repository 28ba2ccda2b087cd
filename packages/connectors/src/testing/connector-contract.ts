import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useReference, type Connector, type VerifiedUse } from '../connector.ts';

/** A target that is as it was approved, and the connector that changes it. */
export interface ConnectorStage<Params> {
  readonly connector: Connector<Params>;
  readonly params: Params;
  /** Parameters of another, equally possible action on the same target. */
  readonly others: Params;
  /** Another connector on the same target and journal, as after a new start of the process. */
  restarted(): Connector<Params>;
  /** Somebody else changes the target, so that it is no longer what was approved. */
  moveTarget?(): Promise<void>;
  /** All that the target holds, in a form that can be compared. */
  targetState(): Promise<unknown>;
  /** How many effects the target has seen. */
  effects(): Promise<number>;
  /** Everything that the target itself keeps beside the effect. */
  targetRecord(): Promise<string>;
  /** From now on the target takes what is sent, and its answer is lost. */
  loseAnswers?(): Promise<void>;
  /** From now on the target cannot be reached at all. */
  cutOff(): Promise<void>;
}

export interface ConnectorSubject<Params> {
  open(): Promise<ConnectorStage<Params>>;
  close(): Promise<void>;
  /** Once for the file: a server, for instance. */
  readonly start?: () => Promise<void>;
  readonly stop?: () => Promise<void>;
  /** Sending and its answer are one step, as where a file is written: none can be lost. */
  readonly hasNoAnswers?: true;
  /** Nothing of the target is approved: it has no state that could be another one. */
  readonly hasNoState?: true;
}

const KEY = 'a7'.repeat(32);

/** What every connector must hold to, on the real thing. */
export function connectorContract<Params>(name: string, subject: ConnectorSubject<Params>): void {
  describe(`the connector of ${name}`, () => {
    let stage: ConnectorStage<Params>;
    if (subject.start !== undefined) beforeAll(subject.start);
    if (subject.stop !== undefined) afterAll(subject.stop);
    beforeEach(async () => {
      stage = await subject.open();
    });
    afterEach(() => subject.close());

    async function approvedUse(
      changes: Partial<VerifiedUse<Params>> = {},
    ): Promise<VerifiedUse<Params>> {
      const { connector, params } = stage;
      return {
        params,
        preconditions: await connector.preconditions(params),
        useId: '01M83G8PGDVFCDVZ5H41H6NGY8',
        shortId: 'cs-5H41H6NGY8',
        idempotencyKey: KEY,
        ...changes,
      };
    }

    it('does what was approved, once, and tells the state before and after', async () => {
      const effect = await stage.connector.execute(await approvedUse());
      expect(effect).toMatchObject({ result: 'succeeded' });
      expect(effect.code).toBeUndefined();
      expect(effect.beforeDigest).toMatch(/^sha256:/);
      expect(effect.afterDigest).toMatch(/^sha256:/);
      expect(effect.afterDigest).not.toBe(effect.beforeDigest);
      expect(effect.targetRef.length).toBeLessThanOrEqual(200);
      expect(await stage.effects()).toBe(1);
    });

    it('leaves the short id in the record of the target itself', async () => {
      const use = await approvedUse();
      await stage.connector.execute(use);
      const record = await stage.targetRecord();
      const isFound = [use.shortId, useReference(use.useId)].some((text) => record.includes(text));
      expect(isFound).toBe(true);
    });

    async function stateIsMoved(): Promise<void> {
      const use = await approvedUse();
      if (stage.moveTarget === undefined) throw new Error('expected a state that can be moved');
      await stage.moveTarget();
      const before = await stage.targetState();
      expect(await stage.connector.execute(use)).toMatchObject({
        result: 'failed',
        code: 'PRECONDITION_STALE',
      });
      expect(await stage.targetState()).toEqual(before);
      expect(await stage.effects()).toBe(0);
    }
    if (subject.hasNoState === undefined) {
      it(
        'A07: is refused before the target is touched when the state is another one',
        stateIsMoved,
      );
    }

    it('C16: has one effect for one idempotency key, however often it is executed', async () => {
      const use = await approvedUse();
      const together = await Promise.all([1, 2, 3].map(() => stage.connector.execute(use)));
      const later = await stage.restarted().execute(use);
      for (const effect of [...together, later]) expect(effect).toEqual(together[0]);
      expect(together[0]).toMatchObject({ result: 'succeeded' });
      expect(await stage.effects()).toBe(1);
    });

    it('A02: refuses other parameters under a key that was used', async () => {
      await stage.connector.execute(await approvedUse());
      const after = await stage.targetState();
      const use = await approvedUse({ params: stage.others });
      for (const connector of [stage.connector, stage.restarted()]) {
        expect(await connector.execute(use)).toMatchObject({
          result: 'failed',
          code: 'IDEMPOTENCY_CONFLICT',
        });
      }
      expect(await stage.targetState()).toEqual(after);
    });

    async function answerIsLost(): Promise<void> {
      const use = await approvedUse();
      if (stage.loseAnswers === undefined) throw new Error('expected a way to lose answers');
      await stage.loseAnswers();
      const unknown = { result: 'unknown', code: 'OUTCOME_UNKNOWN' };
      expect(await stage.connector.execute(use)).toMatchObject(unknown);
      expect(await stage.connector.execute(use)).toMatchObject(unknown);
      expect(await stage.restarted().execute(use)).toMatchObject(unknown);
      expect(await stage.effects()).toBe(1);
    }
    if (subject.hasNoAnswers === undefined) {
      it('C16: says unknown when the answer is lost, and never sends again', answerIsLost);
    }

    it('H02: says failed, and changes nothing, when the target cannot be reached', async () => {
      const use = await approvedUse();
      await stage.cutOff();
      const effect = await stage.connector.execute(use);
      expect(effect.result).not.toBe('succeeded');
      expect(effect.code).toBeDefined();
    });
  });
}
