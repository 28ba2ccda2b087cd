import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTopics, readKafkaSecurity } from '@countersign/broker-kafka';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { countersign } from '../integration/cli-process.ts';
import { freePort } from '../support/free-port.ts';
import { newKey } from '../support/cluster/local-cluster.ts';
import { ServiceProcess, type ServiceKind } from '../support/cluster/cluster-ledger.ts';
import { HttpPerson } from '../support/http-person.ts';
import { javaSettings, newPasswords } from '../support/kafka/broker-users.ts';
import { CertificateAuthority } from '../support/kafka/certificates.ts';
import { kafkaTools } from '../support/kafka/kafka-jars.ts';
import { startSecureKafka, type SecureKafka } from '../support/kafka/local-kafka.ts';
import { printed } from '../support/kafka/outside-program.ts';
import { producing } from '../support/kafka/producing.ts';
import { newSchema } from '../support/postgres/scratch-schema.ts';
import { MOTO_CLIENT } from '../support/moto-server.ts';
import { tierOfTests } from '../support/tier.ts';

const ACLS = fileURLToPath(new URL('../../deploy/kafka/acls.sh', import.meta.url));
const PREFIX = 'countersign.';
const USERS = ['admin', 'ledger', 'projector', 'gateway'] as const;
type User = (typeof USERS)[number];

const passwords = newPasswords(USERS);

let folder: string;
let authority: CertificateAuthority;
let kafka: SecureKafka;
let keyId: string;
const schemaPrefix = `${newSchema()}_`;
const running: ServiceProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cluster-secure-'));
  authority = CertificateAuthority.create(folder);
  kafka = await startSecureKafka({
    caFile: authority.caFile,
    brokerFile: await authority.issueTogether('broker'),
    brokerName: 'CN=broker',
    users: passwords,
  });
  for (const user of USERS) await writeFile(join(folder, `${user}.password`), passwords[user]);
  const security = await readKafkaSecurity({
    tls: { caFile: authority.caFile },
    sasl: {
      mechanism: 'scram-sha-512',
      username: 'admin',
      passwordFile: join(folder, 'admin.password'),
    },
  });
  const admin = { brokers: [kafka.address], ...security };
  await createTopics(admin, { prefix: PREFIX, partitions: 1, replicas: 1 });
  await producing([kafka.address], admin);
  const settings = join(folder, 'admin.properties');
  await writeFile(settings, javaSettings('admin', passwords.admin, authority.caFile));
  const path = `${await kafkaTools(folder)}:${process.env['PATH'] ?? ''}`;
  await printed('env', [`PATH=${path}`, 'sh', ACLS, kafka.address, settings]);
  keyId = await newKey(inject('cluster').kmsEndpoint);
}, 300_000);

afterAll(async () => {
  await Promise.all(running.map((service) => service.stop('SIGKILL')));
  await kafka.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The cluster as a service of this user reaches it. */
async function clusterFile(user: User): Promise<string> {
  const { kmsEndpoint, postgresUrl } = inject('cluster');
  const file = join(folder, `${user}.cluster.json`);
  const config = {
    v: 'countersign.cluster.v1',
    kafka: {
      brokers: [kafka.address],
      tls: { ca_file: authority.caFile },
      sasl: {
        mechanism: 'scram-sha-512',
        username: user,
        password_file: `${user}.password`,
      },
    },
    kms: { key_id: keyId, region: MOTO_CLIENT.region, endpoint: kmsEndpoint },
    postgres: { url: postgresUrl, schema_prefix: schemaPrefix },
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

/** A service with a data folder of its own, which holds no key but the read token. */
async function service(kind: ServiceKind, more: readonly string[]): Promise<ServiceProcess> {
  const data = join(folder, kind);
  await mkdir(data, { mode: 0o700 });
  for (const name of ['ledger.json', 'trust.json']) {
    await cp(join(folder, 'founded', name), join(data, name));
  }
  const config = JSON.parse(await readFile(await clusterFile(kind), 'utf8')) as {
    kafka: { sasl: { password_file: string } };
  };
  config.kafka.sasl.password_file = join(folder, `${kind}.password`);
  await writeFile(join(data, 'cluster.json'), JSON.stringify(config), { mode: 0o600 });
  const started = new ServiceProcess(kind, {
    args: ['--data', data, ...more],
    env: { PATH: process.env['PATH'], ...(kind === 'ledger' ? tierOfTests()?.env : {}) },
    probe: `http://${more[1] ?? ''}`,
  });
  running.push(started);
  started.start();
  return started;
}

describe('a ledger whose services have users of their own', () => {
  it('D06: works with no more rights than acls.sh gives, no other keys than each needs, and no secret in what is said', async () => {
    const port = await freePort();
    const env = { ...tierOfTests()?.env };
    const data = join(folder, 'founded');
    const init = ['init', '--data', data, '--cluster', await clusterFile('ledger')];
    const founded = await countersign([...init, '--port', String(port)], { env });
    expect([founded.exit, founded.stderr]).toEqual([0, '']);
    const probe = async (): Promise<string[]> => ['--probe', `127.0.0.1:${await freePort()}`];
    const services = [
      await service('ledger', await probe()),
      await service('projector', await probe()),
      await service('gateway', ['--listen', `127.0.0.1:${port}`]),
    ];
    for (const each of services) await each.ready();
    const link = (await readFile(join(data, 'enrolment-link.txt'), 'utf8')).trim();
    // Enrolment is an input that the gateway takes, an entry that the ledger seals, and a row that the projector stores.
    const person = await HttpPerson.enrol(link);
    expect(await person.inbox()).toEqual([]);
    const ended = await Promise.all(services.map((each) => each.stop('SIGTERM')));
    expect(ended.map((each) => each?.code)).toEqual([0, 0, 0]);
    const said = JSON.stringify(ended);
    for (const secret of Object.values(passwords)) expect(said).not.toContain(secret);
  });

  it('is not found by a gateway that may only pretend to be one', async () => {
    const data = join(folder, 'founded');
    const file = await clusterFile('gateway');
    const config = JSON.parse(await readFile(file, 'utf8')) as { kafka: { sasl: unknown } };
    await writeFile(join(folder, 'wrong.password'), 'guessed');
    config.kafka.sasl = {
      mechanism: 'scram-sha-512',
      username: 'ledger',
      password_file: join(folder, 'wrong.password'),
    };
    await writeFile(join(data, 'cluster.json'), JSON.stringify(config));
    const { exit, stderr } = await countersign(['gateway', '--data', data], {});
    expect([exit, /BROKER_DENIED/.test(stderr), stderr.includes('guessed')]).toEqual([
      1,
      true,
      false,
    ]);
  });
});
