import {
  parseDecisionMade,
  parseSignedObject,
  shortIdOf,
  encodeEntry,
  parseEntry,
  parseUseClaim,
  type Entry,
  type EntryOf,
} from '@countersign/binding';
import type { Broker, NewRecord, StoredRecord } from '@countersign/broker';
import { formatTimestamp, fromUtf8, timestampMs, utf8 } from '@countersign/canonical';
import { formatCheckpoint } from '@countersign/tlog';
import {
  WireError,
  decodeIntake,
  decodeLogRecord,
  encodeLogRecord,
  type Batch,
} from '@countersign/wire';
import type { Broken } from './invariant-broken.ts';
import type { PlantFault } from './ledger-process.ts';
import { plainLeaf } from './plain-tree.ts';
import { ORIGIN } from './population.ts';
import type { OracleAction } from './oracle-action.ts';
import { inputOf, type World } from './world.ts';

/**
 * Faults that the ledger could have, put in from outside: each stands between the real services and their
 * ports and does there what a wrong ledger would do. The simulator must find every one.
 */
export interface PlantedFault {
  readonly name: string;
  /** What the simulator may rightly say of it. */
  readonly found: readonly Broken[];
  /** One that finds it, and is tried first: only a change of what the seeds do makes the search long, and this number old. */
  readonly seed: number;
  readonly plant: PlantFault;
}

/** A broker that does as the inner one, but for what is given. */
function changed(inner: Broker, changes: Partial<Broker>): Broker {
  return {
    append: (tp, records) => inner.append(tp, records),
    read: (tp, fromOffset, maxRecords) => inner.read(tp, fromOffset, maxRecords),
    end: (tp) => inner.end(tp),
    waitBeyond: (tp, offset, timeoutMs) => inner.waitBeyond(tp, offset, timeoutMs),
    erase: (topic, key) => inner.erase(topic, key),
    close: () => inner.close(),
    ...changes,
  };
}

function batchIn(value: Uint8Array | null | undefined): Batch | undefined {
  if (value === null || value === undefined) return undefined;
  try {
    const record = decodeLogRecord(value);
    return record.kind === 'batch' ? record : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function onlyBatch(records: readonly NewRecord[]): Batch | undefined {
  return records.length === 1 ? batchIn(records[0]?.value) : undefined;
}

const signsBeforeItAppends: PlantFault = ({ broker, signer, ...ports }) => ({
  ...ports,
  signer,
  broker: changed(broker, {
    append: async (tp, records) => {
      const batch = onlyBatch(records);
      if (batch !== undefined) {
        const { sizeAfter: size, rootAfter: root } = batch;
        await signer
          .sign(utf8(formatCheckpoint({ origin: ORIGIN, size, root })))
          .catch(() => undefined);
      }
      return broker.append(tp, records);
    },
  }),
});

/** Takes its own batch for the accepted one, whatever came before it. */
const skipsTheReadBack: PlantFault = ({ broker, ...ports }) => {
  let own: { readonly batch: Batch; readonly value: Uint8Array } | undefined;
  return {
    ...ports,
    broker: changed(broker, {
      append: (tp, records) => {
        const batch = onlyBatch(records);
        const value = records[0]?.value;
        if (batch !== undefined && value !== undefined) own = { batch, value };
        return broker.append(tp, records);
      },
      read: async (tp, from, max) => {
        const records = await broker.read(tp, from, max);
        if (tp.topic !== 'log') return records;
        return records.map((record) => {
          const isInItsPlace = batchIn(record.value)?.sizeBefore === own?.batch.sizeBefore;
          return isInItsPlace && own !== undefined ? { ...record, value: own.value } : record;
        });
      },
    }),
  };
};

/** Sees what it wrote before it is durable. */
const readsItsUnsyncedWrites: PlantFault = ({ broker, ...ports }) => {
  let unsynced: Uint8Array | undefined;
  return {
    ...ports,
    broker: changed(broker, {
      append: async (tp, records) => {
        if (onlyBatch(records) === undefined) return broker.append(tp, records);
        unsynced = records[0]?.value;
        // It answers at once, and writes when it likes.
        broker.append(tp, records).catch(() => undefined);
        return Promise.resolve({ firstOffset: 0, appendTimeMs: 0 });
      },
      read: async (tp, from, max) => {
        const records = await broker.read(tp, from, max);
        if (tp.topic !== 'log' || unsynced === undefined || records.length > 0) return records;
        const value = unsynced;
        unsynced = undefined;
        return [{ offset: from, appendTimeMs: 0, key: 'unsynced', value }];
      },
    }),
  };
};

/** At its start it overlooks what was accepted and not yet signed, and decides those inputs again. */
const batchesAgainAfterACrash: PlantFault = ({ broker, ...ports }, world) => {
  let sealed = 0;
  const hidden = new Set<number>();
  for (const { value, offset } of world.disk.recordsOf('log')) {
    const batch = batchIn(value);
    if (batch !== undefined && batch.sizeAfter > Math.max(1, world.log.sealedSize))
      hidden.add(offset);
    sealed += 1;
  }
  const hide = (record: StoredRecord): StoredRecord =>
    record.offset < sealed && hidden.has(record.offset)
      ? { ...record, value: Uint8Array.of(0) }
      : record;
  return {
    ...ports,
    broker: changed(broker, {
      read: async (tp, from, max) => {
        const records = await broker.read(tp, from, max);
        return tp.topic === 'log' ? records.map(hide) : records;
      },
    }),
  };
};

/** Changes what the writer proposes, as if it had decided so. */
function rewriting(change: (batch: Batch, world: World) => Batch): PlantFault {
  return ({ broker, ...ports }, world) => ({
    ...ports,
    broker: changed(broker, {
      append: (tp, records) => {
        const batch = onlyBatch(records);
        const key = records[0]?.key;
        if (batch === undefined || key === undefined) return broker.append(tp, records);
        return broker.append(tp, [{ key, value: encodeLogRecord(change(batch, world)) }]);
      },
    }),
  });
}

function withEntries(batch: Batch, entries: readonly Uint8Array[], world: World): Batch {
  // Of a batch that has lost already nothing need be right.
  if (batch.sizeBefore !== world.log.size) return batch;
  const { tree } = world.log;
  for (const bytes of entries) tree.append(plainLeaf(bytes));
  return { ...batch, entries, rootAfter: Uint8Array.from(tree.root()) };
}

function changingEntries(change: (entry: Entry, world: World) => Entry): PlantFault {
  return rewriting((batch, world) => {
    const entries = batch.entries.map((bytes) => {
      const entry = parseEntry(bytes);
      const other = change(entry, world);
      return other === entry ? bytes : encodeEntry(other);
    });
    return withEntries(batch, entries, world);
  });
}

/** So that nobody sees how hard somebody was pressed: attack row D15. */
const tellsFewerPrompts: PlantFault = changingEntries((entry) => {
  if (entry.type !== 'decision-accepted' || entry.load === undefined) return entry;
  const { prompts_1h: prompts } = entry.load;
  return { ...entry, load: { ...entry.load, prompts_1h: Math.max(0, prompts - 1) } };
});

/** Also on a grant, and on an item of a batch. */
const ANY_CLAIM = 'countersign.use.v';

type IsAbout = (action: OracleAction) => boolean;

const isOfMembers: IsAbout = ({ admission }) => admission.requirement.member_of !== undefined;

const isOfModels: IsAbout = ({ admission }) => admission.requirement.attested !== undefined;

/** A claim that was refused with this code is taken, of an action like these. */
function takesClaims(
  code: string,
  version: string = 'countersign.use.v1',
  isAbout: IsAbout = () => true,
): PlantFault {
  return changingEntries((entry, world) => {
    if (entry.type !== 'use-refused' || entry.code !== code) return entry;
    const frame = frameOf(entry.input, world);
    const action = world.rules.actions.get(entry.action_id);
    if (frame === undefined || action?.binding === undefined) return entry;
    if (!isAbout(action)) return entry;
    const { payload, key, signature } = parseSignedObject(frame);
    const text = fromUtf8(payload);
    if (!text.includes(version)) return entry;
    const claim = parseUseClaim(payload);
    return {
      v: entry.v,
      type: 'binding-used',
      at: entry.at,
      tenant: entry.tenant,
      action_id: entry.action_id,
      binding: claim.binding,
      use_id: claim.use_id,
      use_number: action.uses.size + 1,
      executor: claim.executor,
      claim: text,
      key_thumbprint: key,
      signature,
      start_by: entry.at,
      short_id: shortIdOf(claim.use_id),
      input: entry.input,
    };
  });
}

/** Asks persons again for what they are asked for already: attack row D15. */
const asksWhatIsOpen: PlantFault = changingEntries((entry, world) => {
  if (entry.type !== 'request-refused' || entry.code !== 'REQUEST_OPEN') return entry;
  return admittedLike(world.rules.actions.get(entry.open ?? '')?.admission, entry, world);
});

/** Believes whatever chain is there. */
const admitsAnyChain: PlantFault = changingEntries((entry, world) => {
  if (entry.type !== 'request-refused' || !entry.code.startsWith('DELEGATION_')) return entry;
  const [action] = world.rules.actions.values();
  return admittedLike(action?.admission, entry, world);
});

/** As if it had been admitted as another request was. */
function admittedLike(
  template: EntryOf<'request-admitted'> | undefined,
  entry: EntryOf<'request-refused'>,
  world: World,
): Entry {
  const frame = frameOf(entry.input, world);
  if (frame === undefined || entry.action_id === undefined) return entry;
  if (template === undefined || template.supersedes !== undefined) return entry;
  return {
    ...template,
    at: entry.at,
    action_id: entry.action_id,
    action_digest: entry.action_digest,
    request_signature: parseSignedObject(frame).signature,
    input: entry.input,
  };
}

/** A decision that was refused with this code is taken, where it is meant. */
function takesDecisions(
  code: string,
  isMeant: (action: OracleAction, entry: EntryOf<'decision-refused'>) => boolean = () => true,
): PlantFault {
  return changingEntries((entry, world) => {
    if (entry.type !== 'decision-refused' || entry.code !== code) return entry;
    const frame = frameOf(entry.input, world);
    const action = world.rules.actions.get(entry.action_id);
    if (frame === undefined || action === undefined || !isMeant(action, entry)) return entry;
    const { statement, proof } = parseDecisionMade(frame);
    if (statement.verdict !== 'approve') return entry;
    return {
      v: entry.v,
      type: 'decision-accepted',
      at: entry.at,
      tenant: entry.tenant,
      action_id: entry.action_id,
      admission: statement.admission,
      statement,
      proof,
      proof_class: 'uv',
      load: world.rules.load.of(statement.person, entry.at),
      input: entry.input,
    };
  });
}

function frameOf(input: string, world: World): Uint8Array | undefined {
  for (const { value } of world.disk.recordsOf('intake')) {
    if (value === null) continue;
    try {
      const { payload } = decodeIntake(value);
      if (inputOf(payload) === input) return payload;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
  return undefined;
}

/** Goes on behind the last input that it answered, also when earlier ones are held. */
const forgetsWhatItHolds: PlantFault = rewriting((batch, world) => {
  const offsets = new Map(
    [...world.inputs].map(([offset, { input }]) => [input as string, offset]),
  );
  const answered = batch.entries.map((bytes) => {
    const entry = parseEntry(bytes);
    return 'input' in entry ? (offsets.get(entry.input) ?? -1) : -1;
  });
  const intakeOffsetAfter = Math.max(
    batch.intakeOffsetAfter,
    ...answered.map((offset) => offset + 1),
  );
  return { ...batch, intakeOffsetAfter };
});

const publishesCheckpointsFirst: PlantFault = ({ broker, ...ports }) => ({
  ...ports,
  broker: changed(broker, {
    append: (tp, records) =>
      broker.append(tp, tp.topic === 'log' ? [...records].reverse() : records),
  }),
});

/** Takes an input from a client before it is durable. */
const acknowledgesTooEarly: PlantFault = ({ broker, ...ports }) => ({
  ...ports,
  broker: changed(broker, {
    append: async (tp, records) => {
      if (tp.topic !== 'intake') return broker.append(tp, records);
      const firstOffset = await broker.end(tp);
      broker.append(tp, records).catch(() => undefined);
      return { firstOffset, appendTimeMs: 0 };
    },
  }),
});

/** Writes content only once the entries that speak of it are there. */
const writesContentLate: PlantFault = ({ broker, ...ports }) => {
  let late: (() => Promise<unknown>)[] = [];
  return {
    ...ports,
    broker: changed(broker, {
      append: async (tp, records) => {
        if (tp.topic === 'content') {
          late.push(() => broker.append(tp, records));
          return { firstOffset: 0, appendTimeMs: 0 };
        }
        const appended = await broker.append(tp, records);
        if (tp.topic === 'log') {
          for (const write of late) await write().catch(() => undefined);
          late = [];
        }
        return appended;
      },
    }),
  };
};

const erasesNothing: PlantFault = ({ broker, ...ports }) => ({
  ...ports,
  broker: changed(broker, { erase: () => Promise.resolve(0) }),
});

/** Takes an expiry to be over a moment before it is. */
const clockRunsAhead: PlantFault = ({ broker, ...ports }) => ({
  ...ports,
  broker: changed(broker, {
    read: async (tp, from, max) => {
      const records = await broker.read(tp, from, max);
      if (tp.topic !== 'intake') return records;
      return records.map((record) => ({ ...record, appendTimeMs: record.appendTimeMs + 7 }));
    },
  }),
});

const lengthensUses: PlantFault = changingEntries((entry) => {
  if (entry.type !== 'binding-made') return entry;
  return { ...entry, use_by: formatTimestamp(timestampMs(entry.use_by) + 1) };
});

/** As long as the rule and the approvals say, whatever becomes of the sign-ins that they were given with. */
const forgetsSignInsEnd: PlantFault = changingEntries((entry, world) => {
  if (entry.type !== 'binding-made' || entry.requirement.member_of === undefined) return entry;
  const admission = world.rules.actions.get(entry.action_id)?.admission;
  if (admission === undefined) return entry;
  const ends = [admission, ...entry.decisions].map(({ not_after: end }) => timestampMs(end));
  const useByMs = Math.min(timestampMs(entry.at) + admission.use_within_s * 1_000, ...ends);
  return { ...entry, use_by: formatTimestamp(useByMs) };
});

/** Whoever has the link is taken for the person: attack row D14. */
const enrolsWithoutAccount: PlantFault = changingEntries((entry) => {
  if (entry.type !== 'authority-changed' || entry.change.change === 'bound') return entry;
  const { change, statement, signature } = entry.change;
  return { ...entry, change: { change, statement, signature } };
});

/** Tells of what everybody has to hear as of something else. */
function raisesNoAlarm(alarm: 'BREAK_GLASS' | 'RECOVERY_STARTED'): PlantFault {
  return changingEntries((entry) =>
    entry.type === 'finding-raised' && entry.finding === alarm
      ? { ...entry, finding: 'CLONE_SUSPECTED' }
      : entry,
  );
}

const believesAnySignature: PlantFault = (ports) => ({ ...ports, verifySignature: () => true });

export const PLANTED_FAULTS: readonly PlantedFault[] = [
  {
    name: 'signs before it appends',
    found: ['SIGNED_NOT_HELD'],
    seed: 1,
    plant: signsBeforeItAppends,
  },
  {
    name: 'skips the read back',
    found: ['SIGNED_NOT_HELD', 'FORKED'],
    seed: 10,
    plant: skipsTheReadBack,
  },
  {
    name: 'reads its unsynced writes',
    found: ['SIGNED_NOT_HELD', 'FORKED'],
    seed: 2,
    plant: readsItsUnsyncedWrites,
  },
  {
    name: 'batches again after a crash',
    found: ['SIGNED_NOT_HELD', 'FORKED'],
    seed: 3,
    plant: batchesAgainAfterACrash,
  },
  {
    name: 'publishes checkpoints before their bindings',
    found: ['DERIVED_MISSING'],
    seed: 2,
    plant: publishesCheckpointsFirst,
  },
  { name: 'forgets what it holds', found: ['UNANSWERED'], seed: 7, plant: forgetsWhatItHolds },
  {
    name: 'lets uses in after a revocation',
    found: ['USED_AFTER_REVOCATION'],
    seed: 54,
    plant: takesClaims('REVOKED'),
  },
  {
    name: 'lets a use in twice',
    found: ['USED_TOO_OFTEN'],
    seed: 19,
    plant: takesClaims('ALREADY_CONSUMED'),
  },
  {
    name: 'lets a use in while it is frozen',
    found: ['USED_WHILE_FROZEN'],
    seed: 5,
    plant: takesClaims('FROZEN', ANY_CLAIM),
  },
  {
    name: 'lets what was bound before a freeze be used after the thaw',
    found: ['USED_WHILE_FROZEN'],
    seed: 23,
    plant: takesClaims('EPOCH_ENDED', ANY_CLAIM),
  },
  {
    name: 'lets a use in by an old policy',
    found: ['STRICTER_NOW'],
    seed: 90,
    plant: takesClaims('POLICY_CHANGED', ANY_CLAIM),
  },
  {
    name: 'takes an approval without what is to be typed',
    found: ['UNCONFIRMED'],
    seed: 14,
    plant: takesDecisions('CONFIRMATION_REQUIRED'),
  },
  {
    name: 'takes an approval out of its order',
    found: ['BOUND_OUT_OF_TURN'],
    seed: 87,
    plant: takesDecisions('ORDER'),
  },
  {
    name: 'lets a second group decide at once',
    found: ['DECIDED_TOO_EARLY'],
    seed: 129,
    plant: takesDecisions('NOT_ELIGIBLE', (_action, { from }) => from !== undefined),
  },
  {
    name: 'lets a use in too late',
    found: ['USED_TOO_LATE'],
    seed: 94,
    plant: takesClaims('EXPIRED'),
  },
  {
    name: 'takes what is no item of a batch',
    found: ['RULE'],
    seed: 105,
    plant: takesClaims('NOT_IN_BATCH', 'countersign.use.v3'),
  },
  { name: 'gives a binding more time', found: ['RULE'], seed: 2, plant: lengthensUses },
  {
    name: 'tells of fewer prompts than there were',
    found: ['RULE'],
    seed: 2,
    plant: tellsFewerPrompts,
  },
  { name: 'asks again for what is open', found: ['RULE'], seed: 98, plant: asksWhatIsOpen },
  {
    name: 'raises no alarm about an emergency',
    found: ['RULE'],
    seed: 23,
    plant: raisesNoAlarm('BREAK_GLASS'),
  },
  {
    name: 'raises no alarm about a recovery',
    found: ['RULE'],
    seed: 16,
    plant: raisesNoAlarm('RECOVERY_STARTED'),
  },
  {
    name: 'takes an approval of whom the company does not name',
    found: ['NOT_A_MEMBER'],
    seed: 285,
    plant: takesDecisions('NOT_ELIGIBLE', isOfMembers),
  },
  {
    name: 'lets a use in by an approval that lost its ground',
    found: ['NOT_A_MEMBER'],
    seed: 563,
    plant: takesClaims('APPROVER_REVOKED', ANY_CLAIM, isOfMembers),
  },
  {
    name: 'enrols whoever has the link',
    found: ['NOT_A_MEMBER'],
    seed: 33,
    plant: enrolsWithoutAccount,
  },
  {
    name: 'admits any chain',
    found: ['NOT_DELEGATED'],
    seed: 502,
    plant: admitsAnyChain,
  },
  {
    name: 'binds for an issuer that is gone',
    found: ['NOT_DELEGATED'],
    seed: 59,
    plant: takesDecisions('DELEGATION_INVALID'),
  },
  {
    name: 'binds for longer than a sign-in counts',
    found: ['NOT_A_MEMBER'],
    seed: 5,
    plant: forgetsSignInsEnd,
  },
  {
    name: 'asks nobody of which model a key is',
    found: ['NOT_ATTESTED'],
    seed: 30,
    plant: takesDecisions('AUTHENTICATOR_CLASS', isOfModels),
  },
  { name: 'believes any signature', found: ['FORGED'], seed: 9, plant: believesAnySignature },
  {
    name: 'acknowledges too early',
    found: ['ACKNOWLEDGED_LOST'],
    seed: 6,
    plant: acknowledgesTooEarly,
  },
  { name: 'writes content late', found: ['CONTENT'], seed: 1, plant: writesContentLate },
  { name: 'erases nothing', found: ['CONTENT'], seed: 25, plant: erasesNothing },
  { name: 'has a clock that runs ahead', found: ['TIME'], seed: 1, plant: clockRunsAhead },
];
