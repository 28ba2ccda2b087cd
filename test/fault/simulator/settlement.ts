import { LedgerState, parseEntry } from '@countersign/binding';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { contentKey } from '@countersign/ledger';
import { LogReader } from '@countersign/log-reader';
import { WireError, decodePublic, type PublicTopic } from '@countersign/wire';
import { hold } from './invariant-broken.ts';
import { LIMITS, ORIGIN, TENANT } from './population.ts';
import { verifyToySignature } from './toy-signature.ts';
import { contentOf, inputOf, type World } from './world.ts';
import { POLICY_ENGINE } from '../../support/policy-engine.ts';

const PUBLIC: readonly PublicTopic[] = [
  'action-requested',
  'decision-made',
  'use-claimed',
  'execution-reported',
];
const REPEATED = /^REPEATED\/(\d+)$/;

/** What still waits for an answer, when nothing is broken any more: empty once everything is settled. */
export function unsettled(world: World): string[] {
  const waiting: string[] = [];
  const answered = answeredInputs(world);
  for (const { value, offset } of world.disk.recordsOf('intake')) {
    const input = world.inputs.get(offset)?.input;
    if (value === null || input === undefined) continue;
    if (!answered.has(input) && !world.quarantined.has(input)) {
      waiting.push(`input ${input} at ${offset}`);
    }
  }
  for (const topic of PUBLIC) waiting.push(...unmoved(world, topic));
  if (world.log.sealedSize < world.log.size) waiting.push(`a seal of ${world.log.size}`);
  return waiting;
}

function answeredInputs({ log }: World): ReadonlySet<string> {
  return new Set(log.entries.flatMap(({ entry }) => ('input' in entry ? [entry.input] : [])));
}

/** Every record of a public topic is an input, or in quarantine. */
function unmoved(world: World, topic: PublicTopic): string[] {
  return world.disk.recordsOf(topic).flatMap(({ value, offset }) => {
    if (value === null) return [];
    let payload = value;
    try {
      ({ payload } = decodePublic(topic, value));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
    const input = inputOf(payload);
    const isMoved = world.intake.has(input) || world.quarantined.has(input);
    return isMoved ? [] : [`${topic} ${offset}`];
  });
}

/** Everything that must hold at the end, beside what was checked at each step. */
export async function assertSettled(world: World): Promise<void> {
  world.log.assertSealed();
  assertAcknowledged(world);
  assertErased(world);
  assertContent(world);
  assertPointers(world);
  await assertReplayed(world);
}

/** What anybody was ever told is in the log, where they were told. */
function assertAcknowledged({ acknowledged, submitted, log, intake, inputs }: World): void {
  for (const { index, leaf } of acknowledged) {
    hold(log.entries[index]?.leaf === leaf, 'ACKNOWLEDGED_LOST', `entry ${index}`);
  }
  for (const { input } of submitted) {
    hold(intake.has(input), 'ACKNOWLEDGED_LOST', `submission ${input}`);
  }
  for (const { offset, input } of submitted) {
    hold(inputs.get(offset)?.input === input, 'WRONG_ANSWER', `submission at ${offset}`);
  }
}

/** An erasure that is in the log is carried out, whatever came in its way. */
function assertErased({ rules, disk }: World): void {
  for (const action of rules.actions.values()) {
    if (!action.isErased) continue;
    const key = contentKey(TENANT, action.id);
    const left = disk
      .recordsOf('content')
      .filter((record) => record.key === key && record.value !== null);
    hold(left.length === 0, 'CONTENT', `${action.id}: erased, and ${left.length} records are left`);
  }
}

/** What the log speaks of, and nobody had erased, can still be read. */
function assertContent({ log, rules, disk }: World): void {
  const live = new Set(
    disk
      .recordsOf('content')
      .filter(({ value }) => value !== null)
      .map(({ key }) => key),
  );
  for (const { entry } of log.entries) {
    if (contentOf(entry) === undefined || !('action_id' in entry)) continue;
    const isErased = rules.actions.get(entry.action_id ?? '')?.isErased === true;
    const isThere = isErased || live.has(contentKey(TENANT, entry.action_id ?? ''));
    hold(isThere, 'CONTENT', `${entry.action_id ?? ''}: its content is gone`);
  }
}

/** Who sent other bytes for the same thing is sent to an entry about that same thing. */
function assertPointers(world: World): void {
  const actions = new Map<string, string>();
  for (const { input, actionId } of world.inputs.values()) actions.set(input, actionId);
  for (const [input, reasons] of world.quarantined) {
    const actionId = actions.get(input);
    for (const reason of reasons) {
      const index = REPEATED.exec(reason)?.[1];
      if (index === undefined || actionId === undefined) continue;
      const entry = world.log.entries[Number(index)]?.entry;
      const isSame = entry !== undefined && 'action_id' in entry && entry.action_id === actionId;
      hold(isSame, 'WRONG_ANSWER', `an input about ${actionId} is sent to entry ${index}`);
    }
  }
}

/** A reader that comes late reads the same log, and folds it to the same state. */
async function assertReplayed(world: World): Promise<void> {
  const { log, fold, disk, population } = world;
  const reader = new LogReader({
    origin: ORIGIN,
    logKeys: [population.vkey],
    verifySignature: verifyToySignature,
  });
  const replayed = LedgerState.empty({
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
    limits: LIMITS,
  });
  for (const record of disk.recordsOf('log')) {
    const event = await reader.read(record);
    if (event?.kind !== 'batch') continue;
    for (const { bytes, index } of event.entries) {
      const entry = parseEntry(bytes);
      const leaf = log.entries[index]?.leaf;
      hold(leaf !== undefined, 'READERS_DIFFER', `a late reader has an entry ${index}`);
      replayed.evolve(entry, { index, leaf });
    }
  }
  const root = Buffer.from(reader.head.root).toString('hex');
  const isSame = reader.head.size === log.size && root === log.rootAt(log.size);
  hold(isSame, 'READERS_DIFFER', `a late reader ends at ${reader.head.size}, not ${log.size}`);
  hold(reader.sealedSize === log.sealedSize, 'READERS_DIFFER', 'a late reader has another seal');
  hold(replayed.stateDigest() === fold.stateDigest(), 'REPLAY_DIFFERS', 'the fold of a replay');
}
