import type { EnrolmentStatement, EntryOf, PolicyRule } from '@countersign/binding';
import type { AttestedModel } from '@countersign/human-proof';
import { hold } from './invariant-broken.ts';
import type { SignedTruth } from './signed-truth.ts';

/** Which keys are of which model, asked of what the makers really said: schemas/formats/policy.md §15. */
export class ModelOracle {
  readonly #truth: SignedTruth;
  readonly #models = new Map<string, AttestedModel>();

  constructor(truth: SignedTruth) {
    this.#truth = truth;
  }

  /** Attack row D08: no key is of a model because somebody else's is. */
  enrolled({ credential_id: credential, attestation }: EnrolmentStatement): void {
    if (attestation === undefined) return;
    const made = this.#truth.attested.get(credential);
    const isTheirs = made?.attestation.object === attestation.object;
    hold(isTheirs, 'FORGED', `${credential}: attested by nobody`);
    this.#models.set(credential, made.told);
  }

  isOf(credential: string, needed: PolicyRule['attested']): boolean {
    if (needed === undefined) return true;
    const own = this.#models.get(credential);
    const counts = needed.flatMap(({ root, models = ['any'] }) =>
      models.map((model) => `${root} ${model}`),
    );
    return (
      own !== undefined &&
      (counts.includes(`${own.root} ${own.model}`) || counts.includes(`${own.root} any`))
    );
  }

  assertDecided(
    { action_id: id, statement: { credential } }: EntryOf<'decision-accepted'>,
    needed: PolicyRule['attested'],
  ): void {
    hold(this.isOf(credential, needed), 'NOT_ATTESTED', `${id}: decided with ${credential}`);
  }

  assertBound({ action_id: id, requirement, decisions }: EntryOf<'binding-made'>): void {
    for (const { credential } of decisions) {
      const isOne = this.isOf(credential, requirement.attested);
      hold(isOne, 'NOT_ATTESTED', `${id}: bound by ${credential}`);
    }
  }
}
