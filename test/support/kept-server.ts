import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const STOP_MS = 20_000;

/** `down`: as an operator ends it. `crash`: kill -9. `pause`: it stands still, with all that it had under way. */
export type Order = 'up' | 'down' | 'crash' | 'pause' | 'resume';

export interface KeptServer {
  /** Resolves when the order was carried out; a server that was started may not answer yet. */
  tell(order: Order): Promise<void>;
  /** Whether there is still somebody who keeps it. */
  readonly isKept: boolean;
  /** Ends the server for good and removes its folder. */
  stop(): Promise<void>;
}

export interface KeptOptions {
  /** Of the server's own: it goes with it. */
  readonly folder: string;
  readonly log: string;
  readonly command: readonly string[];
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * A shell that starts and ends a server as it is told, line by line. Its input ends when we close it, and when we die,
 * however that happens. Then the server is killed and its folder removed, so nothing outlives the tests.
 */
const KEEPER = `
folder=$1; shift; pid=
while read -r order; do
  case $order in
    up) [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || { "$@" & pid=$!; } ;;
    down) kill -INT "$pid"; wait "$pid"; pid= ;;
    crash) kill -9 "$pid"; wait "$pid"; pid= ;;
    pause) kill -STOP "$pid" ;;
    resume) kill -CONT "$pid" ;;
  esac
  echo "$order" >&3
done
[ -n "$pid" ] && { kill -9 "$pid"; wait "$pid"; }
rm -rf "$folder"
`;

/** Nothing runs before the first `up`. */
export async function keepServer(options: KeptOptions): Promise<KeptServer> {
  const { folder, log, command, owner } = options;
  const file = await open(log, 'a');
  const keeper = spawn('sh', ['-c', KEEPER, 'sh', folder, ...command], {
    // Not of our group: a Ctrl-C is ours, and reaches it as the end of its input.
    detached: true,
    stdio: ['pipe', file.fd, file.fd, 'pipe'],
    cwd: folder,
    ...owner,
  });
  await file.close();
  return {
    tell: (order) => tell(keeper, order),
    get isKept() {
      return keeper.exitCode === null;
    },
    stop: () => stop(keeper),
  };
}

async function tell(keeper: ChildProcess, order: Order): Promise<void> {
  const listening = new AbortController();
  const { signal } = listening;
  const answers = keeper.stdio[3];
  if (!(answers instanceof Readable)) throw new Error('expected a keeper that answers');
  const done = Promise.race([
    once(answers, 'data', { signal }),
    once(keeper, 'exit', { signal }).then(() => {
      throw new Error('expected the keeper of a server to run');
    }),
  ]);
  keeper.stdin?.write(`${order}\n`);
  try {
    await done;
  } finally {
    listening.abort();
  }
}

async function stop(keeper: ChildProcess): Promise<void> {
  if (keeper.exitCode !== null) return;
  const ended = new Promise((resolve) => keeper.once('exit', resolve));
  keeper.stdin?.end();
  const isEnded = await Promise.race([
    ended.then(() => true),
    sleep(STOP_MS, false, { ref: false }),
  ]);
  if (!isEnded) throw new Error('expected a server of the tests to stop');
}
