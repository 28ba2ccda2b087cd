import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { BrokerError, type Broker } from '@countersign/broker';
import {
  createTopics,
  kafkaRouterHome,
  openKafkaBroker,
  readKafkaSecurity,
  type KafkaConnection,
} from '@countersign/broker-kafka';
import { parseStrict, utf8, type JsonObject } from '@countersign/canonical';
import { inputDigest } from '@countersign/ledger';
import { encodePublic } from '@countersign/wire';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ANSWER_MS, FoundedLedger, entryOf } from '../support/founded-ledger.ts';
import { javaSettings, newPasswords } from '../support/kafka/broker-users.ts';
import { CertificateAuthority, type Certificate } from '../support/kafka/certificates.ts';
import { kafkaTools } from '../support/kafka/kafka-jars.ts';
import { startSecureKafka, type SecureKafka } from '../support/kafka/local-kafka.ts';
import { producing } from '../support/kafka/producing.ts';
import { ended, printed, type Ended } from '../support/kafka/outside-program.ts';
import { auditLog } from '../support/log-audit.ts';
import { TENANT, actionIdOf } from '../support/parties.ts';
import { producerPython } from '../support/producer-python.ts';

const ACLS = fileURLToPath(new URL('../../deploy/kafka/acls.sh', import.meta.url));
const CLI = fileURLToPath(new URL('../../services/cli/bin/countersign.js', import.meta.url));
const PROGRAM = fileURLToPath(
  new URL('../../docs/examples/countersign_producer.py', import.meta.url),
);
const SCHEMAS = fileURLToPath(new URL('../../schemas/avro/', import.meta.url));
const KCAT_BINDING = fileURLToPath(new URL('../../docs/examples/kcat-binding.sh', import.meta.url));
const PREFIX = 'countersign.';
const START_MS = 300_000;
const USERS = ['admin', 'producer', 'reader', 'gateway', 'projector', 'nobody'] as const;
type User = (typeof USERS)[number];

const passwords = newPasswords(USERS);

let folder: string;
let authority: CertificateAuthority;
let ledgerCertificate: Certificate;
let kafka: SecureKafka;
const certificates = new Map<string, Certificate>();
/** Everything that was refused, as somebody would log it. */
const refusals: unknown[] = [];
let toClose: { close: () => Promise<void> | void }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafka-security-'));
  authority = CertificateAuthority.create(folder);
  ledgerCertificate = authority.issue('ledger');
  kafka = await startSecureKafka({
    caFile: authority.caFile,
    brokerFile: await authority.issueTogether('broker'),
    brokerName: 'CN=broker',
    users: passwords,
  });
  await createTopics(await as('admin'), { prefix: PREFIX, partitions: 2, replicas: 1 });
  const admin = join(folder, 'admin.properties');
  await writeFile(admin, javaSettings('admin', passwords.admin, authority.caFile));
  await producing([kafka.address], await as('admin'));
  const path = `${await kafkaTools(folder)}:${process.env['PATH'] ?? ''}`;
  await printed('env', [
    `PATH=${path}`,
    'LEDGER=User:CN=ledger',
    'PRODUCERS=User:producer User:CN=kcat',
    'READERS=User:reader User:CN=kcat-reader',
    ...['sh', ACLS, kafka.address, admin],
  ]);
}, START_MS);

afterEach(async () => {
  for (const each of toClose.reverse()) await each.close();
  toClose = [];
});

afterAll(async () => {
  await kafka.stop();
  await rm(folder, { recursive: true });
});

/** How a service of this user reaches the broker: a certificate for the ledger, a password for the others. */
async function as(user: User | 'ledger', password?: string): Promise<KafkaConnection> {
  const { caFile } = authority;
  if (user === 'ledger') {
    const security = await readKafkaSecurity({ tls: { caFile, ...ledgerCertificate } });
    return { brokers: [kafka.mtlsAddress], ...security };
  }
  const passwordFile = join(folder, `${user}.password`);
  await writeFile(passwordFile, `${password ?? passwords[user]}\n`);
  const sasl = { mechanism: 'scram-sha-512', username: user, passwordFile };
  return { brokers: [kafka.address], ...(await readKafkaSecurity({ tls: { caFile }, sasl })) };
}

async function opened(user: User | 'ledger'): Promise<Broker> {
  const broker = await openKafkaBroker({ ...(await as(user)), prefix: PREFIX });
  toClose.push(broker);
  return broker;
}

/** Options of kcat. Debian's has a librdkafka whose SCRAM no broker of Kafka 4 takes: a certificate does. */
function kcatOf(name: string): string[] {
  const { certFile, keyFile } = certificates.get(name) ?? authority.issue(name);
  certificates.set(name, { certFile, keyFile });
  return [
    'security.protocol=ssl',
    `ssl.ca.location=${authority.caFile}`,
    `ssl.certificate.location=${certFile}`,
    `ssl.key.location=${keyFile}`,
  ].flatMap((setting) => ['-X', setting]);
}

/** The example program of docs/producers.md, with a password. */
async function asksFromPython(action: JsonObject, key: string): Promise<void> {
  const file = (name: string): string => join(folder, name);
  await writeFile(file('action.json'), JSON.stringify(action));
  await writeFile(file('agent.pem'), key);
  const settings = [
    'security.protocol=SASL_SSL',
    'sasl.mechanism=SCRAM-SHA-512',
    'sasl.username=producer',
    `sasl.password=${passwords.producer}`,
    `ssl.ca.location=${authority.caFile}`,
  ];
  await writeFile(file('client.properties'), settings.join('\n'));
  await printed(producerPython(), [
    ...['-B', PROGRAM, 'publish', '--schemas', SCHEMAS, '--key', file('agent.pem')],
    ...['--brokers', kafka.address, '--prefix', PREFIX, '--config', file('client.properties')],
    file('action.json'),
  ]);
}

/** Publishes with a client that is not ours. */
async function published(topic: string, value: Uint8Array): Promise<Ended> {
  const file = join(folder, 'record');
  await writeFile(file, value);
  return ended('kcat', [
    ...['-P', '-b', kafka.mtlsAddress, '-t', `${PREFIX}${topic}`, ...kcatOf('kcat')],
    ...['-X', 'acks=all', '-X', 'message.timeout.ms=5000', file],
  ]);
}

async function refusal(operation: Promise<unknown>): Promise<string> {
  try {
    await operation;
  } catch (error) {
    refusals.push(error);
    if (error instanceof BrokerError) return `${error.code} ${error.kind}`;
    throw error;
  }
  return 'none';
}

/** All services of one ledger, each with a user of its own. */
async function ledgerOfUsers(): Promise<FoundedLedger> {
  const home = kafkaRouterHome({ ...(await as('ledger')), prefix: PREFIX });
  toClose.push(home);
  const at = await FoundedLedger.create({ connect: () => opened('ledger') });
  toClose.push({ close: () => at.discard() });
  at.projector = at.newProjector(at.store, await opened('projector'));
  at.router = at.newRouter({ broker: await opened('gateway') });
  at.start();
  const mover = at.newRouter({
    broker: await opened('ledger'),
    positions: home,
    publicPartitions: (topic) => home.partitionsOf(topic),
  });
  const moving = mover.run();
  toClose.push({
    close: () => {
      mover.stop();
      return moving;
    },
  });
  return at;
}

describe('a ledger on a broker with TLS, SCRAM, client certificates and ACLs', () => {
  it('does its work end to end, each service with its own user and no more rights than acls.sh gives', async () => {
    const at = await ledgerOfUsers();
    const action = at.parties.action();
    const actionId = actionIdOf(action);
    const payload = at.parties.requestFrame(action);
    const arriving = at.projector.waitForInput(inputDigest(payload), ANSWER_MS);
    await asksFromPython(action, at.parties.agent.privateKeyPem);
    const answer = await arriving;
    if (answer === undefined) throw new Error('expected an answer');
    const admission = entryOf(answer, 'request-admitted');

    // D06: whoever may produce has no voice by that. The same decision without Alice's proof, then with it.
    const right = at.parties.decisionFrame(admission);
    const { proof, ...bare } = parseStrict(right) as JsonObject & { proof: JsonObject };
    expect(proof).toBeDefined();
    const forged = utf8(JSON.stringify(bare));
    const judged = at.projector.waitForInput(inputDigest(forged), ANSWER_MS);
    const frame = encodePublic('decision-made', { tenant: TENANT, actionId, payload: forged });
    expect(await published('decision-made', frame)).toMatchObject({ status: 0 });
    expect(await judged).toEqual({ kind: 'quarantined', code: 'NO_HUMAN_PROOF' });

    const bound = entryOf(await at.ask('decision', actionId, right), 'binding-made');
    entryOf(await at.use({ actionId, binding: bound }), 'binding-used');
    const record = join(folder, 'binding.avro');
    await printed('sh', [
      ...[KCAT_BINDING, kafka.mtlsAddress, PREFIX, actionId, record],
      ...kcatOf('kcat-reader'),
    ]);
    expect((await readFile(record)).length).toBeGreaterThan(0);
    const { entries } = await auditLog(at.broker, {
      origin: at.origin,
      logKeys: [at.signer.vkey],
    });
    expect(entries.map(({ type }) => type)).toEqual([
      ...['ledger-founded', 'request-admitted', 'decision-accepted'],
      ...['binding-made', 'binding-used'],
    ]);
  });
});

describe('the command on such a broker', () => {
  it('checks the topics with the user of its cluster.json, and says what is wrong with it', async () => {
    const check = async (sasl: object): Promise<Ended> => {
      const file = join(folder, 'cluster.json');
      const kms = { key_id: 'alias/log', region: 'eu-central-1' };
      const postgres = { url: 'postgres://nobody@127.0.0.1/nothing' };
      const tls = { ca_file: 'authority.pem' };
      const brokers = { brokers: [kafka.address], prefix: PREFIX, tls, sasl };
      const v = 'countersign.cluster.v1';
      await writeFile(file, JSON.stringify({ v, kafka: brokers, kms, postgres }));
      return ended(process.execPath, [CLI, 'topics', 'check', '--cluster', file]);
    };
    await as('projector');
    const login = { mechanism: 'scram-sha-512', username: 'projector' };
    const right = await check({ ...login, password_file: 'projector.password' });
    expect(right).toMatchObject({ status: 0, stderr: '' });
    await as('projector', 'another password of ours');
    const wrong = await check({ ...login, password_file: 'projector.password' });
    expect(wrong.stderr).toMatch(/^countersign: BROKER_DENIED: /);
    expect(wrong.stderr + wrong.stdout.toString()).not.toContain('another password of ours');
    const missing = await check({ ...login, password_file: 'nowhere.password' });
    expect(missing.stderr).toMatch(/^countersign: CONFIG_INVALID: kafka: sasl.passwordFile: /);
    expect([wrong.status, missing.status]).toEqual([1, 2]);
  });
});

describe('who may not', () => {
  const record = [{ key: 'x', value: utf8('x') }];

  it('a producer writes nothing but the public topics, with whatever client', async () => {
    for (const topic of ['intake', 'log', 'content', 'quarantine']) {
      const { status, stderr } = await published(topic, utf8('x'));
      expect(status).not.toBe(0);
      expect(stderr).toMatch(/authoriz/i);
    }
    expect(await refusal(opened('producer'))).toBe('BROKER_DENIED fatal');
  });

  it.each([
    ['gateway', ['log', 'content', 'quarantine', 'action-requested']],
    ['ledger', ['action-requested', 'decision-made', 'use-claimed', 'finding-submitted']],
    ['projector', ['intake', 'log', 'content', 'quarantine', 'decision-made']],
  ] as const)('%s writes none of %j', async (user, topics) => {
    const broker = await opened(user);
    for (const topic of topics) {
      const denied = refusal(broker.append({ topic, partition: 0 }, record));
      expect(await denied).toBe('BROKER_DENIED fatal');
    }
  });

  it.each([
    ['gateway', ['intake', 'content', 'action-requested']],
    ['projector', ['intake', 'action-requested']],
  ] as const)('%s reads none of %j', async (user, topics) => {
    const broker = await opened(user);
    for (const topic of topics) {
      expect(await refusal(broker.read({ topic, partition: 0 }, 0, 1))).toBe('BROKER_DENIED fatal');
    }
  });

  it('nobody keeps positions but the ledger, which moves the public topics', async () => {
    const from = { topic: 'log', partition: 0 } as const;
    for (const user of ['gateway', 'projector'] as const) {
      const home = kafkaRouterHome({ ...(await as(user)), prefix: PREFIX });
      toClose.push(home);
      expect(await refusal(home.save(from, 1))).toBe('BROKER_DENIED fatal');
    }
  });

  it('a user with another password, or without any right, does nothing', async () => {
    const wrong = { ...(await as('gateway', 'another password of ours')), prefix: PREFIX };
    expect(await refusal(openKafkaBroker(wrong))).toBe('BROKER_DENIED fatal');
    expect(await refusal(opened('nobody'))).toBe('BROKER_DENIED fatal');
    const home = kafkaRouterHome(wrong);
    toClose.push(home);
    expect(await refusal(home.partitionsOf('intake'))).toBe('BROKER_DENIED fatal');
  });

  it('a client without the certificate that the broker wants, or that does not know the broker', async () => {
    const { caFile } = authority;
    const stranger = CertificateAuthority.create(folder, 'stranger');
    const codes: string[] = [];
    for (const tls of [{ caFile }, { caFile, ...stranger.issue('forged') }]) {
      const security = await readKafkaSecurity({ tls });
      const connection = { brokers: [kafka.mtlsAddress], prefix: PREFIX, ...security };
      codes.push(await refusal(openKafkaBroker(connection)));
    }
    const trusting = await readKafkaSecurity({
      tls: { caFile: stranger.caFile },
      sasl: { mechanism: 'scram-sha-512', username: 'gateway', password: passwords.gateway },
    });
    const misled = { brokers: [kafka.address], prefix: PREFIX, ...trusting };
    codes.push(await refusal(openKafkaBroker(misled)));
    expect(codes).toEqual([
      'BROKER_DENIED fatal',
      'BROKER_DENIED fatal',
      'BROKER_UNAVAILABLE retryable',
    ]);
  });

  it('is told so without a password or a key in any form', async () => {
    const told = refusals
      .map((error) => inspect(error, { depth: 20, showHidden: true }))
      .join('\n');
    const settings = inspect([await as('gateway'), await as('ledger')], { depth: 20 });
    const json = JSON.stringify([await as('gateway'), await as('ledger')]);
    const key = (await readFile(ledgerCertificate.keyFile, 'utf8')).split('\n')[1] ?? '';
    expect(refusals.length).toBeGreaterThan(20);
    for (const secret of [...Object.values(passwords), 'another password of ours', key]) {
      expect(secret.length).toBeGreaterThan(10);
      expect(`${told}${settings}${json}`).not.toContain(secret);
    }
  });
});
