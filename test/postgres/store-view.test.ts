import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { utf8 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { leafHash } from '@countersign/binding';
import { inputDigest } from '@countersign/ledger';
import { StoreView } from '@countersign/projector';
import { openPostgresStore, type PostgresStore } from '@countersign/store-postgres';
import { parseVerifierKey, verifyTlogProof } from '@countersign/tlog';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { evidenceOutcome } from '../support/evidence-outcome.ts';
import { FoundedLedger, entryOf } from '../support/founded-ledger.ts';
import { TENANT } from '../support/parties.ts';
import { dropSchema, newSchema, runSql } from '../support/postgres/scratch-schema.ts';
import { expectWayOfOneAction } from '../support/way-of-one-action.ts';
import { expectWitnessedEvidence } from '../support/witnessed-evidence.ts';

const url = inject('postgresUrl');
const WAIT_MS = 10_000;

let schema: string;
let ledger: FoundedLedger;
/** A gateway's, apart from the projector's. */
let store: PostgresStore;
let view: StoreView;
let viewing: Promise<void>;

beforeEach(async () => {
  schema = newSchema();
  ledger = await FoundedLedger.create({ openStore: () => openPostgresStore({ url, schema }) });
  ledger.start();
  store = await openPostgresStore({ url, schema });
  view = new StoreView({
    store,
    signal: store,
    origin: ledger.origin,
    descriptors: BUILTIN_DESCRIPTORS,
  });
  viewing = view.run();
});

afterEach(async () => {
  view.stop();
  await viewing;
  await store.close();
  await ledger.discard();
  await dropSchema(url, schema);
});

describe('a ledger on PostgreSQL', () => {
  it('goes the way of one action, and a view apart hands out its valid evidence', async () => {
    await expectWayOfOneAction(ledger);
    expect(await view.waitForStored(6, WAIT_MS)).toBe(true);
    const { rows } = await store.actions({ tenant: TENANT, limit: 1 });
    const actionId = rows[0]?.actionId ?? '';
    expect(await evidenceOutcome(ledger, actionId, view)).toMatchObject({
      ...{ outcome: 'VALID', level: 'human' },
    });
    expect(view.status).toMatchObject({ state: 'following', storedSize: 6, waiters: 0 });
  });
});

describe('who waits at a view', () => {
  it('is told what came of an input, with its receipt', async () => {
    const asked = await ledger.admit();
    const frame = ledger.parties.decisionFrame(asked.admission);
    const arriving = view.waitForInput(inputDigest(frame), WAIT_MS);
    await ledger.submit('decision', asked.actionId, frame);
    const answer = await arriving;
    if (answer === undefined) throw new Error('expected an answer');
    const { leaf, receipt, index } = entryOf(answer, 'binding-made');
    const proven = await verifyTlogProof({
      ...{ text: receipt, leafHash: leafHash(leaf), origin: ledger.origin, verifySignature },
      verifiers: [parseVerifierKey(ledger.signer.vkey)],
    });
    expect(proven.index).toBe(index);
    // Also who asks late.
    expect(await view.waitForInput(inputDigest(frame), 0)).toEqual(answer);
  });

  it('is told of an input that has no entry', async () => {
    const frame = utf8('{"nobody":"known"}');
    const arriving = view.waitForInput(inputDigest(frame), WAIT_MS);
    await ledger.submit('use', '', frame);
    expect(await arriving).toEqual({ kind: 'quarantined', code: 'UNKNOWN_MEMBER' });
  });

  it('is told of news about an action, and of a size', async () => {
    const asked = await ledger.admit();
    const { index: since } = asked.admission;
    const news = view.waitForAction({ tenant: TENANT, actionId: asked.actionId, since }, WAIT_MS);
    const size = view.waitForStored(since + 2, WAIT_MS);
    await ledger.decide(asked);
    expect(await news).toBeGreaterThan(since);
    expect(await size).toBe(true);
    expect(await view.waitForStored(10_000, 20)).toBe(false);
    expect(view.status.waiters).toBe(0);
  });

  it('is told of a head that witnesses have cosigned, by whoever asks them', async () => {
    await expectWitnessedEvidence(ledger, view, () => undefined);
    expect(view.status.waiters).toBe(0);
  });

  it('is answered one by one, many at a time', async () => {
    const frames = Array.from({ length: 40 }, (_, n) => utf8(`{"nobody":"${n}"}`));
    const asked = await Promise.all(Array.from({ length: 8 }, () => ledger.admit()));
    const decisions = asked.map((one) => ledger.parties.decisionFrame(one.admission));
    const arriving = [...frames, ...decisions].map((frame) =>
      view.waitForInput(inputDigest(frame), WAIT_MS),
    );
    for (const frame of frames) await ledger.submit('use', '', frame);
    for (const [at, frame] of decisions.entries()) {
      await ledger.submit('decision', asked[at]?.actionId ?? '', frame);
    }
    const kinds = (await Promise.all(arriving)).map((answer) => answer?.kind);
    expect(kinds.filter((kind) => kind === 'quarantined')).toHaveLength(40);
    expect(kinds.filter((kind) => kind === 'sealed')).toHaveLength(8);
  });

  it('outlasts its connections', async () => {
    const cut = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'countersign'`;
    const frames = Array.from({ length: 10 }, (_, n) => utf8(`{"nobody":"${n}"}`));
    for (const frame of frames) {
      const arriving = view.waitForInput(inputDigest(frame), WAIT_MS);
      await ledger.submit('use', '', frame);
      await runSql(url, cut);
      expect(await arriving).toEqual({ kind: 'quarantined', code: 'UNKNOWN_MEMBER' });
    }
    const bound = await ledger.bind();
    expect(await view.waitForStored(bound.binding.index + 1, WAIT_MS)).toBe(true);
    expect(await evidenceOutcome(ledger, bound.actionId, view)).toMatchObject({ outcome: 'VALID' });
  });

  it('waits for read models that were dropped, and are built again', async () => {
    const bound = await ledger.bind();
    const size = bound.binding.index + 1;
    expect(await view.waitForStored(size, WAIT_MS)).toBe(true);
    await store.clear();
    await expect.poll(() => view.status.storedSize, { timeout: WAIT_MS }).toBe(0);
    await ledger.bind();
    expect(await view.waitForStored(size + 3, WAIT_MS)).toBe(true);
    expect(await evidenceOutcome(ledger, bound.actionId, view)).toMatchObject({ outcome: 'VALID' });
  });
});
