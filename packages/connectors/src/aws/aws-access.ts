import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  STSClient,
  type STSClientConfig,
} from '@aws-sdk/client-sts';
import { ConnectorError } from '../connector-error.ts';
import { useReference, type VerifiedUse } from '../connector.ts';

/** How an executor reaches one account of AWS. */
export interface AwsAccess {
  readonly region: string;
  readonly credentials?: NonNullable<STSClientConfig['credentials']>;
  /** Of an emulator. */
  readonly endpoint?: string;
  /** Taken on anew for each use, so that the audit log of the account names the use in every event. */
  readonly roleArn?: string;
  readonly timeoutMs?: number;
}

/** What every client is made with. One attempt: whether a second one is due is never a client's to decide. */
export interface AwsClientSettings {
  readonly region: string;
  readonly credentials?: NonNullable<STSClientConfig['credentials']>;
  readonly endpoint?: string;
  readonly maxAttempts: 1;
}

const TIMEOUT_MS = 10_000;
const SESSION_SECONDS = 900;
const SOURCE_IDENTITY_MAX = 64;
const THROTTLED = 429;

export function clientSettings({ region, credentials, endpoint }: AwsAccess): AwsClientSettings {
  return {
    region,
    ...(credentials !== undefined && { credentials }),
    ...(endpoint !== undefined && { endpoint }),
    maxAttempts: 1,
  };
}

export function timeout({ timeoutMs = TIMEOUT_MS }: AwsAccess): { abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(timeoutMs) };
}

/** In the caller's ARN of each event of CloudTrail. */
export function sessionName(useId: string): string {
  return `cs-${useReference(useId)}`;
}

/** Of the characters that AWS takes there, others replaced. */
function sourceIdentity(agentId: string): string {
  return agentId
    .replace(/[^\w+=,.@-]/g, '-')
    .slice(0, SOURCE_IDENTITY_MAX)
    .padEnd(2, '-');
}

/**
 * Access for one use: a session of the role that is named after it, which may do no more than `policy` says.
 *
 * @throws {ConnectorError} TARGET_REFUSED
 */
export async function useAccess(
  access: AwsAccess,
  use: VerifiedUse<unknown>,
  policy?: object,
): Promise<AwsAccess> {
  const { roleArn } = access;
  if (roleArn === undefined) return access;
  const client = new STSClient(clientSettings(access));
  try {
    const { Credentials: made } = await client.send(
      new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: sessionName(use.useId),
        DurationSeconds: SESSION_SECONDS,
        ...(use.agentId !== undefined && { SourceIdentity: sourceIdentity(use.agentId) }),
        ...(policy !== undefined && { Policy: JSON.stringify(policy) }),
      }),
      timeout(access),
    );
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = made ?? {};
    if (accessKeyId === undefined || secretAccessKey === undefined) {
      throw new ConnectorError('TARGET_REFUSED', 'expected credentials of the role, got none');
    }
    const sessionToken = made?.SessionToken;
    const credentials = {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
    };
    return { ...access, credentials };
  } catch (error) {
    return awsRefusal(error);
  } finally {
    client.destroy();
  }
}

/** One client for one piece of work: none is left open, whatever becomes of that. */
export async function withClient<Client extends { destroy(): void }, T>(
  client: Client,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  try {
    return await work(client);
  } finally {
    client.destroy();
  }
}

/** Whom AWS takes these credentials for, or undefined where it does not take them. */
export async function callerArn(access: AwsAccess): Promise<string | undefined> {
  const client = new STSClient(clientSettings(access));
  try {
    return (await client.send(new GetCallerIdentityCommand({}), timeout(access))).Arn;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  } finally {
    client.destroy();
  }
}

/**
 * Throws what a failed call means: an answer of AWS that it refused is one, a cut connection or a fault of the service is
 * none. Its message may repeat what was sent, so that only its name goes on.
 */
export function awsRefusal(error: unknown): never {
  if (error instanceof ConnectorError) throw error;
  if (isRefusal(error)) {
    throw new ConnectorError('TARGET_REFUSED', `expected AWS to accept, got ${error.name}`);
  }
  throw error;
}

function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error) || !('$metadata' in error)) return false;
  const { httpStatusCode: status = 0 } = error.$metadata as { httpStatusCode?: number };
  // A request that timed out there (408) may have been under way.
  return status === THROTTLED || (status >= 400 && status < 500 && status !== 408);
}
