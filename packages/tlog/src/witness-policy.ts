import { TlogError } from './error.ts';
import { isNoteText } from './note-text.ts';
import { parsePosition } from './position.ts';
import { parseVerifierKey, type NoteVerifier } from './verifier-key.ts';

const NAMES_MAX = 64;

export interface PolicyWitness {
  readonly name: string;
  /** Of type 4. */
  readonly verifier: NoteVerifier;
  /** Where it takes requests; no verifier needs that. */
  readonly url?: string;
}

interface PolicyGroup {
  readonly members: readonly string[];
  readonly threshold: number;
}

/** Which witnesses must have cosigned a head: c2sp.org/tlog-policy, without its logs. */
export class WitnessPolicy {
  /** As it was read. */
  readonly text: string;
  readonly witnesses: readonly PolicyWitness[];
  readonly #groups: ReadonlyMap<string, PolicyGroup>;
  readonly #quorum: string;

  constructor(parts: {
    readonly text: string;
    readonly witnesses: readonly PolicyWitness[];
    readonly groups: ReadonlyMap<string, PolicyGroup>;
    readonly quorum: string;
  }) {
    this.text = parts.text;
    this.witnesses = parts.witnesses;
    this.#groups = parts.groups;
    this.#quorum = parts.quorum;
  }

  /** By when a quorum had seen the head, given the times of cosignatures by verifier key; undefined when none has. */
  quorumTime(times: ReadonlyMap<string, number>): number | undefined {
    return [...new Set(times.values())]
      .toSorted((left, right) => left - right)
      .find((until) => this.#holds(this.#quorum, times, until));
  }

  // A name stands for what was defined before it, so this ends.
  #holds(name: string, times: ReadonlyMap<string, number>, until: number): boolean {
    const group = this.#groups.get(name);
    if (group !== undefined) {
      const held = group.members.filter((member) => this.#holds(member, times, until));
      return held.length >= group.threshold;
    }
    const witness = this.witnesses.find((known) => known.name === name);
    return (times.get(witness?.verifier.vkey ?? '') ?? Infinity) <= until;
  }
}

/**
 * Reads a witness policy. Stricter than c2sp.org/tlog-policy: no `log` line, no quorum of `none`, no key under two names and
 * nothing in two groups, so that no witness can count twice.
 *
 * @throws TlogError `WITNESS_POLICY`
 */
export function parseWitnessPolicy(text: string): WitnessPolicy {
  if (!isNoteText(text)) throw refused('expected text without control characters');
  const read = new PolicyReader();
  for (const line of text.split('\n')) {
    const words = line.split(' ').filter((word) => word !== '');
    if (words[0] !== undefined && !words[0].startsWith('#')) read.line(words);
  }
  return read.end(text);
}

class PolicyReader {
  readonly #witnesses: PolicyWitness[] = [];
  readonly #groups = new Map<string, PolicyGroup>();
  /** Defined, and in no group yet. */
  readonly #free = new Set<string>();
  #quorum: string | undefined;

  line([keyword, ...words]: readonly string[]): void {
    if (keyword === 'witness') this.#witness(words);
    else if (keyword === 'group') this.#group(words);
    else if (keyword === 'quorum') this.#setQuorum(words);
    else throw refused('expected witness, group or quorum');
  }

  end(text: string): WitnessPolicy {
    if (this.#quorum === undefined) throw refused('expected a quorum');
    return new WitnessPolicy({
      text,
      witnesses: this.#witnesses,
      groups: this.#groups,
      quorum: this.#quorum,
    });
  }

  #witness([name, vkey, url, ...more]: readonly string[]): void {
    if (vkey === undefined || more.length > 0) throw refused('expected witness NAME VKEY [URL]');
    const verifier = witnessKey(vkey);
    const key = verifier.publicKey.join();
    // A cosignature does not name its witness, so one key under two names would be two of a quorum.
    if (this.#witnesses.some((known) => known.verifier.publicKey.join() === key)) {
      throw refused('expected each key once');
    }
    this.#witnesses.push({
      name: this.#define(name),
      verifier,
      ...(url !== undefined && { url }),
    });
  }

  #group([name, threshold, ...members]: readonly string[]): void {
    if (members.length === 0) throw refused('expected group NAME any|all|K NAMES');
    for (const member of members) {
      if (!this.#free.delete(member)) throw refused('expected members defined before, each once');
    }
    const count = thresholdOf(threshold, members.length);
    this.#groups.set(this.#define(name), { members, threshold: count });
  }

  #setQuorum([name, ...more]: readonly string[]): void {
    const isKnown = name !== undefined && (this.#groups.has(name) || this.#names(name));
    if (!isKnown || more.length > 0)
      throw refused('expected the quorum to be a name defined before');
    if (this.#quorum !== undefined) throw refused('expected one quorum');
    this.#quorum = name;
  }

  #names(name: string): boolean {
    return this.#witnesses.some((known) => known.name === name);
  }

  #define(name: string | undefined): string {
    const isNew = name !== undefined && name !== 'none' && !this.#groups.has(name);
    if (!isNew || this.#names(name)) throw refused('expected a name of its own');
    if (this.#groups.size + this.#witnesses.length === NAMES_MAX) {
      throw refused(`expected at most ${NAMES_MAX} names`);
    }
    this.#free.add(name);
    return name;
  }
}

function witnessKey(vkey: string): NoteVerifier {
  const verifier = parseVerifierKey(vkey);
  if (verifier.type !== 4) throw refused('expected the key of a witness, of type 4');
  return verifier;
}

function thresholdOf(word: string | undefined, members: number): number {
  if (word === 'any') return 1;
  if (word === 'all') return members;
  const count = parsePosition(word ?? '');
  if (count === undefined || count < 1 || count > members) {
    throw refused(`expected any, all or 1 to ${members}`);
  }
  return count;
}

function refused(why: string): TlogError {
  return new TlogError('WITNESS_POLICY', `witness policy: ${why}`);
}
