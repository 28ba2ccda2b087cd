import { isAuthorityType, parseEntry, type EntryOf } from '@countersign/binding';
import {
  isJsonObject,
  parseStrict,
  utf8,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { parseAction, render } from '@countersign/descriptors';
import type { ActionRow, ContentRow } from '@countersign/store';
import type { Static } from 'typebox';
import type { ReviewSchema } from './answer-schema.ts';
import { arrivingContent } from './arriving-content.ts';
import { decisionsOf, type DecisionFact } from './decision-facts.ts';
import type { Gateway } from './gateway-app.ts';
import { GatewayError, notFound } from './gateway-error.ts';
import type { ReadAction } from './readable-action.ts';
import { relyingPartyOf } from './relying-party.ts';
import { sentEntry } from './sent-entry.ts';

/**
 * Everything that a decision is about. The page takes the action's text, the descriptor and the log's receipt from
 * here and computes the rest again; the display is for clients that show it without deciding.
 * @throws GatewayError NOT_FOUND for an action that was never admitted, CONTENT_ERASED
 */
export async function reviewOf(
  gateway: Gateway,
  action: ReadAction,
): Promise<Static<typeof ReviewSchema>> {
  const { deps, authority, proofs } = gateway;
  const { admissionIndex } = action;
  if (admissionIndex === null) throw notFound();
  if (action.erased) throw await erased(gateway, action);
  const [row] = await deps.models.entries(admissionIndex, 1);
  if (row === undefined) throw new Error('invariant broken: an admission without its entry');
  const text = await actionText(gateway, action);
  const admission = admissionOf(row.bytes);
  const descriptor = deps.descriptors.find(({ digest }) => digest === admission.descriptor_digest);
  if (descriptor === undefined) {
    throw new Error('expected an admission whose descriptor this build knows');
  }
  const rp = relyingPartyOf(await authority.ledger(), deps.config.publicOrigins);
  return {
    action: text,
    admission: { entry: sentEntry(row), receipt: await proofs.receipt(row.index) },
    descriptor: { ...descriptor.document },
    policy: isAuthorityType(admission.action_type.name)
      ? null
      : await policyOf(gateway, admission.policy_digest),
    display: { ...render(descriptor, parseAction(utf8(text))) },
    rp: { id: rp.id, origins: [...rp.origins] },
    decisions: await provenDecisions(gateway, await decisionsOf(gateway, action)),
    status: action.status,
    log_size: action.logSize,
  };
}

/** With their entries and receipts, so that nobody needs to believe who decided, and why. */
async function provenDecisions(
  { proofs }: Gateway,
  decisions: readonly DecisionFact[],
): Promise<Static<typeof ReviewSchema>['decisions']> {
  return await Promise.all(
    decisions.map(async ({ row, statement, rationale }) => ({
      index: row.index,
      leaf: row.leaf,
      person: statement.person,
      verdict: statement.verdict,
      at: row.at,
      entry: sentEntry(row),
      receipt: await proofs.receipt(row.index),
      rationale,
    })),
  );
}

/** @throws GatewayError CONTENT_ERASED, PROJECTOR_BEHIND */
async function actionText(gateway: Gateway, action: ReadAction): Promise<string> {
  const { models } = gateway.deps;
  const isAction = ({ kind, digest }: ContentRow): boolean =>
    kind === 'action' && digest === action.actionDigest;
  const content = await arrivingContent(models, action, (rows) => rows.some(isAction));
  const found = content.find(isAction);
  if (found !== undefined) return found.text;
  if ((await models.action(action.tenant, action.actionId))?.erased === true) {
    throw await erased(gateway, action);
  }
  throw new GatewayError('PROJECTOR_BEHIND', 'the content of this action is not here yet', {
    retryAfterS: 1,
  });
}

function admissionOf(bytes: Uint8Array): EntryOf<'request-admitted'> {
  const entry = parseEntry(bytes);
  if (entry.type !== 'request-admitted') {
    throw new Error('invariant broken: an admission that is another entry');
  }
  return entry;
}

async function policyOf({ deps }: Gateway, digest: string): Promise<JsonObject> {
  const text = await deps.models.document(digest);
  if (text === undefined) throw new Error('invariant broken: an admission without its policy');
  const json: Json = parseStrict(utf8(text));
  if (!isJsonObject(json)) {
    throw new Error('invariant broken: a policy that is no object');
  }
  return json;
}

/** With the entry that says so: a server could otherwise keep back what it does not want to be seen. */
async function erased(
  { deps, proofs }: Gateway,
  { tenant, actionId }: Pick<ActionRow, 'tenant' | 'actionId'>,
): Promise<GatewayError> {
  const entries = await deps.models.entriesOf(tenant, actionId);
  const row = entries.find(({ type }) => type === 'content-erased');
  const proof = row && {
    entry: sentEntry(row),
    receipt: await proofs.receipt(row.index),
  };
  return new GatewayError('CONTENT_ERASED', 'the content of this action was erased', proof);
}
