import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  IAMClient,
  ListEntitiesForPolicyCommand,
  TagPolicyCommand,
} from '@aws-sdk/client-iam';
import type { IamTarget, LivePolicy } from './iam-target.ts';

const MOTO = 'moto[iam,server]==5.2.5';
const START_TIMEOUT_MS = 30_000;
const ACCOUNT = '123456789012'; // moto's own

const cache = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '.cache', 'moto');

/** Installs moto into .cache/moto once. False where Python or the package cannot be had. */
export function installMoto(): boolean {
  const server = join(cache, 'bin', 'moto_server');
  if (existsSync(server)) return true;
  mkdirSync(dirname(cache), { recursive: true });
  const quiet = { stdio: 'ignore' } as const;
  if (spawnSync('python3', ['-m', 'venv', cache], quiet).status !== 0) return false;
  return (
    spawnSync(join(cache, 'bin', 'pip'), ['install', '--quiet', MOTO], quiet).status === 0 &&
    existsSync(server)
  );
}

/** A real IAM API on loopback, with one policy attached to one role. Call `installMoto` first. */
export async function motoIam(document: string): Promise<IamTarget> {
  const port = await freePort();
  const server = spawn(join(cache, 'bin', 'moto_server'), ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await answering(endpoint, server);
  const client = new IAMClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'demo', secretAccessKey: 'demo' },
  });
  const policyArn = await foundPolicy(client, document);
  return {
    description: `moto's IAM API at ${endpoint}`,
    account: ACCOUNT,
    policyArn,
    read: () => readPolicy(client, policyArn),
    write: async (next) => {
      const made = await client.send(
        new CreatePolicyVersionCommand({
          PolicyArn: policyArn,
          PolicyDocument: next,
          SetAsDefault: true,
        }),
      );
      return made.PolicyVersion?.VersionId ?? '';
    },
    tag: async (key, value) => {
      await client.send(
        new TagPolicyCommand({ PolicyArn: policyArn, Tags: [{ Key: key, Value: value }] }),
      );
    },
    close: async () => {
      client.destroy();
      await stopped(server);
    },
  };
}

async function foundPolicy(client: IAMClient, document: string): Promise<string> {
  const made = await client.send(
    new CreatePolicyCommand({ PolicyName: 'deploy-agent', PolicyDocument: document }),
  );
  const arn = made.Policy?.Arn;
  if (arn === undefined) throw new Error('expected moto to name the policy it made');
  const assume = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ],
  });
  await client.send(
    new CreateRoleCommand({ RoleName: 'deploy-agent', AssumeRolePolicyDocument: assume }),
  );
  await client.send(new AttachRolePolicyCommand({ RoleName: 'deploy-agent', PolicyArn: arn }));
  return arn;
}

async function readPolicy(client: IAMClient, arn: string): Promise<LivePolicy> {
  const policy = await client.send(new GetPolicyCommand({ PolicyArn: arn }));
  const versionId = policy.Policy?.DefaultVersionId ?? '';
  const version = await client.send(
    new GetPolicyVersionCommand({ PolicyArn: arn, VersionId: versionId }),
  );
  const attached = await client.send(new ListEntitiesForPolicyCommand({ PolicyArn: arn }));
  return {
    // IAM answers the document URL-encoded (RFC 3986).
    document: decodeURIComponent(version.PolicyVersion?.Document ?? ''),
    versionId,
    principals: (attached.PolicyRoles ?? []).map(
      ({ RoleName }) => `arn:aws:iam::${ACCOUNT}:role/${RoleName ?? ''}`,
    ),
  };
}

async function answering(endpoint: string, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && server.exitCode === null) {
    try {
      await fetch(`${endpoint}/moto-api/`);
      return;
    } catch (error) {
      // Not listening yet: fetch fails with a TypeError whatever the reason is.
      if (!(error instanceof TypeError)) throw error;
      await sleep(100);
    }
  }
  server.kill();
  throw new Error(`expected moto to answer within ${START_TIMEOUT_MS} ms`);
}

function stopped(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    server.once('exit', () => {
      resolve();
    });
    server.kill();
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('expected a port'));
        else resolve(address.port);
      });
    });
  });
}
