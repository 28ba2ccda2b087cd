import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseVerifierKey } from '@countersign/tlog';
import { pythonEnvironment } from './python-environment.ts';

const script = fileURLToPath(new URL('verify_receipts.py', import.meta.url));

export interface Judged {
  readonly ok: boolean;
  readonly tree_size: number | null;
  readonly leaf_index: number | null;
  readonly issuer: string | null;
  readonly failed_at: string | null;
}

export interface Asked {
  readonly receipt: Uint8Array;
  readonly entry: string;
}

/** Others' code for RFC 9942, which has made the vectors of test/vectors/tlog/cose-receipts.json. */
export class ScittCose {
  readonly #python: string;

  private constructor(python: string) {
    this.#python = python;
  }

  /** The first start downloads it. @throws Error where Python or the package cannot be had */
  static open(): ScittCose {
    const bin = pythonEnvironment({ name: 'scitt-cose', requirement: 'scitt-cose==0.5.0' });
    if (bin === undefined) throw new Error('expected Python 3 with venv, and scitt-cose from PyPI');
    return new ScittCose(join(bin, 'python'));
  }

  /** All at once: each start of Python takes longer than it takes to judge a hundred. */
  judge(vkey: string, asked: readonly Asked[]): Judged[] {
    const { publicKey } = parseVerifierKey(vkey);
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    const input = JSON.stringify({
      key: key.export({ format: 'pem', type: 'spki' }),
      receipts: asked.map(({ receipt, entry }) => ({
        receipt: Buffer.from(receipt).toString('hex'),
        entry: Buffer.from(entry).toString('hex'),
      })),
    });
    return JSON.parse(
      execFileSync(this.#python, [script], { input, encoding: 'utf8' }),
    ) as Judged[];
  }
}
