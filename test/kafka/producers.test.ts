import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalBytes } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import { kafkaRouterHome, type RouterHome } from '@countersign/broker-kafka';
import { createVerifier, parseEvidence, type Evidence, type Verifier } from '@countersign/verify';
import { decodeLogRecord, type BindingSealed } from '@countersign/wire';
import { afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { EntryRow } from '@countersign/store';
import { trustOf } from '../support/evidence-outcome.ts';
import { FoundedLedger, ANSWER_MS } from '../support/founded-ledger.ts';
import { kafkaSubject, withAdmin, type KafkaSubject } from '../support/kafka/kafka-subject.ts';
import { auditLog } from '../support/log-audit.ts';
import { ended, printed } from '../support/kafka/outside-program.ts';
import { actionIdOf, TENANT } from '../support/parties.ts';
import { producerPython } from '../support/producer-python.ts';

const PROGRAM = fileURLToPath(
  new URL('../../docs/examples/countersign_producer.py', import.meta.url),
);
const KCAT_BINDING = fileURLToPath(new URL('../../docs/examples/kcat-binding.sh', import.meta.url));
const SCHEMAS = fileURLToPath(new URL('../../schemas/avro/', import.meta.url));
const INSTALL_TIMEOUT_MS = 300_000;

let python: string;
let subject: KafkaSubject;
let home: RouterHome;
let at: FoundedLedger;
let folder: string;
let routing: Promise<void>;

beforeAll(() => {
  python = producerPython();
}, INSTALL_TIMEOUT_MS);

beforeEach(async () => {
  subject = await kafkaSubject();
  folder = await mkdtemp(join(tmpdir(), 'producers-'));
  const { prefix } = subject;
  home = kafkaRouterHome({ brokers: inject('kafkaBrokers'), prefix });
  at = await FoundedLedger.create({
    connect: () => subject.open(),
    routing: { positions: home, publicPartitions: (topic) => home.partitionsOf(topic) },
  });
  at.start();
  routing = at.router.run();
  await writeFile(join(folder, 'agent.pem'), at.parties.agent.privateKeyPem);
});

afterEach(async () => {
  at.router.stop();
  await routing;
  await at.discard();
  home.close();
  await subject.dispose();
  await rm(folder, { recursive: true });
});

/** The arguments of the program in docs/examples, as docs/producers.md has them. */
function program(command: string, ...more: string[]): string[] {
  const broker = ['--brokers', inject('kafkaBrokers').join(','), '--prefix', subject.prefix];
  const key = ['--key', join(folder, 'agent.pem')];
  return [
    ...['-B', PROGRAM, command, '--schemas', SCHEMAS],
    ...(command === 'frame' ? [] : broker),
    ...(command === 'binding' ? [] : key),
    ...more,
  ];
}

/** Writes an action, and answers how its admission is waited for. */
async function asked(): Promise<{ actionId: string; file: string }> {
  const action = at.parties.action();
  const file = join(folder, `${actionIdOf(action)}.json`);
  await writeFile(file, JSON.stringify(action));
  return { actionId: actionIdOf(action), file };
}

/** Decided by a person, once it was admitted. */
async function approved(actionId: string): Promise<void> {
  const rows = (): Promise<EntryRow[]> => at.store.entriesOf(TENANT, actionId);
  await expect.poll(async () => (await rows()).length, { timeout: ANSWER_MS }).toBeGreaterThan(0);
  const [admission] = await rows();
  if (admission === undefined) throw new Error('expected an admission');
  const { index } = admission;
  const text = Buffer.from(admission.bytes).toString();
  await at.ask('decision', actionId, at.parties.decisionFrame({ index, text }));
}

function verifier(): Verifier {
  return createVerifier({ trust: trustOf(at), verifySignature });
}

function bindingIn(record: Buffer): BindingSealed {
  const decoded = decodeLogRecord(record);
  if (decoded.kind !== 'binding') throw new Error(`expected a binding, got a ${decoded.kind}`);
  return decoded;
}

/** Of an action that was bound before. */
async function earlierEvidence(): Promise<Evidence> {
  const bound = await at.bind();
  await at.projector.waitForStored(bound.binding.index + 1, ANSWER_MS);
  return parseEvidence(canonicalBytes(await at.projector.evidence(TENANT, bound.actionId)));
}

async function expectBound(record: Buffer, actionId: string, earlier: Evidence): Promise<void> {
  const binding = bindingIn(record);
  const sealed = await verifier().verifyBinding(binding, { level: 'sealed' });
  expect(sealed).toMatchObject({ outcome: 'VALID', facts: { action_id: actionId } });
  const { chain } = earlier.authority;
  const human = await verifier().verifyBinding(binding, { level: 'human', authority: chain });
  expect(human).toMatchObject({
    outcome: 'VALID',
    facts: { action_id: actionId, approvals: [{ person: at.parties.alice.id }] },
  });
}

describe('a producer that is not ours', () => {
  it('asks from Python on any partition, and reads a binding that verifies alone', async () => {
    const earlier = await earlierEvidence();
    for (const partition of [0, 2, 3]) {
      const { actionId, file } = await asked();
      await printed(python, program('publish', '--partition', String(partition), file));
      await approved(actionId);
      await expectBound(await printed(python, program('binding', actionId)), actionId, earlier);
    }
  });

  it('asks with kcat on any partition, with any key, and reads the binding with kcat', async () => {
    const earlier = await earlierEvidence();
    const brokers = inject('kafkaBrokers').join(',');
    for (const partition of [-1, 1, 3]) {
      const { actionId, file } = await asked();
      const frame = join(folder, `${actionId}.frame`);
      await writeFile(frame, await printed(python, program('frame', file)));
      const topic = subject.nameOf('action-requested');
      await printed('kcat', [
        ...['-P', '-b', brokers, '-t', topic, '-p', String(partition), '-k', `any ${partition}`],
        ...['-X', 'acks=all', frame],
      ]);
      const record = join(folder, `${actionId}.avro`);
      const read = [KCAT_BINDING, brokers, subject.prefix, actionId, record];
      expect((await ended('sh', read)).status).toBe(1);
      await approved(actionId);
      await expect
        .poll(async () => (await ended('sh', read)).status, { timeout: ANSWER_MS })
        .toBe(0);
      await expectBound(await readFile(record), actionId, earlier);
    }
  });

  it('is heard on a partition that was added while the router runs', async () => {
    const topic = subject.nameOf('action-requested');
    await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 6 }] }));
    const { actionId, file } = await asked();
    await expect
      .poll(
        async () => (await ended(python, program('publish', '--partition', '5', file))).status,
        {
          timeout: ANSWER_MS,
        },
      )
      .toBe(0);
    await approved(actionId);
  });
});

describe('where routers keep their positions', () => {
  it('is the broker: the next router goes on there, and one more costs only work', async () => {
    const { file, actionId } = await asked();
    await printed(python, program('publish', '--partition', '2', file));
    await approved(actionId);
    const from = { topic: 'action-requested', partition: 2 } as const;
    await expect.poll(() => home.load(from), { timeout: ANSWER_MS }).toBe(1);
    at.router.stop();
    await routing;
    const intake = { topic: 'intake', partition: 0 } as const;
    const before = await at.broker.end(intake);
    const homes = [1, 2].map(() =>
      kafkaRouterHome({ brokers: inject('kafkaBrokers'), prefix: subject.prefix }),
    );
    const routers = homes.map((positions) =>
      at.newRouter({ positions, publicPartitions: (topic) => positions.partitionsOf(topic) }),
    );
    const running = routers.map((router) => router.run());
    const next = await asked();
    await printed(python, program('publish', '--partition', '2', next.file));
    await approved(next.actionId);
    await expect.poll(() => home.load(from), { timeout: ANSWER_MS }).toBe(2);
    for (const router of routers) router.stop();
    await Promise.all(running);
    for (const each of homes) each.close();
    // The request, moved once by each router, and the decision.
    expect((await at.broker.end(intake)) - before).toBeLessThanOrEqual(3);
    const { entries } = await auditLog(at.broker, { origin: at.origin, logKeys: [at.signer.vkey] });
    expect(entries.map(({ type }) => type)).toEqual([
      'ledger-founded',
      ...['request-admitted', 'decision-accepted', 'binding-made'],
      ...['request-admitted', 'decision-accepted', 'binding-made'],
    ]);
  });

  it('knows nothing of a partition that nobody has moved', async () => {
    expect(await home.load({ topic: 'use-claimed', partition: 3 })).toBe(0);
    expect(await home.partitionsOf('use-claimed')).toBe(4);
  });
});
