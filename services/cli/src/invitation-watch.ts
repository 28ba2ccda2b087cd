import { rm } from 'node:fs/promises';
import type { ReadModels } from '@countersign/store';
import { readIfThere } from './data-folder.ts';
import { invitationOf } from './founding.ts';

/** Takes the enrolment link of a founder away once it has been used: it is worth nothing any more, and still looks like a secret. */
export class InvitationWatch {
  readonly #store: ReadModels;
  /** Files of links that may still be open. */
  #paths: readonly string[];

  constructor(paths: readonly string[], store: ReadModels) {
    this.#paths = paths;
    this.#store = store;
  }

  async look(): Promise<void> {
    for (const path of this.#paths) {
      if (await this.#isOpen(path)) continue;
      await rm(path, { force: true });
      this.#paths = this.#paths.filter((each) => each !== path);
    }
  }

  async #isOpen(path: string): Promise<boolean> {
    const link = await readIfThere(path);
    if (link === undefined) return false;
    const { id } = invitationOf(link.trim());
    return (await this.#store.member('invitation', id)) !== undefined;
  }
}
