import { canonicalBytes } from '@countersign/canonical';
import type { FoundedLedger } from '../support/founded-ledger.ts';

/** The trust file of a ledger that is measured. */
export function trustText(ledger: FoundedLedger): Uint8Array {
  return canonicalBytes({
    v: 'countersign.trust.v1',
    origin: ledger.origin,
    log_keys: [ledger.signer.vkey],
    genesis: ledger.genesis,
    accept: { proof_classes: ['uv'], separation: ['full'], demo: false },
  });
}
