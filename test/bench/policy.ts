import {
  cedarSentence,
  isCedarPolicy,
  policyDigest,
  type AgentMember,
  type CedarPolicy,
} from '@countersign/binding';
import { canonicalBytes } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS, parseAction } from '@countersign/descriptors';
import { FoundedLedger } from '../support/founded-ledger.ts';
import { POLICY_ENGINE } from '../support/policy-engine.ts';
import { OPEN_PER_AGENT, answerDecisions, prepareDecisions } from './decisions.ts';
import { rounded } from './percentile.ts';

const RULE = {
  id: 'default',
  approvals: 1,
  approvers: 'any',
  proof_classes: ['uv'],
  rationale: 'optional',
  decide_within_s: 900,
  use_within_s: 900,
  start_within_s: 60,
  max_uses: 1,
} as const;

/** The rule of the benchmark in Cedar, with what most policies have beside it: a case that needs more, and who may not decide. */
const CEDAR: CedarPolicy = {
  v: 'countersign.policy.v3',
  cedar: `@id("commands") @rule("default")
permit (principal, action == Action::"ask", resource is generic::command_v1);

@id("as-root") @rule("two")
permit (principal, action == Action::"ask", resource is generic::command_v1)
when { resource.params.cwd like "/root*" };

@id("never-its-owner")
forbid (principal, action == Action::"decide", resource)
when { principal == resource.agent.owner };
`,
  groups: {},
  rules: [RULE, { ...RULE, id: 'two', approvals: 2 }],
};

const IN_FLIGHT = 256;
const ROUNDS = 4;

export interface PolicyFigures {
  /** Which rules an action needs, and which of three persons may decide: four questions to Cedar. On one core. */
  readonly sentences_per_second: number;
  readonly sentence_us: number;
  readonly rounds: readonly PolicyRound[];
}

/** The same ledger and the same requests by a policy of types, then by one in Cedar. */
interface PolicyRound {
  readonly types: Rates;
  readonly cedar: Rates;
}

interface Rates {
  readonly admissions_per_second: number;
  readonly decisions_per_second: number;
}

export async function measurePolicy({
  each,
  ms,
}: {
  readonly each: number;
  readonly ms: number;
}): Promise<PolicyFigures> {
  const sentences = await measureSentences(ms);
  const rounds: PolicyRound[] = [];
  // One after the other, in turn: what else the machine does meets both.
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.push({ types: await ratesOf(undefined, each), cedar: await ratesOf(CEDAR, each) });
  }
  return {
    sentences_per_second: rounded(sentences, 0),
    sentence_us: rounded(1_000_000 / sentences, 0),
    rounds,
  };
}

async function measureSentences(ms: number): Promise<number> {
  const ledger = await FoundedLedger.create({ tier: 'memory', policy: CEDAR });
  const { parties } = ledger;
  const founding = parties.founding([ledger.signer.vkey], CEDAR);
  const agent = founding.members.find(
    (member): member is AgentMember => member.kind === 'agent' && member.id === parties.agent.id,
  );
  const action = parseAction(canonicalBytes(parties.action()));
  const descriptor = BUILTIN_DESCRIPTORS.find(({ type }) => type === action.envelope.type);
  const { policy } = founding;
  if (agent === undefined || descriptor === undefined || !isCedarPolicy(policy)) {
    throw new Error('expected an agent, a type and a policy in Cedar');
  }
  const asked = {
    ...{ policy, digest: policyDigest(policy), engine: POLICY_ENGINE },
    ...{ action, descriptor, agent },
    enrolled: founding.members.flatMap((member) => (member.kind === 'person' ? [member.id] : [])),
    excluded: [agent.owner],
  };
  // The first question reads the policy.
  cedarSentence(asked);
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < ms) {
    cedarSentence(asked);
    done += 1;
  }
  const seconds = (performance.now() - started) / 1_000;
  await ledger.discard();
  return done / seconds;
}

async function ratesOf(policy: CedarPolicy | undefined, count: number): Promise<Rates> {
  const crewSize = Math.ceil(count / OPEN_PER_AGENT);
  const ledger = await FoundedLedger.create({
    tier: 'sqlite',
    crewSize,
    ...(policy !== undefined && { policy }),
  });
  try {
    ledger.start();
    const started = performance.now();
    const ready = await prepareDecisions(ledger, count);
    const admitted = performance.now();
    await answerDecisions(ledger, IN_FLIGHT, ready);
    const decided = performance.now();
    const rate = (ms: number): number => rounded((count * 1_000) / ms, 0);
    return {
      admissions_per_second: rate(admitted - started),
      decisions_per_second: rate(decided - admitted),
    };
  } finally {
    await ledger.discard();
  }
}

/** Of all rounds but the first, in which the engine still compiles. */
export function policyTable({ sentences_per_second, sentence_us, rounds }: PolicyFigures): string {
  const rows = rounds.map(
    ({ types, cedar }, index) =>
      `round ${index + 1}: admissions/s ${types.admissions_per_second} by types, ${cedar.admissions_per_second} in Cedar; ` +
      `decisions/s ${types.decisions_per_second} by types, ${cedar.decisions_per_second} in Cedar`,
  );
  const ratioOf = (of: keyof Rates): number => {
    const [types = 0, cedar = 0] = (['types', 'cedar'] as const).map((which) =>
      rounds.slice(1).reduce((sum, round) => sum + round[which][of], 0),
    );
    return rounded(cedar / types, 2);
  };
  return [
    `A sentence of Cedar (3 persons): ${sentences_per_second}/s on one core, ${sentence_us} µs each`,
    ...rows,
    `Cedar of types: admissions ${ratioOf('admissions_per_second')}, decisions ${ratioOf('decisions_per_second')}`,
  ].join('\n');
}
