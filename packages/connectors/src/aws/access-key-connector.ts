import type { JsonObject } from '@countersign/canonical';
import { ConnectorError } from '../connector-error.ts';
import {
  stateDigest,
  useReference,
  type Connector,
  type Effect,
  type LiveState,
  type VerifiedUse,
} from '../connector.ts';
import { assertApproved, OnceJournal, type Attempt } from '../once.ts';
import type { RotateParams } from '../rotation/rotate-params.ts';
import { SecretSink } from '../rotation/secret-sink.ts';
import { withTargetLock } from '../target-lock.ts';
import { useAccess, type AwsAccess } from './aws-access.ts';
import { UserKeys, type LiveKey } from './user-keys.ts';

export interface AccessKeyConnectorOptions {
  readonly access: AwsAccess;
  /** Where a new key is delivered, under the name of its user. */
  readonly sink: string;
  readonly journal: string;
}

const INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.aws-access-key.v1',
  write:
    'CreateAccessKey with delivery; or, after the overlap and as a use of its own, UpdateAccessKey or DeleteAccessKey',
  before: 'keys and last use equal the approved ones',
  after: 'the keys read back are those that were meant',
  record: 'tag countersign-use on the user, and the name of the session of the role',
};

const USER = /^arn:aws:iam::\d{12}:user\/(?:[\w+=,.@-]+\/)*([\w+=,.@-]{1,64})$/;

interface Rotation {
  readonly user: string;
  readonly step: 'create' | 'disable' | 'delete';
}

/**
 * Rotates an access key of AWS in uses of their own: a new key beside the old one; then, when its consumers are verified,
 * the old one is disabled; then it is deleted.
 */
export class AccessKeyConnector implements Connector<RotateParams> {
  readonly type: string = 'key.rotate';
  readonly interface: JsonObject = INTERFACE;
  readonly #access: AwsAccess;
  readonly #folder: string;
  readonly #sink: SecretSink;
  readonly #journal: OnceJournal;

  constructor({ access, sink, journal }: AccessKeyConnectorOptions) {
    this.#access = access;
    this.#folder = journal;
    this.#sink = new SecretSink(sink);
    this.#journal = new OnceJournal(journal);
  }

  preconditions(params: RotateParams): Promise<LiveState> {
    const { user } = rotationOf(params);
    return withKeys(this.#access, user, async (keys) => liveState(params, await keys.read()));
  }

  execute(use: VerifiedUse<RotateParams>): Promise<Effect> {
    const targetRef = use.params.key_ref;
    const run = async (attempt: Attempt): Promise<Effect> => {
      const rotation = rotationOf(use.params);
      const access = await useAccess(this.#access, use);
      return withTargetLock({ folder: this.#folder, targetRef }, () =>
        withKeys(access, rotation.user, (keys) => this.#rotate(keys, { use, rotation, attempt })),
      );
    };
    return this.#journal.execute(use, { targetRef, run });
  }

  async #rotate(
    keys: UserKeys,
    at: { use: VerifiedUse<RotateParams>; rotation: Rotation; attempt: Attempt },
  ): Promise<Effect> {
    const { params, preconditions, shortId } = at.use;
    const before = await keys.read();
    assertApproved(preconditions, liveState(params, before));
    assertCurrent(before, params.current_version, at.rotation.step);
    const id = await this.#change(keys, at);
    const after = await keys.read();
    const meant = expectedKeys(before, { id, step: at.rotation.step });
    if (after.map(keyText).join() !== meant.map(keyText).join()) {
      throw new ConnectorError('EFFECT_DIFFERS', 'expected the keys that were meant');
    }
    await keys.tag(shortId);
    return {
      result: 'succeeded',
      targetRef: `${params.key_ref} ${id}`,
      beforeDigest: stateDigest(before.map(keyText)),
      afterDigest: stateDigest(after.map(keyText)),
    };
  }

  /** @returns the id of the key that was made or changed */
  async #change(
    keys: UserKeys,
    at: { use: VerifiedUse<RotateParams>; rotation: Rotation; attempt: Attempt },
  ): Promise<string> {
    const { use, rotation, attempt } = at;
    const { current_version: current } = use.params;
    switch (rotation.step) {
      case 'create': {
        const { id, secret } = await attempt.send(() => keys.create());
        const content = JSON.stringify({ AccessKeyId: id, SecretAccessKey: secret });
        // A key whose secret could not be delivered is useless, and shows in the report as unknown.
        await this.#sink.stage(rotation.user, useReference(use.useId), content);
        await this.#sink.activate(rotation.user, content);
        return id;
      }
      case 'disable':
        await attempt.send(() => keys.disable(current));
        return current;
      case 'delete':
        await attempt.send(() => keys.delete(current));
        return current;
    }
  }
}

async function withKeys<T>(
  access: AwsAccess,
  user: string,
  work: (keys: UserKeys) => Promise<T>,
): Promise<T> {
  const keys = new UserKeys(access, user);
  try {
    return await work(keys);
  } finally {
    keys.close();
  }
}

/** @throws {ConnectorError} NOT_SUPPORTED */
function rotationOf(params: RotateParams): Rotation {
  const user = USER.exec(params.key_ref)?.[1];
  if (user === undefined) throw new ConnectorError('NOT_SUPPORTED', 'expected the ARN of a user');
  return { user, step: stepOf(params) };
}

function stepOf(params: RotateParams): Rotation['step'] {
  const { new_material: material, old_key_action: action, consumers } = params;
  if (material.origin === 'generated-in-system' && action === 'keep') return 'create';
  const isRetired = action === 'disable' || action === 'revoke';
  if (material.origin !== 'existing' || !isRetired) {
    throw new ConnectorError(
      'NOT_SUPPORTED',
      'expected a new key beside the old one, or the end of an old one beside an existing one',
    );
  }
  // Who has not been seen with the new key would be cut off.
  if (consumers.some(({ verified }) => verified !== true)) {
    throw new ConnectorError('NOT_SUPPORTED', 'expected each consumer to be verified');
  }
  return action === 'disable' ? 'disable' : 'delete';
}

function assertCurrent(keys: readonly LiveKey[], current: string, step: Rotation['step']): void {
  const isThere = keys.some(({ id }) => id === current);
  const isOtherActive = keys.some(({ id, status }) => id !== current && status === 'Active');
  if (!isThere || (step !== 'create' && !isOtherActive)) {
    throw new ConnectorError(
      'PRECONDITION_STALE',
      'expected the current key, and for its end another active one',
    );
  }
}

function keyText({ id, status }: LiveKey): string {
  return `${id} ${status}`;
}

function expectedKeys(
  before: readonly LiveKey[],
  change: { readonly id: string; readonly step: Rotation['step'] },
): readonly LiveKey[] {
  const { id, step } = change;
  switch (step) {
    case 'create':
      return [...before, { id, status: 'Active', lastUsed: undefined }].sort((a, b) =>
        a.id < b.id ? -1 : 1,
      );
    case 'disable':
      return before.map((key) => (key.id === id ? { ...key, status: 'Inactive' } : key));
    case 'delete':
      return before.filter((key) => key.id !== id);
  }
}

function liveState(
  { current_version: current }: RotateParams,
  keys: readonly LiveKey[],
): LiveState {
  const used = keys.find(({ id }) => id === current)?.lastUsed ?? null;
  return {
    'key.state': stateDigest(keys.map(keyText)),
    // Whoever uses the old key after it was looked at shows here.
    'consumers.snapshot': stateDigest({ key: current, last_used: used }),
  };
}
