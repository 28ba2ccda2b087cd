import { canonicalBytes, type JsonObject, toBase64url } from '@countersign/canonical';
import { parseAction } from '@countersign/descriptors';
import { BATCH_TYPE, someBatch } from './batch-choice.ts';
import { someKind } from './bent.ts';
import type { CrowdState } from './crowd-state.ts';
import { someGrant } from './grant-choice.ts';
import { AUDIENCE, INTERFACE, type SimulatedAgent, TENANT } from './population.ts';
import type { Frame } from './signed-truth.ts';
import { toyFrame } from './toy-signature.ts';

export function request(crowd: CrowdState): boolean {
  const { random } = crowd.world;
  const agent = random.of(crowd.agents);
  const kind = someKind(random, crowd.world.population.bent);
  const plain = envelopeBy(crowd, agent);
  const params = plain['params'] as JsonObject;
  const more = {
    grant: () => ({ type: 'payment.grant', params: someGrant(random) }),
    batch: () => someBatch(random, params),
    command: () => ({}),
  }[kind]();
  return crowd.send(askFor(crowd, agent, asEmergency(crowd, { ...plain, ...more })));
}

/** At a company often on somebody's behalf, but for emergencies. */
function askFor(crowd: CrowdState, agent: SimulatedAgent, envelope: JsonObject): Frame {
  const { population, random, truth } = crowd.world;
  const isDelegated =
    population.isCompany && envelope['type'] !== 'emergency.command' && random.chance(0.5);
  if (!isDelegated) return requestFrame(crowd, agent, envelope);
  const chain = crowd.tokens.chain(agent, population.persons, crowd.atCompany);
  const delegated = { ...envelope, ...chain.members };
  truth.chains.set(parseAction(canonicalBytes(delegated)).digest, chain.truth);
  return requestFrame(crowd, agent, delegated);
}

/** Now and then, where the policy knows emergencies; by a number that is counted anyway, so that no other draw changes. */
function asEmergency(crowd: CrowdState, envelope: JsonObject): JsonObject {
  const isCommand = envelope['type'] === 'generic.command';
  if (!isCommand || !crowd.world.rules.hasGlass || crowd.serial % 2 > 0) return envelope;
  const params = envelope['params'] as JsonObject;
  const incident = { system: 'siem', id: 'INC-1' };
  return {
    ...envelope,
    type: 'emergency.command',
    params: { ...params, incident, reason: 'nobody can pay' },
  };
}

export function envelopeBy(
  crowd: CrowdState,
  agent: SimulatedAgent,
  more: JsonObject = {},
): JsonObject {
  const { random, population } = crowd.world;
  const wish = random.weighted({ plain: 30, executor: 1, late: 1, superseding: 2, skewed: 1 });
  const parent = random.ofOrNone([...crowd.world.rules.actions.values()].slice(-8));
  return {
    v: 'countersign.action.v1',
    tenant: TENANT,
    action_id: crowd.ulid(wish === 'skewed' ? 600_000 : 0),
    nonce: toBase64url(random.bytes(16)),
    type: 'generic.command',
    type_version: 1,
    agent: { id: agent.id, key_thumbprint: agent.key.thumbprint },
    acting_for: [],
    executor: {
      id: wish === 'executor' ? 'nobody' : random.of(population.executors).id,
      audience: AUDIENCE,
      descriptor_digest: INTERFACE,
    },
    params: {
      argv: ['restart', `unit-${random.below(5)}`],
      cwd: '/srv',
      executable: { path: '/usr/bin/svc', digest: `sha256:${'11'.repeat(32)}` },
      env: [],
      secret_env: [],
      stdin: { kind: 'empty' },
      timeout_s: 60,
    },
    preconditions: [],
    not_after: crowd.nowText(wish === 'late' ? -1 : random.between(20_000, 400_000)),
    max_uses: random.between(1, 3),
    ...(wish === 'superseding' && parent !== undefined
      ? { parent_digest: parent.admission.action_digest }
      : {}),
    ...more,
  };
}

export function requestFrame(
  crowd: CrowdState,
  agent: SimulatedAgent,
  envelope: JsonObject,
): Frame {
  const payload = canonicalBytes(envelope);
  const action = parseAction(payload);
  const { action_id: actionId, type } = action.envelope;
  const { truth } = crowd.world;
  truth.actions.set(action.digest, `${actionId} ${agent.id}`);
  if (type === BATCH_TYPE) truth.batches.set(action.digest, action);
  return { kind: 'request', actionId, bytes: toyFrame(agent.key, 'request', payload) };
}

/** Another action under an id that is in use. */
export function conflict(crowd: CrowdState): boolean {
  const { random, rules } = crowd.world;
  const action = random.ofOrNone([...rules.actions.values()]);
  if (action === undefined) return false;
  const agent = random.of(crowd.agents);
  return crowd.send(requestFrame(crowd, agent, envelopeBy(crowd, agent, { action_id: action.id })));
}
