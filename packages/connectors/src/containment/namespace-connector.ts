import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  canonicalText,
  parseStrict,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { isSystemError, replaceDurably } from '@countersign/durable-file';
import { ConnectorError } from '../connector-error.ts';
import {
  stateDigest,
  type Connector,
  type Effect,
  type LiveState,
  type VerifiedUse,
} from '../connector.ts';
import { assertApproved, OnceJournal, type Attempt } from '../once.ts';
import { withTargetLock } from '../target-lock.ts';
import type { ContainParams, HostTarget } from './contain-params.ts';
import { IncidentFolder } from './incident-folder.ts';
import { NetworkNamespace, type Link, type SavedNetwork } from './network-namespace.ts';

export type HostParams = ContainParams<HostTarget>;

export interface NamespaceConnectorOptions {
  readonly incidents: string;
  readonly journal: string;
}

const INTERFACE: JsonObject = {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.containment.v1',
  system: 'linux-network-namespace',
  write: 'every link of the namespace but the loopback goes down, or up again as it was',
  before: 'the machine, its start, the namespace and its links equal the approved ones',
  after: 'the links read back are as they were meant',
  record: 'countersign and the short id as the alias of each link, and a note in the incident',
};

interface Containment {
  readonly namespace: NetworkNamespace;
  readonly use: VerifiedUse<HostParams>;
  readonly attempt: Attempt;
}

/** Cuts a network namespace of this machine off from everything, and lets it back. */
export class NamespaceConnector implements Connector<HostParams> {
  readonly type: string = 'response.contain';
  readonly interface: JsonObject = INTERFACE;
  readonly #folder: string;
  readonly #incidents: IncidentFolder;
  readonly #journal: OnceJournal;

  constructor({ incidents, journal }: NamespaceConnectorOptions) {
    this.#folder = journal;
    this.#incidents = new IncidentFolder(incidents);
    this.#journal = new OnceJournal(journal);
  }

  async preconditions(params: HostParams): Promise<LiveState> {
    const namespace = await NetworkNamespace.find(params.target);
    return {
      'device.record': recordDigest(params.target, await namespace.links()),
      'incident.state': await this.#incidents.state(params),
    };
  }

  execute(use: VerifiedUse<HostParams>): Promise<Effect> {
    const { boot_id: boot, netns_inode: inode } = use.params.target;
    const targetRef = `netns:${boot}:${inode}`;
    const run = (attempt: Attempt): Promise<Effect> =>
      withTargetLock({ folder: this.#folder, targetRef }, async () => {
        const namespace = await NetworkNamespace.find(use.params.target);
        return this.#contain({ namespace, use, attempt }, targetRef);
      });
    return this.#journal.execute(use, { targetRef, run });
  }

  async #contain({ namespace, use, attempt }: Containment, targetRef: string): Promise<Effect> {
    const { params } = use;
    const before = await namespace.links();
    const beforeDigest = recordDigest(params.target, before);
    const state = await this.#incidents.state(params);
    assertApproved(use.preconditions, { 'device.record': beforeDigest, 'incident.state': state });
    if (namespace.name !== params.target.display) {
      throw new ConnectorError('PRECONDITION_STALE', 'expected the name that was shown');
    }
    const isCut = params.action === 'isolate-host';
    const up = isCut
      ? await this.#isolate({ namespace, use, attempt })
      : await this.#release({ namespace, use, attempt });
    for (const { name } of before) await namespace.note(name, `countersign ${use.shortId}`);
    const after = await namespace.links();
    if (after.some(({ name, isUp }) => isUp !== up.includes(name))) {
      throw new ConnectorError('EFFECT_DIFFERS', 'expected the links as they were meant');
    }
    // A stop before this leaves what was saved: it can be let back once more, which changes nothing.
    if (!isCut) await rm(this.#savedPath(params.target));
    const effect: Effect = {
      result: 'succeeded',
      targetRef,
      beforeDigest,
      afterDigest: recordDigest(params.target, after),
    };
    await this.#incidents.addNote(use, effect);
    return effect;
  }

  /**
   * @returns the links that are meant to be up
   *
   * Crash story: what is needed to let it back is on the disk before the first link goes down. A namespace that is already
   * cut keeps what was saved when it was not.
   */
  async #isolate({ namespace, use, attempt }: Containment): Promise<readonly string[]> {
    const saved = await namespace.save();
    if (saved.up.length > 0) {
      const kept = {
        saved: saved as unknown as Json,
        digest: stateDigest(saved as unknown as Json),
      };
      await replaceDurably(this.#savedPath(use.params.target), canonicalText(kept));
    }
    for (const name of saved.up) await attempt.send(() => namespace.cut(name));
    return [];
  }

  /** @returns the links that are meant to be up */
  async #release({ namespace, use, attempt }: Containment): Promise<readonly string[]> {
    const saved = await this.#saved(use.params.target);
    await attempt.send(() => namespace.restore(saved));
    return saved.up;
  }

  async #saved(target: HostTarget): Promise<SavedNetwork> {
    try {
      return savedIn(await readFile(this.#savedPath(target)));
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
      throw new ConnectorError('TARGET_UNKNOWN', 'expected a namespace that was cut from here');
    }
  }

  #savedPath({ boot_id: boot, netns_inode: inode }: HostTarget): string {
    return join(this.#folder, `${boot}.${inode}.network`);
  }
}

const SAVED_LIMITS = { maxBytes: 32 * 1024 * 1024, maxDepth: 5, maxMembers: 10_000 };

/** Nothing is restored of a file that is not as it was written: it says where packets go. */
function savedIn(bytes: Uint8Array): SavedNetwork {
  const { saved, digest } = Object(parseStrict(bytes, SAVED_LIMITS)) as Readonly<
    Record<string, Json>
  >;
  if (saved === undefined || stateDigest(saved) !== digest) {
    throw new ConnectorError('RECORD_FORMAT', 'expected what was saved when it was cut');
  }
  return saved as unknown as SavedNetwork;
}

/** The kernel gives the number of a namespace that is gone to the next one: what is in it tells them apart (attack row A10). */
function recordDigest(target: HostTarget, links: readonly Link[]): Digest {
  return stateDigest({
    machine: target.machine_id,
    boot: target.boot_id,
    namespace: target.netns_inode,
    name: target.display,
    links: links.map(({ name, isUp, index, address }) => ({ name, up: isUp, index, address })),
  });
}
