import { join } from 'node:path';
import { createDurably, makePrivateFolder, replaceDurably } from '../durable-file.ts';

/**
 * Where new secrets are delivered: a folder that only its owner reads, mounted into who uses them.
 *
 * Crash story: a secret is there under a name of its own before the target knows it, so none that the target has taken is
 * ever lost. It takes the place of the current one only when the target has taken it.
 */
export class SecretSink {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param version of this use: two uses never write the same file */
  async stage(name: string, version: string, secret: string): Promise<void> {
    await makePrivateFolder(this.#folder);
    await createDurably(join(this.#folder, `${name}.${version}`), secret);
  }

  async activate(name: string, secret: string): Promise<void> {
    await replaceDurably(join(this.#folder, name), secret);
  }
}
