import type { JsonObject } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import type { InputAnswer } from '@countersign/projector';
import { parseNote, parseVerifierKey, type NoteSigner } from '@countersign/tlog';
import { decodeLogRecord } from '@countersign/wire';
import type { FoundedLedger } from './founded-ledger.ts';

const LOG_KEY_TYPE = 'authority.logkey';

/** An action that changes the keys of the log. */
export function logKeyAction(at: FoundedLedger, change: JsonObject): JsonObject {
  const descriptor = BUILTIN_DESCRIPTORS.find(({ type }) => type === LOG_KEY_TYPE);
  const executor = {
    id: 'ledger',
    audience: at.origin,
    descriptor_digest: descriptor?.digest ?? '',
  };
  return at.parties.action({ type: LOG_KEY_TYPE, params: { change }, executor });
}

export function adding({ vkey }: NoteSigner): JsonObject {
  return { kind: 'log-key-added', vkey };
}

export function removing(signer: NoteSigner): JsonObject {
  return { kind: 'log-key-removed', id: idOf(signer) };
}

export function idOf({ vkey }: NoteSigner): string {
  return parseVerifierKey(vkey).keyIdHex;
}

/** Asks for the change and has it approved. */
export async function changeLogKeys(at: FoundedLedger, change: JsonObject): Promise<InputAnswer> {
  return at.decide(await at.admit(logKeyAction(at, change)));
}

/** Of each checkpoint in the log topic, in their order: its size, and the ids of the keys that signed it. */
export async function signedHeads(
  at: FoundedLedger,
): Promise<readonly { readonly size: number; readonly keys: readonly string[] }[]> {
  const records = await at.broker.read({ topic: 'log', partition: 0 }, 0, 10_000);
  return records.flatMap(({ value }) => {
    const record = value === null ? undefined : decodeLogRecord(value);
    if (record?.kind !== 'checkpoint') return [];
    const { signatures } = parseNote(record.note);
    const keys = signatures.map(({ keyId }) => Buffer.from(keyId).toString('hex'));
    return [{ size: record.size, keys }];
  });
}
