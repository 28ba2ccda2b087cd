import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { utf8, type Json, type JsonObject } from '@countersign/canonical';
import { ConnectorError } from '../connector-error.ts';
import {
  stateDigest,
  type Connector,
  type Effect,
  type LiveState,
  type VerifiedUse,
} from '../connector.ts';
import { assertApproved, OnceJournal, type Attempt } from '../once.ts';
import { SealedDelivery, type Consumer, type DeliveryOptions } from '../sealed-delivery.ts';
import {
  type AwsAccess,
  awsRefusal,
  clientSettings,
  timeout,
  useAccess,
  withClient,
} from './aws-access.ts';
import type { SecretParams } from './secret-params.ts';

export interface SecretConnectorOptions {
  /** Its role can read secrets; the session of each use can read the one that was approved. */
  readonly access: AwsAccess & { readonly roleArn: string };
  readonly delivery: DeliveryOptions;
  readonly journal: string;
}

const INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.secret.v1',
  write: 'GetSecretValue of one version by its id, in a session that can read that secret alone',
  before: 'the description of the secret and the key of the consumer equal the approved ones',
  after:
    'one JWE file (ECDH-ES, A256GCM) that only the consumer can open, for as long as the lease',
  record: 'the name of the session of the role, in each event of the audit log',
};

const ARN = /^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$/;
const VERSION_ID = /^[A-Za-z0-9-]{32,64}$/;

/** Hands one version of one secret to one workload. Its value is in no log, error, record or report. */
export class SecretConnector implements Connector<SecretParams> {
  readonly type: string = 'secret.access';
  readonly interface: JsonObject = INTERFACE;
  readonly #access: SecretConnectorOptions['access'];
  readonly #delivery: SealedDelivery;
  readonly #journal: OnceJournal;

  constructor({ access, delivery, journal }: SecretConnectorOptions) {
    this.#access = access;
    this.#delivery = new SealedDelivery(delivery);
    this.#journal = new OnceJournal(journal);
  }

  async preconditions(params: SecretParams): Promise<LiveState> {
    assertSupported(params);
    const { workload, thumbprint } = consumerOf(params);
    await this.#delivery.keyOf({ workload, thumbprint });
    return withSecrets(this.#access, async (client) => ({
      'secret.metadata': stateDigest(await described(client, this.#access, params)),
      'workload.identity': stateDigest({ workload, key: thumbprint }),
    }));
  }

  execute(use: VerifiedUse<SecretParams>): Promise<Effect> {
    const { secret_ref: ref, secret_version: version } = use.params;
    // The end of it names the secret and its version.
    const targetRef = `${ref} ${version}`.slice(-TARGET_REF_MAX);
    return this.#journal.execute(use, {
      targetRef,
      run: (attempt) => this.#hand({ use, targetRef }, attempt),
    });
  }

  async #hand(
    { use, targetRef }: { use: VerifiedUse<SecretParams>; targetRef: string },
    attempt: Attempt,
  ): Promise<Effect> {
    const { params } = use;
    const live = await this.preconditions(params);
    assertApproved(use.preconditions, live);
    await this.#delivery.sweep();
    const access = await useAccess(this.#access, use, sessionPolicy(params));
    const value = await attempt.send(() => readValue(access, params));
    const to = { consumer: consumerOf(params), use, leaseSeconds: params.lease_seconds };
    const afterDigest = await this.#delivery.deliver(value, to);
    return {
      result: 'succeeded',
      targetRef,
      beforeDigest: stateDigest(live),
      afterDigest,
    };
  }
}

function consumerOf({ consumer }: SecretParams): Consumer {
  return { workload: consumer.workload_id, thumbprint: consumer.key_thumbprint };
}

const TARGET_REF_MAX = 200;

function assertSupported(params: SecretParams): void {
  const { manager, operation, delivery, secret_ref: ref, secret_version: version } = params;
  const isOurs = manager.kind === 'aws-secretsmanager' && operation === 'read';
  if (isOurs && delivery === 'response-wrapped' && ARN.test(ref) && VERSION_ID.test(version))
    return;
  throw new ConnectorError('NOT_SUPPORTED', 'expected to read a full ARN at the id of a version');
}

/** Whatever else the role may do: this session reads one version of one secret. */
function sessionPolicy({ secret_ref: Resource, secret_version: version }: SecretParams): object {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: 'secretsmanager:GetSecretValue',
        Resource,
        Condition: { StringEquals: { 'secretsmanager:VersionId': version } },
      },
    ],
  };
}

function withSecrets<T>(
  access: AwsAccess,
  work: (client: SecretsManagerClient) => Promise<T>,
): Promise<T> {
  return withClient(new SecretsManagerClient(clientSettings(access)), work).catch(awsRefusal);
}

async function described(
  client: SecretsManagerClient,
  access: AwsAccess,
  { secret_ref: ref, secret_version: version }: SecretParams,
): Promise<Json> {
  const secret = await client.send(new DescribeSecretCommand({ SecretId: ref }), timeout(access));
  const stages = secret.VersionIdsToStages?.[version];
  if (secret.ARN !== ref || stages === undefined || secret.DeletedDate !== undefined) {
    throw new ConnectorError(
      'TARGET_UNKNOWN',
      'expected this version of a secret that is not deleted',
    );
  }
  return { arn: ref, version, key: secret.KmsKeyId ?? null, stages: [...stages].sort() };
}

async function readValue(access: AwsAccess, params: SecretParams): Promise<Uint8Array> {
  const { secret_ref: ref, secret_version: version, fields } = params;
  return withSecrets(access, async (client) => {
    const secret = await client.send(
      new GetSecretValueCommand({ SecretId: ref, VersionId: version }),
      timeout(access),
    );
    if (secret.ARN !== ref || secret.VersionId !== version) {
      throw new ConnectorError('EFFECT_DIFFERS', 'expected the version that was asked for');
    }
    const value = secret.SecretBinary ?? utf8(secret.SecretString ?? '');
    return fields === undefined ? value : picked(secret.SecretString ?? '', fields);
  });
}

/** Only what was approved. Errors tell nothing of the text: it is the secret. */
function picked(text: string, fields: readonly string[]): Uint8Array {
  const secret = asRecord(text);
  const chosen = fields.map((name): [string, unknown] => {
    if (secret === undefined || !Object.hasOwn(secret, name)) {
      throw new ConnectorError(
        'TARGET_REFUSED',
        'expected a secret with the fields that were approved',
      );
    }
    return [name, secret[name]];
  });
  return utf8(JSON.stringify(Object.fromEntries(chosen)));
}

function asRecord(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null
      ? (json as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
