import { authenticate, decide, isQuarantined } from '@countersign/binding';
import type { CrowdState } from './crowd-state.ts';
import type { OracleAction } from './oracle-action.ts';
import { envelopeBy, requestFrame } from './request-choice.ts';
import { verifyToySignature } from './toy-signature.ts';
import { inputOf } from './world.ts';

/** Mostly somebody who has not signed yet. */
export function signFor(crowd: CrowdState, asked: OracleAction): true {
  const { random } = crowd.world;
  const person = random.ofOrNone(crowd.personsFor(asked)) ?? crowd.person();
  const verdict = random.chance(0.9) ? 'approve' : 'deny';
  return crowd.send(crowd.decision(person, asked, { verdict, text: 'I asked her' }));
}

/** By whoever may, and has not yet; nobody where there is none. */
export function decideFor(crowd: CrowdState, action: OracleAction): boolean {
  const { random, rules } = crowd.world;
  const { attested } = action.admission.requirement;
  const others = crowd.personsFor(action);
  const fitting = others.filter(({ credential }) => rules.models.isOf(credential, attested));
  const isFit = attested !== undefined && random.chance(0.7);
  const person = random.ofOrNone(isFit ? fitting : others);
  if (person === undefined) return false;
  const verdict = random.chance(0.9) ? 'approve' : 'deny';
  const isSynced = action.admission.requirement.device_bound === true && random.chance(0.2);
  return crowd.send(crowd.decision(person, action, { verdict, isSynced, text: 'as planned' }));
}

export function someDecision(
  crowd: CrowdState,
  action: OracleAction,
  person = crowd.person(),
): boolean {
  const verdict = crowd.world.random.chance(0.88) ? 'approve' : 'deny';
  return crowd.send(crowd.decision(person, action, { verdict }));
}

/** A decision that must never count; a synced passkey counts where the rule takes one. */
export function misdecide(crowd: CrowdState, action: OracleAction): boolean {
  const { random, rules, population } = crowd.world;
  const other = random.of([...rules.actions.values()]);
  const verdict = random.chance(0.7) ? 'approve' : 'revoke';
  const person = crowd.person();
  switch (
    random.weighted({
      forged: 4,
      swapped: 2,
      display: 1,
      role: 1,
      up: 1,
      name: 1,
      old: 1,
      synced: 1,
    })
  ) {
    case 'forged':
      return crowd.send(crowd.decision(person, action, { verdict, isForged: true }));
    case 'swapped':
      return crowd.send(
        crowd.decision(person, action, {
          verdict,
          statement: { admission: other.admissionLeaf },
        }),
      );
    case 'display': {
      const statement = { display_digest: other.admission.action_digest };
      return crowd.send(crowd.decision(person, action, { verdict, statement }));
    }
    case 'role':
      return crowd.send(crowd.decision(population.role, action, { verdict }));
    case 'up':
      return crowd.send(crowd.decision(person, action, { verdict, isVerified: false }));
    case 'synced':
      return crowd.send(crowd.decision(person, action, { verdict, isSynced: true }));
    case 'name': {
      const statement = { person: crowd.person().id };
      return crowd.send(crowd.decision(person, action, { verdict, statement }));
    }
    case 'old': {
      const statement = { not_after: crowd.nowText(-1_000) };
      return crowd.send(crowd.decision(person, action, { verdict, statement }));
    }
  }
}

/**
 * A decision that overtakes its request (attack row C04). Its author saw an admission that this ledger is
 * going to write if nothing comes between; or one that never comes.
 */
export async function early(crowd: CrowdState): Promise<void> {
  const { random, fold, time, disk } = crowd.world;
  const agent = random.of(crowd.agents);
  const request = requestFrame(crowd, agent, envelopeBy(crowd, agent));
  const lastMs = disk.recordsOf('intake').at(-1)?.appendTimeMs ?? 0;
  // The request is under way for a while, in which the decision is held.
  const arrivesMs = Math.max(lastMs, time.brokerNowMs) + random.of([0, 0, 200]);
  const raw = {
    kind: 'request',
    bytes: request.bytes,
    input: inputOf(request.bytes),
    appendTimeMs: arrivesMs,
    offset: 0,
  } as const;
  const input = await authenticate(raw, fold, verifyToySignature);
  if (isQuarantined(input)) return;
  const placed = decide(fold, input).entries.find(({ entry }) => entry.type === 'request-admitted');
  if (placed?.entry.type !== 'request-admitted') return;
  const about = { admission: placed.entry, admissionLeaf: placed.leaf };
  const decision = crowd.decision(crowd.person(), about, { verdict: 'approve' });
  crowd.sent.push(decision, request);
  await crowd.deliver(decision);
  time.advance(Math.max(0, arrivesMs - time.brokerNowMs));
  if (random.chance(0.8)) await crowd.deliver(request);
}
