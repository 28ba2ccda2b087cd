import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const BUILD = path.join(import.meta.dirname, '../../../services/console/build.js');

/** The page as it is built from the sources now, in a folder of its own. */
export class BuiltPage {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<BuiltPage> {
    const folder = await mkdtemp(path.join(tmpdir(), 'console-page-'));
    await promisify(execFile)(process.execPath, [BUILD, folder]);
    return new BuiltPage(folder);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
