import { canonicalBytes, fromUtf8, toBase64url, toHex } from '@countersign/canonical';
import type { CrowdState } from './crowd-state.ts';
import type { OracleAction } from './oracle-action.ts';
import { TENANT } from './population.ts';
import { toyFrame } from './toy-signature.ts';

export function use(crowd: CrowdState, action: OracleAction, times: string): boolean {
  const isOfGrant = action.admission.bounds !== undefined;
  if (isOfGrant && crowd.world.random.chance(0.7)) return goOn(crowd, action);
  for (let i = 0; i < Number(times); i += 1) crowd.send(crowd.claim(action));
  return true;
}

export function misuse(crowd: CrowdState, action: OracleAction): boolean {
  const { random, population } = crowd.world;
  switch (random.weighted({ digest: 1, executor: 1, again: 1, clock: 1 })) {
    case 'digest':
      return crowd.send(crowd.claim(action, { action_digest: `sha256:${'00'.repeat(32)}` }));
    case 'executor':
      return crowd.send(crowd.claim(action, {}, random.of(population.executors)));
    case 'again': {
      const used = random.ofOrNone([...action.uses.keys()]);
      return used !== undefined && crowd.send(crowd.claim(action, { use_id: used }));
    }
    case 'clock':
      return crowd.send(crowd.claim(action, { claimed_at: crowd.nowText(-900_000) }));
  }
}

/** Uses and a revocation at the same moment: attack rows C02 and C10. */
export function race(crowd: CrowdState, action: OracleAction): boolean {
  const frames = [1, 2, 3].map(() => crowd.claim(action));
  frames.splice(
    crowd.world.random.below(4),
    0,
    crowd.decision(crowd.person(), action, { verdict: 'revoke' }),
  );
  for (const frame of frames) crowd.send(frame);
  return true;
}

export function report(crowd: CrowdState, action: OracleAction): boolean {
  const { random } = crowd.world;
  const useId = random.ofOrNone([...action.uses.keys()]) ?? crowd.ulid();
  const result = random.of(['succeeded', 'failed', 'unknown']);
  const frame = crowd.reportFrame(action, useId, result);
  return frame !== undefined && crowd.send(frame);
}

/** An executor that goes on with a grant without having found out what came of a payment: attack row C16. */
function goOn(crowd: CrowdState, action: OracleAction): boolean {
  const useId = crowd.ulid();
  crowd.send(crowd.claim(action, { use_id: useId }));
  const report = crowd.reportFrame(action, useId, 'unknown');
  if (report !== undefined) crowd.send(report);
  return crowd.send(crowd.claim(action));
}

export function find(crowd: CrowdState, action: OracleAction): boolean {
  const { random, truth } = crowd.world;
  const agent = random.chance(0.7) ? crowd.agents[0] : random.of(crowd.agents);
  if (agent === undefined) return false;
  const isOfUse = random.chance(0.5);
  const payload = canonicalBytes({
    v: 'countersign.finding.v1',
    tenant: TENANT,
    finding: isOfUse ? 'DUPLICATE_EFFECT' : 'UNBOUND_EXECUTION',
    kind: random.of(['payment', 'secret-read']),
    record: { source: 'lines', digest: `sha256:${toHex(random.bytes(32))}` },
    ...(isOfUse && {
      use: {
        action_id: action.id,
        use_id: random.ofOrNone([...action.uses.keys()]) ?? crowd.ulid(),
      },
    }),
  });
  truth.payloads.set(fromUtf8(payload), agent.id);
  const bytes = toyFrame(agent.key, 'finding', payload);
  return crowd.send({ kind: 'finding', actionId: '', bytes });
}

export function erase(crowd: CrowdState, action: OracleAction): boolean {
  const { random, truth } = crowd.world;
  const agent = random.chance(0.85) ? crowd.agents[0] : random.of(crowd.agents);
  if (agent === undefined) return false;
  const payload = canonicalBytes({
    v: 'countersign.erasure.v1',
    tenant: TENANT,
    action_id: action.id,
    requested_at: crowd.nowText(),
    nonce: toBase64url(random.bytes(22)),
  });
  truth.payloads.set(fromUtf8(payload), agent.id);
  const bytes = toyFrame(agent.key, 'erasure', payload);
  return crowd.send({ kind: 'erasure', actionId: action.id, bytes });
}
