import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ClusterLedger, type ServiceKind } from '../support/cluster/cluster-ledger.ts';
import { startLocalCluster, type LocalCluster } from '../support/cluster/local-cluster.ts';
import { HttpPerson } from '../support/http-person.ts';
import { freePort } from '../support/free-port.ts';
import { isSigned, WebhookReceiver } from '../support/webhook-receiver.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { launch, type Finished } from '../demo/countersign.ts';

const RATIONALE = 'planted-rationale-5f1d';
const SECRET = 'planted-secret-9c3a';
const AWS_SECRET = 'planted-aws-secret-31bd';
const PURPOSE = 'planted-purpose-77e0';
const WEBHOOK_SECRET = 'planted-webhook-secret-0123456789';

let folder: string;
let cluster: LocalCluster;
let receiver: OtlpReceiver;
let ledger: ClusterLedger;
let person: HttpPerson;
let siem: WebhookReceiver;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'operations-'));
  receiver = await startOtlpReceiver();
  cluster = await startLocalCluster();
  const env = {
    ...cluster.env,
    COUNTERSIGN_LOG_LEVEL: 'debug',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '200',
    PGPASSWORD: SECRET,
    AWS_SECRET_ACCESS_KEY: AWS_SECRET,
  };
  const port = await freePort();
  siem = await WebhookReceiver.listen(port);
  await writeFile(join(folder, 'webhook.secret'), WEBHOOK_SECRET);
  const projectorArgs = [
    ...['--findings-webhook', `http://127.0.0.1:${port}/findings`],
    ...['--findings-webhook-secret', join(folder, 'webhook.secret')],
  ];
  ledger = await ClusterLedger.found({ cluster: { ...cluster, env }, folder, projectorArgs });
  await ledger.start(['ledger', 'projector', 'gateway']);
  person = await HttpPerson.enrol(await ledger.enrolmentLink());
}, 240_000);

afterAll(async () => {
  cluster.moto.resume();
  await ledger.stop();
  await cluster.stop();
  await receiver.stop();
  await siem.close();
  await rm(folder, { recursive: true, force: true });
});

const EXEC = (): string[] => [
  ...['exec', '--data', ledger.data, '--purpose', PURPOSE],
  ...['--secret-env', 'PGPASSWORD', '--', 'true'],
];

/** One action from the request to its report, with something to hide in every part of it. */
async function act(): Promise<void> {
  const running = launch(EXEC(), { env: ledger.env });
  await approveNext();
  expect((await running.finished).code).toBe(0);
}

async function approveNext(): Promise<void> {
  const open = await vi.waitUntil(async () => (await person.inbox())[0], { timeout: 30_000 });
  const answer = await person.decide(open.action_id, 'approve', RATIONALE);
  expect(answer.status).toBe(201);
}

/** `/readyz` says so at last, with a code that begins like this one. */
async function untilReady(
  kind: ServiceKind,
  expected: { readonly status: number; readonly code?: string },
): Promise<void> {
  const probe = ledger.of(kind)[0]?.probe ?? '';
  let seen = '';
  const isSo = async (): Promise<boolean> => {
    const response = await fetch(`${probe}/readyz`).catch(() => undefined);
    seen = `${response?.status ?? 0} ${(await response?.text()) ?? ''}`;
    const hasStatus = response?.status === expected.status;
    return hasStatus && (expected.code === undefined || seen.includes(expected.code));
  };
  await vi.waitUntil(isSo, { timeout: 60_000, interval: 200 }).catch(() => {
    throw new Error(`expected ${kind} to say ${JSON.stringify(expected)}, got ${seen}`);
  });
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

  it('G12: tell a finding of the log from the projector, signed', async () => {
    const path = join(folder, 'effects.jsonl');
    const effect = { id: 'e-1', at: '2026-11-23T12:00:00.000Z', kind: 'payment', target: 'AT61' };
    await writeFile(path, JSON.stringify(effect));
    const args = ['reconcile', '--data', ledger.data, '--effects', path, '--submit'];
    expect((await launch(args, { env: ledger.env }).finished).code).toBe(1);
    const [told] = await siem.hears(1);
    if (told === undefined) throw new Error('expected a finding');
    expect(isSigned(told, WEBHOOK_SECRET)).toBe(true);
    expect(JSON.parse(told.body)).toMatchObject({ entry: { type: 'finding-raised' } });
  });

  it('measure what operators watch', async () => {
    const [ofLedger, ofProjector, ofGateway] = await Promise.all(
      (['ledger', 'projector', 'gateway'] as const).map((kind) => metricsOf(kind)),
    );
    const value = (text: string | undefined, name: string): number =>
      Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text ?? '')?.[1]);
    await vi.waitUntil(
      async () => value(await metricsOf('ledger'), 'countersign_intake_lag') === 0,
      {
        timeout: 10_000,
      },
    );
    expect(value(ofLedger, 'countersign_shard_assigned')).toBe(1);
    expect(value(ofLedger, 'countersign_unsealed_entries')).toBe(0);
    expect(value(ofLedger, 'countersign_seal_age_seconds')).toBeLessThan(60);
    expect(value(ofLedger, 'countersign_bindings')).toBeGreaterThan(0);
    expect(value(ofLedger, 'countersign_sign_seconds_count')).toBeGreaterThan(3);
    expect(value(ofLedger, 'countersign_batch_entries_count')).toBeGreaterThan(3);
    expect(value(ofLedger, 'countersign_batch_entries_sum')).toBeGreaterThan(4);
    await vi.waitUntil(
      async () => value(await metricsOf('projector'), 'countersign_projector_lag_records') === 0,
      { timeout: 10_000 },
    );
    expect(value(ofProjector, 'countersign_projected_size')).toBeGreaterThan(4);
    expect(value(ofGateway, 'countersign_projected_size')).toBeGreaterThan(4);
  });

  it.each(['deploy/alerts.yaml', 'deploy/dashboards/countersign.json', 'docs/cluster.md'])(
    'have every metric that %s names',
    async (file) => {
      const kinds = ['ledger', 'projector', 'gateway'] as const;
      const metrics = (await Promise.all(kinds.map((kind) => metricsOf(kind)))).join('\n');
      const text = await readFile(join(import.meta.dirname, '..', '..', file), 'utf8');
      const named = new Set(text.match(/\bcountersign_(?!shard_\b)[a-z_]+[a-z]\b/g));
      expect(named.size).toBeGreaterThan(5);
      const base = (name: string): string => name.replace(/_(?:bucket|sum|count)$/, '');
      const missing = [...named].filter((name) => !metrics.includes(`# TYPE ${base(name)} `));
      expect(missing).toEqual([]);
    },
  );

  it('say at the gateway that the ledger is away, and when it is back', async () => {
    const [writing] = ledger.of('ledger');
    expect((await writing?.stop())?.code).toBe(0);
    await untilReady('gateway', { status: 503, code: 'LEDGER_AWAY' });
    writing?.start();
    await untilReady('gateway', { status: 200 });
  });

  it('say that Kafka is away, and when it is back', async () => {
    await cluster.kafka.pause();
    await untilReady('gateway', { status: 503, code: 'BROKER_' });
    await cluster.kafka.resume();
    await untilReady('gateway', { status: 200 });
    await untilReady('ledger', { status: 200 });
    await act();
  });

  it('say that PostgreSQL is away, and when it is back', async () => {
    await cluster.postgres.down();
    await untilReady('projector', { status: 503, code: 'STORE_UNAVAILABLE' });
    await untilReady('gateway', { status: 503, code: 'PROJECTOR_BEHIND' });
    await cluster.postgres.up();
    await untilReady('projector', { status: 200 });
    await untilReady('gateway', { status: 200 });
    await act();
  });

  it('say that KMS is away, and seal what waited once it is back', async () => {
    cluster.moto.pause();
    const asked = launch(EXEC(), { env: ledger.env });
    await untilReady('ledger', { status: 503, code: 'SIGNER_' });
    cluster.moto.resume();
    await untilReady('ledger', { status: 200 });
    await approveNext();
    expect((await asked.finished).code).toBe(0);
  });

  it('say of an idle ledger that KMS is away, without a signature', async () => {
    const signed = async (): Promise<string | undefined> =>
      /^countersign_sign_seconds_count.*$/m.exec(await metricsOf('ledger'))?.[0];
    const before = await signed();
    cluster.moto.pause();
    await untilReady('ledger', { status: 503, code: 'SIGNER_' });
    const metrics = await metricsOf('ledger');
    expect(metrics).toMatch(/^countersign_signer_away\{tenant="default"\} 1$/m);
    expect(metrics).toMatch(
      /^countersign_signer_checks_total\{[^}]*outcome="SIGNER_[A-Z]+"\} [1-9]/m,
    );
    expect(metrics).toMatch(/^countersign_writer_state\{[^}]*state="running"\} 1$/m);
    cluster.moto.resume();
    await untilReady('ledger', { status: 200 });
    expect(await signed()).toBe(before);
  }, 90_000);

  it('end at SIGTERM under load with 0, within their time, and lose nothing', async () => {
    const acting = Array.from({ length: 4 }, () => launch(EXEC(), { env: ledger.env }));
    await vi.waitUntil(async () => (await person.inbox()).length > 0, { timeout: 30_000 });
    const kinds = ['ledger', 'projector'] as const;
    const begunMs = Date.now();
    const services = kinds.flatMap((kind) => ledger.of(kind));
    const ended = await Promise.all(services.map((each) => each.stop()));
    expect(ended.map((each) => each?.code)).toEqual([0, 0]);
    expect(Date.now() - begunMs).toBeLessThan(20_000);
    for (const each of services) each.start();
    for (const each of services) await each.ready();
    // Gateways look every two seconds whether there is a ledger, and take nothing before.
    await untilReady('gateway', { status: 200 });
    const decided = new Set<string>();
    while (acting.some(({ child }) => child.exitCode === null)) {
      for (const { action_id: id } of await person.inbox()) {
        if (decided.has(id)) continue;
        decided.add(id);
        expect((await person.decide(id, 'approve', RATIONALE)).status).toBe(201);
      }
      await sleep(100);
    }
    const finished = await Promise.all(acting.map((each) => each.finished));
    const isAsked = ({ stderr }: Finished): boolean => stderr.includes('asked for approval');
    const asked = finished.filter(isAsked);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.map(({ code }) => code)).toEqual(asked.map(() => 0));
    // Who asked just while there was nobody to answer is told so.
    for (const { code, stderr } of finished.filter((each) => !isAsked(each))) {
      expect([code, stderr]).toEqual([
        3,
        expect.stringMatching(/countersign: (?:INTAKE_UNAVAILABLE|LEDGER_UNREACHABLE): /),
      ]);
    }
  }, 180_000);

  it('write structured lines, and nothing that is to stay secret', async () => {
    const metrics = await Promise.all(
      (['ledger', 'projector', 'gateway'] as const).map((kind) => metricsOf(kind)),
    );
    const secrets = await secretsOf();
    const kinds = ledger.services.map(({ kind }) => kind);
    const ended = await Promise.all(ledger.services.splice(0).map((each) => each.stop()));
    expect(ended.map((each) => each?.code)).toEqual(ended.map(() => 0));
    const lines = ended.flatMap((each) => (each?.stderr ?? '').split('\n').filter(Boolean));
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({
        level: expect.stringMatching(/^(?:debug|info|warn)$/) as string,
        service: expect.stringMatching(/^(?:ledger|projector|gateway)$/) as string,
        event: expect.stringMatching(/^[a-z_]+$/) as string,
      });
    }
    expect(lines.some((line) => line.includes('"request_answered"'))).toBe(true);
    expect(lines.some((line) => line.includes('"shard_assigned"'))).toBe(true);
    const everything = [...ended.flatMap((each) => [each?.stdout, each?.stderr]), ...metrics];
    expect(Object.values(secrets).every((secret) => secret.length > 7)).toBe(true);
    const leaked = Object.entries(secrets).filter(([, secret]) =>
      everything.some((text) => text?.includes(secret)),
    );
    expect(leaked.map(([name]) => name)).toEqual([]);
    await ledger.start(kinds);
  });
});

async function metricsOf(kind: ServiceKind): Promise<string> {
  return (await fetch(ledger.of(kind)[0]?.metrics ?? '')).text();
}

/** Everything that somebody could do harm with, or that is somebody's own. */
async function secretsOf(): Promise<Record<string, string>> {
  const link = new URLSearchParams(new URL(await ledger.enrolmentLink()).hash.slice(1));
  return {
    rationale: RATIONALE,
    purpose: PURPOSE,
    'secret variable': SECRET,
    'webhook secret': WEBHOOK_SECRET,
    'read token': (await readFile(join(ledger.data, 'keys', 'read.token'), 'utf8')).trim(),
    'password of the database': new URL(cluster.postgres.url).password,
    'enrolment key': link.get('i') ?? '',
    'secret key of AWS': AWS_SECRET,
    session: person.cookie,
  };
}
