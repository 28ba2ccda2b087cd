import type { Command } from 'commander';
import { askForChange } from '../authority-request.ts';
import { cliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import { openLedger, type LedgerAccess } from '../ledger-access.ts';
import { Narrator } from '../narrator.ts';
import { addAccessOptions, REASON, type ReasonOptions } from './access-options.ts';

/** The kill switch: one person signs, and nothing more is used. schemas/formats/authority.md §10 */
export function addFreeze(program: Command, { context, end }: CommandParts): void {
  addAccessOptions(program.command('freeze'))
    .description('stop everything: nothing more is used or approved, once any one person signs')
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      `
What was approved and not yet used is dead from then on, also after the thaw. docs/governance.md

Example:
  $ countersign freeze --reason "the deploy bot asks for what nobody gave it"`,
    )
    .action(async (options: ReasonOptions) => {
      const access = await openLedger(options, context, 'operator');
      const kept = 'the ledger is frozen from then on';
      const parts = { access, context, options, kept, note: options.reason } as const;
      await askForChange({ kind: 'frozen' }, { ...parts, type: 'authority.freeze' });
      const { epoch } = await freezeOf(access);
      const said = new Narrator(context.stdout, options.json === true);
      said.say('frozen', `the ledger is frozen (number ${epoch}): nothing is used or approved`, {
        epoch,
      });
      end(EXIT.ok);
    });
}

export function addThaw(program: Command, { context, end }: CommandParts): void {
  addAccessOptions(program.command('thaw'))
    .description('end a freeze, once as many persons sign as a change of the ledger needs')
    .requiredOption(...REASON)
    .addHelpText('after', '\nExample:\n  $ countersign thaw --reason "the bot has a new key"')
    .action(async (options: ReasonOptions) => {
      const access = await openLedger(options, context, 'operator');
      const { epoch, frozen } = await freezeOf(access);
      if (!frozen) throw cliError('USAGE', 'expected a ledger that is frozen');
      const kept = 'the ledger goes on from then on';
      const parts = { access, context, options, kept, note: options.reason } as const;
      await askForChange({ kind: 'thawed', epoch }, { ...parts, type: 'authority.thaw' });
      const said = new Narrator(context.stdout, options.json === true);
      said.say('thawed', 'the ledger goes on; what was approved before the freeze stays dead', {
        epoch,
      });
      end(EXIT.ok);
    });
}

interface Freeze {
  readonly epoch: number;
  readonly frozen: boolean;
}

/** As the server tells it. What counts is that the ledger takes a thaw for this freeze alone. */
async function freezeOf({ client }: LedgerAccess): Promise<Freeze> {
  const { freeze } = await client.getObject('/v1/ledger');
  const { epoch, frozen } = Object(freeze) as Partial<Freeze>;
  if (typeof epoch === 'number' && typeof frozen === 'boolean') return { epoch, frozen };
  throw cliError('ANSWER_INVALID', 'expected the ledger to say whether it is frozen');
}
