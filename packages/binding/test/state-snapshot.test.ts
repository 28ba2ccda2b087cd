import {
  LedgerState,
  PackedAction,
  RecentEntries,
  parseStateParts,
  type CommittedState,
  type PlacedEntry,
  type StateParts,
} from '@countersign/binding';
import { canonicalBytes, parseCanonical, type Digest, type Json } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { describe, expect, it } from 'vitest';
import { POLICY_ENGINE, TestLedger } from './test-ledger.ts';

const EVERY = { stateCommitEvery: 4 };
const OPTIONS = { descriptors: BUILTIN_DESCRIPTORS, policyEngine: POLICY_ENGINE, limits: EVERY };

/** A store of snapshots in its simplest form: it is given the changes, and keeps texts. */
class KeptSnapshot {
  readonly texts = new Map<string, Uint8Array>();
  parts: StateParts | undefined;

  take({ parts, changes }: CommittedState): void {
    // Through its text, as a file would give it back.
    const text = canonicalBytes(parts as unknown as Json);
    this.parts = parseStateParts(
      parseCanonical(text, { maxBytes: 1_000_000, maxDepth: 12, maxMembers: 100_000 }),
    );
    for (const [id, kept] of changes) {
      if (kept === undefined) this.texts.delete(id);
      else this.texts.set(id, kept.bytes());
    }
  }

  restore(digest: Digest, before: readonly PlacedEntry[]): LedgerState | undefined {
    if (this.parts === undefined) throw new Error('expected something that was kept');
    const recent = new RecentEntries();
    for (const { entry, index } of before) recent.note(entry, index);
    const actions = [...this.texts.values()].map((text) => PackedAction.of(text));
    if (actions.includes(undefined)) return undefined;
    return LedgerState.restore(OPTIONS, {
      parts: this.parts,
      actions: actions.filter((each) => each !== undefined),
      digest,
      recent,
    });
  }
}

/** Everything that the fold knows: denied, used, reported, revoked, erased, expired, open, forgotten. */
async function busyMonth(): Promise<TestLedger> {
  const ledger = new TestLedger({ limits: EVERY });
  for (let day = 0; day < 40; day += 2) {
    const bound = await ledger.bound();
    const claim = ledger.useClaim(bound);
    await ledger.use(claim);
    await ledger.use(claim);
    await ledger.submitReport(ledger.report(claim));
    const denied = await ledger.request();
    await ledger.decide(ledger.alice, denied, { verdict: 'deny' });
    await ledger.decide(ledger.bob, denied);
    const revoked = await ledger.bound();
    await ledger.decide(ledger.alice, revoked, { verdict: 'revoke' });
    await ledger.request();
    await ledger.tick(1_000_000);
    if (day % 3 === 0) await ledger.erase(denied.action.envelope.action_id);
    await ledger.request();
    await ledger.tick(2 * 86_400_000);
  }
  return ledger;
}

describe('a snapshot of the fold', () => {
  it('is the fold that the log commits to, and goes on as a replay does', async () => {
    const ledger = await busyMonth();
    const replayed = ledger.emptyState();
    const kept = new KeptSnapshot();
    let restored: LedgerState | undefined;
    let count = 0;
    for (const placed of ledger.log) {
      const { entry, index } = placed;
      replayed.evolve(entry, placed);
      restored?.evolve(entry, placed);
      if (entry.type !== 'state-committed') continue;
      const committed = replayed.takeCommitted();
      if (committed === undefined) throw new Error('expected the fold before it');
      kept.take(committed);
      const fresh = kept.restore(entry.state_digest, ledger.log.slice(0, index));
      expect(fresh?.stateDigest()).toBe(entry.state_digest);
      fresh?.evolve(entry, placed);
      // One that was restored before this, and never again, agrees too.
      if (count % 5 === 0) restored = fresh;
      expect(restored?.stateDigest()).toBe(replayed.stateDigest());
      expect(fresh?.stateDigest()).toBe(replayed.stateDigest());
      count += 1;
    }
    expect(count).toBeGreaterThan(20);
    const ids = ledger.entries('request-admitted').map(({ entry }) => entry.action_id);
    expect(ids.some((id) => replayed.action(id) === undefined)).toBe(true);
    for (const id of ids) expect(restored?.action(id)).toEqual(replayed.action(id));
    for (const each of ['openByAdmission', 'openByDigest', 'openByAgent'] as const) {
      const [one, other] = [restored?.tables[each].entries(), replayed.tables[each].entries()];
      expect([...(one ?? [])].sort()).toEqual([...other].sort());
    }
  });

  it('answers what comes next as the fold does that it was taken from', async () => {
    const ledger = await busyMonth();
    for (let count = 0; count < 3; count += 1) await ledger.bound();
    const again = ledger.inputs.slice(-40);
    const at = ledger.log.findLastIndex(({ entry }) => entry.type === 'state-committed');
    const replayed = ledger.emptyState();
    for (const placed of ledger.log.slice(0, at + 1)) replayed.evolve(placed.entry, placed);
    const committed = replayed.takeCommitted();
    const commit = ledger.log[at];
    if (committed === undefined || commit?.entry.type !== 'state-committed') {
      throw new Error('expected a fold that is committed to');
    }
    const kept = new KeptSnapshot();
    kept.take(committed);
    const restored = kept.restore(commit.entry.state_digest, ledger.log.slice(0, at));
    if (restored === undefined) throw new Error('expected it to match');
    for (const placed of ledger.log.slice(at)) restored.evolve(placed.entry, placed);
    for (const placed of ledger.log.slice(at + 1)) replayed.evolve(placed.entry, placed);
    for (const { kind, bytes } of again) {
      const one = await ledger.decided(kind, bytes, restored);
      expect(one).toEqual(await ledger.decided(kind, bytes, replayed));
    }
  });

  it('is refused when anything of it was changed', async () => {
    const ledger = await busyMonth();
    const at = ledger.log.findLastIndex(({ entry }) => entry.type === 'state-committed');
    const replayed = ledger.emptyState();
    for (const placed of ledger.log.slice(0, at + 1)) replayed.evolve(placed.entry, placed);
    const committed = replayed.takeCommitted();
    const commit = ledger.log[at]?.entry;
    if (committed === undefined || commit?.type !== 'state-committed') {
      throw new Error('expected a fold that is committed to');
    }
    const kept = new KeptSnapshot();
    kept.take(committed);
    const { parts } = kept;
    if (parts === undefined) throw new Error('expected parts');
    const restored = (): LedgerState | undefined => kept.restore(commit.state_digest, []);
    expect(restored()).toBeDefined();
    const [member, ...members] = parts.members;
    const credential = parts.members.find((each) => each.kind === 'credential');
    if (member === undefined || credential === undefined) throw new Error('expected members');
    const otherParts: Partial<StateParts>[] = [
      { at_ms: parts.at_ms + 1 },
      { size: parts.size + 1 },
      { forgotten_hour: parts.forgotten_hour - 1 },
      { bindings: parts.bindings + 1 },
      { genesis: commit.state_digest },
      { authority: { ...parts.authority, index: 1 } },
      { members },
      { retired: [credential] },
      { policy: { ...parts.policy, rules: [] } },
      { counters: [{ credential: credential.id, counter: 1 }] },
    ];
    for (const change of otherParts) {
      kept.parts = { ...parts, ...change };
      expect([change, restored()]).toEqual([change, undefined]);
    }
    kept.parts = parts;
    for (const [id, text] of [...kept.texts].slice(0, 12)) {
      kept.texts.delete(id);
      expect(restored()).toBeUndefined();
      for (let at = 0; at < text.length; at += 1 + Math.floor(text.length / 40)) {
        const other = text.slice();
        other[at] = (other[at] ?? 0) ^ 1;
        kept.texts.set(id, other);
        expect(restored()).toBeUndefined();
      }
      kept.texts.set(id, text);
      kept.texts.set('twice', text);
      expect(restored()).toBeUndefined();
      kept.texts.delete('twice');
    }
    expect(restored()).toBeDefined();
  });
});
