import { verifySignature } from '@countersign/crypto-node';
import {
  createVerifier,
  parseEvidence,
  VerifyError,
  type BindingFacts,
  type Evidence,
  type Level,
  type Outcome,
  type Trust,
} from '@countersign/verify';
import { decodeLogRecord, WireError, type BindingSealed } from '@countersign/wire';
import { CliError } from './cli-error.ts';

/** With which every record of a topic begins, and no JSON: schemas/formats/batch-and-wire.md §1. */
const FRAME_MARK = [0xc3, 0x01] as const;

export interface RecordOptions {
  readonly trust: Trust;
  readonly level: Level;
  readonly allowDemo: boolean;
  /** An evidence file with the authority that the binding cites. */
  readonly authority?: Uint8Array;
}

export function isWireFrame(bytes: Uint8Array): boolean {
  return FRAME_MARK.every((byte, position) => bytes[position] === byte);
}

/** Verifies the value of a BindingSealed record. @throws CliError EVIDENCE_FORMAT, … */
export async function verifyRecord(
  bytes: Uint8Array,
  { trust, level, allowDemo, authority }: RecordOptions,
): Promise<Outcome<BindingFacts>> {
  const record = bindingIn(bytes);
  const chain = authority === undefined ? undefined : evidenceIn(authority).authority.chain;
  return createVerifier({ trust, verifySignature }).verifyBinding(record, {
    level,
    allowDemo,
    ...(chain !== undefined && { authority: chain }),
  });
}

function bindingIn(bytes: Uint8Array): BindingSealed {
  const expected = 'expected a binding as the log topic publishes it';
  try {
    const record = decodeLogRecord(bytes);
    if (record.kind === 'binding') return record;
    throw new CliError('EVIDENCE_FORMAT', `${expected}, got a ${record.kind}`);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new CliError('EVIDENCE_FORMAT', `${expected} (${error.code})`, { cause: error });
  }
}

function evidenceIn(file: Uint8Array): Evidence {
  try {
    return parseEvidence(file);
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    throw new CliError(error.code, `--authority: ${error.message}`, { cause: error });
  }
}
