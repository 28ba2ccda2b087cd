import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerState, type LedgerFounded } from '@countersign/binding';
import { readKeyFile } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { contentKey } from '@countersign/ledger';
import { CliLedger } from '../../integration/cli-process.ts';
import { hold } from '../simulator/invariant-broken.ts';
import { SignedTruth } from '../simulator/signed-truth.ts';
import { Clients } from './clients.ts';
import type { Town } from './errand.ts';
import { auditFiles, type AuditParts, type Audited } from './topic-audit.ts';
import { POLICY_ENGINE } from '../../support/policy-engine.ts';

/** After so long at most a server is killed, counted from when it answers. */
const LIFE_MS_MAX = 1_000;
/** Some are killed before that. */
const BIRTH_MS_MAX = 900;
const BORN = 0.85;
const FROZEN = 0.15;
const FROZEN_MS = 300;

/** One ledger that dies again and again, and clients who do not give up. */
export class KilledLedger {
  readonly town: Town;
  readonly clients: Clients;
  readonly #ledger: CliLedger;
  readonly #vkey: string;
  /** The fold of what the audits saw, taken in as the log grew. */
  readonly #kept: LedgerState = LedgerState.empty({
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: POLICY_ENGINE,
  });
  readonly #gate = new Gate();

  private constructor(ledger: CliLedger, town: Omit<Town, 'up' | 'counts'>, vkey: string) {
    this.#ledger = ledger;
    this.#vkey = vkey;
    const counts = new Map<string, number>();
    this.town = { ...town, counts, up: () => this.#gate.opened };
    this.clients = new Clients(this.town);
  }

  /** Founds a ledger by its first start, with one person, and kills that server. */
  static async found(): Promise<KilledLedger> {
    const ledger = await CliLedger.start();
    const person = await ledger.founder();
    await ledger.stop('SIGKILL');
    const json = async <T>(name: string): Promise<T> =>
      JSON.parse(await readFile(join(ledger.data, name), 'utf8')) as T;
    const { origin, tenant } = await json<{ origin: string; tenant: string }>('ledger.json');
    const { log_keys: logKeys } = await json<{ log_keys: string[] }>('trust.json');
    const vkey = logKeys[0] ?? '';
    const truth = new SignedTruth();
    truth.enrolled.add(person.passkey.credentialId);
    const parts = { data: ledger.data, tenant, origin, vkey, truth, told: [] };
    const genesis = (await auditFiles(parts)).entries[0]?.entry;
    if (genesis?.type !== 'ledger-founded') throw new Error('expected a founded log');
    const holders = await holdersOf(ledger.data, genesis);
    const town = { url: ledger.url, origin, tenant, person, truth, told: [], ...holders };
    return new KilledLedger(ledger, town, vkey);
  }

  /** One life: from its start to its death at some moment, and what an audit says of what is left. */
  async liveAndDie(): Promise<Audited> {
    if (Math.random() < BORN) {
      await this.#ledger.serve();
      this.#gate.open();
      await sleep(Math.random() * LIFE_MS_MAX);
      if (Math.random() < FROZEN) await this.#freeze();
    } else {
      this.#ledger.serve().catch(() => undefined);
      await sleep(Math.random() * BIRTH_MS_MAX);
    }
    this.#gate.close();
    await this.#ledger.stop('SIGKILL');
    this.clients.throwIfFailed();
    return this.#audit();
  }

  /** The last life: whoever is not answered yet is now, and then it ends as it should. */
  async liveOn(): Promise<Audited> {
    this.clients.dismiss();
    await this.#ledger.serve();
    this.#gate.open();
    await this.clients.gone();
    await this.#ledger.stop('SIGTERM');
    const audited = await this.#audit();
    hold(audited.sealedSize === audited.entries.length, 'UNSEALED', 'after a stop');
    for (const { id, isErased } of audited.rules.actions.values()) {
      const isGone = !isErased || !audited.readable.has(contentKey(this.town.tenant, id));
      hold(isGone, 'CONTENT', `${id} is erased, and readable`);
    }
    return audited;
  }

  /** An audit that is told something else than what happened, to see whether it notices. */
  auditWith(other: Partial<AuditParts>): Promise<Audited> {
    const { tenant, origin, truth, told } = this.town;
    const { data } = this.#ledger;
    return auditFiles({ data, tenant, origin, vkey: this.#vkey, truth, told, ...other });
  }

  async #audit(): Promise<Audited> {
    const audited = await this.auditWith({});
    for (const { entry, index, leaf } of audited.entries.slice(this.#kept.size)) {
      this.#kept.evolve(entry, { index, leaf });
    }
    const isSame = this.#kept.stateDigest() === audited.stateDigest;
    hold(isSame, 'REPLAY_DIFFERS', 'the fold of the whole log, and that of its parts');
    return audited;
  }

  discard(): Promise<void> {
    this.clients.abandon();
    this.#gate.open();
    return this.#ledger.discard();
  }

  /** It stands still for a moment, with everything that it had under way. */
  async #freeze(): Promise<void> {
    const child = this.#ledger.server?.child;
    child?.kill('SIGSTOP');
    await sleep(FROZEN_MS);
    child?.kill('SIGCONT');
    await sleep(Math.random() * FROZEN_MS);
  }
}

/** Open while there is a server to talk to. */
class Gate {
  #isOpen = false;
  #waiting: (() => void)[] = [];

  get opened(): Promise<void> {
    if (this.#isOpen) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  open(): void {
    this.#isOpen = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  close(): void {
    this.#isOpen = false;
  }
}

type Holders = Pick<Town, 'agent' | 'operator' | 'executor'>;

/** Whose keys lie in a data folder. */
export async function holdersOf(data: string, { members }: LedgerFounded): Promise<Holders> {
  const key = (name: string): ReturnType<typeof readKeyFile> =>
    readKeyFile(join(data, 'keys', `${name}.key`));
  const executor = members.find((member) => member.kind === 'executor');
  const operator = members.find((member) => member.kind === 'agent' && member.operator);
  const agent = members.find((member) => member.kind === 'agent' && !member.operator);
  if (executor?.kind !== 'executor' || agent === undefined || operator === undefined) {
    throw new Error('expected an executor and two agents among the founders');
  }
  return {
    agent: { id: agent.id, key: await key('agent') },
    operator: { id: operator.id, key: await key('operator') },
    executor: {
      id: executor.id,
      key: await key('executor'),
      audience: executor.audiences[0] ?? '',
      interfaceDigest: executor.interface_digest,
    },
  };
}
