import { afterEach, describe, expect, it } from 'vitest';
import { inputDigest, type Writer } from '@countersign/ledger';
import type { InputAnswer } from '@countersign/projector';
import { ANSWER_MS, FoundedLedger, entryOf, type Bound } from '../support/founded-ledger.ts';
import { auditLog } from '../support/log-audit.ts';
import { actionDigestOf, entryIn } from '../support/parties.ts';

let ledger: FoundedLedger | undefined;
let replica: { writer: Writer; running: Promise<void> } | undefined;

afterEach(async () => {
  replica?.writer.stop();
  await replica?.running;
  replica = undefined;
  await ledger?.discard();
  ledger = undefined;
});

async function started(): Promise<FoundedLedger> {
  ledger = await FoundedLedger.create({ tier: 'sqlite' });
  ledger.start();
  return ledger;
}

function outcomeOf(answer: InputAnswer): string {
  if (answer.kind === 'quarantined') return answer.code;
  const [entry] = answer.entries;
  if (entry?.type !== 'use-refused') return entry?.type ?? 'nothing';
  return entryIn(entry.text, 'use-refused').code;
}

function countsOf(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

async function audited(at: FoundedLedger): Promise<readonly { readonly type: string }[]> {
  return (await auditLog(at.broker, { origin: at.origin, logKeys: [at.signer.vkey] })).entries;
}

describe('one binding', () => {
  it('C01: claimed twice, one after the other: the second is ALREADY_CONSUMED, with the id of the first', async () => {
    const at = await started();
    const bound = await at.bind();
    const first = entryIn(entryOf(await at.use(bound), 'binding-used').text, 'binding-used');
    const second = entryIn(entryOf(await at.use(bound), 'use-refused').text, 'use-refused');
    expect(second).toMatchObject({ code: 'ALREADY_CONSUMED', first_use: first.use_id });
  });

  it('C02: 100 executors at the same time, two replicas, a restart in the middle: one runs, 99 ALREADY_CONSUMED', async () => {
    const at = await started();
    const writer = at.newWriter();
    replica = { writer, running: writer.run() };
    const bound = await at.bind();
    const frames = Array.from({ length: 100 }, () => at.parties.useFrame(bound.binding));
    const submitted = frames.map((frame) => at.submit('use', bound.actionId, frame));
    await Promise.all(submitted.slice(0, 50));
    await at.restart();
    await Promise.all(submitted);
    const outcomes = await Promise.all(
      frames.map(async (frame) => {
        const answer = await at.projector.waitForInput(inputDigest(frame), ANSWER_MS);
        return answer === undefined ? 'no answer' : outcomeOf(answer);
      }),
    );
    expect(countsOf(outcomes)).toEqual({ 'binding-used': 1, ALREADY_CONSUMED: 99 });
    const entries = await audited(at);
    expect(entries.filter(({ type }) => type === 'binding-used')).toHaveLength(1);
    expect(entries.filter(({ type }) => type === 'use-refused')).toHaveLength(99);
  });

  it('C10: revoked and claimed at the same moment has one of the two legal histories', async () => {
    const at = await started();
    const histories = new Set<string>();
    for (let round = 0; round < 6; round += 1) {
      const bound = await at.bind();
      const revocation = at.parties.decisionFrame(bound.admission, { verdict: 'revoke' });
      const frames = [
        ['use', at.parties.useFrame(bound.binding)],
        ['decision', revocation],
      ] as const;
      const ordered = round % 2 === 0 ? frames : [...frames].reverse();
      const answers = await Promise.all(
        ordered.map(([kind, frame]) => at.ask(kind, bound.actionId, frame)),
      );
      histories.add(answers.map(outcomeOf).join(', '));
    }
    expect([...histories].sort()).toEqual([
      'binding-revoked, REVOKED',
      'binding-used, binding-revoked',
    ]);
  });

  it('C13: an executor that dies between use and report finds the use on record, never a second one', async () => {
    const at = await started();
    const bound = await at.bind();
    const claim = at.parties.useFrame(bound.binding);
    const used = entryOf(await at.ask('use', bound.actionId, claim), 'binding-used');
    await at.restart();
    // The same bytes again are the same use; anything else is too late.
    const again = entryOf(await at.ask('use', bound.actionId, claim), 'binding-used');
    expect(again.leaf).toBe(used.leaf);
    expect(outcomeOf(await at.use(bound))).toBe('ALREADY_CONSUMED');
    const report = at.parties.reportFrame(used, actionDigestOf(bound.action));
    entryOf(await at.ask('report', bound.actionId, report), 'execution-reported');
    const types = (await audited(at)).map(({ type }) => type);
    expect(types.filter((type) => type === 'binding-used')).toHaveLength(1);
    expect(types.indexOf('binding-used')).toBeLessThan(types.indexOf('execution-reported'));
  });

  it('C07: claimed after its time by the clock of the ledger: EXPIRED', async () => {
    const at = await started();
    const bound: Bound = await at.bind();
    at.clock.forward(900_001);
    expect(outcomeOf(await at.use(bound))).toBe('EXPIRED');
  });

  it('C06: approved when its request is over by the clock of the ledger: EXPIRED, whatever the decision says', async () => {
    const at = await started();
    const asked = await at.admit();
    const frame = at.parties.decisionFrame(asked.admission);
    at.clock.forward(900_001);
    const answer = await at.ask('decision', asked.actionId, frame);
    const refused = entryIn(entryOf(answer, 'decision-refused').text, 'decision-refused');
    expect(refused.code).toBe('EXPIRED');
    const types = (await audited(at)).map(({ type }) => type);
    expect(types).toEqual([
      'ledger-founded',
      'request-admitted',
      'request-expired',
      'decision-refused',
    ]);
  });
});
