import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStrict, type Json } from '@countersign/canonical';
import { isSystemError } from '@countersign/durable-file';
import { ConnectorError } from '../connector-error.ts';

/** The payables system, as much of it as an executor reads: who the payee is there, and what the invoice says. */
export interface VendorRecords {
  payee(recordId: string): Promise<Json>;
  invoice(number: string): Promise<Uint8Array>;
}

/** An export of it in one folder: `vendors/<record id>.json` and `invoices/<number>`, names as in a URL. */
export function vendorFolder(folder: string): VendorRecords {
  return {
    payee: async (recordId) =>
      parseStrict(await readNamed(join(folder, 'vendors'), recordId, '.json')),
    invoice: (number) => readNamed(join(folder, 'invoices'), number, ''),
  };
}

async function readNamed(folder: string, name: string, ending: string): Promise<Uint8Array> {
  const file = `${encodeURIComponent(name)}${ending}`;
  // The name is the agent's: it must not lead out of the folder.
  if (file === '' || file.startsWith('.')) {
    throw new ConnectorError('TARGET_UNKNOWN', 'expected the name of a record');
  }
  try {
    return await readFile(join(folder, file));
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    throw new ConnectorError('TARGET_UNKNOWN', 'expected a record that is there', { cause: error });
  }
}
