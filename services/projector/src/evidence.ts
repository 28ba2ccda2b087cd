import {
  isAuthorityType,
  boundChangeIn,
  membershipProof,
  parseEntry,
  type AuthorityState,
  type BindingMade,
  type Entry,
  type EntryOf,
  type EntryType,
  type MemberKind,
} from '@countersign/binding';
import { fromUtf8, parseStrict, utf8, type Json, type JsonObject } from '@countersign/canonical';
import { parseAction, render, type Descriptor } from '@countersign/descriptors';
import type { ActionRow, ContentRow, EntryRow, ReadModels } from '@countersign/store';
import { authorityAfter } from './authority-chain.ts';
import type { LogProofs } from './log-proof.ts';
import { ProjectorError } from './projector-error.ts';

export interface EvidenceSource {
  readonly store: ReadModels;
  readonly proofs: LogProofs;
  readonly origin: string;
  readonly descriptors: readonly Descriptor[];
  /** Under a head that a quorum of witnesses has cosigned, or under the newest one. */
  readonly level: EvidenceLevel;
}

export type EvidenceLevel = 'human' | 'witnessed';

interface AuthorityLink {
  readonly row: EntryRow;
  /** It adds or removes a key of the log. */
  readonly isOfKeys: boolean;
}

interface Placed<T extends EntryType> {
  readonly row: EntryRow;
  readonly entry: EntryOf<T>;
}

/**
 * Everything that proves one binding, for a verifier with a trust file and no network:
 * schemas/formats/evidence.md. All receipts are of one head.
 *
 * @throws ProjectorError NOT_FOUND for an action that was never bound; NOT_SEALED, NOT_WITNESSED
 */
export async function evidenceOf(
  source: EvidenceSource,
  action: { readonly tenant: string; readonly actionId: string },
): Promise<JsonObject> {
  const { store, origin } = source;
  const row = await store.action(action.tenant, action.actionId);
  if (row?.bindingIndex == null) {
    throw new ProjectorError('NOT_FOUND', 'expected an action that was bound');
  }
  const entries = (await store.entriesOf(row.tenant, row.actionId)).map((each) => ({
    row: each,
    entry: parseEntry(each.bytes),
  }));
  const binding = single(entries, 'binding-made');
  // All receipts are under it, and all changes up to it are shown.
  const checkpoint = await headFor(source, row.lastIndex);
  const links = await authorityLinks(store, checkpoint?.size ?? 0);
  const later = laterThan(binding.entry.authority.index, links);
  const indexes = [...entries.map(({ row: { index } }) => index), ...lastIndexOf(later)];
  const receipts = await source.proofs.receiptsUnder(checkpoint, indexes);
  const logged = loggedEntries(entries, receipts);
  const hasOtherKeys = links.some(changesKeys);
  return {
    v: hasOtherKeys ? 'countersign.evidence.v2' : 'countersign.evidence.v1',
    origin,
    binding: logged('binding-made')[0] ?? null,
    admission: logged('request-admitted')[0] ?? null,
    ...(await contentMembers(source, row, binding.entry)),
    ...(row.erased && { erased: logged('content-erased')[0] ?? null }),
    policy: await policyOf(store, binding.entry),
    authority: {
      ...(await authorityOf(store, binding.entry, links)),
      ...(hasOtherKeys && { later: await laterChain(store, later, receipts) }),
    },
    uses: logged('binding-used'),
    reports: logged('execution-reported'),
    revocations: logged('binding-revoked'),
  };
}

/** @throws ProjectorError NOT_WITNESSED: nothing about the action is left out of what is shown */
async function headFor(
  { store, level }: EvidenceSource,
  lastIndex: number,
): Promise<{ readonly size: number; readonly note: string } | undefined> {
  if (level === 'human') return store.checkpoint();
  const cosigned = await store.cosigned();
  if (cosigned !== undefined && cosigned.size > lastIndex) return cosigned;
  throw new ProjectorError(
    'NOT_WITNESSED',
    `expected a cosigned head of at least size ${lastIndex + 1}, got ${cosigned?.size ?? 'none'}`,
  );
}

type Logged = (type: EntryType) => readonly JsonObject[];

function loggedEntries(entries: readonly Placed<EntryType>[], receipts: readonly string[]): Logged {
  return (type) =>
    entries.flatMap(({ row, entry }, at) =>
      entry.type === type ? [{ entry: fromUtf8(row.bytes), receipt: receipts[at] ?? '' }] : [],
    );
}

/** Founding and changes of the authority, up to a head. */
async function authorityLinks(store: ReadModels, size: number): Promise<readonly AuthorityLink[]> {
  const rows = await store.entriesOfType(['ledger-founded', 'authority-changed'], size - 1);
  return rows.map((row) => ({ row, isOfKeys: isOfKeys(row) }));
}

function isOfKeys({ bytes }: EntryRow): boolean {
  const kind = boundChangeIn(bytes)?.kind;
  return kind === 'log-key-added' || kind === 'log-key-removed';
}

/** The changes behind the cited authority, up to the last one of the log's keys. evidence.md §3.1. */
function laterThan(cited: number, links: readonly AuthorityLink[]): readonly AuthorityLink[] {
  return links
    .slice(0, links.findLastIndex(changesKeys) + 1)
    .filter(({ row }) => row.index > cited);
}

function lastIndexOf(links: readonly AuthorityLink[]): readonly number[] {
  return links.slice(-1).map(({ row: { index } }) => index);
}

function changesKeys({ isOfKeys }: AuthorityLink): boolean {
  return isOfKeys;
}

async function laterChain(
  store: ReadModels,
  later: readonly AuthorityLink[],
  receipts: readonly string[],
): Promise<Json> {
  if (later.length === 0) return null;
  const chain: JsonObject[] = [];
  for (const { row } of later) chain.push(await chainLink(store, row, parseEntry(row.bytes)));
  return { chain, receipt: receipts.at(-1) ?? '' };
}

function single<T extends EntryType>(
  entries: readonly { readonly row: EntryRow; readonly entry: Entry }[],
  type: T,
): Placed<T> {
  for (const { row, entry } of entries) if (isOf(entry, type)) return { row, entry };
  throw new ProjectorError('STORE_STALE', `expected a ${type} entry of this action`);
}

function isOf<T extends EntryType>(entry: Entry, type: T): entry is EntryOf<T> {
  return entry.type === type;
}

/** The action with its display and rationales; or nothing of them, once they were erased. */
async function contentMembers(
  { store, descriptors }: EvidenceSource,
  row: ActionRow,
  binding: BindingMade,
): Promise<JsonObject> {
  const descriptor = descriptors.find(({ digest }) => digest === binding.descriptor_digest);
  if (descriptor === undefined) {
    throw new ProjectorError('NOT_FOUND', 'expected a descriptor that this build knows');
  }
  const common = { descriptor: descriptor.document };
  const content = await store.content(row.tenant, row.actionId);
  const action = content.find(({ digest }) => digest === binding.action_digest);
  if (row.erased) return { ...common, content: { action: null, rationales: [] }, display: null };
  if (action === undefined) {
    throw new ProjectorError('STORE_STALE', 'expected the content of an action not erased');
  }
  return {
    ...common,
    content: { action: action.text, rationales: rationalesOf(binding, content) },
    display: jsonOf(render(descriptor, parseAction(utf8(action.text)))),
  };
}

function rationalesOf(binding: BindingMade, content: readonly ContentRow[]): Json[] {
  return binding.decisions.flatMap(({ leaf, rationale_digest: digest }) => {
    const found = content.find((row) => row.kind === 'rationale' && row.digest === digest);
    return found?.salt == null ? [] : [{ decision: leaf, text: found.text, salt: found.salt }];
  });
}

/** The bootstrap rule is in genesis already, so that changes of the authority need no document. */
async function policyOf(store: ReadModels, binding: BindingMade): Promise<Json> {
  if (isAuthorityType(binding.action_type.name)) return null;
  const text = await store.document(binding.policy_digest);
  if (text === undefined) throw new ProjectorError('STORE_STALE', 'expected the cited policy');
  return parseStrict(utf8(text));
}

/** The chain from the founding to the authority that the binding cites, and who decided under it. */
async function authorityOf(
  store: ReadModels,
  binding: BindingMade,
  links: readonly AuthorityLink[],
): Promise<JsonObject> {
  const chain: JsonObject[] = [];
  let state: AuthorityState | undefined;
  for (const { row } of links.filter(({ row: { index } }) => index <= binding.authority.index)) {
    const entry = parseEntry(row.bytes);
    state = authorityAfter(state, entry);
    chain.push(await chainLink(store, row, entry));
  }
  if (state?.root !== binding.authority.root) {
    throw new ProjectorError('STORE_STALE', 'expected the authority that the binding cites');
  }
  return { size: state.size, chain, members: membersOf(state, binding) };
}

async function chainLink(store: ReadModels, row: EntryRow, entry: Entry): Promise<JsonObject> {
  return { entry: fromUtf8(row.bytes), ...(await allowedBy(store, entry)) };
}

async function allowedBy(store: ReadModels, entry: Entry): Promise<JsonObject> {
  if (entry.type !== 'authority-changed' || entry.change.change !== 'bound') return {};
  const [row] = await store.entries(entry.change.binding_index, 1);
  if (row === undefined) throw new ProjectorError('STORE_STALE', 'expected the cited binding');
  return { binding: fromUtf8(row.bytes) };
}

/** The ledger, who asked, who runs it and who decided. The ledger itself carries out changes of its authority, and is no executor. */
function membersOf(state: AuthorityState, binding: BindingMade): Json[] {
  const { agent, executor, decisions, action_type: type } = binding;
  const wanted = new Map<string, [MemberKind, string]>([
    ['ledger', ['ledger', 'ledger']],
    ['agent', ['agent', agent.id]],
  ]);
  if (!isAuthorityType(type.name)) wanted.set('executor', ['executor', executor.id]);
  for (const { person, credential } of decisions) {
    wanted.set(`person ${person}`, ['person', person]);
    wanted.set(`credential ${credential}`, ['credential', credential]);
  }
  return [...wanted.values()].map(([kind, id]) => jsonOf(membershipProof(state, kind, id)));
}

/** Displays and members are plain JSON by construction; TypeScript does not see that of interfaces. */
function jsonOf(value: object): Json {
  return value as unknown as Json;
}
