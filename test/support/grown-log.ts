import type { FoundedLedger } from './founded-ledger.ts';

const AT_ONCE = 20;

/** Binds until the log has at least so many entries, each of a real action, all of them stored. @returns its size */
export async function growLog(ledger: FoundedLedger, size: number): Promise<number> {
  while (ledger.writer.status.sealedSize < size) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => ledger.bind()));
  }
  const { sealedSize } = ledger.writer.status;
  if (await ledger.projector.waitForStored(sealedSize, 20_000)) return sealedSize;
  throw new Error(`expected ${sealedSize} entries in the read models`);
}
