import { createHash } from 'node:crypto';
import { ed25519Raw, toBase64 } from '@countersign/canonical';
import { parseNote, parseTlogProof } from '@countersign/tlog';
import { edited, type CaseHead, type EvidenceCase } from './evidence-case.ts';
import { ed25519Key, rawSignature, readyLedger, type SigningKey } from './ledger-forge.ts';

/** Of forged evidence: bindings are made in its first minutes. */
const SEEN_AT = Date.parse('2026-11-22T17:00:00.000Z') / 1_000;

/** A witness as its cosignatures tell of it: c2sp.org/tlog-cosignature. */
class CaseWitness {
  readonly name: string;
  readonly #key: SigningKey;

  constructor(name: string, key: SigningKey = ed25519Key()) {
    this.name = name;
    this.#key = key;
  }

  as(name: string): CaseWitness {
    return new CaseWitness(name, this.#key);
  }

  get vkey(): string {
    return `${this.name}+${Buffer.from(this.#id()).toString('hex')}+${toBase64(this.#typed())}`;
  }

  line(text: string, time: number = SEEN_AT): string {
    const seconds = Buffer.alloc(8);
    seconds.writeBigUInt64BE(BigInt(time));
    const message = Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
    const raw = Buffer.concat([this.#id(), seconds, rawSignature(message, this.#key)]);
    return `\u2014 ${this.name} ${toBase64(raw)}\n`;
  }

  #typed(): Uint8Array {
    return Buffer.concat([Buffer.of(4), ed25519Raw(this.#key.spki)]);
  }

  #id(): Uint8Array {
    const hash = createHash('sha256').update(`${this.name}\n`).update(this.#typed());
    return Uint8Array.from(hash.digest().subarray(0, 4));
  }
}

type Witnesses = readonly [CaseWitness, CaseWitness, CaseWitness];

interface Course {
  /** Lines of the policy; none at all when left out. */
  readonly policy?: (witnesses: Witnesses) => readonly string[];
  /** Lines behind the log's own, for the text of the head. */
  readonly lines: (text: string, witnesses: Witnesses) => readonly string[];
}

function course(
  head: CaseHead & Pick<EvidenceCase, 'level'>,
  { policy, lines }: Course,
): EvidenceCase {
  return {
    level: 'witnessed',
    ...head,
    make: async () => {
      const witnesses = ['a', 'b', 'c'].map((name) => new CaseWitness(`witness.example/${name}`));
      const three = witnesses as unknown as Witnesses;
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      const evidence = await ledger.evidence(bound);
      const witness_policy = policy?.(three).join('\n');
      return {
        evidence: edited(evidence, ['binding', 'receipt'], (receipt) =>
          cosigned(receipt as string, (text) => lines(text, three)),
        ),
        trust: ledger.trust(witness_policy === undefined ? {} : { witness_policy }),
      };
    },
  };
}

function cosigned(receipt: string, lines: (text: string) => readonly string[]): string {
  const { text } = parseNote(parseTlogProof(receipt).checkpoint);
  return receipt + lines(text).join('');
}

const known = (witnesses: Witnesses): string[] =>
  witnesses.map(({ name, vkey }) => `witness ${name} ${vkey}`);
const one = ([a]: Witnesses): string[] => [`witness a ${a.vkey}`, 'quorum a'];
const twoOfThree = (witnesses: Witnesses): string[] => [
  ...known(witnesses),
  `group two 2 ${witnesses.map(({ name }) => name).join(' ')}`,
  'quorum two',
];
const nested = (witnesses: Witnesses): string[] => {
  const [a, b, c] = witnesses;
  return [
    '# a, and one of the others',
    ...known(witnesses).map((line) => `${line} https://witness.example/`),
    `group others any ${b.name} ${c.name}`,
    `group both all ${a.name} others`,
    'quorum both',
  ];
};

export const WITNESS_CASES: readonly EvidenceCase[] = [
  course(
    { name: 'witnessed', about: 'The one witness of the policy has cosigned the head.' },
    { policy: one, lines: (text, [a]) => [a.line(text)] },
  ),
  course(
    { name: 'witnessed-two-of-three', about: 'Two of three witnesses have cosigned the head.' },
    { policy: twoOfThree, lines: (text, [a, , c]) => [c.line(text), a.line(text)] },
  ),
  course(
    { name: 'witnessed-group', about: 'One witness has cosigned, and one of a group of two.' },
    { policy: nested, lines: (text, [a, b]) => [a.line(text), b.line(text)] },
  ),
  course(
    {
      name: 'witnessed-unknown-beside',
      about: 'The cosignature of an unknown witness is skipped, spoiled or not.',
    },
    {
      policy: one,
      lines: (text, [a, b]) => [b.line(`${text}other\n`), a.line(text)],
    },
  ),
  course(
    {
      name: 'witnessed-at-human',
      about:
        'Below level witnessed a policy asks for nothing, and the cosignatures of its witnesses are those of unknown keys.',
      level: 'human',
    },
    { policy: one, lines: (text, [a]) => [a.line(`${text}other\n`)] },
  ),
];

export const FALSE_WITNESS_CASES: readonly EvidenceCase[] = [
  course(
    {
      name: 'witness-no-policy',
      code: 'WITNESS_POLICY_MISSING',
      about: 'The trust file has no witness policy.',
    },
    { lines: (text, [a]) => [a.line(text)] },
  ),
  course(
    { name: 'witness-none', code: 'WITNESS_QUORUM', about: 'No witness has cosigned the head.' },
    { policy: one, lines: () => [] },
  ),
  course(
    {
      name: 'witness-one-missing',
      code: 'WITNESS_QUORUM',
      about: 'One of three witnesses has cosigned the head, and two are needed.',
    },
    { policy: twoOfThree, lines: (text, [a]) => [a.line(text)] },
  ),
  course(
    {
      name: 'witness-group-missing',
      code: 'WITNESS_QUORUM',
      about: 'Two have cosigned, both of the group of which one is needed.',
    },
    { policy: nested, lines: (text, [, b, c]) => [b.line(text), c.line(text)] },
  ),
  course(
    {
      name: 'witness-unknown',
      code: 'WITNESS_QUORUM',
      about: 'Only a witness that the policy does not name has cosigned.',
    },
    { policy: one, lines: (text, [, b]) => [b.line(text)] },
  ),
  course(
    {
      name: 'witness-twice',
      code: 'WITNESS_QUORUM',
      about: 'One witness has cosigned twice, at two times.',
    },
    { policy: twoOfThree, lines: (text, [a]) => [a.line(text), a.line(text, SEEN_AT + 1)] },
  ),
  course(
    {
      name: 'witness-under-two-names',
      code: 'WITNESS_QUORUM',
      about: 'One key has cosigned under two names, of which the policy knows one.',
    },
    {
      policy: twoOfThree,
      lines: (text, [a]) => [a.line(text), a.as('witness.example/d').line(text)],
    },
  ),
  course(
    {
      name: 'witness-other-head',
      code: 'CHECKPOINT_INVALID',
      about: 'The cosignature is that of another head of the log.',
    },
    {
      policy: one,
      lines: (text, [a]) => [a.line(text.replace(/\n[0-9]+\n/, '\n1\n'))],
    },
  ),
  course(
    {
      name: 'witness-spoiled-beside',
      code: 'CHECKPOINT_INVALID',
      about: 'Two have cosigned, which would do; the cosignature of the third does not verify.',
    },
    {
      policy: twoOfThree,
      lines: (text, [a, b, c]) => [a.line(text), b.line(text), c.line(`${text}other\n`)],
    },
  ),
  course(
    {
      name: 'witness-before-binding',
      code: 'WITNESS_TIME',
      about: 'The witnesses saw the head a day before the ledger says that it made the binding.',
    },
    { policy: one, lines: (text, [a]) => [a.line(text, SEEN_AT - 2 * 86_400)] },
  ),
];

/** Policies for trust files. */
export const POLICIES: readonly {
  readonly name: string;
  readonly about: string;
  readonly isValid: boolean;
  readonly policy: string;
}[] = (() => {
  const a = new CaseWitness('witness.example/a');
  const b = new CaseWitness('witness.example/b');
  const both = [`witness a ${a.vkey}`, `witness b ${b.vkey} https://witness.example/`];
  const of = (name: string, about: string, lines: readonly string[]) => ({
    name: `witness-${name}`,
    about,
    isValid: name === 'policy',
    policy: lines.join('\n'),
  });
  return [
    of('policy', 'Both witnesses of a group.', [...both, '', 'group g all a b', 'quorum g', '']),
    of('no-quorum', 'The policy has no quorum.', both),
    of('quorum-none', 'The quorum asks for nobody.', [...both, 'quorum none']),
    of('quorum-unknown', 'The quorum is not defined.', [...both, 'quorum c']),
    of('quorum-twice', 'There are two quorums.', [...both, 'quorum a', 'quorum b']),
    of('key-twice', 'One key has two names.', [
      `witness a ${a.vkey}`,
      `witness b ${a.as('witness.example/d').vkey}`,
      'group g all a b',
      'quorum g',
    ]),
    of('name-twice', 'Two witnesses have one name.', [
      `witness a ${a.vkey}`,
      `witness a ${b.vkey}`,
      'quorum a',
    ]),
    of('two-groups', 'A witness is in two groups.', [
      ...both,
      'group g any a b',
      'group h any a g',
      'quorum h',
    ]),
    of('threshold', 'A group asks for more than it has.', [...both, 'group g 3 a b', 'quorum g']),
    of('threshold-zero', 'A group asks for nobody.', [...both, 'group g 0 a b', 'quorum g']),
    of('log-line', 'The policy names a log.', [...both, `log ${a.vkey}`, 'quorum a']),
  ];
})();
