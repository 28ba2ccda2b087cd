import type { ActionEnvelope, Principal } from './action.ts';
import type { Computed } from './computation.ts';
import type { Descriptor, Reversibility } from './descriptor.ts';
import type { DisplayLine } from './display.ts';
import { textWarnings } from './text-lines.ts';
import { shownPlain } from './text-safety.ts';

const UNDO: Readonly<Record<Reversibility, string>> = {
  'read-only': 'Nothing is changed, so there is nothing to undo (read-only)',
  reversible: 'Yes (reversible)',
  'externally-reversible':
    'Only in part: what others have done with it by then stays done (externally-reversible)',
  irreversible: 'No (irreversible)',
};

/** What is asked for; the first line of every display. */
export function actionLine(descriptor: Descriptor): DisplayLine {
  const { title, type, typeVersion } = descriptor;
  return { label: 'Action', value: `${title} (${type} v${typeVersion})` };
}

function principalLine(principal: Principal, index: number): DisplayLine {
  const grant = principal.grant_digest;
  const proof = grant === undefined ? 'without a grant' : `grant ${grant}`;
  return {
    label: `Acting for ${index + 1}`,
    value: `${shownPlain(principal.sub).text} (${principal.kind}), ${proof}`,
  };
}

function chainLines(chain: readonly Principal[]): DisplayLine[] {
  if (chain.length === 0) return [{ label: 'Acting for', value: 'nobody but itself' }];
  return chain.map(principalLine);
}

export function preconditionLines(envelope: ActionEnvelope): DisplayLine[] {
  if (envelope.preconditions.length === 0) return [{ label: 'Preconditions', value: 'none' }];
  return envelope.preconditions.map(({ name, digest }, index) => ({
    label: `Precondition ${index + 1}`,
    value: `${name} is ${digest} when it runs, or it does not run`,
  }));
}

function usesText(count: number): string {
  return count === 1 ? 'once' : `up to ${count} times`;
}

/**
 * The lines that every type has: the whole envelope, so that no part of an action is signed unseen.
 * Identifiers are safe as they are: parseAction refused the others.
 */
export function commonLines(descriptor: Descriptor, envelope: ActionEnvelope): DisplayLine[] {
  const { agent, executor, parent_digest: parent } = envelope;
  return [
    { label: 'Tenant', value: envelope.tenant },
    { label: 'Asked by', value: shownPlain(agent.id).text },
    { label: 'Key of the agent', value: agent.key_thumbprint },
    ...chainLines(envelope.acting_for),
    { label: 'Run by', value: shownPlain(executor.id).text },
    { label: 'Audience', value: shownPlain(executor.audience).text },
    { label: 'Interface of the executor', value: executor.descriptor_digest },
    ...preconditionLines(envelope),
    { label: 'Not after', value: `${envelope.not_after} (UTC)` },
    { label: 'May run', value: usesText(envelope.max_uses) },
    { label: 'Can it be undone', value: UNDO[descriptor.reversibility] },
    { label: 'Action id', value: envelope.action_id },
    ...(parent === undefined ? [] : [{ label: 'Follows the action', value: parent }]),
  ];
}

/** What an agent says of itself, and nobody has checked. */
export function commonClaims(envelope: ActionEnvelope): Computed {
  const { model, build } = envelope.agent;
  const lines: DisplayLine[] = [];
  const warnings: string[] = [];
  if (model !== undefined) {
    const label = 'Model of the agent';
    const shown = shownPlain(model);
    lines.push({ label, value: shown.text });
    warnings.push(...textWarnings(label, model, shown));
  }
  if (build !== undefined) lines.push({ label: 'Build of the agent', value: build });
  return { lines, warnings };
}
