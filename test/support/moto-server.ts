import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { pythonEnvironment } from './python-environment.ts';

export const MOTO = { name: 'moto', requirement: 'moto[iam,kms,server]==5.2.5' };
/** A busy machine is not a fault. */
const START_TIMEOUT_MS = 90_000;

/** What a client of the AWS SDK needs to reach moto. */
export const MOTO_CLIENT = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'demo', secretAccessKey: 'demo' },
} as const;

export interface MotoServer {
  readonly endpoint: string;
  /** It takes connections and answers nobody. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** Installs moto once. False where Python or the package cannot be had. */
export function installMoto(): boolean {
  return pythonEnvironment(MOTO) !== undefined;
}

/**
 * APIs of AWS on loopback, with accounts that are empty.
 * @throws Error where moto cannot be had, or does not start
 */
export async function startMoto(): Promise<MotoServer> {
  const bin = pythonEnvironment(MOTO);
  if (bin === undefined) throw new Error(`expected Python 3 with venv, and ${MOTO.requirement}`);
  const port = await freePort();
  const server = spawn(join(bin, 'moto_server'), ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await answering(endpoint, server);
  return {
    endpoint,
    pause: () => {
      server.kill('SIGSTOP');
    },
    resume: () => {
      server.kill('SIGCONT');
    },
    stop: () => stopped(server),
  };
}

async function answering(endpoint: string, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && server.exitCode === null) {
    try {
      await fetch(`${endpoint}/moto-api/`);
      return;
    } catch (error) {
      // Not listening yet: fetch fails with a TypeError whatever the reason is.
      if (!(error instanceof TypeError)) throw error;
      await sleep(100);
    }
  }
  server.kill();
  throw new Error(`expected moto to answer within ${START_TIMEOUT_MS} ms`);
}

function stopped(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    server.once('exit', () => {
      resolve();
    });
    server.kill();
  });
}
