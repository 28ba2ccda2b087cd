import { createHash } from 'node:crypto';
import { canonicalText, ed25519Raw, type JsonObject } from '@countersign/canonical';
import { formatVerifierKey } from '@countersign/tlog';
import { edited, isList, type Path } from './evidence-case.ts';
import { POLICIES } from './witness-cases.ts';
import { ed25519Key, ORIGIN, p256Key } from './ledger-forge.ts';

export interface TrustCase {
  readonly name: string;
  readonly about: string;
  readonly isValid: boolean;
  /** Text of the file. */
  readonly trust: string;
}

function vkey(name: string = ORIGIN): string {
  return formatVerifierKey({ name, algorithm: 'ed25519', publicKey: ed25519Key().spki });
}

const PLAIN: JsonObject = {
  v: 'countersign.trust.v1',
  origin: ORIGIN,
  log_keys: [vkey()],
  genesis: `sha256:${'ab'.repeat(32)}`,
  accept: { proof_classes: ['uv'], separation: ['full', 'solo'], demo: false },
};

const ROOT = `${'A'.repeat(43)}=`;

function trusting(name: string, about: string, members: JsonObject): TrustCase {
  return { name, about, isValid: true, trust: canonicalText({ ...PLAIN, ...members }) };
}

function refused(
  head: Pick<TrustCase, 'name' | 'about'>,
  path: Path,
  change: Parameters<typeof edited>[2],
): TrustCase {
  return { ...head, isValid: false, trust: canonicalText(edited(PLAIN, path, change)) };
}

/** Right in all but its type, which is 4. */
function witnessKey(): string {
  const typed = Buffer.concat([Buffer.of(4), ed25519Raw(ed25519Key().spki)]);
  const id = createHash('sha256').update(`${ORIGIN}\n`).update(typed).digest('hex').slice(0, 8);
  return `${ORIGIN}+${id}+${typed.toString('base64')}`;
}

export const TRUST_CASES: readonly TrustCase[] = [
  trusting('plain', 'One Ed25519 key.', {}),
  trusting('two-keys', 'Keys of both kinds.', {
    log_keys: [
      vkey(),
      formatVerifierKey({ name: ORIGIN, algorithm: 'ecdsa-p256', publicKey: p256Key().spki }),
    ],
  }),
  trusting('lenient', 'Everything is accepted.', {
    accept: { proof_classes: ['uv', 'up', 'possession'], separation: ['solo'], demo: true },
  }),
  trusting('pinned-head', 'With a head that was seen.', { pinned_head: { size: 0, root: ROOT } }),
  ...POLICIES.map(({ policy, ...head }) => ({
    ...head,
    trust: canonicalText({ ...PLAIN, witness_policy: policy }),
  })),
  { name: 'white-space', about: 'Indented.', isValid: true, trust: JSON.stringify(PLAIN, null, 2) },
  refused({ name: 'version', about: 'Another version.' }, ['v'], 'countersign.trust.v2'),
  refused({ name: 'unknown-member', about: 'A member that is not defined.' }, ['urgent'], true),
  refused({ name: 'no-genesis', about: 'No genesis is pinned.' }, ['genesis'], undefined),
  refused({ name: 'genesis-form', about: 'The genesis is no digest.' }, ['genesis'], 'sha256:ab'),
  refused(
    { name: 'genesis-capitals', about: 'The digest is in capitals.' },
    ['genesis'],
    `sha256:${'AB'.repeat(32)}`,
  ),
  refused({ name: 'no-key', about: 'No log key.' }, ['log_keys'], []),
  refused({ name: 'key-form', about: 'No verifier key.' }, ['log_keys', 0], 'abc'),
  refused(
    { name: 'key-id', about: 'The key id is that of another key.' },
    ['log_keys', 0],
    (old) => (typeof old === 'string' ? old.replace(/\+[0-9a-f]{8}\+/, '+00000000+') : undefined),
  ),
  refused(
    { name: 'key-of-other', about: 'A key named after another log.' },
    ['log_keys', 0],
    vkey('example.org/log'),
  ),
  refused(
    { name: 'key-of-witness', about: 'The key of a witness.' },
    ['log_keys', 0],
    witnessKey(),
  ),
  refused({ name: 'key-twice', about: 'The same key twice.' }, ['log_keys'], (old) =>
    isList(old) ? [...old, ...old] : undefined,
  ),
  refused(
    { name: 'no-class', about: 'No proof class is accepted.' },
    ['accept', 'proof_classes'],
    [],
  ),
  refused(
    { name: 'class-unknown', about: 'A proof class that does not exist.' },
    ['accept', 'proof_classes'],
    ['sms'],
  ),
  refused(
    { name: 'class-twice', about: 'A proof class twice.' },
    ['accept', 'proof_classes'],
    ['uv', 'uv'],
  ),
  refused(
    { name: 'separation-unknown', about: 'A separation that does not exist.' },
    ['accept', 'separation'],
    ['none'],
  ),
  refused({ name: 'demo-text', about: 'The demo flag is text.' }, ['accept', 'demo'], 'false'),
  refused({ name: 'head-root', about: 'The root of the pinned head is short.' }, ['pinned_head'], {
    size: 1,
    root: 'AAAA',
  }),
  refused(
    { name: 'head-size', about: 'The size of the pinned head is negative.' },
    ['pinned_head'],
    {
      size: -1,
      root: ROOT,
    },
  ),
  {
    name: 'duplicate-name',
    about: 'A member name stands twice.',
    isValid: false,
    trust: canonicalText(PLAIN).replace('{', '{"origin":"x",'),
  },
];
