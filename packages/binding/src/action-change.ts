import { closed, type ActionRecord, type ActionStatus } from './action-record.ts';
import { invariant } from './binding-error.ts';
import type { Tables } from './fold.ts';

/** The action that an entry is about. An entry about none that is known means that the log is not ours. */
export function knownAction(tables: Tables, actionId: string): ActionRecord {
  const record = tables.actions.get(actionId);
  invariant(record !== undefined, 'an entry is about an admitted action');
  return record;
}

/** Ends an open request, or a binding. The first end in log order stays. */
export function closeAction(
  tables: Tables,
  record: ActionRecord,
  status: Exclude<ActionStatus, 'pending'>,
): void {
  const isOpen = record.status === 'pending';
  invariant(isOpen || (record.status === 'bound' && status === 'revoked'), 'an end is final');
  if (isOpen) {
    const open = (tables.openByAgent.get(record.agent) ?? 0) - 1;
    if (open > 0) tables.openByAgent.set(record.agent, open);
    else tables.openByAgent.delete(record.agent);
    if (tables.openByDigest.get(record.actionDigest) === record.id) {
      tables.openByDigest.delete(record.actionDigest);
    }
    tables.openByAdmission.delete(record.admission);
  }
  tables.actions.set(closed(record, status));
}
