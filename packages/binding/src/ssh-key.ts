import { fromBase64url, sha256, toBase64, type Digest } from '@countersign/canonical';
import {
  HumanProofError,
  parseCoseKey,
  parseSshKey,
  SSH_KEY_TYPES,
  sshCredentialId,
  type ParsedSshKey,
  type SshKeyType,
} from '@countersign/human-proof';
import type { AuthorityState } from './authority.ts';
import { isSshKey, type CredentialMember, type SshKeyMember } from './authority-member.ts';
import { BindingError, refusing } from './binding-error.ts';
import { personId, sshKey } from './field-shape.ts';
import { invalid, object, oneOf, optional, text, type Shape } from './shape.ts';
import { keyThumbprint } from './signed-object.ts';

/** What persons see of a key before they let it in; all but `person` follows from the key. */
export interface SshKeyEnrolled {
  readonly kind: 'ssh-key-enrolled';
  readonly person: string;
  readonly key_type: SshKeyType;
  /** As `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
  /** Of a security key alone. */
  readonly application?: string;
  readonly public_key: string;
}

export const sshKeyEnrolled: Shape<SshKeyEnrolled> = object<SshKeyEnrolled>({
  kind: oneOf('ssh-key-enrolled'),
  person: personId,
  key_type: oneOf(...SSH_KEY_TYPES),
  fingerprint: text(100),
  application: optional(text(128)),
  public_key: sshKey,
});

/** The change that lets a key in. @throws BindingError SCHEMA_INVALID for what is no SSH key of an allowed kind */
export function sshKeyChange(person: string, key: Uint8Array, publicKey: string): SshKeyEnrolled {
  const { type, application } = parsed(key);
  return {
    kind: 'ssh-key-enrolled',
    person,
    key_type: type,
    fingerprint: fingerprintOf(key),
    ...(application !== undefined && { application }),
    public_key: publicKey,
  };
}

/** @throws BindingError SCHEMA_INVALID when what is shown of the key is not what the key says */
export function sshKeyMemberOf(change: SshKeyEnrolled): SshKeyMember {
  const key = refusing(() => fromBase64url(change.public_key));
  const { type, application } = parsed(key);
  const isShown =
    change.key_type === type &&
    change.application === application &&
    change.fingerprint === fingerprintOf(key);
  if (!isShown) throw invalid('change', 'the type, application and fingerprint of the key');
  return {
    kind: 'credential',
    id: sshCredentialId(key),
    person: change.person,
    proof: 'sshsig',
    public_key: change.public_key,
  };
}

function fingerprintOf(key: Uint8Array): string {
  return `SHA256:${toBase64(sha256(key)).replace('=', '')}`;
}

function parsed(key: Uint8Array): ParsedSshKey {
  return refusingKey(() => parseSshKey(key));
}

/** Thumbprint of the key itself, however it is written and whatever it is for. */
function thumbprintOf(credential: CredentialMember): Digest {
  const key = refusing(() => fromBase64url(credential.public_key));
  const { spki } = refusingKey(() => (isSshKey(credential) ? parseSshKey(key) : parseCoseKey(key)));
  return keyThumbprint(spki);
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
 * passkey, of a security key and of a file at once: it would fill more than one seat (attack row D04).
 */
export function isKeyTaken(others: AuthorityState, next: CredentialMember): boolean {
  const credentials = others.ofKind('credential');
  if (credentials.some((each) => each.public_key === next.public_key)) return true;
  const thumbprint = thumbprintOf(next);
  // An agent whose own key is a person's would approve what it asks for.
  if (isSshKey(next) && others.holderOf(thumbprint) !== undefined) return true;
  return credentials.some(
    (each) => (isSshKey(next) || isSshKey(each)) && thumbprintOf(each) === thumbprint,
  );
}

/** Whether a person signs with the key of this thumbprint by SSH. */
export function isSshKeyOfPerson(state: AuthorityState, thumbprint: Digest): boolean {
  return state
    .ofKind('credential')
    .some((credential) => isSshKey(credential) && thumbprintOf(credential) === thumbprint);
}

function refusingKey<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof HumanProofError)) throw error;
    throw new BindingError('SCHEMA_INVALID', 'credential: expected a public key of its kind', {
      cause: error,
    });
  }
}
