import { parseEntry, type EntryOf } from '@countersign/binding';
import { parseStrict, utf8, type Json, type JsonObject } from '@countersign/canonical';
import { loadDescriptor, parseAction, render } from '@countersign/descriptors';
import type { ActionRow } from '@countersign/store';
import type { Static } from 'typebox';
import type { ReviewSchema } from './answer-schema.ts';
import type { Gateway } from './gateway-app.ts';
import { GatewayError, notFound } from './gateway-error.ts';
import { relyingPartyOf } from './relying-party.ts';
import { sentEntry } from './sent-entry.ts';

/**
 * Everything that a decision is about. The page takes the action's text, the descriptor and the log's receipt from
 * here and computes the rest again; the display is for clients that show it without deciding.
 * @throws GatewayError NOT_FOUND for an action that was never admitted, CONTENT_ERASED
 */
export async function reviewOf(
  gateway: Gateway,
  action: ActionRow,
): Promise<Static<typeof ReviewSchema>> {
  const { deps, authority } = gateway;
  const { tenant, actionId, admissionIndex } = action;
  if (admissionIndex === null) throw notFound();
  if (action.erased) throw erased();
  const [row] = await deps.models.entries(admissionIndex, 1);
  if (row === undefined) throw new Error('invariant broken: an admission without its entry');
  const text = await actionText(gateway, action);
  const admission = admissionOf(row.bytes);
  const descriptor = await documentOf(gateway, admission.descriptor_digest);
  if (descriptor === null) throw new Error('invariant broken: an admission without its descriptor');
  const decisions = await deps.models.decisions(tenant, actionId);
  const rp = relyingPartyOf(await authority.ledger(), deps.config.publicOrigins);
  return {
    action: text,
    admission: { entry: sentEntry(row), receipt: await deps.view.proofs.receipt(row.index) },
    descriptor,
    policy: await documentOf(gateway, admission.policy_digest),
    display: { ...render(loadDescriptor(descriptor), parseAction(utf8(text))) },
    rp: { id: rp.id, origins: [...rp.origins] },
    decisions: decisions.map(({ index, leaf, person, verdict, at }) => ({
      index,
      leaf,
      person,
      verdict,
      at,
    })),
    status: action.status,
  };
}

async function actionText({ deps }: Gateway, action: ActionRow): Promise<string> {
  const content = await deps.models.content(action.tenant, action.actionId);
  const found = content.find(
    ({ kind, digest }) => kind === 'action' && digest === action.actionDigest,
  );
  // Between an erasure and its projection the content is gone first.
  if (found === undefined) throw erased();
  return found.text;
}

function admissionOf(bytes: Uint8Array): EntryOf<'request-admitted'> {
  const entry = parseEntry(bytes);
  if (entry.type !== 'request-admitted') {
    throw new Error('invariant broken: an admission that is another entry');
  }
  return entry;
}

/** Null for the bootstrap rule, which has a digest but no document of its own. */
async function documentOf({ deps }: Gateway, digest: string): Promise<JsonObject | null> {
  const text = await deps.models.document(digest);
  if (text === undefined) return null;
  const json: Json = parseStrict(utf8(text));
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error('invariant broken: a document that is no object');
  }
  // Array.isArray does not narrow readonly arrays away.
  return json as JsonObject;
}

function erased(): GatewayError {
  return new GatewayError('CONTENT_ERASED', 'the content of this action was erased');
}
