import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ClusterLedger } from '../support/cluster/cluster-ledger.ts';
import { startLocalCluster, type LocalCluster } from '../support/cluster/local-cluster.ts';
import { HttpPerson } from '../support/http-person.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { launch } from '../demo/countersign.ts';

const RATIONALE = 'planted-rationale-5f1d';
const SECRET = 'planted-secret-9c3a';
const PURPOSE = 'planted-purpose-77e0';

let folder: string;
let cluster: LocalCluster;
let receiver: OtlpReceiver;
let ledger: ClusterLedger;
let person: HttpPerson;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'operations-'));
  receiver = await startOtlpReceiver();
  cluster = await startLocalCluster();
  const env = {
    ...cluster.env,
    COUNTERSIGN_LOG_LEVEL: 'debug',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '200',
    PLANTED: SECRET,
  };
  ledger = await ClusterLedger.found({ cluster: { ...cluster, env }, folder });
  await ledger.start(['ledger', 'projector', 'gateway']);
  person = await HttpPerson.enrol(await ledger.enrolmentLink());
}, 240_000);

afterAll(async () => {
  await ledger.stop();
  await cluster.stop();
  await receiver.stop();
  await rm(folder, { recursive: true, force: true });
});

/** One action from the request to its report, with something to hide in every part of it. */
async function act(): Promise<void> {
  const running = launch(['exec', '--data', ledger.data, '--purpose', PURPOSE, '--', 'true'], {
    env: ledger.env,
  });
  const open = await vi.waitUntil(async () => (await person.inbox())[0], { timeout: 30_000 });
  const answer = await person.decide(open.action_id, 'approve', RATIONALE);
  expect(answer.status).toBe(201);
  expect((await running.finished).code).toBe(0);
}

describe('the services of a ledger on a cluster', () => {
  it('trace a decision from the gateway over the topics to the read models', async () => {
    await act();
    const decided = await vi.waitUntil(
      () =>
        receiver.spans.find(
          ({ name, attributes }) =>
            name === 'gateway.request' && attributes['countersign.kind'] === 'decision',
        ),
      { timeout: 10_000 },
    );
    const ofTrace = (): Set<string> =>
      new Set(
        receiver.spans
          .filter(({ traceId }) => traceId === decided.traceId)
          .map(({ service, name }) => `${service} ${name}`),
      );
    const expected = [
      'countersign-gateway gateway.request',
      'countersign-gateway router.submit',
      'countersign-gateway gateway.answer',
      'countersign-ledger ledger.batch',
      'countersign-ledger ledger.append',
      'countersign-ledger ledger.seal',
      'countersign-ledger ledger.sign',
      'countersign-ledger ledger.publish',
      'countersign-projector projector.store',
    ];
    await vi.waitUntil(() => expected.every((each) => ofTrace().has(each)), { timeout: 10_000 });
    const names = receiver.spans.flatMap(({ attributes }) => Object.keys(attributes));
    expect(new Set(names)).toEqual(
      new Set(['kind', 'tenant', 'entries', 'origin'].map((name) => `countersign.${name}`)),
    );
    for (const hidden of [RATIONALE, SECRET, PURPOSE, person.person]) {
      expect(receiver.text()).not.toContain(hidden);
    }
  });
});
