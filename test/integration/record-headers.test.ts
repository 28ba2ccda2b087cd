import type { RecordHeaders, StoredRecord, Topic } from '@countersign/broker';
import { inputDigest, type Router } from '@countersign/ledger';
import { decodeLogRecord, encodePublic } from '@countersign/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { ANSWER_MS, FoundedLedger, entryOf } from '../support/founded-ledger.ts';
import { auditLog } from '../support/log-audit.ts';
import { TENANT, actionIdOf } from '../support/parties.ts';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const REPLACED: Readonly<Record<string, string>> = {
  ce_specversion: '9.9',
  ce_id: 'another',
  ce_source: '//another/log',
  ce_type: 'dev.countersign.BindingSealed.v1',
  'content-type': 'text/html',
  tenant: 'another',
  constructor: 'x',
  traceparent: '00-zz',
  tracestate: '<script>',
};

let ledger: FoundedLedger | undefined;
let router: Router | undefined;
let routing: Promise<void> | undefined;

afterEach(async () => {
  router?.stop();
  await routing;
  await ledger?.discard();
  ledger = undefined;
});

async function opened(change?: (headers: RecordHeaders) => RecordHeaders): Promise<FoundedLedger> {
  ledger = await FoundedLedger.create({
    tier: 'sqlite',
    ...(change !== undefined && {
      wrapBroker: (broker) => ({
        append: (tp, records) =>
          broker.append(
            tp,
            records.map((record) => ({ ...record, headers: change(record.headers ?? {}) })),
          ),
        read: (tp, from, max) => broker.read(tp, from, max),
        end: (tp) => broker.end(tp),
        waitBeyond: (tp, offset, ms) => broker.waitBeyond(tp, offset, ms),
        erase: (topic, key) => broker.erase(topic, key),
        close: () => broker.close(),
      }),
    }),
  });
  ledger.start();
  ({ router } = ledger);
  routing = router.run();
  return ledger;
}

async function recordsOf(at: FoundedLedger, topic: Topic): Promise<StoredRecord[]> {
  return at.broker.read({ topic, partition: 0 }, 0, 1_000);
}

async function headersOf(at: FoundedLedger, topic: Topic): Promise<RecordHeaders[]> {
  return (await recordsOf(at, topic)).map(({ headers = {} }) => headers);
}

/** As a stranger's producer does it. */
async function publish(at: FoundedLedger, headers: RecordHeaders): Promise<string> {
  const action = at.parties.action();
  const actionId = actionIdOf(action);
  const payload = at.parties.requestFrame(action);
  const arriving = at.projector.waitForInput(inputDigest(payload), ANSWER_MS);
  const value = encodePublic('action-requested', { tenant: TENANT, actionId, payload });
  const tp = { topic: 'action-requested', partition: 0 } as const;
  await at.broker.append(tp, [{ key: 'eve', value, headers }]);
  const answer = await arriving;
  if (answer === undefined) throw new Error('expected an answer');
  return entryOf(answer, 'request-admitted').type;
}

describe('the headers of records', () => {
  it('are CloudEvents attributes on everything that a ledger appends', async () => {
    const at = await opened();
    await at.bind();
    await at.decide(await at.admit(), { verdict: 'deny' });
    await at.submit('request', actionIdOf(at.parties.action()), Buffer.from('{}'));
    await at.broker.waitBeyond({ topic: 'quarantine', partition: 0 }, 0, ANSWER_MS);
    const source = `//${at.origin}`;
    const kinds: Record<string, string[]> = {};
    for (const topic of ['intake', 'log', 'content', 'quarantine'] as const) {
      const all = await headersOf(at, topic);
      expect(all.length).toBeGreaterThan(0);
      for (const headers of all) {
        expect(headers).toMatchObject({
          ce_specversion: '1.0',
          ce_source: topic === 'intake' ? '/countersign/router' : source,
          'content-type': 'application/avro',
        });
        expect(headers['ce_id']).toMatch(/./);
      }
      kinds[topic] = [...new Set(all.map((headers) => headers['ce_type'] ?? ''))].sort();
    }
    expect(kinds).toEqual({
      intake: ['dev.countersign.Intake.v1'],
      log: ['Batch', 'BindingSealed', 'CheckpointSealed'].map(
        (name) => `dev.countersign.${name}.v1`,
      ),
      content: ['dev.countersign.Content.v1'],
      quarantine: ['dev.countersign.Quarantined.v1'],
    });
  });

  it('name each event once', async () => {
    const at = await opened();
    await at.bind();
    for (const topic of ['intake', 'log', 'content'] as const) {
      const ids = (await headersOf(at, topic)).map((headers) => headers['ce_id']);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('carry the trace of a request to the intake, and its ids alone into the log', async () => {
    const at = await opened();
    const trace = { traceparent: TRACEPARENT, tracestate: 'vendor=secret' };
    expect(await publish(at, trace)).toBe('request-admitted');
    expect((await headersOf(at, 'intake'))[0]).toMatchObject(trace);
    const log = await recordsOf(at, 'log');
    const batches = log.filter(
      ({ value }) => decodeLogRecord(value ?? new Uint8Array()).kind === 'batch',
    );
    expect(batches.at(-1)?.headers?.['traceparent']).toBe(TRACEPARENT);
    expect(log.some(({ headers = {} }) => 'tracestate' in headers)).toBe(false);
  });

  it.each<[string, RecordHeaders]>([
    ['that name another event, tenant and trace', REPLACED],
    ['as many and as large as there may be', { a: 'x'.repeat(2_000), b: '', c: '%00%0a' }],
  ])('%s, put on by a stranger, reach nothing', async (_what, headers) => {
    const at = await opened();
    expect(await publish(at, headers)).toBe('request-admitted');
    const [intake = {}] = await headersOf(at, 'intake');
    expect(Object.keys(intake).sort()).toEqual([
      'ce_id',
      'ce_source',
      'ce_specversion',
      'ce_type',
      'content-type',
    ]);
    expect(intake['ce_id']).not.toBe('another');
  });

  it.each<[string, (headers: RecordHeaders) => RecordHeaders]>([
    ['removed from', () => ({})],
    ['replaced on', () => REPLACED],
  ])('%s every record of every topic change no decision and no proof', async (_what, change) => {
    const at = await opened(change);
    const { binding } = await at.bind();
    expect(binding.type).toBe('binding-made');
    expect(await publish(at, {})).toBe('request-admitted');
    await at.restart();
    expect((await at.bind()).binding.type).toBe('binding-made');
    const audit = await auditLog(at.broker, { origin: at.origin, logKeys: [at.signer.vkey] });
    expect(audit.entries.filter(({ type }) => type === 'binding-made')).toHaveLength(2);
  });
});
