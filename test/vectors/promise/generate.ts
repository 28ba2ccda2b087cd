import { mkdir, rm, writeFile } from 'node:fs/promises';
import { formatArrival, type Arrival } from '@countersign/audit';
import {
  gatewayKeyName,
  statementText,
  type ArrivalPromise,
  type GatewayKey,
} from '@countersign/binding';
import { canonicalText, fromUtf8, type JsonObject } from '@countersign/canonical';
import { signNote, type NoteSigner } from '@countersign/tlog';
import { noteSigner } from '../../support/note-key.ts';

/** Writes the vectors of schemas/formats/arrival-promise.md anew, with other keys: `npx tsx` this file. */
const FOLDER = new URL('./', import.meta.url);
const ORIGIN = 'countersign.test/1';
const OTHER = 'other.test/1';

const log = noteSigner(ORIGIN);
const gateway = noteSigner(gatewayKeyName(ORIGIN));

const LEAVE: GatewayKey = {
  v: 'countersign.gateway-key.v1',
  ledger: ORIGIN,
  vkey: gateway.vkey,
  not_before: '2026-11-29T00:00:00.000Z',
  not_after: '2026-12-06T00:00:00.000Z',
};

const OF_NONE: ArrivalPromise = {
  v: 'countersign.promise.v1',
  ledger: ORIGIN,
  tenant: 'acme',
  kind: 'request',
  input: `sha256:${'1a'.repeat(32)}`,
  subject: `sha256:${'2b'.repeat(32)}`,
  sender: 'agent deployer',
  arrived_at: '2026-11-29T10:00:00.000Z',
  logged_by: '2026-11-29T10:05:00.000Z',
};

const PROMISE: ArrivalPromise = { ...OF_NONE, action_id: '01KAR5RWY00000000000000001' };

interface Making {
  readonly leave?: Partial<GatewayKey>;
  readonly promise?: object;
  readonly leaveBy?: NoteSigner;
  readonly by?: NoteSigner;
  /** Of the text of the promise, before it is signed. */
  readonly text?: (text: string) => string;
}

async function arrivalOf(making: Making = {}): Promise<Arrival> {
  const { leave = {}, promise = {}, leaveBy = log, by = gateway, text = (same: string) => same } = making;
  return {
    v: 'countersign.arrival.v1',
    promise: await signNote(text(statementText({ ...PROMISE, ...promise })), [by]),
    certificate: await signNote(statementText({ ...LEAVE, ...leave }), [leaveBy]),
  };
}

async function write(path: string, vector: JsonObject): Promise<void> {
  const whole = { trust: { origin: ORIGIN, log_key: log.vkey }, ...vector };
  await writeFile(new URL(`${path}.json`, FOLDER), `${JSON.stringify(whole, null, 2)}\n`);
}

async function valid(name: string, about: string, arrival: Arrival): Promise<void> {
  await write(`valid/${name}`, { about, file: fromUtf8(formatArrival(arrival)) });
}

async function invalid(name: string, code: string, arrival: object): Promise<void> {
  await write(`invalid/${name}`, { code, file: canonicalText(arrival as JsonObject) });
}

for (const folder of ['valid', 'invalid']) {
  await rm(new URL(folder, FOLDER), { recursive: true, force: true });
  await mkdir(new URL(folder, FOLDER));
}

const whole = await arrivalOf();
const stranger = noteSigner(ORIGIN);
await valid('request', 'of a request', whole);
await valid('answered', 'with what was answered', {
  ...whole,
  entry: '{"type":"request-admitted"}',
  receipt: 'c2sp.org/tlog-proof@v1\nindex 4\n',
});
await valid('finding', 'of a finding, which is about no action', {
  ...whole,
  promise: await signNote(statementText({ ...OF_NONE, kind: 'finding' }), [gateway]),
});

await invalid('version', 'PROMISE_FORMAT', { ...whole, v: 'countersign.arrival.v2' });
await invalid('member', 'PROMISE_FORMAT', { ...whole, note: '' });
await invalid('no-certificate', 'PROMISE_FORMAT', { v: whole.v, promise: whole.promise });
await invalid('kind', 'PROMISE_FORMAT', await arrivalOf({ promise: { kind: 'enrolment' } }));
await invalid('promise-member', 'PROMISE_FORMAT', await arrivalOf({ promise: { waived: true } }));
await invalid('logged-before', 'PROMISE_FORMAT', await arrivalOf({ promise: { logged_by: '2026-11-29T09:59:59.999Z' } }));
await invalid('not-canonical', 'PROMISE_FORMAT', await arrivalOf({ text: (text) => text.replace('{', '{ ') }));
await invalid('first-line', 'PROMISE_FORMAT', await arrivalOf({ text: (text) => text.replace('promise.v1', 'promise.v2') }));
await invalid('certificate-as-promise', 'PROMISE_SIGNATURE', { ...whole, promise: whole.certificate });
await invalid('signature', 'PROMISE_SIGNATURE', {
  ...whole,
  promise: whole.promise.replace('10:05:00.000Z', '11:05:00.000Z'),
});
await invalid('certificate-signature', 'PROMISE_SIGNATURE', {
  ...whole,
  certificate: whole.certificate.replace('2026-12-06', '2026-12-07'),
});
await invalid('certificate-of-another', 'PROMISE_SIGNATURE', await arrivalOf({ leaveBy: stranger }));
await invalid('another-gateway', 'PROMISE_SIGNATURE', await arrivalOf({ by: noteSigner(gateway.name) }));
await invalid('after-its-time', 'PROMISE_SIGNATURE', await arrivalOf({ leave: { not_after: '2026-11-29T09:59:59.999Z' } }));
await invalid('before-its-time', 'PROMISE_SIGNATURE', await arrivalOf({ leave: { not_before: '2026-11-29T10:00:00.001Z' } }));
const named = noteSigner(ORIGIN);
await invalid('name-of-the-log', 'PROMISE_SIGNATURE', await arrivalOf({ leave: { vkey: named.vkey }, by: named }));
await invalid('another-ledger', 'PROMISE_LEDGER', await arrivalOf({ promise: { ledger: OTHER } }));
await invalid('leave-for-another-ledger', 'PROMISE_LEDGER', await arrivalOf({ leave: { ledger: OTHER } }));
