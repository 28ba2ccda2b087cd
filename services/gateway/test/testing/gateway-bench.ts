import { createHmac, randomBytes } from 'node:crypto';
import { decisionChallenge, rationaleDigest, type Verdict } from '@countersign/binding';
import {
  canonicalText,
  digestOf,
  fromHex,
  toBase64url,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { signRoot } from '@countersign/cose-receipt';
import { verifySignature, signEd25519 } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import {
  signRequest,
  TOKEN_KEY_ID,
  type RequestSigner,
  type TokenSigner,
} from '@countersign/http-auth';
import type { SoftwarePasskey } from '@countersign/software-passkey';
import { parseCheckpoint, parseNote } from '@countersign/tlog';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import {
  buildGateway,
  type GatewayConfig,
  type IdentityConfig,
  type GatewayDeps,
  type LedgerHealth,
  type SignHeadRoot,
} from '../../src/index.ts';
import {
  ORIGIN,
  PUBLIC_ORIGIN,
  ScriptedLedger,
  signedFrame,
  TENANT,
  type Machine,
} from './scripted-ledger.ts';

export const READ_TOKEN = 'read-token-for-tests-0123456789';

export interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly body: Readonly<Record<string, Json>>;
}

export interface Send {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly body?: Json;
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Its address; the machine's own without it. */
  readonly from?: string;
}

interface BenchOptions {
  /** It has the key of the log, for COSE receipts; it does unless told otherwise. */
  readonly isSigning?: false;
  /** Where people sign in with a company account. */
  readonly identity?: IdentityConfig;
}

/** A member that is text; anything else fails the test. */
export function textIn(from: JsonObject, name: string): string {
  const value = from[name];
  if (typeof value !== 'string') throw new Error(`expected text in ${name}`);
  return value;
}

interface DecisionOptions {
  readonly verdict?: Verdict;
  readonly text?: string;
  /** For how long the device says that it showed it. */
  readonly dwellMs?: number;
}

/** A gateway before a scripted ledger, with everybody who calls it. */
export class GatewayBench {
  readonly ledger: ScriptedLedger;
  readonly app: FastifyInstance;
  readonly logged: string[] = [];
  health: LedgerHealth | undefined;
  /** Of COSE receipts; by the log's key unless a test says otherwise. */
  signHeadRoot: SignHeadRoot;
  /** Of promises of arrivals; none unless a test says so. */
  promiseKey: NonNullable<GatewayDeps['promiseKey']> = () => Promise.resolve(undefined);

  private constructor(ledger: ScriptedLedger, config: Partial<GatewayConfig>, more: BenchOptions) {
    this.ledger = ledger;
    this.signHeadRoot = (note) =>
      signRoot(parseCheckpoint(parseNote(note).text).root, ledger.signer);
    this.app = buildGateway({
      config: { ledger: ORIGIN, publicOrigins: [PUBLIC_ORIGIN], version: '0.0.0-test', ...config },
      router: ledger,
      view: ledger,
      models: ledger.store,
      descriptors: BUILTIN_DESCRIPTORS,
      health: () =>
        this.health ?? {
          writer: { state: 'running' },
          sealedSize: ledger.size,
          sealedAtMs: ledger.nowMs,
          projectedSize: ledger.size,
          bindings: 0,
        },
      readTokens: [{ token: READ_TOKEN, tenant: TENANT }],
      verifySignature,
      ...(more.identity !== undefined && { identity: more.identity }),
      ...(more.isSigning !== false && { signHeadRoot: (note) => this.signHeadRoot(note) }),
      promiseKey: () => this.promiseKey(),
      nowMs: () => ledger.nowMs,
      randomBytes: (size) => new Uint8Array(randomBytes(size)),
      logger: pino({ level: 'info' }, { write: (line: string) => void this.logged.push(line) }),
    });
  }

  static async start(
    config: Partial<GatewayConfig> = {},
    more: BenchOptions = {},
  ): Promise<GatewayBench> {
    const bench = new GatewayBench(await ScriptedLedger.found(), config, more);
    await bench.app.ready();
    return bench;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.ledger.close();
  }

  async send({ method = 'GET', url, body, raw, headers = {}, from }: Send): Promise<Sent> {
    const payload = raw ?? (body === undefined ? undefined : canonicalText(body));
    const response = await this.app.inject({
      method,
      url,
      ...(from !== undefined && { remoteAddress: from }),
      headers: {
        host: 'localhost:7420',
        ...(payload !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(payload !== undefined && { payload }),
    });
    const isJson = String(response.headers['content-type']).includes('json');
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      body: isJson ? (JSON.parse(response.body) as Record<string, Json>) : {},
    };
  }

  post(url: string, body: Json, headers: Readonly<Record<string, string>> = {}): Promise<Sent> {
    return this.send({ method: 'POST', url, body, headers });
  }

  /** Reads with the token that sees everything. */
  read(url: string): Promise<Sent> {
    return this.send({ url, headers: { authorization: `Bearer ${READ_TOKEN}` } });
  }

  /** Reads as a machine does. */
  async readAs(machine: Machine, url: string): Promise<Sent> {
    return this.send({ url, headers: await this.signatureOf(machine, url) });
  }

  signatureOf(machine: Machine, url: string): Promise<Record<string, string>> {
    const sign = (message: Uint8Array): Uint8Array => signEd25519(machine.key, message);
    return this.#signed({ keyId: machine.thumbprint, sign }, url);
  }

  /** What proves a read token without sending it. */
  macOf(token: string, url: string): Promise<Record<string, string>> {
    const sign = (message: Uint8Array): Uint8Array =>
      createHmac('sha256', token).update(message).digest();
    return this.#signed({ keyId: TOKEN_KEY_ID, sign }, url);
  }

  async #signed(signer: RequestSigner | TokenSigner, url: string): Promise<Record<string, string>> {
    const headers = await signRequest(
      {
        method: 'GET',
        url: `${PUBLIC_ORIGIN}${url}`,
        nowMs: this.ledger.nowMs,
        nonce: toBase64url(randomBytes(16)),
      },
      signer,
    );
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
  }

  /** Asks for an action, and answers its id and the frame that was sent. */
  async request(
    agent: Machine = this.ledger.agent,
    changes: JsonObject = {},
  ): Promise<{ actionId: string; frame: Json; sent: Sent }> {
    const action = this.ledger.actionOf(agent, changes);
    const frame = signedFrame('request', action, agent);
    const sent = await this.post('/v1/requests', frame);
    return { actionId: textIn(action, 'action_id'), frame, sent };
  }

  /** The body of a decision on an action, as the page would make it. */
  async decisionOf(
    actionId: string,
    passkey: SoftwarePasskey,
    { verdict = 'approve', text = '', dwellMs }: DecisionOptions = {},
  ): Promise<JsonObject> {
    const { body } = await this.read(`/v1/actions/${actionId}/review`);
    const { entry } = body['admission'] as { entry: { leaf: string; text: string } };
    const admission = JSON.parse(entry.text) as Record<string, string>;
    const rationale = { text, salt: toBase64url(randomBytes(16)) };
    const statement = {
      v: 'countersign.decision.v1' as const,
      ledger: ORIGIN,
      tenant: TENANT,
      action_id: actionId,
      admission: entry.leaf,
      action_digest: admission['action_digest'],
      display_digest: admission['display_digest'],
      verdict,
      rationale_digest: rationaleDigest(rationale),
      person: this.ledger.person,
      credential: passkey.credentialId,
      not_after: '2026-11-23T13:00:00.000Z',
      ...(dwellMs !== undefined && { claimed_dwell_ms: dwellMs }),
    } as Parameters<typeof decisionChallenge>[0];
    const proof = passkey.assert(decisionChallenge(statement));
    return {
      v: 'countersign.decision-made.v1',
      statement: statement as unknown as JsonObject,
      proof: { ...proof },
      rationale,
    };
  }

  /** Signs in, and answers the headers that the page then sends. */
  async signIn(
    passkey: SoftwarePasskey,
    under: Readonly<Record<string, string>> = {},
  ): Promise<{ sent: Sent; headers: Record<string, string> }> {
    const { body } = await this.post('/v1/session/options', {});
    const statement = body['statement'] as JsonObject;
    const challenge = digestOf('countersign/session/v1', statement);
    const proof = passkey.assert(fromHex(challenge.slice('sha256:'.length)));
    const sent = await this.post('/v1/session', { statement, proof: { ...proof } }, under);
    const session = String(sent.headers['set-cookie']).split(';')[0] ?? '';
    const cookie = under['cookie'] === undefined ? session : `${under['cookie']}; ${session}`;
    return { sent, headers: { cookie, origin: PUBLIC_ORIGIN, 'x-countersign': '1' } };
  }
}
