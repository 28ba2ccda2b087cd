import { parseStrict, utf8, type JsonObject } from '@countersign/canonical';
import { parseEvidence, VerifyError, type Evidence } from '@countersign/verify';
import { CliError } from './cli-error.ts';

/** Evidence as a ledger gives it: read, and not verified. @throws CliError the codes of its format */
export function readEvidence(text: string): Evidence {
  try {
    return parseEvidence(utf8(text));
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    throw new CliError(error.code, error.message, { cause: error });
  }
}

/**
 * The action that evidence is of; undefined where what it says was erased. Evidence of something else that was approved is true
 * as well: which one is meant, is not for the server to say.
 *
 * @throws CliError the codes of its format, ACTION_DIGEST_MISMATCH
 */
export function actionIn(evidence: string, actionId: string): JsonObject | undefined {
  const { action } = readEvidence(evidence).content;
  if (action === null) return undefined;
  const json = parseStrict(utf8(action)) as JsonObject;
  if (json['action_id'] === actionId) return json;
  throw new CliError('ACTION_DIGEST_MISMATCH', 'expected evidence of the action that was named');
}
