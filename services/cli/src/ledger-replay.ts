import { LedgerState, encodeEntry, leafOf, type Entry } from '@countersign/binding';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import type { LedgerClient } from '@countersign/sdk';
import { logEntries } from './log-entries.ts';
import { POLICY_ENGINE } from './policy-engine.ts';

/**
 * Where a ledger stands now, by every entry of its log as the server tells them.
 *
 * @throws CliError as logEntries
 */
export async function ledgerState(
  client: LedgerClient,
  note: (entry: Entry) => void = () => undefined,
): Promise<LedgerState> {
  const state = LedgerState.empty({
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
  });
  for await (const entry of logEntries(client)) {
    state.evolve(entry, { index: state.size, leaf: leafOf(encodeEntry(entry)) });
    note(entry);
  }
  return state;
}
