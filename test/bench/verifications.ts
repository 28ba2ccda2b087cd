import { canonicalBytes } from '@countersign/canonical';
import { verifySignature, verifySignatureAside } from '@countersign/crypto-node';
import {
  createVerifier,
  parseEvidence,
  parseTrust,
  type Evidence,
  type Level,
  type Outcome,
} from '@countersign/verify';
import type { FoundedLedger } from '../support/founded-ledger.ts';
import { TENANT } from '../support/parties.ts';
import { rounded } from './percentile.ts';
import { trustText } from './trust-text.ts';

/** How many actions take turns, all under one checkpoint: more than a verifier remembers the content of. */
const ACTIONS = 400;

export interface VerificationFigures {
  readonly level: Level;
  readonly in_flight: number;
  /** From the bytes of an evidence file on. */
  readonly files_per_second: number;
  /** Processor time of all threads for one. */
  readonly files_cpu_us: number;
  /** Of evidence that has been read into memory before. */
  readonly per_second: number;
  readonly cpu_us: number;
}

interface Held {
  readonly evidence: Evidence;
  readonly file: Uint8Array;
}

type Verify = (held: Held) => Promise<Outcome>;

/** Verifies the evidence of many actions in turn; their checkpoint and authority chain have been checked before. */
export async function measureVerifications(
  ledger: FoundedLedger,
  durationMs: number,
): Promise<VerificationFigures[]> {
  const held = await heldEvidence(ledger);
  const trust = parseTrust(trustText(ledger));
  const figures: VerificationFigures[] = [];
  for (const level of ['sealed', 'human'] as const) {
    for (const inFlight of [1, 16]) {
      // Whoever verifies several at a time gives the signatures to all cores.
      const verify = inFlight === 1 ? verifySignature : verifySignatureAside;
      const verifier = createVerifier({ trust, verifySignature: verify });
      const ofFile: Verify = ({ file }) => verifier.verifyFile(file, { level });
      const ofRead: Verify = ({ evidence }) => verifier.verify(evidence, { level });
      const files = await measure(held, ofFile, { inFlight, durationMs });
      const inMemory = await measure(held, ofRead, { inFlight, durationMs });
      figures.push({
        level,
        in_flight: inFlight,
        files_per_second: files.perSecond,
        files_cpu_us: files.cpuUs,
        per_second: inMemory.perSecond,
        cpu_us: inMemory.cpuUs,
      });
    }
  }
  return figures;
}

/** What verifies files on level `human`, one after the other on this thread alone, for a profile of where its time goes. */
export async function prepareVerifications(
  ledger: FoundedLedger,
): Promise<(durationMs: number) => Promise<unknown>> {
  const held = await heldEvidence(ledger);
  const verifier = createVerifier({ trust: parseTrust(trustText(ledger)), verifySignature });
  const ofFile: Verify = ({ file }) => verifier.verifyFile(file, { level: 'human' });
  return (durationMs) => measure(held, ofFile, { inFlight: 1, durationMs });
}

async function heldEvidence(ledger: FoundedLedger): Promise<Held[]> {
  const files = await evidenceFiles(ledger, ACTIONS);
  return files.map((file) => ({ evidence: parseEvidence(file), file }));
}

/** Of so many bound actions. */
export async function evidenceFiles(
  ledger: FoundedLedger,
  limit: number,
): Promise<readonly Uint8Array[]> {
  const { rows } = await ledger.store.actions({ tenant: TENANT, status: 'bound', limit });
  const files: Uint8Array[] = [];
  for (const { actionId } of rows) {
    files.push(canonicalBytes(await ledger.projector.evidence(TENANT, actionId)));
  }
  return files;
}

async function measure(
  held: readonly Held[],
  verify: Verify,
  { inFlight, durationMs }: { readonly inFlight: number; readonly durationMs: number },
): Promise<{ readonly perSecond: number; readonly cpuUs: number }> {
  let next = 0;
  const verifyFor = async (ms: number): Promise<void> => {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      next += 1;
      await verifyOne(verify, held[next % held.length]);
    }
  };
  // What the engine has not compiled yet is not what a verifier that goes on takes.
  await verifyFor(durationMs / 2);
  next = 0;
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  await Promise.all(Array.from({ length: inFlight }, () => verifyFor(durationMs)));
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: rounded(next / seconds, 0), cpuUs: rounded((user + system) / next, 0) };
}

/** @throws Error for evidence that does not verify: a fast refusal is no figure. */
async function verifyOne(verify: Verify, held: Held | undefined): Promise<void> {
  if (held === undefined) throw new Error('expected evidence to verify');
  const { outcome, code } = await verify(held);
  if (outcome !== 'VALID') throw new Error(`expected VALID, got ${outcome} ${code ?? ''}`);
}
