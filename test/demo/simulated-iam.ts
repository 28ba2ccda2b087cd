import type { IamTarget, LivePolicy } from './iam-target.ts';

/** Stands in where moto cannot be installed: keeps versions like IAM does, and says what it is. */
export function simulatedIam(document: string): IamTarget {
  const account = '111122223333';
  const versions = [document];
  const tags = new Map<string, string>();
  return {
    description: 'a SIMULATED policy store (moto could not be installed here)',
    account,
    policyArn: `arn:aws:iam::${account}:policy/deploy-agent`,
    read: (): Promise<LivePolicy> =>
      Promise.resolve({
        document: versions.at(-1) ?? document,
        versionId: `v${versions.length}`,
        principals: [`arn:aws:iam::${account}:role/deploy-agent`],
      }),
    write: (next) => {
      versions.push(next);
      return Promise.resolve(`v${versions.length}`);
    },
    tag: (key, value) => {
      tags.set(key, value);
      return Promise.resolve();
    },
    close: () => undefined,
  };
}
