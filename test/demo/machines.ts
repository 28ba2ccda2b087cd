import { join } from 'node:path';
import type { Digest } from '@countersign/canonical';
import { LedgerClient, readSigningKey, type HeldKey } from '@countersign/sdk';
import { launch } from './countersign.ts';
import { expectEqual } from './stage.ts';
import { nextInInbox, type Cast } from './story-command.ts';

export function clientOf(url: string, { thumbprint, sign }: HeldKey): LedgerClient {
  return new LedgerClient({ url, reader: { keyId: thumbprint, sign } });
}

/** The agent that asks in the demo. */
export function agentKey({ ledger }: Cast): Promise<HeldKey> {
  return readSigningKey(join(ledger.data, 'keys', 'agent.key'));
}

/** Enrols an executor by the real command, which a person has to sign for. */
export async function enrolledExecutor(
  { ledger, founder, work }: Cast,
  executor: { readonly id: string; readonly audience: string; readonly interfaceDigest: Digest },
): Promise<HeldKey> {
  const { id, audience, interfaceDigest } = executor;
  const keyFile = join(work, `${id}.key`);
  const enrolling = launch([
    ...['enrol', 'executor', id, '--data', ledger.data, '--audience', audience],
    ...['--interface-digest', interfaceDigest, '--key-file', keyFile],
  ]);
  await founder.decide(await nextInInbox(founder), 'approve', 'the executor of the demo');
  const { code, stderr } = await enrolling.finished;
  expectEqual(code, 0, `exit code of enrol (${stderr})`);
  return readSigningKey(keyFile);
}
