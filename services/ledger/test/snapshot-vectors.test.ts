import { readFile, readdir } from 'node:fs/promises';
import { LedgerState, PackedAction, RecentEntries, leafOf } from '@countersign/binding';
import { canonicalBytes, parseDigest, utf8, type JsonObject } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { cedarEngine } from '@countersign/policy-cedar';
import { describe, expect, it } from 'vitest';
import { parseSnapshotHead } from '../src/snapshot-head.ts';
import { SnapshotError } from '../src/snapshot-store.ts';

const FOLDER = new URL('../../../test/vectors/snapshot/', import.meta.url);

interface Vector {
  readonly code?: string;
  readonly head: JsonObject;
  readonly actions: readonly string[];
  readonly state_digest: string;
}

async function vectors(kind: 'valid' | 'invalid'): Promise<{ name: string; vector: Vector }[]> {
  const names = await readdir(new URL(`${kind}/`, FOLDER));
  return Promise.all(
    names.map(async (name) => ({
      name,
      vector: JSON.parse(await readFile(new URL(`${kind}/${name}`, FOLDER), 'utf8')) as Vector,
    })),
  );
}

/** As a start does, but for the log: its digest is in the vector. */
function restored({ head, actions, state_digest: digest }: Vector): LedgerState {
  const { state, genesis } = parseSnapshotHead(canonicalBytes(head));
  const packed = actions.map((text) => PackedAction.of(utf8(text)));
  if (packed.includes(undefined)) throw new SnapshotError('SNAPSHOT_MALFORMED', 'an action');
  const found = LedgerState.restore(
    { descriptors: BUILTIN_DESCRIPTORS, policyEngine: cedarEngine(BUILTIN_DESCRIPTORS) },
    {
      parts: state,
      actions: packed.filter((each) => each !== undefined),
      digest: parseDigest(digest),
      recent: new RecentEntries(),
    },
  );
  if (found === undefined || leafOf(utf8(genesis)) !== found.head.genesis) {
    throw new SnapshotError('SNAPSHOT_MISMATCH', 'another state');
  }
  return found;
}

describe('the vectors of snapshots', async () => {
  it.each(await vectors('valid'))('takes $name', ({ vector }) => {
    const state = restored(vector);
    expect(state.stateDigest()).toBe(vector.state_digest);
    for (const text of vector.actions) {
      const { action_id: id, status } = JSON.parse(text) as { action_id: string; status: string };
      expect(state.action(id)?.status).toBe(status);
    }
  });

  it('D13: refuse a credential that somebody added to the state, with another root or without', async () => {
    const added = (await vectors('invalid')).filter(({ name }) => name.startsWith('credential-'));
    expect(added.map(({ name }) => name).sort()).toEqual([
      'credential-added-rooted.json',
      'credential-added.json',
    ]);
    for (const { vector } of added) {
      expect(() => restored(vector)).toThrow(
        expect.objectContaining({ code: 'SNAPSHOT_MISMATCH' }),
      );
    }
  });

  it.each(await vectors('invalid'))('refuses $name', ({ vector }) => {
    expect(() => restored(vector)).toThrow(expect.objectContaining({ code: vector.code }));
  });
});
