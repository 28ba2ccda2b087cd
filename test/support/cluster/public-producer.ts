import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { signedMessage, type EntryOf, type Leaf, type SignedKind } from '@countersign/binding';
import type { Broker } from '@countersign/broker';
import {
  canonicalBytes,
  formatTimestamp,
  toBase64url,
  type JsonObject,
} from '@countersign/canonical';
import {
  keyThumbprint,
  newUlid,
  readKeyFile,
  signEd25519,
  type Ed25519Key,
} from '@countersign/crypto-node';
import { encodeIntake, encodePublic } from '@countersign/wire';
import { Kafka, type Producer } from 'kafkajs';
import { COMMAND_PARAMS } from '../../../packages/binding/test/test-documents.ts';

interface Where {
  /** Of the ledger, whose agent and executor it is. */
  readonly data: string;
  readonly prefix: string;
  readonly tenant: string;
  /** Of its executor. */
  readonly interfaceDigest: string;
}

/** Somebody who publishes on the public topics with a client of their own, and lets it choose the partition. */
export class PublicProducer {
  /** Ids of the actions, in their order. */
  readonly sent: string[] = [];
  /** Those that its partitioner has chosen. */
  readonly partitions = new Set<number>();
  readonly #where: Where;
  readonly #producer: Producer;
  readonly #keys: { readonly agent: Ed25519Key; readonly executor: Ed25519Key };

  private constructor(
    where: Where,
    parts: { producer: Producer; agent: Ed25519Key; executor: Ed25519Key },
  ) {
    this.#where = where;
    this.#producer = parts.producer;
    this.#keys = parts;
  }

  static async connect(kafka: readonly string[], where: Where): Promise<PublicProducer> {
    const client = new Kafka({ brokers: [...kafka], logCreator: () => () => undefined });
    // It notices new partitions by itself, as any client does some day.
    const producer = client.producer({ metadataMaxAge: 500 });
    await producer.connect();
    const keyOf = (name: string): Promise<Ed25519Key> =>
      readKeyFile(join(where.data, 'keys', `${name}.key`));
    const [agent, executor] = [await keyOf('agent'), await keyOf('executor')];
    return new PublicProducer(where, { producer, agent, executor });
  }

  async close(): Promise<void> {
    await this.#producer.disconnect();
  }

  /** @returns the id of the action */
  async request(): Promise<string> {
    const { id, frame } = this.#newRequest();
    const { tenant } = this.#where;
    const value = encodePublic('action-requested', { tenant, actionId: id, payload: frame });
    await this.#publish('action-requested', id, value);
    return id;
  }

  async use(binding: EntryOf<'binding-made'>, leaf: Leaf): Promise<void> {
    const { tenant } = this.#where;
    const { action_id: actionId, action_digest: actionDigest } = binding;
    const payload = this.#frame('use', this.#keys.executor, {
      v: 'countersign.use.v1',
      tenant,
      action_id: actionId,
      use_id: newUlid(Date.now()),
      action_digest: actionDigest,
      binding: leaf,
      executor: 'local-exec',
      claimed_at: formatTimestamp(Date.now()),
    });
    await this.#publish(
      'use-claimed',
      actionId,
      encodePublic('use-claimed', { tenant, actionId, payload }),
    );
  }

  /** As a router does that has not noticed that the ledger has moved. @returns the id of the action */
  async intoIntake(broker: Broker, partition: number): Promise<string> {
    const { tenant } = this.#where;
    const { id, frame } = this.#newRequest();
    const value = encodeIntake({ kind: 'ActionRequested', tenant, actionId: id, payload: frame });
    await broker.append({ topic: 'intake', partition }, [{ key: `${tenant}/${id}`, value }]);
    return id;
  }

  async #publish(topic: string, key: string, value: Uint8Array): Promise<void> {
    const sent = await this.#producer.send({
      topic: `${this.#where.prefix}${topic}`,
      messages: [{ key, value: Buffer.from(value) }],
    });
    for (const { partition } of sent) this.partitions.add(partition);
  }

  #newRequest(): { readonly id: string; readonly frame: Uint8Array } {
    const id = newUlid(Date.now());
    this.sent.push(id);
    const { agent } = this.#keys;
    const frame = this.#frame('request', agent, {
      v: 'countersign.action.v1',
      tenant: this.#where.tenant,
      action_id: id,
      nonce: toBase64url(randomBytes(16)),
      type: 'generic.command',
      type_version: 1,
      agent: { id: 'local-agent', key_thumbprint: keyThumbprint(agent.publicKeySpki) },
      acting_for: [],
      executor: {
        id: 'local-exec',
        audience: 'local',
        descriptor_digest: this.#where.interfaceDigest,
      },
      params: COMMAND_PARAMS,
      preconditions: [],
      not_after: formatTimestamp(Date.now() + 3_600_000),
      max_uses: 1,
    });
    return { id, frame };
  }

  #frame(kind: SignedKind, key: Ed25519Key, payload: JsonObject): Uint8Array {
    const bytes = canonicalBytes(payload);
    return canonicalBytes({
      payload: toBase64url(bytes),
      key: keyThumbprint(key.publicKeySpki),
      signature: toBase64url(signEd25519(key, signedMessage(kind, bytes))),
    });
  }
}
