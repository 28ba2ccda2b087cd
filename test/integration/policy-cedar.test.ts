import { readFile } from 'node:fs/promises';
import type { CedarPolicy } from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import { afterEach, describe, expect, it } from 'vitest';
import { verdictJson, verdictOf } from '../../services/cli/src/policy-case.ts';
import { pastRequests } from '../../services/cli/src/policy-history.ts';
import { evidenceOutcome } from '../support/evidence-outcome.ts';
import { FoundedLedger, entryOf, type Tier } from '../support/founded-ledger.ts';
import { HttpLedger } from '../support/http-ledger.ts';
import { authorityAction } from '../support/log-key-rotation.ts';
import { actionIdOf, admitted, boundIn } from '../support/parties.ts';

let ledger: FoundedLedger | undefined;
let http: HttpLedger | undefined;

afterEach(async () => {
  await ledger?.discard();
  await http?.discard();
  ledger = undefined;
  http = undefined;
});

const CEDAR = `@id("small-payment") @rule("one-person")
permit (principal, action == Action::"ask", resource is payment::transfer_v1)
when { resource.facts.currency == "EUR" && resource.facts.amount_minor <= 100000 };

@id("large-payment") @rule("two-of-treasury")
permit (principal, action == Action::"ask", resource is payment::transfer_v1)
when { resource.facts.currency == "EUR" && resource.facts.amount_minor > 100000 };

@id("no-swift")
forbid (principal, action == Action::"ask", resource is payment::transfer_v1)
when { resource.params.rail == "swift" };
`;

function treasuryPolicy({ parties }: FoundedLedger): CedarPolicy {
  const rule = {
    approvals: 1,
    approvers: 'any',
    proof_classes: ['uv'],
    rationale: 'required',
    decide_within_s: 900,
    use_within_s: 900,
    start_within_s: 60,
    max_uses: 1,
  } as const;
  return {
    v: 'countersign.policy.v3',
    cedar: CEDAR,
    groups: { treasury: [parties.alice.id, parties.bob.id] },
    rules: [
      { ...rule, id: 'one-person' },
      { ...rule, id: 'two-of-treasury', approvals: 2, approvers: { group: 'treasury' } },
    ],
  };
}

function policyAction(at: FoundedLedger, policy: CedarPolicy): JsonObject {
  const change = { kind: 'policy-set', policy: policy as unknown as JsonObject };
  return authorityAction(at, 'authority.change', change);
}

const VECTOR = new URL('../vectors/display/valid/payment.json', import.meta.url);

async function payment(at: FoundedLedger, amount: string, rail = 'sepa-sct'): Promise<JsonObject> {
  const vector = JSON.parse(await readFile(VECTOR, 'utf8')) as { action: string };
  const { params, preconditions } = JSON.parse(vector.action) as Record<string, JsonObject>;
  const charge = rail === 'swift' ? { charge_bearer: 'SHAR' } : {};
  return at.parties.action({
    type: 'payment.transfer',
    preconditions: preconditions ?? [],
    params: { ...params, rail, ...charge, amount: { amount, currency: 'EUR' } },
  });
}

describe.each<Tier>(['memory', 'sqlite'])('a policy in Cedar, on a ledger over %s', (tier) => {
  it('is set by persons, and tells from then on what each payment needs', async () => {
    ledger = await FoundedLedger.create({ tier });
    ledger.start();
    const at = ledger;
    const set = await at.decide(await at.admit(policyAction(at, treasuryPolicy(at))));
    entryOf(set, 'authority-changed');

    const small = await at.bind(await payment(at, '250.00'));
    expect(boundIn(small.binding.text)).toMatchObject({
      permits: ['small-payment'],
      requirement: { rule: 'one-person', approvals: 1 },
    });
    expect(await evidenceOutcome(at, small.actionId)).toMatchObject({ outcome: 'VALID' });

    const large = await at.admit(await payment(at, '18250.40'));
    const group = [at.parties.alice.id, at.parties.bob.id].sort();
    expect(admitted(large.admission.text).requirement.approvers).toEqual(group);
    entryOf(await at.decide(large), 'decision-accepted');
    const second = await at.decide(large, { person: at.parties.bob });
    expect(boundIn(entryOf(second, 'binding-made').text).decisions).toHaveLength(2);
    expect(await evidenceOutcome(at, large.actionId)).toMatchObject({ outcome: 'VALID' });

    const forbidden = await payment(at, '1.00', 'swift');
    const answer = await at.ask(
      'request',
      actionIdOf(forbidden),
      at.parties.requestFrame(forbidden),
    );
    expect(JSON.parse(entryOf(answer, 'request-refused').text)).toMatchObject({
      code: 'NO_POLICY',
    });

    // Another writer reads the same log, and goes on with the same policy.
    await at.restart();
    const again = await at.bind(await payment(at, '10.00'));
    expect(boundIn(again.binding.text).permits).toEqual(['small-payment']);
  });
});

describe('what another policy would change', () => {
  it('is told of the requests that were made', async () => {
    http = await HttpLedger.start();
    const { ledger: at } = http;
    const before = treasuryPolicy(at);
    await at.decide(await at.admit(policyAction(at, before)));
    const small = await at.admit(await payment(at, '250.00'));
    const large = await at.admit(await payment(at, '5000.00'));
    await at.projector.waitForStored(8, 5_000);
    const { requests, left } = await pastRequests(http.reader(), 10);
    expect(requests.map(({ subject }) => subject.action.envelope.action_id)).toEqual([
      small.actionId,
      large.actionId,
    ]);
    expect(left).toBe(0);
    const after = { ...before, cedar: CEDAR.replaceAll('100000', '10000') };
    const rules = requests.map(({ subject, deciders }) =>
      [before, after].map((policy) => verdictJson(verdictOf(policy, subject, deciders))['rule']),
    );
    expect(rules).toEqual([
      ['one-person', 'two-of-treasury'],
      ['two-of-treasury', 'two-of-treasury'],
    ]);
    const [last] = (await pastRequests(http.reader(), 1)).requests;
    expect(last?.subject.action.envelope.action_id).toBe(large.actionId);
  });
});
