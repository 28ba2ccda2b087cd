import { canonicalText, type JsonObject } from '@countersign/canonical';
import {
  DEFAULT_BOOTSTRAP,
  DEFAULT_POLICY,
  type BindingMade,
  type Policy,
} from '@countersign/binding';
import { edited, type CaseHead, type EvidenceCase } from './evidence-case.ts';
import {
  COMMAND,
  ed25519Key,
  INTERFACE,
  newPerson,
  readyLedger,
  type ActionOptions,
  type BindOptions,
  type Bound,
  type ForgeOptions,
  type LedgerForge,
} from './ledger-forge.ts';
import { file, invite, plain, plainObject, TWO_OF_US, withDora } from './valid-cases.ts';

const other = `sha256:${'ef'.repeat(32)}` as const;

interface Forgery {
  readonly ledger?: ForgeOptions;
  readonly request?: (ledger: LedgerForge) => ActionOptions;
  readonly bind?: (ledger: LedgerForge) => Partial<BindOptions>;
  readonly trust?: (trust: JsonObject) => JsonObject;
}

/** Evidence of a ledger whose operator has the log key, and lies in one thing: all of it is logged and signed. */
function forged(head: CaseHead, forgery: Forgery): EvidenceCase {
  return {
    ...head,
    make: async () => {
      const ledger = readyLedger(forgery.ledger);
      const request = forgery.request?.(ledger) ?? {};
      const bound = ledger.bind(request, { approvers: [ledger.bob], ...forgery.bind?.(ledger) });
      const { evidence, trust } = await file(ledger, bound);
      return { evidence, trust: forgery.trust?.(trust) ?? trust };
    },
  };
}

/** A binding of which something else was logged than its own type allows. */
function misshapen(head: CaseHead, change: (text: string) => string): EvidenceCase {
  return {
    ...head,
    make: async () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      const placed = ledger.appendText(change(bound.binding.text), bound.binding.entry);
      return file(ledger, { ...bound, binding: placed });
    },
  };
}

export const TERMS_CASES: readonly EvidenceCase[] = [
  forged(
    {
      name: 'terms-requirement',
      code: 'ADMISSION_MISMATCH',
      about: 'The binding asks for less than its admission.',
    },
    {
      ledger: { policy: TWO_OF_US },
      bind: () => ({
        binding: {
          requirement: {
            rule: 'default',
            approvals: 1,
            approvers: 'any',
            proof_classes: ['uv'],
            rationale: 'required',
          },
        },
      }),
    },
  ),
  forged(
    {
      name: 'terms-executor',
      code: 'ADMISSION_MISMATCH',
      about: 'The binding is for another executor than its admission.',
    },
    {
      bind: () => ({
        binding: {
          executor: { id: 'executor:other', audience: 'local', descriptor_digest: INTERFACE },
        },
      }),
    },
  ),
  forged(
    {
      name: 'terms-uses',
      code: 'ADMISSION_MISMATCH',
      about: 'The binding allows more uses than its admission.',
    },
    {
      bind: () => ({ binding: { max_uses: 2 } }),
    },
  ),
  forged(
    {
      name: 'terms-admission-index',
      code: 'ADMISSION_MISMATCH',
      about: 'The binding says that its admission stands elsewhere.',
    },
    {
      bind: () => ({ binding: { admission_index: 1 } }),
    },
  ),
  forged(
    {
      name: 'terms-late',
      code: 'ADMISSION_MISMATCH',
      about: 'It was bound after the time to decide.',
    },
    {
      request: () => ({ admission: { decide_by: '2026-11-22T16:00:06.000Z' } }),
    },
  ),
  forged(
    {
      name: 'admitted-executor',
      code: 'ADMISSION_MISMATCH',
      about: 'The admission names another audience than the action.',
    },
    {
      request: () => ({
        admission: {
          executor: { id: 'executor:local', audience: 'elsewhere', descriptor_digest: INTERFACE },
        },
      }),
    },
  ),
  forged(
    {
      name: 'admitted-uses',
      code: 'ADMISSION_MISMATCH',
      about: 'The admission allows more uses than were asked for.',
    },
    {
      ledger: { policy: TWO_OF_US },
      request: () => ({ admission: { max_uses: 2 } }),
      bind: ({ bob, carol }) => ({ approvers: [bob, carol] }),
    },
  ),
  forged(
    {
      name: 'admitted-exclusion',
      code: 'ADMISSION_MISMATCH',
      about: 'The owner of the agent is not on the list of the excluded, and approves.',
    },
    {
      request: () => ({ admission: { excluded: [] } }),
      bind: ({ alice }) => ({ approvers: [alice] }),
    },
  ),
  forged(
    {
      name: 'admitted-separation',
      code: 'ADMISSION_MISMATCH',
      about: 'The admission says solo in a ledger of separation full.',
    },
    {
      request: () => ({ admission: { separation: 'solo', excluded: [] } }),
      bind: ({ alice }) => ({ approvers: [alice] }),
    },
  ),
  forged(
    {
      name: 'displayed-other',
      code: 'DISPLAY_MISMATCH',
      about: 'The person signed for another display than the action gives.',
    },
    {
      request: () => ({ admission: { display_digest: other } }),
    },
  ),
  {
    ...forgedDisplay(),
    name: 'displayed-lie',
    about:
      'The person was shown, and signed for, a harmless command; the action holds another one.',
    code: 'DISPLAY_MISMATCH',
    needsRendering: true,
  },
  forged(
    {
      name: 'descriptor-unknown',
      code: 'DESCRIPTOR_MISMATCH',
      about: 'The admission holds another descriptor than the authority.',
    },
    {
      request: () => ({ admission: { descriptor_digest: other } }),
    },
  ),
  forged(
    {
      name: 'policy-weaker',
      code: 'POLICY_MISMATCH',
      about: 'The admission asks for less than the policy that it names.',
    },
    {
      ledger: { policy: TWO_OF_US },
      request: (ledger) => ({ rule: { ...ledger.ruleOf('generic.command'), approvals: 1 } }),
    },
  ),
  forged(
    {
      name: 'policy-longer',
      code: 'POLICY_MISMATCH',
      about: 'The admission allows a use for longer than the policy.',
    },
    {
      request: () => ({ admission: { use_within_s: 86_400 } }),
    },
  ),
  {
    name: 'policy-unknown',
    about: 'The policy is not the one of the authority.',
    code: 'POLICY_MISMATCH',
    make: () => {
      const ledger = readyLedger({ policy: TWO_OF_US });
      ledger.pretendPolicy(DEFAULT_POLICY);
      return file(ledger, ledger.bind({}, { approvers: [ledger.bob] }));
    },
  },
  forged(
    { name: 'policy-no-rule', code: 'NO_POLICY', about: 'The policy has no rule for this type.' },
    {
      ledger: {
        policy: {
          v: 'countersign.policy.v1',
          rules: DEFAULT_POLICY.rules.map((rule) => ({ ...rule, types: ['iam.policy.change'] })),
        },
      },
      request: () => {
        const [rule] = DEFAULT_POLICY.rules;
        return rule === undefined ? {} : { rule };
      },
    },
  ),
  forged(
    {
      name: 'rationale-empty',
      code: 'RATIONALE_REQUIRED',
      about: 'The policy asks for a rationale, and the person gave none.',
    },
    {
      bind: () => ({ rationale: '  ' }),
    },
  ),
  forged(
    { name: 'demo', code: 'DEMO_LEDGER', about: 'The ledger was founded for a demonstration.' },
    {
      ledger: { demo: true },
    },
  ),
  forged(
    {
      name: 'demo-hidden',
      code: 'ADMISSION_MISMATCH',
      about: 'The ledger was founded for a demonstration, and the binding hides it.',
    },
    {
      ledger: { demo: true },
      request: () => ({ admission: { demo: false } }),
    },
  ),
  forged(
    {
      name: 'solo',
      code: 'SEPARATION_NOT_ACCEPTED',
      about: 'The trust file accepts separation full only.',
    },
    {
      ledger: { separation: 'solo' },
      trust: (trust) => edited(trust, ['accept', 'separation'], ['full']),
    },
  ),
];

/** All digests fit what was shown; only rendering the action again tells. */
function forgedDisplay(): Pick<EvidenceCase, 'make'> {
  return {
    make: async () => {
      const ledger = readyLedger();
      const shown = ledger.displayOf({ ...COMMAND, argv: ['/bin/true'] });
      const bound = ledger.bind(
        { admission: { display_digest: shown.digest } },
        { approvers: [ledger.bob] },
      );
      const evidence = await ledger.evidence(bound);
      return { evidence: edited(evidence, ['display'], shown.display), trust: ledger.trust() };
    },
  };
}

export const REGISTRATION_CASES: readonly EvidenceCase[] = [
  forged(
    { name: 'agent-unknown', code: 'AGENT_UNKNOWN', about: 'No such agent is enrolled.' },
    {
      request: ({ agent }) => ({
        envelope: { agent: { id: 'agent:ghost', key_thumbprint: agent.thumbprint } },
      }),
    },
  ),
  forged(
    {
      name: 'agent-owner',
      code: 'AGENT_MISMATCH',
      about: 'The admission names another owner of the agent, so that the owner may approve.',
    },
    {
      request: ({ agent, alice, carol }) => ({
        admission: {
          agent: { id: 'agent:fixer/1', key_thumbprint: agent.thumbprint, owner: carol.id },
          excluded: [
            { person: carol.id, code: 'OWNER_APPROVAL' },
            { person: alice.id, code: 'OWNER_APPROVAL' },
          ],
        },
      }),
    },
  ),
  forged(
    { name: 'executor-unknown', code: 'EXECUTOR_UNKNOWN', about: 'No such executor is enrolled.' },
    {
      request: () => ({
        envelope: {
          executor: { id: 'executor:ghost', audience: 'local', descriptor_digest: INTERFACE },
        },
      }),
    },
  ),
  forged(
    {
      name: 'executor-audience',
      code: 'EXECUTOR_MISMATCH',
      about: 'The executor is not enrolled for this audience.',
    },
    {
      request: () => ({
        envelope: {
          executor: { id: 'executor:local', audience: 'prod', descriptor_digest: INTERFACE },
        },
      }),
    },
  ),
  forged(
    {
      name: 'executor-interface',
      code: 'EXECUTOR_DESCRIPTOR_MISMATCH',
      about: 'The executor is enrolled with another interface.',
    },
    {
      request: () => ({
        envelope: {
          executor: { id: 'executor:local', audience: 'local', descriptor_digest: other },
        },
      }),
    },
  ),
  forged(
    {
      name: 'request-signature',
      code: 'SIGNATURE_INVALID',
      about: 'Somebody else has signed the request.',
    },
    {
      request: () => ({ signer: ed25519Key() }),
    },
  ),
];

function proofCase(name: string, about: string, proof: BindOptions['proof']): EvidenceCase {
  return forged(
    { name, code: 'ASSERTION_INVALID', about },
    {
      bind: () => (proof === undefined ? {} : { proof }),
    },
  );
}

export const DECISION_CASES: readonly EvidenceCase[] = [
  misshapen(
    { name: 'proof-none', code: 'NO_HUMAN_PROOF', about: 'The binding holds no decision at all.' },
    (text) => text.replace(/"decisions":\[.*?\}\],/, '"decisions":[],'),
  ),
  misshapen(
    {
      name: 'proof-null',
      code: 'NO_HUMAN_PROOF',
      about: 'The binding names a person, without a proof.',
    },
    (text) => text.replace(/"proof":\{.*?\}/, '"proof":null'),
  ),
  misshapen(
    { name: 'proof-malformed', code: 'ASSERTION_INVALID', about: 'The proof is not an assertion.' },
    (text) => text.replace('"kind":"webauthn"', '"kind":"password"'),
  ),
  proofCase('assertion-other-challenge', 'The person signed another statement.', (_, { passkey }) =>
    passkey.assert(new Uint8Array(32).fill(1)),
  ),
  proofCase(
    'assertion-registration',
    'It is the answer to a registration.',
    (challenge, { passkey }) => passkey.assert(challenge, { type: 'webauthn.create' }),
  ),
  proofCase('assertion-origin', 'It was made on another web page.', (challenge, { passkey }) =>
    passkey.assert(challenge, { origin: 'http://localhost.example:7420' }),
  ),
  proofCase('assertion-rp', 'It was made for another rpId.', (challenge, { passkey }) =>
    passkey.assert(challenge, { rpId: 'example.org' }),
  ),
  proofCase(
    'assertion-framed',
    'It was made inside the page of somebody else.',
    (challenge, { passkey }) => passkey.assert(challenge, { crossOrigin: true }),
  ),
  proofCase('assertion-absent', 'Nobody touched the authenticator.', (challenge, { passkey }) =>
    passkey.assert(challenge, { flags: 0x04 }),
  ),
  proofCase(
    'assertion-unverified',
    'The person was not verified, and the rule asks for it.',
    (challenge, { passkey }) => passkey.assert(challenge, { flags: 0x01 }),
  ),
  proofCase(
    'assertion-other-key',
    'Another key has signed under this id.',
    (challenge, { passkey }) => passkey.assert(challenge, { signer: newPerson().passkey }),
  ),
  proofCase(
    'assertion-other-credential',
    'It is the assertion of another credential.',
    (challenge) => newPerson().passkey.assert(challenge),
  ),
  forged(
    {
      name: 'statement-other-request',
      code: 'DECISION_REQUEST_MISMATCH',
      about: 'What was signed is about another request.',
    },
    {
      bind: (ledger) => {
        return { binding: { statement: ledger.commonOf(ledger.admit().admission) } };
      },
    },
  ),
  forged(
    {
      name: 'statement-other-ledger',
      code: 'DECISION_REQUEST_MISMATCH',
      about: 'What was signed is for another ledger.',
    },
    {
      bind: () => ({ common: { ledger: 'example.org/another' } }),
    },
  ),
  forged(
    {
      name: 'decision-expired',
      code: 'EXPIRED',
      about: 'The decision was no longer good for all of the time of use.',
    },
    {
      bind: () => ({ binding: { use_by: '2026-11-22T16:12:00.000Z' } }),
    },
  ),
  forged(
    {
      name: 'quorum',
      code: 'QUORUM_NOT_MET',
      about: 'Two persons were needed, and one has approved.',
    },
    {
      ledger: { policy: TWO_OF_US },
    },
  ),
  forged(
    { name: 'human-twice', code: 'DUPLICATE_HUMAN', about: 'One person fills two seats.' },
    {
      ledger: { policy: TWO_OF_US },
      bind: ({ bob }) => ({ approvers: [bob, bob] }),
    },
  ),
  {
    name: 'key-twice',
    about: 'Two persons fill two seats with one key.',
    code: 'DUPLICATE_KEY',
    make: () => {
      const ledger = readyLedger({ policy: TWO_OF_US });
      const carolsHand = { ...ledger.carol, passkey: ledger.bob.passkey };
      return file(ledger, ledger.bind({}, { approvers: [ledger.bob, carolsHand] }));
    },
  },
  forged(
    {
      name: 'credential-not-enrolled',
      code: 'KEY_NOT_ENROLLED_AT_TIME',
      about: 'The operator made up a key for this person.',
    },
    {
      bind: ({ bob }) => ({ approvers: [{ ...newPerson(), id: bob.id }] }),
    },
  ),
  {
    name: 'credential-revoked',
    about: 'The credential was revoked before the binding.',
    code: 'KEY_NOT_ENROLLED_AT_TIME',
    make: () => {
      const ledger = readyLedger();
      const { credential_id } = ledger.bob.passkey.credentialKey;
      ledger.change({ kind: 'credential-revoked', credential_id }, { approvers: [ledger.carol] });
      return file(ledger, ledger.bind({}, { approvers: [ledger.bob] }));
    },
  },
  forged(
    {
      name: 'credential-of-other',
      code: 'CREDENTIAL_UNKNOWN',
      about: 'The key is that of somebody else than the person named.',
    },
    {
      bind: ({ bob, carol }) => ({ approvers: [{ ...bob, passkey: carol.passkey }] }),
    },
  ),
  forged(
    { name: 'role', code: 'NOT_A_NATURAL_PERSON', about: 'A role account has approved.' },
    {
      ledger: { personClass: 'role' },
      bind: ({ carol }) => ({ approvers: [carol] }),
    },
  ),
  forged(
    { name: 'machine', code: 'NOT_A_NATURAL_PERSON', about: 'A model has approved.' },
    {
      ledger: { personClass: 'machine' },
      bind: ({ carol }) => ({ approvers: [carol] }),
    },
  ),
  forged(
    { name: 'owner', code: 'OWNER_APPROVAL', about: 'The owner of the agent has approved.' },
    {
      bind: ({ alice }) => ({ approvers: [alice] }),
    },
  ),
  forged(
    {
      name: 'principal',
      code: 'OWNER_APPROVAL',
      about: 'The person in whose name the agent acts has approved.',
    },
    {
      request: ({ carol }) => ({ envelope: { acting_for: [{ sub: carol.id, kind: 'person' }] } }),
      bind: ({ carol }) => ({ approvers: [carol] }),
    },
  ),
  {
    name: 'requester',
    about: 'The agent is a tool of the person who has approved.',
    code: 'SELF_APPROVAL',
    make: () => {
      const ledger = readyLedger();
      const tool = ed25519Key();
      const agent = {
        id: 'agent:tool',
        public_key: tool.publicKey,
        owner: ledger.alice.id,
        operator: false,
        person: ledger.bob.id,
      };
      ledger.change({ kind: 'agent-enrolled', agent }, { approvers: [ledger.bob] });
      const named = { id: 'agent:tool', key_thumbprint: tool.thumbprint };
      const request: ActionOptions = {
        signer: tool,
        envelope: { agent: named },
        admission: {
          agent: { ...named, owner: ledger.alice.id, person: ledger.bob.id },
          excluded: [
            { person: ledger.alice.id, code: 'OWNER_APPROVAL' },
            { person: ledger.bob.id, code: 'SELF_APPROVAL' },
          ],
        },
      };
      return file(ledger, ledger.bind(request, { approvers: [ledger.bob] }));
    },
  },
  {
    name: 'not-an-approver',
    about: 'The rule names its approvers, and this person is none.',
    code: 'NOT_ELIGIBLE',
    make: () => {
      const carol = newPerson();
      const ledger = readyLedger({
        policy: {
          v: 'countersign.policy.v1',
          rules: DEFAULT_POLICY.rules.map((rule) => ({ ...rule, approvers: [carol.id] })),
        },
      });
      return file(ledger, ledger.bind({}, { approvers: [ledger.bob] }));
    },
  },
  forged(
    {
      name: 'proof-class-wrong',
      code: 'PROOF_CLASS',
      about: 'The binding tells another class than the assertion has.',
    },
    {
      ledger: { policy: touchIsEnough() },
      bind: () => ({
        proof: (challenge, { passkey }) => passkey.assert(challenge, { flags: 0x01 }),
      }),
    },
  ),
  forged(
    {
      name: 'proof-class-not-accepted',
      code: 'PROOF_CLASS_NOT_ACCEPTED',
      about: 'The policy takes a mere touch; the trust file does not.',
    },
    {
      ledger: { policy: touchIsEnough() },
      bind: () => ({
        proof: (challenge, { passkey }) => passkey.assert(challenge, { flags: 0x01 }),
        decision: { proof_class: 'up' },
      }),
    },
  ),
];

function touchIsEnough(): typeof DEFAULT_POLICY {
  return {
    v: 'countersign.policy.v1',
    rules: DEFAULT_POLICY.rules.map((rule) => ({ ...rule, proof_classes: ['uv', 'up'] })),
  };
}

function policySet(policy: Policy): JsonObject {
  return { kind: 'policy-set', policy } as unknown as JsonObject;
}

const LAX = policySet(touchIsEnough());

/** The same approvals, in a binding under the authority of now. */
function citedAgain(ledger: LedgerForge, bound: Bound, more: Partial<BindingMade> = {}): Bound {
  const binding = ledger.append({ ...bound.binding.entry, authority: ledger.ref, ...more });
  return { ...bound, binding };
}

/** The chain holds a change that nobody was entitled to make. */
function badChange(
  name: string,
  about: string,
  change: (ledger: LedgerForge) => void,
): EvidenceCase {
  return {
    name,
    about,
    code: 'AUTHORITY_CHAIN_INVALID',
    make: async () => {
      const ledger = readyLedger();
      change(ledger);
      return plain(ledger);
    },
  };
}

export const CHAIN_CASES: readonly EvidenceCase[] = [
  {
    name: 'enrolment-forged',
    about:
      'The operator enrolled a key of their own in the name of a person, without the invitation.',
    code: 'AUTHORITY_CHAIN_INVALID',
    make: () => {
      const ledger = readyLedger();
      const dora = newPerson();
      ledger.change(invite(dora), { approvers: [ledger.bob] });
      ledger.enrol(dora, newPerson().invitation);
      return file(ledger, ledger.bind({}, { approvers: [dora] }));
    },
  },
  badChange(
    'change-unproven',
    'The change was bound without the person: the assertion is of something else.',
    (ledger) => {
      ledger.change(invite(newPerson()), {
        approvers: [ledger.bob],
        proof: (_, { passkey }) => passkey.assert(new Uint8Array(32)),
      });
    },
  ),
  badChange(
    'change-by-owner',
    'The owner of the agent alone has approved the change.',
    (ledger) => {
      ledger.change(invite(newPerson()), { approvers: [ledger.alice] });
    },
  ),
  {
    name: 'change-below-quorum',
    about: 'The bootstrap rule asks for two persons, and one has approved the change.',
    code: 'AUTHORITY_CHAIN_INVALID',
    make: () => {
      const ledger = readyLedger({ bootstrap: { ...DEFAULT_BOOTSTRAP, approvals: 2 } });
      ledger.change(invite(newPerson()), { approvers: [ledger.bob] });
      return plain(ledger);
    },
  },
  badChange(
    'change-other-descriptor',
    'The change was shown by a descriptor that the authority does not hold.',
    (ledger) => {
      ledger.change(invite(newPerson()), {
        approvers: [ledger.bob],
        binding: { descriptor_digest: other },
      });
    },
  ),
  badChange('change-other-type', 'The change was shown as one of another type.', (ledger) => {
    ledger.change(invite(newPerson()), {
      approvers: [ledger.bob],
      binding: { action_type: { name: 'authority.logkey', version: 1 } },
    });
  }),
  badChange(
    'change-for-others',
    'Who is behind the agent is left out of the binding.',
    (ledger) => {
      ledger.change(invite(newPerson()), {
        approvers: [ledger.bob],
        binding: { acting_for: [newPerson().id] },
      });
    },
  ),
  badChange('change-other-effect', 'Bound was one change, made was another.', (ledger) => {
    ledger.change(invite(newPerson()), { approvers: [ledger.bob] }, invite(newPerson()));
  }),
  badChange(
    'change-replayed',
    'A policy that was approved once comes into force again, over another one that was approved after it.',
    (ledger) => {
      const bound = ledger.bindChange(LAX, { approvers: [ledger.bob] });
      ledger.carryOut(bound, LAX);
      ledger.change(policySet(DEFAULT_POLICY), { approvers: [ledger.bob] });
      ledger.carryOut(citedAgain(ledger, bound, { at: ledger.tick() }), LAX);
      ledger.pretendPolicy(touchIsEnough());
    },
  ),
  badChange(
    'change-reordered',
    'A policy that was approved comes into force after another one that was approved later.',
    (ledger) => {
      const bound = ledger.bindChange(LAX, { approvers: [ledger.bob] });
      ledger.change(policySet(DEFAULT_POLICY), { approvers: [ledger.bob] });
      ledger.carryOut(citedAgain(ledger, bound), LAX);
      ledger.pretendPolicy(touchIsEnough());
    },
  ),
  {
    name: 'change-binding-missing',
    about: 'The binding of a change is left out.',
    code: 'AUTHORITY_CHAIN_INVALID',
    make: async () => {
      const ledger = readyLedger();
      withDora(ledger);
      const { evidence, trust } = await plainObject(ledger);
      return { evidence: edited(evidence, ['authority', 'chain', 4, 'binding'], undefined), trust };
    },
  },
  {
    name: 'change-binding-other',
    about: 'A change comes with the binding of another one.',
    code: 'AUTHORITY_CHAIN_INVALID',
    make: async () => {
      const ledger = readyLedger();
      const bound = ledger.bindChange(invite(newPerson()), { approvers: [ledger.bob] });
      withDora(ledger);
      const { evidence, trust } = await plainObject(ledger);
      const path = ['authority', 'chain', 4, 'binding'];
      return { evidence: edited(evidence, path, bound.binding.text), trust };
    },
  },
  {
    name: 'authority-root-other',
    about: 'The binding cites another root than the chain leads to.',
    code: 'AUTHORITY_CHAIN_INVALID',
    make: async () => {
      const ledger = readyLedger();
      const authority: BindingMade['authority'] = { ...ledger.ref, root: other };
      const bound = ledger.bind({}, { approvers: [ledger.bob], binding: { authority } });
      return file(ledger, bound);
    },
  },
  {
    name: 'ledger-other',
    about: 'Another ledger, with its own founders, has signed with the same log key and origin.',
    code: 'GENESIS_MISMATCH',
    make: async () => {
      const real = readyLedger();
      const false_ = readyLedger({ logKey: real.logKey });
      const { evidence } = await plain(false_);
      return { evidence, trust: real.trust() };
    },
  },
];

export const HISTORY_CASES: readonly EvidenceCase[] = [
  {
    name: 'use-of-other',
    about: 'The use is one of another binding.',
    code: 'NOT_BOUND',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      const second = ledger.bind({}, { approvers: [ledger.bob] });
      return file(ledger, bound, { uses: [ledger.use(second)] });
    },
  },
  {
    name: 'use-too-many',
    about: 'The binding allows one use, and this is the second.',
    code: 'ALREADY_CONSUMED',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      return file(ledger, bound, { uses: [ledger.use(bound, { use_number: 2 })] });
    },
  },
  {
    name: 'use-twice',
    about: 'Two uses have the same number.',
    code: 'ALREADY_CONSUMED',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      return file(ledger, bound, { uses: [ledger.use(bound), ledger.use(bound)] });
    },
  },
  {
    name: 'use-late',
    about: 'The use was recorded after use_by.',
    code: 'EXPIRED',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      ledger.wait(3_600);
      return file(ledger, bound, { uses: [ledger.use(bound)] });
    },
  },
  {
    name: 'use-signature',
    about: 'Somebody else has signed the claim of the use.',
    code: 'SIGNATURE_INVALID',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      const signature = Buffer.alloc(64, 1).toString('base64url');
      return file(ledger, bound, { uses: [ledger.use(bound, { signature })] });
    },
  },
  {
    name: 'use-not-logged',
    about: 'The use has the receipt of the binding.',
    code: 'NOT_LOGGED',
    make: async () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      const uses = [ledger.use(bound)];
      const evidence = await ledger.evidence(bound, { uses });
      const receipt = await ledger.receipt(bound.binding.index);
      return { evidence: edited(evidence, ['uses', 0, 'receipt'], receipt), trust: ledger.trust() };
    },
  },
  {
    name: 'use-claim-form',
    about: 'What the executor signed is no claim.',
    code: 'EVIDENCE_FORMAT',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      const claim = canonicalText({ v: 'countersign.use.v1' });
      return file(ledger, bound, { uses: [ledger.use(bound, { claim })] });
    },
  },
  {
    name: 'report-without-use',
    about: 'The report is about a use that is not there.',
    code: 'USE_UNKNOWN',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      return file(ledger, bound, { reports: [ledger.report(bound, ledger.use(bound))] });
    },
  },
  {
    name: 'report-signature',
    about: 'Somebody else has signed the report.',
    code: 'SIGNATURE_INVALID',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      const use = ledger.use(bound);
      const signature = Buffer.alloc(64, 1).toString('base64url');
      return file(ledger, bound, {
        uses: [use],
        reports: [ledger.report(bound, use, { signature })],
      });
    },
  },
  {
    name: 'revocation-of-other',
    about: 'The revocation is one of another binding.',
    code: 'NOT_BOUND',
    make: () => {
      const ledger = readyLedger();
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      const second = ledger.bind({}, { approvers: [ledger.bob] });
      return file(ledger, bound, { revocations: [ledger.revoke(second, ledger.carol)] });
    },
  },
];
