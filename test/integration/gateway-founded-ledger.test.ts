import { randomBytes } from 'node:crypto';
import { parseStrict, utf8, type JsonObject } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { buildGateway } from '@countersign/gateway';
import { parseEvidence } from '@countersign/verify';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FoundedLedger } from '../support/founded-ledger.ts';
import { actionDigestOf, actionIdOf, TENANT, WEB_ORIGIN } from '../support/parties.ts';

const TOKEN = 'a-read-token-of-this-test-only';

let ledger: FoundedLedger;
let app: FastifyInstance;
beforeAll(async () => {
  ledger = await FoundedLedger.create({ tier: 'sqlite' });
  ledger.start();
  app = gateway();
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await ledger.discard();
});

function gateway(): FastifyInstance {
  return buildGateway({
    config: { ledger: ledger.origin, publicOrigins: [WEB_ORIGIN], version: 'test' },
    router: ledger.router,
    view: ledger.projector,
    models: ledger.store,
    descriptors: BUILTIN_DESCRIPTORS,
    health: () => ({
      writer: ledger.writer.status,
      sealedSize: ledger.writer.status.sealedSize,
      sealedAtMs: null,
      projectedSize: ledger.projector.status.storedSize,
      bindings: ledger.writer.counts.bindings,
    }),
    readTokens: [{ token: TOKEN, tenant: TENANT }],
    verifySignature,
    nowMs: () => ledger.clock.nowMs(),
    randomBytes: (size) => new Uint8Array(randomBytes(size)),
    logger: pino({ level: 'silent' }),
  });
}

interface Answer {
  readonly status: number;
  readonly body: JsonObject;
}

interface Logged {
  readonly index: number;
  readonly text: string;
  readonly type: string;
}

async function post(path: string, frame: Uint8Array): Promise<Answer> {
  const answer = await app.inject({
    method: 'POST',
    url: `/v1/${path}`,
    headers: { host: 'localhost:7420', 'content-type': 'application/json' },
    payload: Buffer.from(frame),
  });
  return { status: answer.statusCode, body: parseStrict(utf8(answer.body)) as JsonObject };
}

async function read(url: string): Promise<Answer> {
  const answer = await app.inject({
    url,
    headers: { host: 'localhost:7420', authorization: `Bearer ${TOKEN}` },
  });
  const limits = { maxBytes: 8_388_608, maxDepth: 64, maxMembers: 100_000 };
  return { status: answer.statusCode, body: parseStrict(utf8(answer.body), limits) as JsonObject };
}

function logged(answer: Answer, type: string): Logged {
  const followed = (answer.body['followed'] ?? []) as unknown as { entry: Logged }[];
  const entries = [
    answer.body['entry'] as unknown as Logged,
    ...followed.map(({ entry }) => entry),
  ];
  const found = entries.find((entry) => entry.type === type);
  if (found === undefined) throw new Error(`expected ${type}, got ${JSON.stringify(answer)}`);
  return found;
}

describe('a gateway before the real ledger', () => {
  test('takes an action from request to report, and gives its evidence', async () => {
    const { parties } = ledger;
    const action = parties.action();
    const id = actionIdOf(action);
    const requested = await post('requests', parties.requestFrame(action));
    expect([requested.status, requested.body['status']]).toEqual([201, 'pending']);
    const admission = logged(requested, 'request-admitted');
    // Read at once by who has just been answered.
    const view = await read(`/v1/actions/${id}`);
    expect([view.status, view.body['status']]).toEqual([200, 'pending']);
    const review = await read(`/v1/actions/${id}/review`);
    expect(review.body['admission']).toMatchObject({ entry: { text: admission.text } });
    const decided = await post('decisions', parties.decisionFrame(admission));
    expect([decided.status, decided.body['status']]).toEqual([201, 'bound']);
    const used = await post('uses', parties.useFrame(logged(decided, 'binding-made')));
    expect([used.status, used.body['status']]).toEqual([201, 'used']);
    const again = await post('uses', parties.useFrame(logged(decided, 'binding-made')));
    expect([again.status, again.body['code']]).toEqual([409, 'ALREADY_CONSUMED']);
    expect(again.body['entry']).toMatchObject({ type: 'use-refused' });
    const report = parties.reportFrame(logged(used, 'binding-used'), actionDigestOf(action));
    expect((await post('reports', report)).status).toBe(201);
    // Decision, binding, use and the refused one came after the admission.
    const { status, body } = await read(
      `/v1/actions/${id}?since=${admission.index + 4}&wait_ms=5000`,
    );
    expect([status, body['result']]).toEqual([200, 'succeeded']);
    const evidence = await read(`/v1/actions/${id}/evidence`);
    expect(evidence.status).toBe(200);
    const text = JSON.stringify(evidence.body);
    expect(parseEvidence(utf8(text)).origin).toBe(ledger.origin);
  });

  test('answers the same request again with 200 and the same entry', async () => {
    const frame = ledger.parties.requestFrame(ledger.parties.action());
    const first = await post('requests', frame);
    const again = await post('requests', frame);
    expect([again.status, again.body['entry']]).toEqual([200, first.body['entry']]);
  });

  test('D06, D07: a decision with the assertion of another one is ASSERTION_INVALID and binds nothing', async () => {
    const { parties } = ledger;
    const action = parties.action();
    const admission = logged(
      await post('requests', parties.requestFrame(action)),
      'request-admitted',
    );
    const [denial, approval] = (['deny', 'approve'] as const).map(
      (verdict) => parseStrict(parties.decisionFrame(admission, { verdict })) as JsonObject,
    );
    const forged = utf8(JSON.stringify({ ...approval, proof: denial?.['proof'] }));
    const sent = await post('decisions', forged);
    expect([sent.status, sent.body['code']]).toEqual([401, 'ASSERTION_INVALID']);
    const { body } = await read(`/v1/actions/${actionIdOf(action)}`);
    expect(body['status']).toBe('pending');
  });

  test('refuses the owner’s approval with the code, and with the entry that says so', async () => {
    const { parties } = ledger;
    const requested = await post('requests', parties.requestFrame(parties.action()));
    const admission = logged(requested, 'request-admitted');
    const frame = parties.decisionFrame(admission, { person: parties.owner });
    const sent = await post('decisions', frame);
    expect([sent.status, sent.body['code']]).toEqual([403, 'OWNER_APPROVAL']);
    expect(sent.body['entry']).toMatchObject({ type: 'decision-refused' });
  });

  test('C18: an approval given while nobody was connected is there for whoever asks', async () => {
    const { parties } = ledger;
    const action = parties.action();
    const frame = parties.requestFrame(action);
    const admission = logged(await post('requests', frame), 'request-admitted');
    const approval = parties.decisionFrame(admission);
    await ledger.ask('decision', actionIdOf(action), approval);
    const fresh = gateway();
    await fresh.ready();
    await app.close();
    app = fresh;
    const url = `/v1/actions/${actionIdOf(action)}?since=${admission.index}&wait_ms=5000`;
    expect((await read(url)).body['status']).toBe('bound');
    expect((await post('decisions', approval)).status).toBe(200);
    expect((await post('requests', frame)).status).toBe(200);
  });

  test('is ready, and gives proofs that cover the log', async () => {
    expect((await read('/readyz')).status).toBe(200);
    const { body } = await read('/v1/log/entries?limit=1000');
    const size = Number(body['size']);
    const entries = body['entries'] as unknown as Logged[];
    expect(entries.map(({ index }) => index)).toEqual(Array.from({ length: size }, (_, i) => i));
    const proof = await read(`/v1/log/inclusion?index=${size - 1}&size=${size}`);
    expect(proof.status).toBe(200);
    expect((await read(`/v1/log/consistency?from=1&to=${size}`)).status).toBe(200);
  });
});
