import type {
  CompanyGroup,
  Entry,
  EntryOf,
  EnrolmentStatement,
  Member,
  Membership,
} from '@countersign/binding';
import { timestampMs } from '@countersign/canonical';
import { ISSUER, subjectIn } from './company.ts';
import { hold } from './invariant-broken.ts';
import type { SignedTruth } from './signed-truth.ts';

/** Between a sign-in and the enrolment that it is for. */
const ENROL_WITHIN_MS = 900_000;

interface Approved {
  readonly person: string;
  readonly membership?: Membership | undefined;
}

/** What the company says of its people, asked of what was really signed: schemas/formats/policy.md §7.9, delegation.md §3. */
export class CompanyOracle {
  readonly #truth: SignedTruth;
  /** Of the company, as it is pinned; undefined while it is not. */
  #key: string | undefined;
  readonly #ties = new Map<string, { readonly issuer: string; readonly subject_digest: string }>();
  /** Whether anything of it was ever changed. */
  isShaken = false;

  constructor(truth: SignedTruth) {
    this.#truth = truth;
  }

  get isPinned(): boolean {
    return this.#key !== undefined;
  }

  /** Who is tied to another company than ours. */
  get strays(): readonly string[] {
    return [...this.#ties].flatMap(([person, { issuer }]) => (issuer === ISSUER ? [] : [person]));
  }

  founded(members: readonly Member[]): void {
    for (const member of members) {
      if (member.kind === 'issuer') this.#key = member.keys[0]?.public_key;
      if (member.kind === 'identity') this.#ties.set(member.id, member);
    }
  }

  pinned(issuer: { readonly keys: readonly { readonly public_key: string }[] }): void {
    this.#key = issuer.keys[0]?.public_key;
    this.isShaken = true;
  }

  unpinned(): void {
    hold(this.isPinned, 'RULE', 'an issuer revoked that is not there');
    this.#key = undefined;
    this.isShaken = true;
  }

  tied(tie: {
    readonly person: string;
    readonly issuer: string;
    readonly subject_digest: string;
  }): void {
    this.#ties.set(tie.person, tie);
    this.isShaken = true;
  }

  /** Whoever the company knows shows its account, while the company is pinned: attack row D14. */
  assertEnrolled(
    { person, invitation }: EnrolmentStatement,
    identity: Membership | undefined,
    atMs: number,
  ): void {
    if (!this.isPinned || this.#ties.get(person)?.issuer !== ISSUER) return;
    const told = this.#truth.signIns.get(identity?.token ?? '');
    const isShown =
      told !== undefined &&
      this.#isOf(person, told) &&
      told.invitation === invitation &&
      atMs <= told.madeMs + ENROL_WITHIN_MS;
    hold(isShown, 'NOT_A_MEMBER', `${person}: enrolled without the account of the company`);
  }

  /** When a membership ends to count; undefined where it does not count now. */
  endMs(
    { person, membership }: Approved,
    { within_s: withinS }: CompanyGroup,
    atMs: number,
  ): number | undefined {
    const told = this.#truth.signIns.get(membership?.token ?? '');
    if (told === undefined || !this.#isOf(person, told)) return undefined;
    if (!told.isIn || told.invitation !== undefined) return undefined;
    const endMs = told.madeMs + withinS * 1_000;
    return atMs <= endMs ? endMs : undefined;
  }

  #isOf(person: string, told: { readonly person: string; readonly key: string }): boolean {
    const tie = this.#ties.get(person);
    const isTied = tie?.issuer === ISSUER && tie.subject_digest === subjectIn(ISSUER, person);
    return isTied && told.person === person && told.key === this.#key;
  }

  assertDecided(
    entry: EntryOf<'decision-accepted'>,
    needed: CompanyGroup | undefined,
    atMs: number,
  ): void {
    const { person } = entry.statement;
    const isAsked = needed !== undefined;
    hold(
      isAsked || entry.membership === undefined,
      'RULE',
      `${person}: a sign-in that nobody asked for`,
    );
    if (!isAsked) return;
    const endMs = this.endMs({ person, membership: entry.membership }, needed, atMs);
    hold(endMs !== undefined, 'NOT_A_MEMBER', `${entry.action_id}: decided by ${person}`);
  }

  /** No binding lasts longer than the sign-ins that it is made of. */
  assertBound(entry: EntryOf<'binding-made'>, atMs: number): void {
    const { member_of: needed } = entry.requirement;
    if (needed === undefined) return;
    for (const decision of entry.decisions) {
      const endMs = this.endMs(decision, needed, atMs);
      const isKept = endMs !== undefined && timestampMs(entry.use_by) <= endMs;
      hold(isKept, 'NOT_A_MEMBER', `${entry.action_id}: bound by ${decision.person}`);
    }
  }

  /** Whether a sign-in made it shorter: nothing is said of sign-ins that were never the first to end. */
  isCut({
    requirement: { member_of: needed },
    decisions,
    use_by: useBy,
  }: EntryOf<'binding-made'>): boolean {
    const atMs = timestampMs(useBy);
    return (
      needed !== undefined && decisions.some((each) => this.endMs(each, needed, atMs) === atMs)
    );
  }

  /** Who approved is still somebody of the company, and the company is still asked. */
  assertUsed({ action_id: id, requirement, decisions }: EntryOf<'binding-made'>): void {
    if (requirement.member_of === undefined) return;
    const areTied = decisions.every(({ person }) => this.#ties.get(person)?.issuer === ISSUER);
    hold(
      this.isPinned && areTied,
      'NOT_A_MEMBER',
      `${id}: used by approvals that lost their ground`,
    );
  }

  assertAdmitted(entry: EntryOf<'request-admitted'>, atMs: number): void {
    const { action_id: id, delegation } = entry;
    const chain = this.#truth.chains.get(entry.action_digest);
    hold((delegation === undefined) === (chain === undefined), 'NOT_DELEGATED', `${id}: a chain`);
    if (chain === undefined || delegation === undefined) return;
    const isSound = chain.isSound && chain.allows && chain.key === this.#key && atMs < chain.endsMs;
    hold(isSound, 'NOT_DELEGATED', `${id}: admitted by a chain that does not hold`);
    const isIt =
      delegation.every(
        ({ issuer, digest }, at) => issuer === ISSUER && digest === chain.digests[at],
      ) && delegation.length === chain.digests.length;
    hold(isIt, 'NOT_DELEGATED', `${id}: admitted by other links`);
    const isNamed =
      entry.acting_for.length === 1 &&
      entry.acting_for[0] === chain.person &&
      entry.excluded.some(({ person }) => person === chain.person);
    hold(
      isNamed,
      'NOT_DELEGATED',
      `${id}: for another person than its chain says, or not without them`,
    );
    hold(timestampMs(entry.not_after) <= chain.endsMs, 'NOT_DELEGATED', `${id}: beyond its chain`);
  }

  /** A company that is not pinned any more vouches for nobody, also for who has asked before. */
  assertVouched({
    action_id: id,
    delegation,
  }: Pick<EntryOf<'request-admitted'>, 'action_id' | 'delegation'>): void {
    hold(
      delegation === undefined || this.isPinned,
      'NOT_DELEGATED',
      `${id}: bound for an issuer that is gone`,
    );
  }

  /** A refusal for a chain is of one that does not hold. */
  assertRefused(entry: Entry, atMs: number): void {
    if (entry.type !== 'request-refused' || !entry.code.startsWith('DELEGATION_')) return;
    const chain = this.#truth.chains.get(entry.action_digest);
    const isInvalid =
      chain !== undefined && (!chain.isSound || chain.key !== this.#key || chain.endsMs <= atMs);
    const isSo = entry.code === 'DELEGATION_EXCEEDED' ? chain?.allows === false : isInvalid;
    hold(isSo, 'WRONG_ANSWER', `${entry.action_id ?? ''}: refused as ${entry.code}`);
  }
}
