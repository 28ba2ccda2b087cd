import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  LedgerState,
  authenticate,
  decide,
  encodeEntry,
  isQuarantined,
  leafOf,
  type Entry,
  type EntryOf,
  type EntryType,
  type InputKind,
  type LedgerLimits,
  type Policy,
  type RulesVersion,
} from '@countersign/binding';
import { digestBytes, formatTimestamp, useSha256, type JsonObject } from '@countersign/canonical';
import { nativeSha256, verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import {
  TileEdge,
  formatCheckpoint,
  signNote,
  useSha256 as useSha256InTrees,
  type NoteSigner,
  type TileFile,
} from '@countersign/tlog';
import { noteSigner } from './note-key.ts';
import { Parties, actionIdOf, entryIn, type Deciding, type TextEntry } from './parties.ts';
import { POLICY_ENGINE } from './policy-engine.ts';

// As the command does.
useSha256(nativeSha256);
useSha256InTrees(nativeSha256);

const ORIGIN = 'audited.test/1';
const START_MS = 1_795_424_400_000;

/** A log as the rules make it, or as a lying operator does, with real keys and a clock that only the test moves. */
export class DecidedLog {
  readonly signer: NoteSigner;
  readonly parties: Parties;
  readonly state: LedgerState;
  readonly entries: Uint8Array[] = [];
  nowMs = START_MS;

  constructor(
    options: {
      readonly policy?: Policy;
      /** Those of a new ledger unless given. */
      readonly rules?: RulesVersion;
      readonly limits?: Partial<LedgerLimits>;
      /** The same founding, and the same people. */
      readonly like?: DecidedLog;
    } = {},
  ) {
    const { like } = options;
    this.signer = like?.signer ?? noteSigner(ORIGIN);
    this.parties =
      like?.parties ?? new Parties(this.signer.name, () => this.nowMs, { crewSize: 1 });
    const { limits = {} } = options;
    this.state = LedgerState.empty({
      descriptors: BUILTIN_DESCRIPTORS,
      policyEngine: POLICY_ENGINE,
      limits,
    });
    this.write(this.parties.founding([this.signer.vkey], options.policy, options.rules));
  }

  get origin(): string {
    return this.signer.name;
  }

  get genesis(): string {
    return leafOf(this.entries[0] ?? new Uint8Array());
  }

  get at(): string {
    return formatTimestamp(this.nowMs);
  }

  forward(ms: number): void {
    this.nowMs += ms;
  }

  /** What the rules make of an input now. @returns what it came to */
  async submit(kind: InputKind, bytes: Uint8Array): Promise<readonly Entry[]> {
    const input = digestBytes('countersign/input/v1', bytes);
    const raw = { kind, bytes, input, appendTimeMs: this.nowMs, offset: this.entries.length };
    const authentic = await authenticate(raw, this.state, verifySignature);
    if (isQuarantined(authentic)) throw new Error(`quarantined: ${authentic.code}`);
    const decided = decide(this.state, authentic);
    this.state.apply(decided);
    this.entries.push(...decided.entries.map((each) => each.bytes));
    return decided.entries.map(({ entry }) => entry);
  }

  /** Whatever the operator likes, folded in where a fold takes it. */
  write(entry: Entry): TextEntry {
    const bytes = encodeEntry(entry);
    const index = this.entries.length;
    this.state.evolve(entry, { index, leaf: leafOf(bytes) });
    this.entries.push(bytes);
    return textOf(bytes, index);
  }

  tick(): Promise<readonly Entry[]> {
    return this.submit('tick', new Uint8Array());
  }

  async admit(more?: JsonObject): Promise<{ actionId: string; admission: TextEntry }> {
    const action = more ?? this.parties.action();
    await this.submit('request', this.parties.requestFrame(action));
    return { actionId: actionIdOf(action), admission: this.last('request-admitted') };
  }

  async decide(admission: TextEntry, deciding: Deciding = {}): Promise<readonly Entry[]> {
    return this.submit('decision', this.parties.decisionFrame(admission, deciding));
  }

  async bind(): Promise<{ actionId: string; admission: TextEntry; binding: TextEntry }> {
    const asked = await this.admit();
    await this.decide(asked.admission);
    return { ...asked, binding: this.last('binding-made') };
  }

  /** The newest entry of a type. */
  last(type: EntryType): TextEntry {
    for (let index = this.entries.length - 1; index >= 0; index -= 1) {
      const text = Buffer.from(this.entries[index] ?? []).toString();
      if ((JSON.parse(text) as { type: string }).type === type) return { index, text };
    }
    throw new Error(`expected an entry of type ${type}`);
  }

  lastEntry<T extends EntryType>(type: T): EntryOf<T> {
    return entryIn(this.last(type).text, type);
  }

  /** As files, under a head that the log key has signed. */
  async files(): Promise<Map<string, Uint8Array>> {
    return filesOf(this.entries, this.signer);
  }

  trust(more: JsonObject = {}): JsonObject {
    return {
      v: 'countersign.trust.v1',
      origin: this.signer.name,
      log_keys: [this.signer.vkey],
      genesis: this.genesis,
      accept: { proof_classes: ['uv'], separation: ['full'], demo: false },
      ...more,
    };
  }
}

function textOf(bytes: Uint8Array, index: number): TextEntry {
  return { index, text: Buffer.from(bytes).toString() };
}

/** Any entries as a log, with every hash and signature as it should be. */
export async function filesOf(
  entries: readonly Uint8Array[],
  signer: NoteSigner,
): Promise<Map<string, Uint8Array>> {
  const edge = TileEdge.empty();
  const files: TileFile[] = entries.flatMap((entry) => edge.append(entry));
  files.push(...edge.partial());
  const head = { origin: signer.name, size: edge.size, root: edge.root() };
  const note = await signNote(formatCheckpoint(head), [signer]);
  return new Map([
    ...files.map(({ path, bytes }) => [path, bytes] as const),
    ['checkpoint', Buffer.from(note)],
    ['log.vkey', Buffer.from(`${signer.vkey}\n`)],
  ]);
}

/** Writes files of a log into a folder. */
export async function writeFiles(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  for (const [path, bytes] of files) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
}
