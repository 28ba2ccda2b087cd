import {
  canonicalBytes,
  CanonicalError,
  isJsonObject,
  parseStrict,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { DescriptorError, parseAction, type Action } from '@countersign/descriptors';
import { SdkError } from './sdk-error.ts';

/**
 * The action that would be run, made of the parameters that would be sent: its digest is what the evidence is compared with.
 *
 * @throws SdkError with the code of the gate or of the schema
 */
export function orderedAction(order: {
  readonly action: Uint8Array | JsonObject;
  readonly params?: JsonObject;
}): Action {
  try {
    const { action, params } = order;
    if (params === undefined && action instanceof Uint8Array) return held(parseAction(action));
    const envelope = action instanceof Uint8Array ? objectIn(action) : action;
    const whole = params === undefined ? envelope : { ...envelope, params };
    return held(parseAction(canonicalBytes(whole)));
  } catch (error) {
    if (!(error instanceof CanonicalError || error instanceof DescriptorError)) throw error;
    throw new SdkError(error.code, error.message, { cause: error });
  }
}

/** Nobody who is shown the action, as the reader of live state is, can change what will be run. */
function held(action: Action): Action {
  frozen(action.envelope);
  return action;
}

/** An action is at most 32 deep. */
function frozen(json: unknown): void {
  if (typeof json !== 'object' || json === null) return;
  for (const each of Object.values(json)) frozen(each);
  Object.freeze(json);
}

function objectIn(bytes: Uint8Array): JsonObject {
  const json: Json = parseStrict(bytes);
  if (isJsonObject(json)) return json;
  throw new SdkError('ACTION_INVALID', 'expected the object of an action');
}
