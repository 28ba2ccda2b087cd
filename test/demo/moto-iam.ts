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
import { MOTO_CLIENT } from '../support/moto-server.ts';
import type { IamTarget, LivePolicy } from './iam-target.ts';

/** moto's own. */
export const ACCOUNT = '123456789012';

/** A real IAM API on loopback, with one policy attached to one role. */
export async function motoIam(endpoint: string, document: string): Promise<IamTarget> {
  const client = iamClient(endpoint);
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
    close: () => {
      client.destroy();
    },
  };
}

export function iamClient(endpoint: string): IAMClient {
  // The SDK of this repository is pinned: what later ones will ask of Node is no part of the story. Other warnings stay.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  return new IAMClient({ ...MOTO_CLIENT, endpoint });
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
