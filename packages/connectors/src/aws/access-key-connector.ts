import { setTimeout as sleep } from 'node:timers/promises';
import { utf8, type JsonObject } from '@countersign/canonical';
import { ConnectorError } from '../connector-error.ts';
import {
  stateDigest,
  type Connector,
  type Effect,
  type LiveState,
  type VerifiedUse,
} from '../connector.ts';
import { assertApproved, OnceJournal, type Attempt } from '../once.ts';
import { consumerOf, type AccessKeyRef, type RotateParams } from '../rotation/rotate-params.ts';
import { SealedDelivery, type DeliveryOptions } from '../sealed-delivery.ts';
import { withTargetLock } from '../target-lock.ts';
import { callerArn, useAccess, type AwsAccess } from './aws-access.ts';
import { UserKeys, type LiveKey, type NewKey } from './user-keys.ts';

export type AccessKeyParams = RotateParams<AccessKeyRef>;

export interface AccessKeyConnectorOptions {
  readonly access: AwsAccess;
  readonly delivery: DeliveryOptions;
  /** Records of what was begun and done, and locks: shared by all executors of the account. */
  readonly journal: string;
}

const INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.key-rotation.v1',
  system: 'aws-iam-access-key',
  write:
    'CreateAccessKey; after the overlap UpdateAccessKey (Inactive) or DeleteAccessKey of the old one',
  before: 'the user, its keys and the last use of the old one equal the approved ones',
  after:
    'the new key signs in before the old one ends; it is delivered as a JWE (ECDH-ES, A256GCM)',
  record: 'tag countersign-use on the user, and the name of the session of the role',
};

const USER = /^arn:aws:iam::\d{12}:user\/(?:[\w+=,.@-]+\/)*([\w+=,.@-]{1,64})$/;
const MS_PER_SECOND = 1_000;
/** IAM tells its other servers of a new key within seconds. */
const SIGN_IN_TRIES = 20;

/** What is known of one rotation while it goes on. */
interface Rotation {
  readonly use: VerifiedUse<AccessKeyParams>;
  readonly keys: UserKeys;
  readonly attempt: Attempt;
}

/** Gives a user of IAM a new access key, and ends the old one after the overlap that was approved. */
export class AccessKeyConnector implements Connector<AccessKeyParams> {
  readonly type: string = 'key.rotate';
  readonly interface: JsonObject = INTERFACE;
  readonly #access: AwsAccess;
  readonly #folder: string;
  readonly #delivery: SealedDelivery;
  readonly #journal: OnceJournal;

  constructor({ access, delivery, journal }: AccessKeyConnectorOptions) {
    this.#access = access;
    this.#folder = journal;
    this.#delivery = new SealedDelivery(delivery);
    this.#journal = new OnceJournal(journal);
  }

  preconditions(params: AccessKeyParams): Promise<LiveState> {
    return withKeys(this.#access, params, async (keys) => liveState(params, await keys.read()));
  }

  execute(use: VerifiedUse<AccessKeyParams>): Promise<Effect> {
    const targetRef = use.params.key.user_arn;
    const run = async (attempt: Attempt): Promise<Effect> => {
      const access = await useAccess(this.#access, use);
      return withTargetLock({ folder: this.#folder, targetRef }, () =>
        withKeys(access, use.params, (keys) => this.#rotate({ use, keys, attempt })),
      );
    };
    return this.#journal.execute(use, { targetRef, run });
  }

  async #rotate({ use, keys, attempt }: Rotation): Promise<Effect> {
    const { params } = use;
    const before = await keys.read();
    assertApproved(use.preconditions, liveState(params, before));
    if (!before.some(({ id }) => id === params.key.access_key_id)) {
      throw new ConnectorError('PRECONDITION_STALE', 'expected the key that is replaced');
    }
    const consumer = consumerOf(params);
    await this.#delivery.keyOf(consumer);
    const made = await attempt.send(() => keys.create());
    const { id, secret } = made;
    const content = JSON.stringify({ AccessKeyId: id, SecretAccessKey: secret });
    await this.#delivery.deliver(utf8(content), { consumer, use });
    await keys.tag(use.shortId);
    await this.#end({ use, keys, attempt }, made);
    const after = await keys.read();
    if (after.map(keyText).join() !== expectedKeys(before, { id, params }).join()) {
      throw new ConnectorError('EFFECT_DIFFERS', 'expected the keys that were meant');
    }
    return {
      result: 'succeeded',
      targetRef: `${params.key.user_arn} ${id}`,
      beforeDigest: stateDigest(before.map(keyText)),
      afterDigest: stateDigest(after.map(keyText)),
    };
  }

  /**
   * Crash story: if we stop in the overlap, both keys work and the use is reported as unknown. That is the safe side:
   * whoever looks ends the old key under an approval of its own.
   */
  async #end({ use, keys, attempt }: Rotation, made: NewKey): Promise<void> {
    const { key, old_key_action: action, overlap_seconds: overlap } = use.params;
    if (action === 'keep') return;
    await this.#assertSignsIn(key.user_arn, made);
    await sleep(overlap * MS_PER_SECOND);
    await attempt.send(() =>
      action === 'disable' ? keys.disable(key.access_key_id) : keys.delete(key.access_key_id),
    );
  }

  /** Nobody is cut off for a key that does not work. @throws {ConnectorError} EFFECT_DIFFERS */
  async #assertSignsIn(userArn: string, { id, secret }: NewKey): Promise<void> {
    const access = { ...this.#access, credentials: { accessKeyId: id, secretAccessKey: secret } };
    for (let tries = 0; tries < SIGN_IN_TRIES; tries += 1) {
      if ((await callerArn(access)) === userArn) return;
      await sleep(MS_PER_SECOND);
    }
    throw new ConnectorError(
      'EFFECT_DIFFERS',
      'expected the new key to sign in; the old one works',
    );
  }
}

async function withKeys<T>(
  access: AwsAccess,
  { key }: AccessKeyParams,
  work: (keys: UserKeys) => Promise<T>,
): Promise<T> {
  const name = USER.exec(key.user_arn)?.[1];
  if ((key.kind as string) !== 'aws-iam-access-key' || name === undefined) {
    throw new ConnectorError('NOT_SUPPORTED', 'expected an access key of a user');
  }
  const keys = new UserKeys(access, { arn: key.user_arn, name });
  try {
    return await work(keys);
  } finally {
    keys.close();
  }
}

function keyText({ id, status }: LiveKey): string {
  return `${id} ${status}`;
}

function expectedKeys(
  before: readonly LiveKey[],
  change: { readonly id: string; readonly params: AccessKeyParams },
): readonly string[] {
  const { key, old_key_action: action } = change.params;
  const others = before.filter(({ id }) => id !== key.access_key_id).map(keyText);
  const old = before.filter(({ id }) => id === key.access_key_id);
  const left: Record<typeof action, readonly string[]> = {
    keep: old.map(keyText),
    disable: old.map(({ id }) => `${id} Inactive`),
    revoke: [],
  };
  return [...others, ...left[action], `${change.id} Active`].sort();
}

function liveState({ key }: AccessKeyParams, keys: readonly LiveKey[]): LiveState {
  const used = keys.find(({ id }) => id === key.access_key_id)?.lastUsed ?? null;
  return {
    'key.state': stateDigest({ user: key.user_arn, keys: keys.map(keyText) }),
    // Whoever uses the old key after it was looked at shows here.
    'consumers.snapshot': stateDigest({ key: key.access_key_id, last_used: used }),
  };
}
