import type { Json } from '@countersign/canonical';
import {
  edited,
  fileText,
  isList,
  type CaseHead,
  type EvidenceCase,
  type Path,
} from './evidence-case.ts';
import { ed25519Key, ORIGIN, readyLedger } from './ledger-forge.ts';
import { file, plain, plainObject } from './valid-cases.ts';

type Change = Parameters<typeof edited>[2];

/** Plain evidence of an honest ledger, with one thing in the file changed afterwards. */
function changed(head: CaseHead, path: Path, change: Change): EvidenceCase {
  return {
    ...head,
    make: async () => {
      const { evidence, trust } = await plainObject();
      return { evidence: edited(evidence, path, change), trust };
    },
  };
}

/** The text of a file that no object could hold. */
function rewritten(name: string, about: string, rewrite: (text: string) => string): EvidenceCase {
  return {
    name,
    about,
    code: 'EVIDENCE_FORMAT',
    make: async () => {
      const { evidence, trust } = await plain();
      return { evidence: rewrite(fileText(evidence)), trust };
    },
  };
}

/** One replacement in a text; a case that replaces nothing would test nothing. */
function replaced(from: string | RegExp, to: string): (old: Json | undefined) => Json {
  return (old) => {
    if (typeof old !== 'string') throw new Error('expected text');
    const next = old.replace(from, to);
    if (next === old) throw new Error(`expected ${String(from)} in the text`);
    return next;
  };
}

const otherHash = 'A'.repeat(43) + '=';
const otherDigest = `sha256:${'ef'.repeat(32)}`;

function flipFirst(old: Json | undefined): Json {
  if (typeof old !== 'string') throw new Error('expected text');
  return (old.startsWith('A') ? 'B' : 'A') + old.slice(1);
}

export const FORMAT_CASES: readonly EvidenceCase[] = [
  rewritten('format-duplicate-name', 'A member name stands twice.', (text) =>
    text.replace('{"admission":', '{"origin":"x","admission":'),
  ),
  rewritten('format-fraction', 'A size is written as a fraction.', (text) =>
    text.replace(/"size":(\d+)/, '"size":$1.0'),
  ),
  rewritten('format-truncated', 'The file ends early.', (text) => text.slice(0, -1)),
  rewritten('format-trailing', 'Something stands behind the file.', (text) => `${text}{}`),
  changed(
    { name: 'format-version', about: 'Another version.', code: 'EVIDENCE_FORMAT' },
    ['v'],
    'countersign.evidence.v2',
  ),
  changed(
    {
      name: 'format-unknown-member',
      about: 'A member that is not defined.',
      code: 'EVIDENCE_FORMAT',
    },
    ['urgent'],
    true,
  ),
  changed(
    { name: 'format-missing-member', about: 'The policy is left out.', code: 'EVIDENCE_FORMAT' },
    ['policy'],
    undefined,
  ),
  changed(
    {
      name: 'format-entry-not-canonical',
      about: 'The text of the binding has a space, so it is not its canonical text.',
      code: 'EVIDENCE_FORMAT',
    },
    ['binding', 'entry'],
    replaced('{', '{ '),
  ),
  changed(
    {
      name: 'format-entry-unknown-member',
      about: 'The text of the binding has a member more than its type.',
      code: 'EVIDENCE_FORMAT',
    },
    ['binding', 'entry'],
    replaced(/}$/, ',"zz":1}'),
  ),
  {
    name: 'format-entry-type',
    about: 'The admission stands in the place of the binding.',
    code: 'TYPE_CONFUSION',
    make: async () => {
      const { evidence, trust } = await plainObject();
      return { evidence: edited(evidence, ['binding'], evidence['admission']), trust };
    },
  },
  changed(
    {
      name: 'format-half-erased',
      about: 'The display is missing, though the action is there.',
      code: 'EVIDENCE_FORMAT',
    },
    ['display'],
    null,
  ),
];

export const LOG_CASES: readonly EvidenceCase[] = [
  changed(
    {
      name: 'receipt-missing',
      about: 'The binding was never logged: there is no receipt.',
      code: 'NOT_LOGGED',
    },
    ['binding', 'receipt'],
    '',
  ),
  changed(
    {
      name: 'receipt-index',
      about: 'The receipt of the binding names another index.',
      code: 'NOT_LOGGED',
    },
    ['binding', 'receipt'],
    replaced(/index \d+/, 'index 1'),
  ),
  changed(
    {
      name: 'receipt-path',
      about: 'A hash of the inclusion proof is another one.',
      code: 'NOT_LOGGED',
    },
    ['binding', 'receipt'],
    replaced(/(index \d+\n)[^\n]+/, `$1${otherHash}`),
  ),
  changed(
    {
      name: 'receipt-path-short',
      about: 'A hash of the inclusion proof is missing.',
      code: 'NOT_LOGGED',
    },
    ['binding', 'receipt'],
    replaced(/(index \d+\n)[^\n]+\n/, '$1'),
  ),
  changed(
    {
      name: 'receipt-extra',
      about: 'The receipt holds extra data, which nothing authenticates.',
      code: 'NOT_LOGGED',
    },
    ['binding', 'receipt'],
    replaced('\nindex', '\nextra AAAA\nindex'),
  ),
  changed(
    {
      name: 'receipt-of-admission',
      about: 'The admission has the receipt of the binding.',
      code: 'NOT_LOGGED',
    },
    ['admission', 'receipt'],
    replaced(/index \d+/, 'index 2'),
  ),
  {
    name: 'off-log',
    about: 'The log key has signed a head, but the binding is not under it.',
    code: 'NOT_LOGGED',
    make: async () => {
      const ledger = readyLedger();
      const note = await ledger.checkpoint();
      const { evidence, trust } = await plainObject(ledger);
      const underIt = replaced(/\n\n[^]*/, `\n\n${note}`);
      return { evidence: edited(evidence, ['binding', 'receipt'], underIt), trust };
    },
  },
  changed(
    {
      name: 'entry-edited',
      about: 'One digit of the time of the binding was changed in the log.',
      code: 'NOT_LOGGED',
    },
    ['binding', 'entry'],
    replaced('"at":"2026-11-22T16:00', '"at":"2026-11-22T16:01'),
  ),
  changed(
    {
      name: 'checkpoint-root',
      about: 'The root of the head is another one than was signed.',
      code: 'CHECKPOINT_INVALID',
    },
    ['binding', 'receipt'],
    replaced(/(\n\n[^\n]+\n\d+\n)[^\n]+/, `$1${otherHash}`),
  ),
  changed(
    {
      name: 'checkpoint-size',
      about: 'The size of the head is another one than was signed.',
      code: 'CHECKPOINT_INVALID',
    },
    ['admission', 'receipt'],
    replaced(/(\n\n[^\n]+\n)\d+/, '$19'),
  ),
  changed(
    {
      name: 'checkpoint-origin',
      about: 'The head is that of another log.',
      code: 'CHECKPOINT_INVALID',
    },
    ['binding', 'receipt'],
    replaced(`\n\n${ORIGIN}\n`, '\n\nexample.org/another\n'),
  ),
  changed(
    {
      name: 'checkpoint-unsigned',
      about: 'The head has no signature line.',
      code: 'CHECKPOINT_INVALID',
    },
    ['binding', 'receipt'],
    replaced(/\n— .*\n$/, '\n'),
  ),
  {
    name: 'log-key-other',
    about: 'The head is signed by a key that the trust file does not pin.',
    code: 'LOG_KEY_UNKNOWN',
    make: async () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      const evidence = await ledger.evidence(bound);
      const note = await ledger.checkpoint(ledger.noteSigner(ed25519Key()));
      const receipt = await ledger.receipt(bound.binding.index, note);
      return { evidence: edited(evidence, ['binding', 'receipt'], receipt), trust: ledger.trust() };
    },
  },
  changed(
    {
      name: 'log-other',
      about: 'The evidence says that it is of another log.',
      code: 'LOG_KEY_UNKNOWN',
    },
    ['origin'],
    'example.org/another',
  ),
  {
    name: 'log-forked',
    about: 'The trust file pins a head of this size with another root.',
    code: 'EQUIVOCATION',
    make: async () => {
      const ledger = readyLedger();
      const { evidence } = await plainObject(ledger);
      const pinned_head = { size: ledger.tree.size, root: otherHash };
      return { evidence, trust: ledger.trust({ pinned_head }) };
    },
  },
];

export const CONTENT_CASES: readonly EvidenceCase[] = [
  {
    name: 'admission-other',
    about: 'The admission is that of another request.',
    code: 'ADMISSION_MISMATCH',
    make: async () => {
      const ledger = readyLedger();
      const other = ledger.admit();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      return file(ledger, { ...bound, admission: other.admission });
    },
  },
  changed(
    {
      name: 'action-edited',
      about: 'One argument of the command is another one than was approved.',
      code: 'ACTION_DIGEST_MISMATCH',
    },
    ['content', 'action'],
    replaced('--plan', '--apply'),
  ),
  changed(
    {
      name: 'action-not-canonical',
      about: 'The action has a space more.',
      code: 'ACTION_DIGEST_MISMATCH',
    },
    ['content', 'action'],
    replaced('{', '{ '),
  ),
  {
    name: 'action-other',
    about: 'Approved was one command, shown is another one of the same agent.',
    code: 'ACTION_DIGEST_MISMATCH',
    make: async () => {
      const ledger = readyLedger();
      const other = ledger.admit();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      return file(ledger, { ...bound, action: other.action });
    },
  },
  changed(
    {
      name: 'display-edited',
      about: 'A line of the display was changed.',
      code: 'DISPLAY_MISMATCH',
    },
    ['display', 'title'],
    'Run nothing',
  ),
  changed(
    {
      name: 'descriptor-edited',
      about: 'The descriptor is not the one of the admission.',
      code: 'DESCRIPTOR_MISMATCH',
    },
    ['descriptor', 'title'],
    'Run nothing',
  ),
  changed(
    {
      name: 'policy-edited',
      about: 'The policy is not the one of the admission.',
      code: 'POLICY_MISMATCH',
    },
    ['policy', 'rules', 0, 'approvals'],
    2,
  ),
  changed(
    { name: 'policy-missing', about: 'The policy is left out.', code: 'POLICY_MISMATCH' },
    ['policy'],
    null,
  ),
  changed(
    {
      name: 'rationale-edited',
      about: 'The rationale is not the one that was signed.',
      code: 'RATIONALE_MISMATCH',
    },
    ['content', 'rationales', 0, 'text'],
    'I was told to',
  ),
  changed(
    {
      name: 'rationale-salt',
      about: 'The salt of the rationale is another one.',
      code: 'RATIONALE_MISMATCH',
    },
    ['content', 'rationales', 0, 'salt'],
    flipFirst,
  ),
  changed(
    { name: 'rationale-missing', about: 'The rationale is left out.', code: 'RATIONALE_MISMATCH' },
    ['content', 'rationales'],
    [],
  ),
  changed(
    {
      name: 'rationale-of-other',
      about: 'The rationale is said to be that of another decision.',
      code: 'RATIONALE_MISMATCH',
    },
    ['content', 'rationales', 0, 'decision'],
    otherDigest,
  ),
  {
    name: 'content-missing',
    about: 'The content is missing, and nothing in the log says that it was erased.',
    code: 'CONTENT_MISSING',
    make: async () => {
      const { evidence, trust } = await plainObject();
      const without = edited(evidence, ['content'], { action: null, rationales: [] });
      return { evidence: edited(without, ['display'], null), trust };
    },
  },
  {
    name: 'erasure-of-other',
    about: 'The content is missing, and what was erased is that of another action.',
    code: 'CONTENT_MISSING',
    make: async () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      const other = ledger.bind({}, { approvers: [ledger.bob] });
      return file(ledger, bound, { erased: ledger.erase(other) });
    },
  },
];

export const AUTHORITY_FILE_CASES: readonly EvidenceCase[] = [
  changed(
    {
      name: 'chain-missing',
      about: 'The chain of the authority is left out, and this verifier has not seen it before.',
      code: 'AUTHORITY_MISSING',
    },
    ['authority', 'chain'],
    [],
  ),
  {
    name: 'genesis-other',
    about: 'The trust file pins another founding.',
    code: 'GENESIS_MISMATCH',
    make: async () => {
      const { evidence, trust } = await plainObject();
      return { evidence, trust: edited(trust, ['genesis'], otherDigest) };
    },
  },
  changed(
    {
      name: 'chain-link-missing',
      about: 'A change of the authority is left out of the chain.',
      code: 'AUTHORITY_CHAIN_INVALID',
    },
    ['authority', 'chain', 2],
    undefined,
  ),
  changed(
    {
      name: 'chain-too-short',
      about: 'The last change of the authority is left out of the chain.',
      code: 'AUTHORITY_CHAIN_INVALID',
    },
    ['authority', 'chain', 3],
    undefined,
  ),
  changed(
    {
      name: 'chain-swapped',
      about: 'A change stands in the chain twice.',
      code: 'AUTHORITY_CHAIN_INVALID',
    },
    ['authority', 'chain'],
    (old) => (isList(old) ? [...old.slice(0, 2), ...old.slice(1)] : undefined),
  ),
  changed(
    {
      name: 'chain-edited',
      about: 'The person of an enrolment is another one.',
      code: 'AUTHORITY_CHAIN_INVALID',
    },
    ['authority', 'chain', 1, 'entry'],
    replaced('"backup_eligible":false', '"backup_eligible":true'),
  ),
  changed(
    {
      name: 'member-path',
      about: 'A hash of a membership proof is another one.',
      code: 'MEMBERSHIP_INVALID',
    },
    ['authority', 'members', 0, 'path', 0],
    otherHash,
  ),
  changed(
    {
      name: 'member-edited',
      about: 'A member is another one than the authority holds.',
      code: 'MEMBERSHIP_INVALID',
    },
    ['authority', 'members', 1, 'member', 'operator'],
    false,
  ),
  changed(
    {
      name: 'member-index',
      about: 'A member is said to stand elsewhere.',
      code: 'MEMBERSHIP_INVALID',
    },
    ['authority', 'members', 0, 'index'],
    0,
  ),
  changed(
    {
      name: 'member-surplus',
      about: 'A member is proven twice.',
      code: 'MEMBERSHIP_INVALID',
    },
    ['authority', 'members'],
    (old) => (isList(old) ? [...old, ...old.slice(0, 1)] : undefined),
  ),
  changed(
    {
      name: 'member-credential-missing',
      about: 'Nothing proves that the credential was enrolled.',
      code: 'MEMBERSHIP_INVALID',
    },
    ['authority', 'members', 4],
    undefined,
  ),
  changed(
    {
      name: 'authority-size',
      about: 'The authority is said to be larger.',
      code: 'MEMBERSHIP_INVALID',
    },
    ['authority', 'size'],
    99,
  ),
];

export const TIME_CASES: readonly EvidenceCase[] = [
  {
    name: 'expired',
    about: 'A millisecond more than five seconds after use_by.',
    code: 'EXPIRED',
    now: '2026-11-22T16:10:11.001Z',
    make: () => plain(),
  },
  {
    name: 'clock-behind',
    about: 'The clock of the verifier is behind the binding.',
    code: 'CLOCK_UNKNOWN',
    now: '2026-11-22T15:59:00.000Z',
    make: () => plain(),
  },
  {
    name: 'expired-sealed',
    about: 'Expiry counts at level sealed too.',
    code: 'EXPIRED',
    level: 'sealed',
    now: '2026-11-23T00:00:00.000Z',
    make: () => plain(),
  },
];
