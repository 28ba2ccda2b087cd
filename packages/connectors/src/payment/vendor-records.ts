import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStrict, type Json } from '@countersign/canonical';
import { ConnectorError } from '../connector-error.ts';
import { isSystemError } from '../durable-file.ts';

/** The payables system, as much of it as an executor reads: who the payee is there, and what the invoice says. */
export interface VendorRecords {
  payee(recordId: string): Promise<Json>;
  invoice(number: string): Promise<Uint8Array>;
}

const NAME = /^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$/;

/** An export of it: `vendors/<record id>.json` and `invoices/<number>`, in one folder. */
export function vendorFolder(folder: string): VendorRecords {
  return {
    payee: async (recordId) =>
      parseStrict(await readNamed(join(folder, 'vendors'), recordId, '.json')),
    invoice: (number) => readNamed(join(folder, 'invoices'), number, ''),
  };
}

async function readNamed(folder: string, name: string, ending: string): Promise<Uint8Array> {
  // The name is the agent's: it must not lead out of the folder.
  if (!NAME.test(name)) throw new ConnectorError('TARGET_UNKNOWN', 'expected the name of a record');
  try {
    return await readFile(join(folder, `${name}${ending}`));
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    throw new ConnectorError('TARGET_UNKNOWN', 'expected a record that is there', { cause: error });
  }
}
