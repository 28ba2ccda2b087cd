import { statfs } from 'node:fs/promises';
import type { InputRouter } from '@countersign/gateway';
import { isSystemError } from './cli-error.ts';

/** Less than this is none: the next input might not fit. */
const ROOM_BYTES = 1_048_576;

/**
 * Whether the newest input found the disk full. Nothing else would tell: a writer that has nothing to write goes on. Where no
 * input comes, because somebody heard that none is taken, room is looked for.
 */
export class DiskRoom {
  readonly #freeBytes: () => Promise<number>;
  #isFull = false;

  constructor(freeBytes: () => Promise<number>) {
    this.#freeBytes = freeBytes;
  }

  static of(folder: string): DiskRoom {
    return new DiskRoom(async () => {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    });
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** The same router, listened to. */
  heard(router: InputRouter): InputRouter {
    return {
      submit: async (submission) => {
        try {
          const submitted = await router.submit(submission);
          this.#isFull = false;
          return submitted;
        } catch (error) {
          if (isSystemError(error, 'BROKER_DISK_FULL')) this.#isFull = true;
          throw error;
        }
      },
    };
  }

  async look(): Promise<void> {
    if (this.#isFull && (await this.#freeBytes()) >= ROOM_BYTES) this.#isFull = false;
  }
}
