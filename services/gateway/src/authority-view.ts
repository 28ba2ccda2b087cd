import type {
  AgentMember,
  CredentialMember,
  DeputyMember,
  ExecutorMember,
  IdentityMember,
  FreezeMember,
  InvitationMember,
  IssuerMember,
  LedgerMember,
  PersonMember,
  RecoveryInvitation,
} from '@countersign/binding';
import { pendingRecoveries } from '@countersign/binding';
import { parseStrict, timestampMs, utf8, type Json } from '@countersign/canonical';
import type { MemberRow } from '@countersign/store';
import type { Models } from './gateway-deps.ts';

interface MemberByKind {
  readonly agent: AgentMember;
  readonly credential: CredentialMember;
  readonly deputy: DeputyMember;
  readonly executor: ExecutorMember;
  readonly identity: IdentityMember;
  readonly freeze: FreezeMember;
  readonly invitation: InvitationMember;
  readonly issuer: IssuerMember;
  readonly ledger: LedgerMember;
  readonly person: PersonMember;
}

const NEVER_FROZEN = { epoch: 0, frozen: false };

/** The authority as the read models hold it: good for who may read, never for who may decide. */
export class AuthorityView {
  readonly #models: Models;

  constructor(models: Models) {
    this.#models = models;
  }

  /** @throws Error while nothing is projected yet */
  async ledger(): Promise<LedgerMember> {
    const ledger = await this.member('ledger', 'ledger');
    if (ledger === undefined) throw new Error('invariant broken: a ledger without its founding');
    return ledger;
  }

  /** How often the ledger was frozen, and whether it is. */
  async freeze(): Promise<Pick<FreezeMember, 'epoch' | 'frozen'>> {
    const { epoch, frozen } = (await this.member('freeze', 'freeze')) ?? NEVER_FROZEN;
    return { epoch, frozen };
  }

  /** The recoveries that can still be cancelled, or used. */
  async recoveries(nowMs: number): Promise<readonly RecoveryInvitation[]> {
    return pendingRecoveries(await this.#all('invitation'), nowMs);
  }

  /** Who decides in whose place, now or later. */
  async deputies(nowMs: number): Promise<readonly DeputyMember[]> {
    const deputies = await this.#all('deputy');
    return deputies.filter(({ not_after }) => timestampMs(not_after) >= nowMs);
  }

  async member<K extends keyof MemberByKind>(
    kind: K,
    id: string,
  ): Promise<MemberByKind[K] | undefined> {
    return memberOf(kind, await this.#models.member(kind, id));
  }

  async byThumbprint<K extends 'agent' | 'executor'>(
    kind: K,
    thumbprint: string,
  ): Promise<MemberByKind[K] | undefined> {
    return memberOf(kind, await this.#models.memberByThumbprint(kind, thumbprint));
  }

  async #all<K extends keyof MemberByKind>(kind: K): Promise<readonly MemberByKind[K][]> {
    const rows = await this.#models.members(kind);
    return rows.map((row) => memberOf(kind, row)).filter((each) => each !== undefined);
  }
}

function memberOf<K extends keyof MemberByKind>(
  kind: K,
  row: MemberRow | undefined,
): MemberByKind[K] | undefined {
  if (row === undefined) return undefined;
  const json: Json = parseStrict(utf8(row.text));
  if (typeof json !== 'object' || json === null || !('kind' in json) || json['kind'] !== kind) {
    throw new Error(`invariant broken: a member that is not of kind ${kind}`);
  }
  // The ledger checked this member when it accepted it, and the log holds it as it was.
  return json as unknown as MemberByKind[K];
}
