/** How sure a proof makes that a human was there: schemas/formats/glossary.md. */
export type ProofClass = 'uv' | 'up' | 'possession';

/** What every valid proof tells beyond its validity. */
export interface ProofFacts {
  readonly proofClass: ProofClass;
  /** Of the authenticator; 0 where there is none. */
  readonly counter: number;
}
