import { canonicalBytes, formatTimestamp, toBase64url } from '@countersign/canonical';
import type { Command } from 'commander';
import { EXIT } from '../cli-error.ts';
import { ExecRecord } from '../exec-record.ts';
import { openLedger } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import type { CommandParts } from '../command-parts.ts';
import { signedFrame } from '@countersign/sdk';
import { addAccessOptions, addActionId, type ClientOptions } from './access-options.ts';

const NONCE_BYTES = 16;

export function addErase(program: Command, { context, end }: CommandParts): void {
  addActionId(addAccessOptions(program.command('erase')))
    .description('remove the readable content of an action; digests and proofs stay in the log')
    .addHelpText(
      'after',
      `
It cannot be undone. Needs the key of an operator: that of the data folder, or --key and --agent-id.

Example:
  $ countersign erase 01JD3ZQ5Y0W9V8X7T6S5R4Q3P2`,
    )
    .action(async (id: string, options: ClientOptions) => {
      const access = await openLedger(options, context, 'operator');
      const { client, agent, tenant } = access;
      const { nowMs, randomBytes, stdout } = context;
      const payload = canonicalBytes({
        v: 'countersign.erasure.v1',
        tenant,
        action_id: id,
        requested_at: formatTimestamp(nowMs()),
        nonce: toBase64url(randomBytes(NONCE_BYTES)),
      });
      const { entry } = await client.submit(
        'erasures',
        await signedFrame('erasure', payload, agent.key),
      );
      // Stopping before this leaves a copy here; the same command again takes it away.
      await new ExecRecord(access.requestsFolder, id).forget();
      new Narrator(stdout, options.json === true).say(
        'erased',
        `the content of ${id} is erased (entry ${entry.index})`,
        { action_id: id, entry: entry.index },
      );
      end(EXIT.ok);
    });
}
