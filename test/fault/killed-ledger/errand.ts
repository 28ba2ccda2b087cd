import { createHash, randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  decisionChallenge,
  decisionDigest,
  parseEntry,
  rationaleDigest,
  signedMessage,
  type DecisionStatement,
  type EntryOf,
  type EntryType,
  type SignedKind,
  type Verdict,
} from '@countersign/binding';
import {
  canonicalBytes,
  canonicalText,
  digestBytes,
  formatTimestamp,
  fromUtf8,
  toBase64url,
  utf8,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { keyThumbprint, newUlid, signEd25519, type Ed25519Key } from '@countersign/crypto-node';
import { parseAction } from '@countersign/descriptors';
import { parseTlogProof } from '@countersign/tlog';
import { COMMAND_PARAMS } from '../../../packages/binding/test/test-documents.ts';
import type { HttpPerson } from '../../support/http-person.ts';
import { InvariantBroken } from '../simulator/invariant-broken.ts';
import type { SignedTruth } from '../simulator/signed-truth.ts';
import type { Told } from './topic-audit.ts';

/** Everybody around one ledger, and what they were told so far. */
export interface Town {
  readonly url: string;
  readonly origin: string;
  readonly tenant: string;
  readonly agent: { readonly id: string; readonly key: Ed25519Key };
  readonly operator: { readonly id: string; readonly key: Ed25519Key };
  readonly executor: {
    readonly id: string;
    readonly key: Ed25519Key;
    readonly audience: string;
    readonly interfaceDigest: string;
  };
  readonly person: HttpPerson;
  readonly truth: SignedTruth;
  readonly told: Told[];
  readonly counts: Map<string, number>;
  /** Resolves while a server is up; whoever finds it down waits here. */
  up(): Promise<void>;
}

interface LoggedEntry {
  readonly index: number;
  readonly leaf: `sha256:${string}`;
  readonly type: string;
  readonly text: string;
}

interface Proven {
  readonly entry: LoggedEntry;
  readonly receipt: string;
}

interface Answer extends Proven {
  readonly followed?: readonly Proven[];
}

/** An input that is sent until it is answered, and what came instead so far. */
export interface Asking {
  readonly path: string;
  readonly digest: string;
  readonly tried: string[];
}

/** What is not answered yet; and when nobody is answered any more, whoever still asks gives up. */
export interface Desk {
  readonly asking: Set<Asking>;
  readonly over: AbortSignal;
}

const WAIT_MS = 2_000;
/** Of a client that would rather ask again. */
const TIMEOUT_MS = 30_000;

/**
 * One action from the request to the report, by clients that send the same bytes again until they are
 * answered: over as many lives of the server as that takes.
 */
export class Errand {
  readonly #town: Town;
  readonly #desk: Desk;

  constructor(town: Town, desk: Desk) {
    this.#town = town;
    this.#desk = desk;
  }

  async run(): Promise<void> {
    const { executor, agent, operator } = this.#town;
    const action = this.#action();
    const payload = canonicalBytes(action);
    const digest = digestBytes('countersign/action/v1', payload);
    const { action_id: id } = parseAction(payload).envelope;
    this.#town.truth.actions.set(digest, `${id} ${agent.id}`);
    const request = this.#frame('request', agent.key, payload);
    // A client that lost patience, and one that is told twice by its queue.
    const [asked] = await Promise.all([
      this.#ask('requests', request),
      ...(chance(0.3) ? [this.#ask('requests', request)] : []),
    ]);
    const admission = entryIn(asked, 'request-admitted');
    if (admission === undefined) throw new InvariantBroken('WRONG_ANSWER', asked.entry.type);

    const verdict = chance(0.9) ? 'approve' : 'deny';
    const decision = this.#decision(admission, verdict);
    const [decided] = await Promise.all([
      this.#ask('decisions', decision),
      ...(chance(0.3) ? [this.#ask('decisions', decision)] : []),
    ]);
    const binding = entryIn(decided, 'binding-made');
    if (binding !== undefined) {
      // Every loser is a refusal, and who is refused more than a number of times a minute waits for the next one.
      const claims = Array.from({ length: chance(0.15) ? randomInt(2, 5) : 1 }, () =>
        this.#claim(id, { action_digest: digest, binding: binding.leaf }),
      );
      const uses = await Promise.all([
        ...claims.map((claim) => this.#ask('uses', this.#frame('use', executor.key, claim))),
        ...(chance(0.15) ? [this.#ask('decisions', this.#decision(admission, 'revoke'))] : []),
      ]);
      const used = uses.flatMap((answer) => entryIn(answer, 'binding-used') ?? []);
      if (used.length > 1) throw new InvariantBroken('USED_TOO_OFTEN', id);
      for (const use of used)
        await this.#report(id, { action_digest: digest, use_id: use.entry.use_id });
    }
    if (binding !== undefined && chance(0.1)) {
      await this.#ask('erasures', this.#frame('erasure', operator.key, this.#order(id)));
    }
    this.#count('errands');
  }

  #count(what: string): void {
    const { counts } = this.#town;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }

  #action(): JsonObject {
    const { tenant, agent, executor } = this.#town;
    return {
      v: 'countersign.action.v1',
      tenant,
      action_id: newUlid(Date.now()),
      nonce: toBase64url(randomBytes(16)),
      type: 'generic.command',
      type_version: 1,
      agent: { id: agent.id, key_thumbprint: keyThumbprint(agent.key.publicKeySpki) },
      acting_for: [],
      executor: {
        id: executor.id,
        audience: executor.audience,
        descriptor_digest: executor.interfaceDigest,
      },
      params: COMMAND_PARAMS,
      preconditions: [],
      not_after: formatTimestamp(Date.now() + 86_400_000),
      max_uses: 1,
    };
  }

  #frame(kind: SignedKind, key: Ed25519Key, payload: Uint8Array): Uint8Array {
    return canonicalBytes({
      payload: toBase64url(payload),
      key: keyThumbprint(key.publicKeySpki),
      signature: toBase64url(signEd25519(key, signedMessage(kind, payload))),
    });
  }

  #decision(admission: Found<'request-admitted'>, verdict: Verdict): Uint8Array {
    const { origin, tenant, person, truth } = this.#town;
    const { entry, leaf } = admission;
    const rationale = { text: 'I looked at it', salt: toBase64url(randomBytes(16)) };
    const statement: DecisionStatement = {
      v: 'countersign.decision.v1',
      ledger: origin,
      tenant,
      action_id: entry.action_id,
      admission: leaf,
      action_digest: entry.action_digest,
      display_digest: entry.display_digest,
      verdict,
      rationale_digest: rationaleDigest(rationale),
      person: person.person,
      credential: person.passkey.credentialId,
      not_after: formatTimestamp(Date.now() + 3_600_000),
    };
    truth.statements.set(decisionDigest(statement), person.person);
    const proof = person.passkey.assert(decisionChallenge(statement));
    const made = { v: 'countersign.decision-made.v1', statement, proof, rationale };
    return utf8(canonicalText(made as unknown as Json));
  }

  #claim(actionId: string, about: JsonObject): Uint8Array {
    const { tenant, executor } = this.#town;
    return this.#payload(executor.id, {
      v: 'countersign.use.v1',
      tenant,
      action_id: actionId,
      use_id: newUlid(Date.now()),
      executor: executor.id,
      claimed_at: formatTimestamp(Date.now()),
      ...about,
    });
  }

  async #report(actionId: string, about: JsonObject): Promise<void> {
    const { tenant, executor } = this.#town;
    const now = formatTimestamp(Date.now());
    const payload = this.#payload(executor.id, {
      v: 'countersign.report.v1',
      tenant,
      action_id: actionId,
      executor: executor.id,
      result: 'succeeded',
      exit_status: 0,
      started_at: now,
      ended_at: now,
      ...about,
    });
    await this.#ask('reports', this.#frame('report', executor.key, payload));
  }

  #order(actionId: string): Uint8Array {
    const { tenant, operator } = this.#town;
    return this.#payload(operator.id, {
      v: 'countersign.erasure.v1',
      tenant,
      action_id: actionId,
      requested_at: formatTimestamp(Date.now()),
      nonce: toBase64url(randomBytes(22)),
    });
  }

  #payload(signer: string, value: JsonObject): Uint8Array {
    const payload = canonicalBytes(value);
    this.#town.truth.payloads.set(fromUtf8(payload), signer);
    return payload;
  }

  /** Sends the same bytes until they are answered by an entry, and remembers what was told. */
  async #ask(path: string, body: Uint8Array): Promise<Answer> {
    const { told } = this.#town;
    const { asking, over } = this.#desk;
    const digest = createHash('sha256').update(body).digest('hex');
    const mine: Asking = { path, digest, tried: [] };
    asking.add(mine);
    for (let tries = 0; ; tries += 1) {
      await this.#town.up();
      over.throwIfAborted();
      const askedMs = Date.now();
      const answer = await this.#post(path, body);
      if (typeof answer === 'string') {
        mine.tried.push(`${formatTimestamp(askedMs)}: ${answer}, ${Date.now() - askedMs} ms`);
        this.#count('sent again');
        await sleep(Math.min(20 * 2 ** tries, 500));
        continue;
      }
      for (const { entry, receipt } of [answer, ...(answer.followed ?? [])]) {
        const { checkpoint } = parseTlogProof(receipt);
        told.push({ index: entry.index, leaf: entry.leaf, text: entry.text, checkpoint });
      }
      this.#count('answers');
      asking.delete(mine);
      return answer;
    }
  }

  /** In words what came instead, when nobody knows, or when it is not answered yet. */
  async #post(path: string, body: Uint8Array): Promise<Answer | string> {
    let response: Response;
    let json: Partial<Answer> & { readonly code?: string };
    try {
      response = await fetch(`${this.#town.url}/v1/${path}?wait_ms=${WAIT_MS}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: fromUtf8(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      json = (await response.json()) as typeof json;
    } catch (error) {
      // The server died before it answered, or within its answer, or it stands still.
      if (error instanceof TypeError || error instanceof SyntaxError) return String(error.cause);
      if (error instanceof DOMException) return error.name;
      throw error;
    }
    const { entry, receipt } = json;
    if (entry !== undefined && receipt !== undefined) return { ...json, entry, receipt };
    const told = `${response.status} ${json.code ?? 'not yet'}`;
    if (response.status === 202 || response.status === 503 || response.status === 429) return told;
    throw new InvariantBroken('WRONG_ANSWER', `${path}: ${told}`);
  }
}

export interface Found<T extends EntryType> {
  readonly entry: EntryOf<T>;
  readonly leaf: `sha256:${string}`;
}

function entryIn<T extends EntryType>(answer: Answer, type: T): Found<T> | undefined {
  for (const { entry } of [answer, ...(answer.followed ?? [])]) {
    const parsed = parseEntry(utf8(entry.text));
    if (isOfType(parsed, type)) return { entry: parsed, leaf: entry.leaf };
  }
  return undefined;
}

function isOfType<T extends EntryType>(
  entry: ReturnType<typeof parseEntry>,
  type: T,
): entry is EntryOf<T> {
  return entry.type === type;
}

function chance(probability: number): boolean {
  return Math.random() < probability;
}
