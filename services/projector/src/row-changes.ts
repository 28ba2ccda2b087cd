import {
  parseExecutionReport,
  policyDigest,
  type AuthorityChanged,
  type AuthorityState,
  type BindingRevoked,
  type DecisionAccepted,
  type Entry,
  type EntryOf,
  type EntryType,
  type Leaf,
  type LedgerFounded,
  type Member,
  type RequestAdmitted,
  type RequestRefused,
} from '@countersign/binding';
import { canonicalText, utf8, type Json } from '@countersign/canonical';
import type { ActionRow, EntryRow, RowChange } from '@countersign/store';
import { authorityAfter, changeOf, idOfAction } from './authority-chain.ts';

/** An entry under a sealed head, with its place. */
export interface SealedEntry {
  readonly index: number;
  readonly leaf: Leaf;
  readonly bytes: Uint8Array;
  /** The bytes as text. */
  readonly text: string;
  readonly entry: Entry;
}

export interface Projected {
  readonly rows: readonly RowChange[];
  readonly authority: AuthorityState | undefined;
}

/** What one entry changes in the read models: a function of the entry and of the authority before it. */
export function projectEntry(sealed: SealedEntry, before: AuthorityState | undefined): Projected {
  const { entry, index } = sealed;
  const authority = authorityAfter(before, entry);
  const input = 'input' in entry ? entry.input : undefined;
  return {
    authority,
    rows: [
      ...ownRows(sealed, entry),
      { change: 'entry', row: entryRow(sealed) },
      ...(input === undefined ? [] : [{ change: 'input', digest: input, index } as const]),
      ...(authority === before ? [] : memberRows(sealed, before, authority)),
    ],
  };
}

function entryRow({ index, leaf, bytes, entry }: SealedEntry): EntryRow {
  return {
    index,
    leaf,
    bytes,
    type: entry.type,
    at: entry.at,
    tenant: entry.tenant,
    actionId: actionIdOf(entry),
  };
}

/** Which action an entry is about. */
export function actionIdOf(entry: Entry): string | null {
  if (entry.type === 'finding-raised') return entry.about.action_id ?? null;
  if (entry.type === 'authority-changed') {
    return entry.change.change === 'bound' ? idOfAction(entry.change.action) : null;
  }
  return 'action_id' in entry ? (entry.action_id ?? null) : null;
}

type RowsOf<T extends EntryType> = (sealed: SealedEntry, entry: EntryOf<T>) => RowChange[];

const NO_ROWS = (): RowChange[] => [];

/** What each type of entry changes besides the table of entries. */
const OWN_ROWS: { readonly [T in EntryType]: RowsOf<T> } = {
  'ledger-founded': (_sealed, entry) => foundingDocuments(entry),
  'authority-changed': (_sealed, entry) => changedDocuments(entry),
  'request-admitted': admissionRows,
  'request-refused': refusalRows,
  'request-denied': (sealed, entry) => [move(sealed, entry.action_id, { status: 'denied' })],
  'request-expired': (sealed, entry) => [move(sealed, entry.action_id, { status: 'expired' })],
  'decision-accepted': (sealed, entry) => [decisionRow(sealed, entry), decidedRow(sealed, entry)],
  'decision-refused': NO_ROWS,
  'binding-made': (sealed, entry) => [
    move(sealed, entry.action_id, {
      status: 'bound',
      bindingIndex: sealed.index,
      useBy: entry.use_by,
    }),
  ],
  'binding-revoked': (sealed, entry) => [
    move(sealed, entry.action_id, { status: 'revoked' }),
    decidedRow(sealed, entry),
  ],
  'binding-used': (sealed, entry) => [
    move(sealed, entry.action_id, { status: 'used', uses: entry.use_number }),
    {
      change: 'use',
      row: {
        index: sealed.index,
        tenant: entry.tenant,
        actionId: entry.action_id,
        useId: entry.use_id,
        shortId: entry.short_id,
        at: entry.at,
      },
    },
  ],
  'use-refused': NO_ROWS,
  'execution-reported': (sealed, entry) => {
    const { result } = parseExecutionReport(utf8(entry.report));
    return [move(sealed, entry.action_id, { result })];
  },
  'content-erased': (_sealed, { tenant, action_id: actionId }) => [
    { change: 'content-erased', tenant, actionId },
  ],
  'state-committed': NO_ROWS,
  'finding-raised': NO_ROWS,
};

function ownRows<T extends EntryType>(
  sealed: SealedEntry,
  entry: EntryOf<T> & { type: T },
): RowChange[] {
  const rows: RowsOf<T> = OWN_ROWS[entry.type];
  return rows(sealed, entry);
}

type Moved = Extract<RowChange, { change: 'action-moved' }>;

function move({ index, entry }: SealedEntry, actionId: string, to: Moved['to']): Moved {
  return { change: 'action-moved', tenant: entry.tenant, actionId, index, at: entry.at, to };
}

function admissionRows(sealed: SealedEntry, entry: RequestAdmitted): RowChange[] {
  const row: ActionRow = {
    ...emptyAction(sealed),
    actionId: entry.action_id,
    status: 'pending',
    actionType: entry.action_type.name,
    agent: entry.agent.id,
    executor: entry.executor.id,
    actionDigest: entry.action_digest,
    displayDigest: entry.display_digest,
    admissionIndex: sealed.index,
    decideBy: entry.decide_by,
    code: null,
  };
  return [
    { change: 'action-opened', row },
    ...(entry.supersedes === undefined
      ? []
      : [move(sealed, entry.supersedes, { status: 'superseded' })]),
  ];
}

function refusalRows(sealed: SealedEntry, entry: RequestRefused): RowChange[] {
  if (entry.action_id === undefined) return [];
  const row: ActionRow = {
    ...emptyAction(sealed),
    actionId: entry.action_id,
    status: 'refused',
    agent: entry.agent.id,
    actionDigest: entry.action_digest,
    code: entry.code,
  };
  return [{ change: 'action-opened', row }];
}

function emptyAction({
  entry,
  index,
}: SealedEntry): Omit<ActionRow, 'actionId' | 'status' | 'agent' | 'actionDigest' | 'code'> {
  return {
    tenant: entry.tenant,
    actionType: null,
    executor: null,
    displayDigest: null,
    admissionIndex: null,
    bindingIndex: null,
    openedAt: entry.at,
    decideBy: null,
    useBy: null,
    changedAt: entry.at,
    lastIndex: index,
    uses: 0,
    result: null,
    erased: false,
  };
}

function decisionRow({ index, leaf, entry }: SealedEntry, decision: DecisionAccepted): RowChange {
  const { person, credential, verdict } = decision.statement;
  return {
    change: 'decision',
    row: {
      index,
      leaf,
      tenant: entry.tenant,
      actionId: decision.action_id,
      person,
      credential,
      verdict,
      at: entry.at,
    },
  };
}

function decidedRow({ index }: SealedEntry, entry: DecisionAccepted | BindingRevoked): RowChange {
  const { tenant, at, admission, statement } = entry;
  const { person, verdict } = statement;
  const load = entry.type === 'decision-accepted' ? (entry.load ?? null) : null;
  return { change: 'decided', row: { index, tenant, person, verdict, at, admission, load } };
}

function foundingDocuments({ policy, bootstrap }: LedgerFounded): RowChange[] {
  return [
    { change: 'document', digest: policyDigest(policy), text: textOf(policy) },
    { change: 'document', digest: policyDigest(bootstrap), text: textOf(bootstrap) },
  ];
}

function changedDocuments({ change }: AuthorityChanged): RowChange[] {
  if (change.change !== 'bound') return [];
  const done = changeOf(change.action);
  if (done.kind !== 'policy-set') return [];
  return [{ change: 'document', digest: policyDigest(done.policy), text: textOf(done.policy) }];
}

/** The members that came, went or changed, so that the table always holds the authority in force. */
function memberRows(
  { index, entry: { at: removedAt } }: SealedEntry,
  before: AuthorityState | undefined,
  after: AuthorityState | undefined,
): RowChange[] {
  const old = new Map((before?.members ?? []).map((each) => [keyOf(each), textOf(each)]));
  const rows: RowChange[] = [];
  for (const member of after?.members ?? []) {
    const text = textOf(member);
    if (old.get(keyOf(member)) !== text) rows.push(memberSet(member, text, index));
    old.delete(keyOf(member));
  }
  for (const member of before?.members ?? []) {
    const text = old.get(keyOf(member));
    if (text === undefined) continue;
    const { kind, id } = member;
    const row = { kind, id, person: personOf(member), text, removedIndex: index, removedAt };
    rows.push({ change: 'member-removed', kind, id }, { change: 'former-member', row });
  }
  return rows;
}

function memberSet(member: Member, text: string, sinceIndex: number): RowChange {
  const { kind, id } = member;
  const thumbprint = 'key_thumbprint' in member ? member.key_thumbprint : null;
  const person = personOf(member);
  return { change: 'member-set', row: { kind, id, thumbprint, person, text, sinceIndex } };
}

function personOf(member: Member): string | null {
  return 'person' in member ? (member.person ?? null) : null;
}

function keyOf({ kind, id }: Member): string {
  return `${kind} ${id}`;
}

/** Documents and members are plain JSON by construction; TypeScript does not see that of interfaces. */
function textOf(value: object): string {
  return canonicalText(value as unknown as Json);
}
