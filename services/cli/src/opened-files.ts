import { stat } from 'node:fs/promises';
import { cliError, isSystemError } from './cli-error.ts';

/** The files that a server has open. What lies at their paths has to stay those: else it writes what nobody will find again. */
export class OpenedFiles {
  readonly #identities: ReadonlyMap<string, string>;

  private constructor(identities: ReadonlyMap<string, string>) {
    this.#identities = identities;
  }

  /** Of files that were opened just now. @throws CliError DATA_REPLACED, DATA_UNREADABLE */
  static async at(...paths: readonly string[]): Promise<OpenedFiles> {
    const identities = new Map<string, string>();
    for (const path of paths) identities.set(path, await identityOf(path));
    return new OpenedFiles(identities);
  }

  /** @throws CliError DATA_REPLACED, DATA_UNREADABLE */
  async assertInPlace(): Promise<void> {
    for (const [path, identity] of this.#identities) {
      if ((await identityOf(path)) !== identity) throw replaced(path);
    }
  }
}

async function identityOf(path: string): Promise<string> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) throw replaced(path, error);
    throw cliError('DATA_UNREADABLE', `expected to be allowed to look at ${path}`, {
      cause: error,
    });
  }
}

function replaced(path: string, cause?: unknown): Error {
  return cliError('DATA_REPLACED', `${path} was moved, removed or replaced while it was in use`, {
    cause,
    hint: 'what was written since is not in the file that lies there now: find out who did it, and start again',
  });
}
