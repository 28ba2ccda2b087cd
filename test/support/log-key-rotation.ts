import type { JsonObject } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import type { InputAnswer } from '@countersign/projector';
import { parseNote, parseVerifierKey, type NoteSigner } from '@countersign/tlog';
import { decodeLogRecord } from '@countersign/wire';
import { expect } from 'vitest';
import { evidenceOutcome } from './evidence-outcome.ts';
import { entryOf, type FoundedLedger } from './founded-ledger.ts';
import { auditLog } from './log-audit.ts';

type Asking = Pick<FoundedLedger, 'origin' | 'parties'>;

/** An action that changes the keys of the log. */
export function logKeyAction(at: Asking, change: JsonObject): JsonObject {
  return authorityAction(at, 'authority.logkey', change);
}

/** An action that the ledger carries out itself. */
export function authorityAction(at: Asking, type: string, change: JsonObject): JsonObject {
  const descriptor = BUILTIN_DESCRIPTORS.find((known) => known.type === type);
  const executor = {
    id: 'ledger',
    audience: at.origin,
    descriptor_digest: descriptor?.digest ?? '',
  };
  return at.parties.action({ type, params: { change }, executor });
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

async function restartWith(at: FoundedLedger, ...signers: NoteSigner[]): Promise<void> {
  await at.stop();
  at.signers = signers;
  at.renewServices();
  at.start();
}

async function lastKeys(at: FoundedLedger): Promise<readonly string[]> {
  return (await signedHeads(at)).at(-1)?.keys ?? [];
}

/**
 * From the founding key of a running ledger to a new one, as docs/cli.md tells it: what signs in each part, evidence for who pins
 * the founding alone, and a writer with the old key that stops. The ledger runs on with the new key.
 */
export async function expectRotation(at: FoundedLedger, newKey: NoteSigner): Promise<void> {
  const oldKey = at.signer;
  const before = await at.bind();
  await restartWith(at, oldKey, newKey);
  entryOf(await changeLogKeys(at, adding(newKey)), 'authority-changed');
  const within = await at.bind();
  expect(await lastKeys(at)).toEqual([idOf(oldKey), idOf(newKey)]);
  entryOf(await changeLogKeys(at, removing(oldKey)), 'authority-changed');
  await restartWith(at, newKey);
  const after = await at.bind();
  expect(await lastKeys(at)).toEqual([idOf(newKey)]);
  await at.projector.waitForStored(after.binding.index + 1, 5_000);
  for (const { actionId } of [before, within, after]) {
    expect(await evidenceOutcome(at, actionId)).toMatchObject({ outcome: 'VALID' });
  }
  await expect(at.newWriter({ signers: [oldKey] }).run()).rejects.toMatchObject({
    code: 'SIGNING_KEY_NOT_VALID_AT',
  });
  const { size, sealedSize, counts } = await auditLog(at.broker, {
    origin: at.origin,
    logKeys: [oldKey.vkey],
  });
  expect(sealedSize).toBe(size);
  expect(counts).toMatchObject({ notValidCheckpoints: 0, unsignedCheckpoints: 0 });
}
