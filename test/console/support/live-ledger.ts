import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  LEDGER_EXECUTOR,
  foundLedger,
  keyThumbprint,
  subjectDigest,
  type Member,
  type Policy,
  type RecoveryRule,
  type Separation,
} from '@countersign/binding';
import { MemoryBroker, MemoryDisk } from '@countersign/broker';
import { formatTimestamp, toBase64url, type JsonObject } from '@countersign/canonical';
import { newUlid, verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { buildGateway, type IdentityConfig } from '@countersign/gateway';
import { subjectSalt } from '@countersign/gateway/subject-salt';
import { found, Router, Writer } from '@countersign/ledger';
import { Projector } from '@countersign/projector';
import { openSqliteStore, type ReadModels } from '@countersign/store';
import pino from 'pino';
import { noteSigner } from '../../support/note-key.ts';
import { KeyHolder, TENANT } from '../../support/parties.ts';
import { ShiftedClock } from '../../support/shifted-clock.ts';
import { POLICY_ENGINE } from '../../support/policy-engine.ts';

const AUDIENCE = 'host:build-1';
const INTERFACE = `sha256:${'ab'.repeat(32)}` as const;

export interface LiveLedgerOptions {
  readonly port?: number;
  readonly separation?: Separation;
  /** Or what it is with the persons who are invited, in their order. */
  readonly policy?: Policy | ((persons: readonly string[]) => Policy);
  readonly recovery?: RecoveryRule;
  /** How many persons are invited; the first one owns the agent. */
  readonly persons?: number;
  /** Where people sign in with a company account first, and whose accounts the founders have, in their order. */
  readonly identity?: IdentityConfig;
  readonly accounts?: readonly string[];
  /** Folder of the page. */
  readonly pageFolder: string;
}

interface Invited {
  readonly person: string;
  readonly link: string;
  readonly members: readonly Member[];
}

/**
 * A ledger with all its services and its gateway in this process, at http://localhost:PORT, whose founders have
 * been invited and have not enrolled yet.
 */
export class LiveLedger {
  readonly url: string;
  readonly origin: string;
  readonly clock: ShiftedClock;
  readonly agent: KeyHolder;
  readonly executor: KeyHolder;
  readonly links: readonly string[];
  readonly persons: readonly string[];
  readonly genesis: string;
  readonly #close: () => Promise<void>;

  private constructor(parts: LedgerParts) {
    this.url = parts.url;
    this.origin = parts.origin;
    this.clock = parts.clock;
    this.agent = parts.agent;
    this.executor = parts.executor;
    this.links = parts.invited.map(({ link }) => link);
    this.persons = parts.invited.map(({ person }) => person);
    this.genesis = parts.genesis;
    this.#close = parts.close;
  }

  static async start(options: LiveLedgerOptions): Promise<LiveLedger> {
    const port = options.port ?? (await freePort());
    const url = `http://localhost:${port}`;
    const clock = new ShiftedClock();
    const origin = `countersign.test/${newUlid(clock.nowMs())}/0`;
    const signer = noteSigner(origin);
    const agent = new KeyHolder('deployer');
    const executor = new KeyHolder('build-1');
    const invited = Array.from({ length: options.persons ?? 1 }, () => invite(url, clock.nowMs()));
    const policy =
      typeof options.policy === 'function'
        ? options.policy(invited.map(({ person }) => person))
        : options.policy;
    const entry = foundLedger({
      at: formatTimestamp(clock.nowMs()),
      origin,
      tenant: TENANT,
      separation: options.separation ?? 'solo',
      demo: false,
      rps: [{ id: 'localhost', origins: [url] }],
      logKeys: [signer.vkey],
      members: [
        ...invited.flatMap(({ members }) => members),
        ...tiesOf(options, invited),
        ...machines({ agent, executor, owner: invited[0]?.person ?? '' }),
      ],
      ...(policy !== undefined && { policy }),
      ...(options.recovery !== undefined && { recovery: options.recovery }),
      policyEngine: POLICY_ENGINE,
    });
    const folder = await mkdtemp(path.join(tmpdir(), 'console-ledger-'));
    const broker = new MemoryBroker({ clock: () => clock.nowMs(), disk: new MemoryDisk() });
    const store = await openSqliteStore(path.join(folder, 'read-models.db'));
    const log = { broker, clock, verifySignature, origin, logKeys: [signer.vkey] };
    const { genesis } = await found({
      broker,
      entry,
      epoch: newUlid(clock.nowMs()),
      verifySignature,
    });
    const writer = new Writer({
      ...log,
      signers: [signer],
      descriptors: BUILTIN_DESCRIPTORS,
      policyEngine: POLICY_ENGINE,
      epoch: newUlid(clock.nowMs()),
    });
    const projector = new Projector({ ...log, store, descriptors: BUILTIN_DESCRIPTORS });
    const running = [writer.run(), projector.run()];
    for (const each of running) each.catch(() => undefined);
    const gateway = gatewayOf({ options, url, origin, clock, broker, store, writer, projector });
    await gateway.listen({ port, host: 'localhost' });
    const close = async (): Promise<void> => {
      await gateway.close();
      writer.stop();
      projector.stop();
      await Promise.all(running);
      await broker.close();
      await store.close();
      await rm(folder, { recursive: true });
    };
    return new LiveLedger({ url, origin, clock, agent, executor, invited, genesis, close });
  }

  /** Has the agent ask for a command. Answers the id of the action. */
  async request(params: JsonObject = {}, more: JsonObject = {}): Promise<string> {
    const actionId = newUlid(this.clock.nowMs());
    const action = this.action(params, { action_id: actionId, ...more });
    await this.post('/v1/requests', this.agent.frame('request', action));
    return actionId;
  }

  /** Has the agent ask for a change of the authority. Answers the id of the action. */
  requestChange(change: JsonObject, type: string = 'authority.change'): Promise<string> {
    const descriptor = BUILTIN_DESCRIPTORS.find((each) => each.type === type);
    const executor = {
      id: LEDGER_EXECUTOR,
      audience: this.origin,
      descriptor_digest: descriptor?.digest ?? '',
    };
    return this.request({}, { type, params: { change }, executor });
  }

  action(params: JsonObject, more: JsonObject): JsonObject {
    const nowMs = this.clock.nowMs();
    return {
      v: 'countersign.action.v1',
      tenant: TENANT,
      nonce: toBase64url(randomBytes(16)),
      type: 'generic.command',
      type_version: 1,
      agent: { id: this.agent.id, key_thumbprint: this.agent.thumbprint },
      acting_for: [],
      executor: { id: this.executor.id, audience: AUDIENCE, descriptor_digest: INTERFACE },
      params: { ...COMMAND, ...params },
      preconditions: [],
      not_after: formatTimestamp(nowMs + 86_400_000),
      max_uses: 1,
      ...more,
    };
  }

  /** Has the executor claim a use of what was bound under this id, with what it chooses, and report that it went well. */
  async use(actionId: string, evidence: Evidence, chosen?: JsonObject): Promise<void> {
    const nowMs = this.clock.nowMs();
    const useId = newUlid(nowMs);
    const common = {
      tenant: TENANT,
      action_id: actionId,
      use_id: useId,
      action_digest: evidence.actionDigest,
      executor: this.executor.id,
    };
    await this.post(
      '/v1/uses',
      this.executor.frame('use', {
        ...common,
        v: chosen === undefined ? 'countersign.use.v1' : 'countersign.use.v2',
        binding: evidence.binding,
        claimed_at: formatTimestamp(nowMs),
        ...(chosen !== undefined && { chosen }),
      }),
    );
    await this.post(
      '/v1/reports',
      this.executor.frame('report', {
        ...common,
        v: 'countersign.report.v1',
        result: 'succeeded',
        exit_status: 0,
        started_at: formatTimestamp(nowMs),
        ended_at: formatTimestamp(nowMs + 5),
      }),
    );
  }

  /** Has the operator remove what this action said. */
  async erase(actionId: string): Promise<void> {
    const order = {
      v: 'countersign.erasure.v1',
      tenant: TENANT,
      action_id: actionId,
      requested_at: formatTimestamp(this.clock.nowMs()),
      nonce: toBase64url(randomBytes(16)),
    };
    await this.post('/v1/erasures', this.agent.frame('erasure', order));
  }

  async post(route: string, frame: Uint8Array): Promise<void> {
    const response = await fetch(`${this.url}${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Uint8Array(frame),
    });
    if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`);
  }

  async close(): Promise<void> {
    await this.#close();
  }
}

interface Evidence {
  readonly actionDigest: string;
  readonly binding: string;
}

interface LedgerParts {
  readonly url: string;
  readonly origin: string;
  readonly clock: ShiftedClock;
  readonly agent: KeyHolder;
  readonly executor: KeyHolder;
  readonly invited: readonly Invited[];
  readonly genesis: string;
  readonly close: () => Promise<void>;
}

interface Services {
  readonly options: LiveLedgerOptions;
  readonly url: string;
  readonly origin: string;
  readonly clock: ShiftedClock;
  readonly broker: MemoryBroker;
  readonly store: ReadModels;
  readonly writer: Writer;
  readonly projector: Projector;
}

export const COMMAND: JsonObject = {
  argv: ['restart', 'billing'],
  cwd: '/srv/billing',
  executable: { path: '/usr/bin/svc', digest: `sha256:${'11'.repeat(32)}` },
  env: [],
  secret_env: [],
  stdin: { kind: 'empty' },
  timeout_s: 60,
};

function gatewayOf(services: Services): ReturnType<typeof buildGateway> {
  const { options, url, origin, clock, broker, store, writer, projector } = services;
  const moved = new Map<string, number>();
  const router = new Router({
    broker,
    clock,
    partitionOf: (tenant) => (tenant === TENANT ? 0 : undefined),
    positions: {
      load: ({ topic, partition }) => Promise.resolve(moved.get(`${topic}/${partition}`) ?? 0),
      save: ({ topic, partition }, next) => {
        moved.set(`${topic}/${partition}`, next);
        return Promise.resolve();
      },
    },
  });
  return buildGateway({
    config: {
      ledger: origin,
      publicOrigins: [url],
      version: '0.0.0-test',
      pageFolder: options.pageFolder,
      limits: { ceremoniesPerMinute: 1_000 },
    },
    router,
    view: projector,
    models: store,
    descriptors: BUILTIN_DESCRIPTORS,
    health: () => ({
      writer: writer.status,
      sealedSize: projector.status.sealedSize,
      sealedAtMs: null,
      projectedSize: projector.status.storedSize,
      bindings: writer.counts.bindings,
    }),
    readTokens: [],
    ...(options.identity !== undefined && { identity: options.identity }),
    verifySignature,
    nowMs: () => clock.nowMs(),
    randomBytes: (size) => randomBytes(size),
    logger: pino({ level: 'silent' }),
  });
}

function invite(url: string, nowMs: number): Invited {
  const person = `prs_${newUlid(nowMs)}`;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url');
  return {
    person,
    link: `${url}/enrol#i=${pkcs8}&p=${person}&t=${TENANT}`,
    members: [
      { kind: 'person', id: person, class: 'natural' },
      {
        kind: 'invitation',
        id: keyThumbprint(spki),
        person,
        public_key: spki.toString('base64url'),
        not_after: formatTimestamp(nowMs + 86_400_000),
      },
    ],
  };
}

function tiesOf({ identity, accounts }: LiveLedgerOptions, invited: readonly Invited[]): Member[] {
  const { issuer = '', subjectKey = new Uint8Array() } = identity ?? {};
  return (accounts ?? []).map((subject, number) => {
    const id = invited[number]?.person ?? '';
    const salt = subjectSalt(subjectKey, { issuer, person: id });
    const subject_digest = subjectDigest({ issuer, subject, salt });
    return { kind: 'identity', id, issuer, subject_digest };
  });
}

function machines(parts: { agent: KeyHolder; executor: KeyHolder; owner: string }): Member[] {
  const { agent, executor, owner } = parts;
  return [
    {
      kind: 'agent',
      id: agent.id,
      key_thumbprint: agent.thumbprint,
      public_key: agent.publicKey,
      owner,
      operator: true,
    },
    {
      kind: 'executor',
      id: executor.id,
      key_thumbprint: executor.thumbprint,
      public_key: executor.publicKey,
      audiences: [AUDIENCE],
      interface_digest: INTERFACE,
    },
    ...BUILTIN_DESCRIPTORS.map((each): Member => ({
      kind: 'descriptor',
      id: `${each.type}/${each.typeVersion}`,
      digest: each.digest,
    })),
  ];
}

/** What a browser sends must come back to where it went; nobody else takes the port within this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return address.port;
}
