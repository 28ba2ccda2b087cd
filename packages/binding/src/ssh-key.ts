import { fromBase64url, sha256, toBase64 } from '@countersign/canonical';
import {
  parseSshKey,
  SSH_KEY_TYPES,
  sshCredentialId,
  type ParsedSshKey,
  type SshKeyType,
} from '@countersign/human-proof';
import type { SshKeyMember } from './authority-member.ts';
import { refusing } from './binding-error.ts';
import { refusingKey } from './credential-key.ts';
import { personId, sshKey } from './field-shape.ts';
import { invalid, object, oneOf, optional, text, type Shape } from './shape.ts';

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
