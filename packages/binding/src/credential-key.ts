import { fromBase64url, type Digest } from '@countersign/canonical';
import {
  HumanProofError,
  parseCoseKey,
  parseSshKey,
  sshCredentialId,
} from '@countersign/human-proof';
import type { AuthorityState } from './authority.ts';
import { isSshKey, type CredentialMember } from './authority-member.ts';
import { BindingError, refusing } from './binding-error.ts';
import { invalid } from './shape.ts';
import { keyThumbprint } from './signed-object.ts';

/** A member never changes, and each enrolment is compared with all of them. */
const thumbprints = new WeakMap<CredentialMember, Digest>();

/** Thumbprint of the key itself, however it is written and whatever it is for. */
function thumbprintOf(credential: CredentialMember): Digest {
  const known = thumbprints.get(credential);
  if (known !== undefined) return known;
  const key = refusing(() => fromBase64url(credential.public_key));
  const { spki } = refusingKey(() => (isSshKey(credential) ? parseSshKey(key) : parseCoseKey(key)));
  const thumbprint = keyThumbprint(spki);
  thumbprints.set(credential, thumbprint);
  return thumbprint;
}

/** @throws BindingError SCHEMA_INVALID */
export function assertKeyOf(credential: CredentialMember): void {
  thumbprintOf(credential);
  const key = fromBase64url(credential.public_key);
  if (isSshKey(credential) && credential.id !== sshCredentialId(key)) {
    throw invalid('credential/id', 'the SHA-256 of its key');
  }
}

/**
 * Whether somebody has this key already. An SSH key has one only in one spelling, but the same key can be that of a
 * passkey, of a security key and of a file at once: it would fill more than one seat (attack row D04). And an agent whose
 * own key is a person's would approve what it asks for.
 */
export function isKeyTaken(others: AuthorityState, next: CredentialMember): boolean {
  return isKeyHeld(others, thumbprintOf(next));
}

/** Whoever has the key of an issuer could say that it acts for whomever it likes. */
export function isKeyHeld(others: AuthorityState, thumbprint: Digest): boolean {
  return (
    isKeyOfMember(others, thumbprint) ||
    others
      .ofKind('issuer')
      .some(({ keys }) => keys.some((key) => spkiThumbprint(key) === thumbprint))
  );
}

/** Whether an agent or an executor has it, or a person. */
export function isKeyOfMember(others: AuthorityState, thumbprint: Digest): boolean {
  return others.holderOf(thumbprint) !== undefined || isKeyOfPerson(others, thumbprint);
}

export function spkiThumbprint(key: { readonly public_key: string }): Digest {
  return keyThumbprint(fromBase64url(key.public_key));
}

/** Whether a person signs with the key of this thumbprint, or did: a revoked key does not come back in another spelling. */
function isKeyOfPerson(state: AuthorityState, thumbprint: Digest): boolean {
  const isIt = (credential: CredentialMember): boolean => thumbprintOf(credential) === thumbprint;
  return (
    state.ofKind('credential').some(isIt) ||
    state.retired.some((each) => each.kind === 'credential' && isIt(each))
  );
}

export function refusingKey<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof HumanProofError)) throw error;
    throw new BindingError('SCHEMA_INVALID', 'credential: expected a public key of its kind', {
      cause: error,
    });
  }
}
