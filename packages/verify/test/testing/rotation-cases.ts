import { parseVerifierKey } from '@countersign/tlog';
import type { JsonObject } from '@countersign/canonical';
import { edited, type CaseHead, type EvidenceCase, type EvidenceFile } from './evidence-case.ts';
import {
  ed25519Key,
  newPerson,
  p256Key,
  readyLedger,
  type Bound,
  type LedgerForge,
  type SigningKey,
} from './ledger-forge.ts';
import { invite } from './valid-cases.ts';

/** A ledger whose log key was or will be another one, and what its evidence of one binding was before that. */
export class Rotation {
  readonly ledger: LedgerForge;
  readonly oldKey: SigningKey;
  readonly newKey: SigningKey;

  constructor(newKey: SigningKey = ed25519Key(), ledger: LedgerForge = readyLedger()) {
    this.ledger = ledger;
    this.oldKey = ledger.logKey;
    this.newKey = newKey;
  }

  vkeyOf(key: SigningKey): string {
    return this.ledger.noteSigner(key).vkey;
  }

  add(key: SigningKey = this.newKey, approver = this.ledger.bob): void {
    const change = { kind: 'log-key-added', vkey: this.vkeyOf(key) };
    this.ledger.change(change, { approvers: [approver] });
  }

  remove(key: SigningKey = this.oldKey): void {
    const { keyIdHex: id } = parseVerifierKey(this.vkeyOf(key));
    this.ledger.change({ kind: 'log-key-removed', id }, { approvers: [this.ledger.bob] });
  }

  /** Adds the new key, signs with both, then removes the old one. */
  complete(): void {
    this.add();
    this.ledger.signing = [this.oldKey, this.newKey];
    this.remove();
    this.ledger.signing = [this.newKey];
  }

  bind(): Bound {
    return this.ledger.bind({}, { approvers: [this.ledger.bob] });
  }

  /** Of a binding under the authority that now holds. */
  async file(bound: Bound): Promise<EvidenceFile & { readonly evidence: JsonObject }> {
    const evidence = await this.ledger.evidence(bound);
    const authority = { ...(evidence['authority'] as JsonObject), later: null };
    return {
      evidence: { ...evidence, v: 'countersign.evidence.v2', authority },
      trust: this.ledger.trust(),
    };
  }

  /** Of a binding of before, as it is handed out now: with what became of the log's keys since. */
  async renewed(before: JsonObject, bound: Bound): Promise<JsonObject> {
    const { ledger } = this;
    const authority = before['authority'] as JsonObject;
    const known = (authority['chain'] as readonly unknown[]).length;
    const chain = ledger.chain.slice(known).map((link) => ({ ...link }));
    return {
      ...before,
      v: 'countersign.evidence.v2',
      binding: await ledger.logged(bound.binding),
      admission: await ledger.logged(bound.admission),
      authority: {
        ...authority,
        later: { chain, receipt: await ledger.receipt(ledger.ref.index) },
      },
    };
  }
}

interface Course {
  /** Before the binding. */
  readonly before?: (rotation: Rotation) => void;
  /** Between the binding and the file. */
  readonly after?: (rotation: Rotation) => void;
  readonly newKey?: SigningKey;
  readonly edit?: (evidence: JsonObject, rotation: Rotation) => JsonObject;
  readonly trust?: (trust: JsonObject, rotation: Rotation) => JsonObject;
}

type Head = CaseHead & Pick<EvidenceCase, 'level'>;

function course(head: Head, { before, after, newKey, edit, trust }: Course): EvidenceCase {
  return {
    ...head,
    make: async () => {
      const rotation = new Rotation(newKey);
      before?.(rotation);
      const bound = rotation.bind();
      const file = await rotation.file(bound);
      after?.(rotation);
      const made =
        after === undefined ? file.evidence : await rotation.renewed(file.evidence, bound);
      return {
        evidence: edit?.(made, rotation) ?? made,
        trust: trust?.(file.trust, rotation) ?? file.trust,
      };
    },
  };
}

const complete = (rotation: Rotation): void => {
  rotation.complete();
};

/** Signed with the old key alone, after it was removed. */
const withOldKey = (rotation: Rotation): void => {
  rotation.complete();
  rotation.ledger.signing = [rotation.oldKey];
};

export const ROTATION_CASES: readonly EvidenceCase[] = [
  course(
    {
      name: 'key-rotated-later',
      about:
        'The head is signed by a key that persons added after the binding; the pinned one is gone.',
    },
    { after: complete },
  ),
  course(
    {
      name: 'key-rotated-before',
      about:
        'The binding was made, and the head is signed, under a key that took the place of the pinned one.',
    },
    { before: complete },
  ),
  course(
    {
      name: 'key-rotated-sealed',
      level: 'sealed',
      about:
        'At level sealed a key that the trust file does not pin counts when the chain proves it.',
    },
    { after: complete },
  ),
  course(
    {
      name: 'key-rotated-to-p256',
      about: 'The new key is of another kind than the old one.',
    },
    { after: complete, newKey: p256Key() },
  ),
  course(
    {
      name: 'key-overlap',
      about: 'Both keys are members and sign the head; the trust file pins the old one.',
    },
    {
      before: (rotation) => {
        rotation.add();
        rotation.ledger.signing = [rotation.oldKey, rotation.newKey];
      },
    },
  ),
  course(
    {
      name: 'key-overlap-new-alone',
      about: 'Both keys are members, and the new one alone signs the head.',
    },
    {
      after: (rotation) => {
        rotation.add();
        rotation.ledger.signing = [rotation.newKey];
      },
    },
  ),
  course(
    {
      name: 'key-pinned-new',
      about: 'The trust file pins the new key alone, which the chain holds from a later size on.',
    },
    {
      after: complete,
      trust: (trust, rotation) => ({ ...trust, log_keys: [rotation.vkeyOf(rotation.newKey)] }),
    },
  ),
  course(
    {
      name: 'key-old-signs-beside-new',
      about: 'A signature of the removed key beside a valid one changes nothing.',
    },
    {
      after: (rotation) => {
        rotation.complete();
        rotation.ledger.signing = [rotation.oldKey, rotation.newKey];
      },
    },
  ),
  course(
    {
      name: 'key-change-other',
      about: 'Later changes that are none of a key may follow the last one that is.',
    },
    {
      after: (rotation) => {
        rotation.complete();
        rotation.ledger.change(invite(newPerson()), { approvers: [rotation.ledger.bob] });
      },
    },
  ),
  course(
    {
      name: 'key-never-changed',
      about: 'Version 2 of a log whose keys have never changed.',
    },
    {},
  ),
];

export const FALSE_ROTATION_CASES: readonly EvidenceCase[] = [
  course(
    {
      name: 'key-removed-later',
      code: 'SIGNING_KEY_NOT_VALID_AT',
      about: 'The head is signed by the pinned key alone, which was removed before that size.',
    },
    { after: withOldKey },
  ),
  course(
    {
      name: 'key-removed-before',
      code: 'SIGNING_KEY_NOT_VALID_AT',
      about: 'The binding stands behind the removal of the only key that signed its head.',
    },
    { before: withOldKey },
  ),
  course(
    {
      name: 'key-removed-sealed',
      code: 'SIGNING_KEY_NOT_VALID_AT',
      level: 'sealed',
      about: 'At level sealed too, a pinned key ends where the chain removes it.',
    },
    { before: withOldKey },
  ),
  {
    name: 'key-not-yet',
    code: 'SIGNING_KEY_NOT_VALID_AT',
    about:
      'The binding’s head is from before the new key was added, and signed by the new key alone.',
    make: async () => {
      const rotation = new Rotation();
      const { ledger } = rotation;
      const bound = rotation.bind();
      const before = await rotation.file(bound);
      const early = await ledger.checkpoint(ledger.noteSigner(rotation.newKey));
      const receipt = await ledger.receipt(bound.binding.index, early);
      rotation.complete();
      const evidence = await rotation.renewed(before.evidence, bound);
      return { evidence: edited(evidence, ['binding', 'receipt'], receipt), trust: before.trust };
    },
  },
  course(
    {
      name: 'key-not-shown',
      code: 'LOG_KEY_UNKNOWN',
      about: 'The evidence does not show how the key that signed the head became one of the log.',
    },
    { after: complete, edit: (evidence) => edited(evidence, ['authority', 'later'], () => null) },
  ),
  course(
    {
      name: 'key-added-by-nobody',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The entry that adds the key comes without the binding that allowed it.',
    },
    {
      after: complete,
      edit: (evidence) =>
        edited(evidence, ['authority', 'later', 'chain', 0, 'binding'], undefined),
    },
  ),
  course(
    {
      name: 'key-added-by-owner',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The key was added with the approval of the owner of the agent that asked for it.',
    },
    {
      after: (rotation) => {
        rotation.add(rotation.newKey, rotation.ledger.alice);
        rotation.ledger.signing = [rotation.newKey];
      },
    },
  ),
  course(
    {
      name: 'key-founding-unpinned',
      code: 'LOG_KEY_UNKNOWN',
      about: 'A founding key that the trust file does not pin counts for nothing.',
    },
    {
      after: (rotation) => {
        rotation.add();
      },
      trust: (trust, rotation) => ({ ...trust, log_keys: [rotation.vkeyOf(rotation.newKey)] }),
    },
  ),
  course(
    {
      name: 'key-change-elsewhere',
      code: 'NOT_LOGGED',
      about: 'The receipt of the last change is that of another entry.',
    },
    {
      after: complete,
      edit: (evidence) => {
        const { receipt } = evidence['binding'] as { readonly receipt: string };
        return edited(
          evidence,
          ['authority', 'later', 'receipt'],
          receipt.replace(/^index .*$/m, 'index 99'),
        );
      },
    },
  ),
  course(
    {
      name: 'key-change-not-logged',
      code: 'NOT_LOGGED',
      about: 'The receipt of the last change is none.',
    },
    {
      after: complete,
      edit: (evidence) => edited(evidence, ['authority', 'later', 'receipt'], 'none'),
    },
  ),
  course(
    {
      name: 'key-change-of-none',
      code: 'EVIDENCE_FORMAT',
      about: 'Later changes are said to be there, and none is.',
    },
    {
      after: complete,
      edit: (evidence) => edited(evidence, ['authority', 'later', 'chain'], []),
    },
  ),
  course(
    {
      name: 'key-change-in-version-1',
      code: 'EVIDENCE_FORMAT',
      about:
        'Version 1 of a log whose keys have changed: it could not say until when they are valid.',
    },
    {
      before: (rotation) => {
        rotation.add();
      },
      edit: (evidence) => ({
        ...edited(evidence, ['authority', 'later'], undefined),
        v: 'countersign.evidence.v1',
      }),
    },
  ),
  course(
    {
      name: 'later-in-version-1',
      code: 'EVIDENCE_FORMAT',
      about: 'Version 1 has no later changes.',
    },
    {
      after: complete,
      edit: (evidence) => ({ ...evidence, v: 'countersign.evidence.v1' }),
    },
  ),
  course(
    {
      name: 'later-not-said',
      code: 'EVIDENCE_FORMAT',
      about: 'Version 2 says whether the keys of the log have changed since.',
    },
    { edit: (evidence) => edited(evidence, ['authority', 'later'], undefined) },
  ),
];
