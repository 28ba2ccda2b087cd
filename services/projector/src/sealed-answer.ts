import { leafOf, type Entry, type Leaf } from '@countersign/binding';
import { fromUtf8, toHex } from '@countersign/canonical';
import type { SealedHead } from '@countersign/log-reader';
import type { SealedEntry } from './row-changes.ts';

/** An entry as it is answered: the exact text, its place, and what proves it. */
export interface AnsweredEntry {
  readonly index: number;
  readonly leaf: Leaf;
  readonly type: string;
  readonly at: string;
  /** The canonical text that is hashed. */
  readonly text: string;
  readonly receipt: string;
}

/** What came of an input. */
export type InputAnswer =
  | {
      readonly kind: 'sealed';
      /** The entry that answers the input, then what followed from it at once: a binding, a denial, a change. */
      readonly entries: readonly AnsweredEntry[];
    }
  | { readonly kind: 'quarantined'; readonly code: string };

/** The entries that a signed head covers for the first time, parsed. */
export function sealedEntries(head: SealedHead): SealedEntry[] {
  return head.batches.flatMap((batch) =>
    batch.entries.map(({ index, bytes, leafHash }) => {
      const text = fromUtf8(bytes);
      const leaf: Leaf = `sha256:${toHex(leafHash)}`;
      return { index, bytes, text, leaf, entry: readEntry(text) };
    }),
  );
}

/**
 * Reads an entry without the checks that its writer made: it is under a head that the log key has signed,
 * and what is projected from it proves nothing. Checking each again would cost most of a rebuild.
 */
function readEntry(text: string): Entry {
  return JSON.parse(text) as Entry;
}

export function sealedEntry({ index, bytes }: Pick<SealedEntry, 'index' | 'bytes'>): SealedEntry {
  const text = fromUtf8(bytes);
  return { index, bytes, text, leaf: leafOf(bytes), entry: readEntry(text) };
}

/** The entries that answer one input stand together: the first carries its digest, the others carry none. */
export function answerGroups(entries: readonly SealedEntry[]): Map<string, SealedEntry[]> {
  const groups = new Map<string, SealedEntry[]>();
  let group: SealedEntry[] | undefined;
  for (const sealed of entries) {
    const input = inputOf(sealed.entry);
    if (input !== undefined && !groups.has(input)) {
      group = [sealed];
      groups.set(input, group);
    } else if (follows(sealed.entry)) {
      group?.push(sealed);
    }
  }
  return groups;
}

/** The group that the first of these entries begins. */
export function answerGroup(entries: readonly SealedEntry[]): SealedEntry[] {
  const [first, ...others] = entries;
  if (first === undefined) return [];
  const next = others.findIndex(({ entry }) => inputOf(entry) !== undefined);
  const following = next < 0 ? others : others.slice(0, next);
  return [first, ...following.filter(({ entry }) => follows(entry))];
}

function inputOf(entry: Entry): string | undefined {
  return 'input' in entry ? entry.input : undefined;
}

function follows(entry: Entry): boolean {
  return (
    entry.type === 'binding-made' ||
    entry.type === 'request-denied' ||
    entry.type === 'authority-changed'
  );
}

/** Made from the tail of the tree alone, before anything is stored. */
export function receiptOf(index: number, head: SealedHead): string {
  return head.tail.receipt(index, head);
}

export function answered(sealed: SealedEntry, receipt: string): AnsweredEntry {
  const { index, leaf, entry, text } = sealed;
  return { index, leaf, type: entry.type, at: entry.at, text, receipt };
}
