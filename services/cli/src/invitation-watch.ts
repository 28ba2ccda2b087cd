import { rm } from 'node:fs/promises';
import type { ReadModels } from '@countersign/store';
import { readIfThere, type DataFolder } from './data-folder.ts';
import { invitationOf } from './founding.ts';

/** Takes the founder's enrolment link away once it has been used: it is worth nothing any more, and still looks like a secret. */
export class InvitationWatch {
  readonly #folder: DataFolder;
  readonly #store: ReadModels;
  #isOver = false;

  constructor(folder: DataFolder, store: ReadModels) {
    this.#folder = folder;
    this.#store = store;
  }

  async look(): Promise<void> {
    if (this.#isOver) return;
    const link = await readIfThere(this.#folder.enrolmentLink);
    if (link !== undefined) {
      const { id } = invitationOf(link.trim());
      if ((await this.#store.member('invitation', id)) !== undefined) return;
      await rm(this.#folder.enrolmentLink, { force: true });
    }
    this.#isOver = true;
  }
}
