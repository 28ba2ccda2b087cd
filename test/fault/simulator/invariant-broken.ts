/** What a simulated run must never do: the names that the report and the tests use. */
export type Broken =
  /** A signed head that the log does not hold. */
  | 'SIGNED_NOT_HELD'
  /** Two signed heads of one size. */
  | 'FORKED'
  /** Readers that do not agree on the log. */
  | 'READERS_DIFFER'
  /** A derived record of something that was not accepted. */
  | 'DERIVED_NOT_ACCEPTED'
  | 'DERIVED_MISSING'
  | 'TWO_BINDINGS'
  | 'BOUND_WITHOUT_APPROVALS'
  | 'BOUND_TOO_LATE'
  /** By approvals that fill no seat of its rule, or not in its order or its time. */
  | 'BOUND_OUT_OF_TURN'
  /** By one of a second group, before it went on to them. */
  | 'DECIDED_TOO_EARLY'
  /** Approved without what its rule has typed. */
  | 'UNCONFIRMED'
  | 'USED_WITHOUT_BINDING'
  | 'USED_TOO_OFTEN'
  | 'USED_AFTER_REVOCATION'
  | 'USED_TOO_LATE'
  /** Or after the thaw, of what was bound before. */
  | 'USED_WHILE_FROZEN'
  | 'BOUND_WHILE_FROZEN'
  /** Under a policy that asks for more by then. */
  | 'STRICTER_NOW'
  /** By an approval, or an enrolment, of somebody of whom the company does not say so. */
  | 'NOT_A_MEMBER'
  /** By a key of no model that its rule names. */
  | 'NOT_ATTESTED'
  /** On the behalf of somebody who never said so, or for more than they said. */
  | 'NOT_DELEGATED'
  | 'TERMINAL_CHANGED'
  | 'EXPIRED_TOO_EARLY'
  /** An entry about something that its sender never signed. */
  | 'FORGED'
  /** An entry that does not follow from what the log says before it. */
  | 'RULE'
  | 'TIME'
  /** What an entry speaks of was not durable before it, or what was erased is there. */
  | 'CONTENT'
  | 'ACKNOWLEDGED_LOST'
  | 'UNANSWERED'
  /** Every service says it is ready, and nobody is answered. */
  | 'STOOD_STILL'
  | 'WRONG_ANSWER'
  | 'UNSEALED'
  | 'REPLAY_DIFFERS'
  | 'READ_MODEL_DIFFERS'
  /** A service stopped for a reason that nothing in the simulation gave it. */
  | 'SERVICE_STOPPED';

export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken';
  readonly code: Broken;

  constructor(code: Broken, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

export function hold(holds: boolean, code: Broken, message: string): asserts holds {
  if (!holds) throw new InvariantBroken(code, message);
}
