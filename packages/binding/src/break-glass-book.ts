import { isJsonObject, parseCanonical, utf8 } from '@countersign/canonical';
import type { Entry } from './entry.ts';
import type { AuthorityChanged } from './ledger-entry.ts';

/** An action that a rule for emergencies has let go ahead. */
export interface BrokenGlass {
  readonly actionId: string;
  readonly agent: string;
  /** Of the finding that raised the alarm. */
  readonly index: number;
  readonly at: string;
  /** Of the finding that its review is overdue. */
  readonly overdueIndex?: number;
  readonly review?: { readonly index: number; readonly at: string; readonly verdict: string };
}

/** Types of the entries that a book has to be told of; any others change nothing. */
export const BREAK_GLASS_ENTRIES: readonly Entry['type'][] = [
  'finding-raised',
  'authority-changed',
];

/** What a log tells of BREAK-GLASS, for whoever reads its entries in order without the rules: schemas/formats/policy.md §8. */
export class BreakGlassBook {
  readonly #all = new Map<string, BrokenGlass>();

  note(entry: Entry, index: number): void {
    if (entry.type === 'authority-changed') this.#reviewed(entry, index);
    if (entry.type !== 'finding-raised') return;
    const { finding, about, at } = entry;
    const { action_id: actionId = '', agent = '' } = about;
    if (finding === 'BREAK_GLASS') this.#all.set(actionId, { actionId, agent, index, at });
    if (finding === 'BREAK_GLASS_UNREVIEWED') this.#change(actionId, { overdueIndex: index });
  }

  get all(): readonly BrokenGlass[] {
    return [...this.#all.values()];
  }

  get unreviewed(): readonly BrokenGlass[] {
    return this.all.filter(({ review }) => review === undefined);
  }

  #reviewed({ change, at }: AuthorityChanged, index: number): void {
    const made = change.change === 'bound' ? changeIn(change.action) : {};
    if (made['kind'] !== 'reviewed') return;
    const verdict = String(made['verdict']);
    this.#change(String(made['action_id']), { review: { index, at, verdict } });
  }

  #change(actionId: string, more: Partial<BrokenGlass>): void {
    const known = this.#all.get(actionId);
    if (known !== undefined) this.#all.set(actionId, { ...known, ...more });
  }
}

function changeIn(action: string): Readonly<Record<string, unknown>> {
  const { params } = parseCanonical(utf8(action)) as { readonly params?: unknown };
  const change = Object(params) as { readonly change?: never };
  return isJsonObject(change.change) ? change.change : {};
}
