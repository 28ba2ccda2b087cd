import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { formatTimestamp, toBase64url, type Digest } from '@countersign/canonical';
import {
  DEFAULT_POLICY,
  foundLedger,
  homeMember,
  keyThumbprint,
  policyDigest,
  type BootstrapRule,
  type LedgerFounded,
  type Member,
  type Policy,
  type RecoveryRule,
  type Separation,
} from '@countersign/binding';
import { newUlid } from '@countersign/crypto-node';
import type { Descriptor } from '@countersign/descriptors';
import { GATE_INTERFACE_DIGEST } from '@countersign/mcp-gate';
import { cliError } from './cli-error.ts';
import { foundersOf, type LedgerMark } from './data-folder.ts';
import {
  EXEC_AUDIENCE,
  EXEC_EXECUTOR,
  EXEC_INTERFACE_DIGEST,
  MCP_GATE_EXECUTOR,
} from './exec-interface.ts';
import { POLICY_ENGINE } from './policy-engine.ts';
import type { HeldKey } from '@countersign/sdk';

export interface FoundingChoice {
  readonly tenant: string;
  readonly shard: number;
  /** The text of its cluster.json, for a ledger on a cluster. */
  readonly cluster: string | undefined;
  readonly origin: string | undefined;
  readonly url: string;
  readonly rpId: string | undefined;
  readonly demo: boolean;
  readonly separation: Separation;
  readonly policy?: Policy;
  readonly bootstrap?: BootstrapRule;
  readonly recovery?: RecoveryRule;
  /** How many persons it invites. */
  readonly founders?: number;
}

const INVITATION_LIFE_MS = 30 * 24 * 3_600_000;

/** What a new data folder says of itself. */
export function newMark(choice: FoundingChoice, nowMs: number): LedgerMark {
  const { url, demo, separation, tenant, shard, founders = 1 } = choice;
  const others = Array.from({ length: founders - 1 });
  return {
    v: 'countersign.data.v1',
    origin: choice.origin ?? `countersign.local/${newUlid(nowMs)}/${shard}`,
    tenant,
    shard,
    ...(choice.cluster !== undefined && { tier: 'cluster' }),
    demo,
    url,
    rp_id: choice.rpId ?? new URL(url).hostname,
    separation,
    founder: `prs_${newUlid(nowMs)}`,
    ...(others.length > 0 && { cofounders: others.map(() => `prs_${newUlid(nowMs)}`) }),
    ...(choice.policy !== undefined && { policy: choice.policy }),
    ...(choice.bootstrap !== undefined && { bootstrap: choice.bootstrap }),
    ...(choice.recovery !== undefined && { recovery: choice.recovery }),
  };
}

/**
 * An address with a new invitation key in its fragment, which no browser ever sends: whoever opens it first can enrol
 * a passkey for this person. schemas/formats/authority.md §5.
 */
export function newInvitationLink(mark: LedgerMark, person: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const pkcs8 = toBase64url(new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' })));
  return `${mark.url}/enrol#i=${pkcs8}&p=${person}&t=${mark.tenant}`;
}

export interface Invitation {
  readonly id: `sha256:${string}`;
  readonly publicKey: string;
}

/** The public half of an invitation link. @throws CliError DATA_DAMAGED */
export function invitationOf(link: string): Invitation {
  try {
    const fragment = new URLSearchParams(new URL(link).hash.slice(1));
    const key = createPrivateKey({
      key: Buffer.from(fragment.get('i') ?? '', 'base64url'),
      format: 'der',
      type: 'pkcs8',
    });
    const spki = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
    return { id: keyThumbprint(spki), publicKey: toBase64url(spki) };
  } catch (error) {
    // The cause could quote the key.
    if (!(error instanceof Error)) throw error;
    throw cliError('DATA_DAMAGED', 'enrolment-link.txt: expected an enrolment link');
  }
}

export interface FoundingKeys {
  readonly logKeys: readonly string[];
  readonly operator: HeldKey;
  readonly agent: HeldKey;
  readonly executor: HeldKey;
  readonly mcpGate: HeldKey;
  /** Of the founders, in their order. */
  readonly invitations: readonly Invitation[];
}

/** The first entry of the log of a data folder. */
export function foundingEntry(
  mark: LedgerMark,
  keys: FoundingKeys,
  parts: { readonly nowMs: number; readonly descriptors: readonly Descriptor[] },
): LedgerFounded {
  const { founder } = mark;
  const { nowMs, descriptors } = parts;
  const members: Member[] = [
    ...(mark.tier === 'cluster' ? [homeMember(mark.shard)] : []),
    ...keys.invitations.flatMap((invitation, index) =>
      invitedMembers(foundersOf(mark)[index] ?? '', invitation, nowMs),
    ),
    agentMember('operator', keys.operator, { owner: founder, operator: true }),
    agentMember('local-agent', keys.agent, { owner: founder, operator: false }),
    executorMember(EXEC_EXECUTOR, keys.executor, EXEC_INTERFACE_DIGEST),
    executorMember(MCP_GATE_EXECUTOR, keys.mcpGate, GATE_INTERFACE_DIGEST),
    ...descriptorsOf(mark, descriptors).map(({ type, typeVersion, digest }): Member => ({
      kind: 'descriptor',
      id: `${type}/${typeVersion}`,
      digest,
    })),
  ];
  return foundLedger({
    at: formatTimestamp(nowMs),
    origin: mark.origin,
    tenant: mark.tenant,
    separation: mark.separation,
    demo: mark.demo,
    rps: [{ id: mark.rp_id, origins: [mark.url] }],
    logKeys: keys.logKeys,
    members,
    policy: mark.policy ?? DEFAULT_POLICY,
    policyEngine: POLICY_ENGINE,
    ...(mark.bootstrap !== undefined && { bootstrap: mark.bootstrap }),
    ...(mark.recovery !== undefined && { recovery: mark.recovery }),
  });
}

function invitedMembers(person: string, { id, publicKey }: Invitation, nowMs: number): Member[] {
  return [
    { kind: 'person', id: person, class: 'natural' },
    {
      kind: 'invitation',
      id,
      person,
      public_key: publicKey,
      not_after: formatTimestamp(nowMs + INVITATION_LIFE_MS),
    },
  ];
}

/** In one folder there is nowhere to move to: a move that persons approve there would end the log for good. */
function descriptorsOf(
  { tier }: LedgerMark,
  descriptors: readonly Descriptor[],
): readonly Descriptor[] {
  return descriptors.filter(({ type }) => tier === 'cluster' || type !== 'authority.home');
}

/**
 * What the folder says of its ledger is what the log was founded as. The mark is plain text beside the log: without this, a
 * changed one would have the server answer for another address, or call a demonstration real.
 *
 * @throws CliError DATA_OTHER_FOUNDING
 */
export function assertAsFounded(mark: LedgerMark, entry: LedgerFounded): void {
  const rp = entry.rps.find(({ id }) => id === mark.rp_id) ?? entry.rps[0];
  const stranger = foundersOf(mark).find(
    (person) => !entry.members.some(({ kind, id }) => kind === 'person' && id === person),
  );
  const isAddress = rp?.origins.includes(mark.url) === true;
  const said: readonly [string, string | boolean, string | boolean | undefined][] = [
    ['origin', mark.origin, entry.origin],
    ['tenant', mark.tenant, entry.tenant],
    ['demo', mark.demo, entry.demo],
    ['separation', mark.separation, entry.separation],
    ['rp_id', mark.rp_id, rp?.id],
    ['url', mark.url, isAddress ? mark.url : rp?.origins[0]],
    ...rulesSaid(mark, entry),
    ['founder', stranger ?? mark.founder, stranger === undefined ? mark.founder : 'another person'],
  ];
  const differing = said.find(([, says, is]) => says !== is);
  if (differing === undefined) return;
  const [name, says, is] = differing;
  throw cliError(
    'DATA_OTHER_FOUNDING',
    `ledger.json says ${name} ${String(says)}, but the log was founded with ${name} ${String(is)}`,
    { hint: 'restore ledger.json; what a ledger is was fixed at its founding' },
  );
}

/** A folder that says nothing of its rules was founded with what was usual then. */
function rulesSaid(
  { policy, bootstrap, recovery }: LedgerMark,
  entry: LedgerFounded,
): readonly [string, string, string][] {
  const said: [string, string, string][] = [];
  if (policy !== undefined) {
    said.push(['policy', policyDigest(policy), policyDigest(entry.policy)]);
  }
  if (bootstrap !== undefined) {
    said.push(['bootstrap', policyDigest(bootstrap), policyDigest(entry.bootstrap)]);
  }
  if (recovery !== undefined) {
    said.push(['recovery', recoveryWords(recovery), recoveryWords(entry.recovery)]);
  }
  return said;
}

function recoveryWords({ quorum, delay_h }: LedgerFounded['recovery']): string {
  return delay_h === undefined ? 'none' : `${quorum} persons, ${delay_h} hours`;
}

function executorMember(id: string, key: HeldKey, interfaceDigest: Digest): Member {
  return {
    kind: 'executor',
    id,
    key_thumbprint: key.thumbprint,
    public_key: key.publicKey,
    audiences: [EXEC_AUDIENCE],
    interface_digest: interfaceDigest,
  };
}

function agentMember(
  id: string,
  key: HeldKey,
  role: { readonly owner: string; readonly operator: boolean },
): Member {
  return {
    kind: 'agent',
    id,
    key_thumbprint: key.thumbprint,
    public_key: key.publicKey,
    ...role,
  };
}
