import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { cliError, isSystemError } from './cli-error.ts';
import type { CliContext } from './context.ts';

const STOP_WITHIN_MS = 20_000;
const EXIT_WITHIN_MS = 2_000;

/** What runs until it is stopped, or gives up. */
export interface Service {
  /** Rejects when a part of it has given up; it can only be stopped then. */
  readonly failed: Promise<never>;
  /** May be repeated. */
  stop(): Promise<void>;
}

/** Runs a service until the process is told to end, and says so; a service that gives up ends the command with its error. */
export async function runService(
  service: Service,
  context: Pick<CliContext, 'closeWith' | 'exitWithin' | 'interrupted'>,
  onStopped: (why: string) => void,
): Promise<void> {
  const stop = async (why: string): Promise<void> => {
    await service.stop();
    onStopped(why);
  };
  if (context.interrupted.aborted) {
    await stop('interrupted while it started');
    return;
  }
  context.closeWith(stop);
  try {
    await service.failed;
  } finally {
    // Only reached when a part has given up: what it was may keep the others from a tidy end.
    await Promise.race([service.stop(), delay(STOP_WITHIN_MS)]);
    context.exitWithin(EXIT_WITHIN_MS);
  }
}

export interface Listening {
  readonly host: string;
  readonly port: number;
}

/** With which option the address is chosen. */
export type AddressOption = '--port' | '--listen' | '--probe';

const ANOTHER: Readonly<Record<AddressOption, string>> = {
  // Passkeys and links belong to one address; another port would be another ledger to a browser.
  '--port': 'another port is chosen with --port when a ledger is founded',
  '--listen': 'or choose another address with --listen HOST:PORT',
  '--probe': 'or choose another address with --probe HOST:PORT',
};

/** @throws CliError PORT_BUSY */
export async function listen(
  app: FastifyInstance,
  where: Listening,
  option: AddressOption,
): Promise<void> {
  try {
    await app.listen({ host: where.host, port: where.port });
  } catch (error) {
    throw portError(error, where, option);
  }
}

export function portError(
  error: unknown,
  { host, port }: Listening,
  option: AddressOption,
): unknown {
  const options = { cause: error };
  if (isSystemError(error, 'EADDRINUSE')) {
    const message = `${option}: expected a free port ${port} on ${host}, got one in use by another program`;
    const hint = `stop that program; ${ANOTHER[option]}`;
    return cliError('PORT_BUSY', message, { ...options, hint });
  }
  if (isSystemError(error, 'EACCES', 'EADDRNOTAVAIL')) {
    const message = `${option}: expected to be allowed port ${port} on ${host}`;
    return cliError('PORT_BUSY', message, { ...options, hint: ANOTHER[option] });
  }
  return error;
}

export function sleep(ms: number): Promise<void> {
  return delay(ms);
}

export async function sleepUnless(ms: number, stopped: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal: stopped });
  } catch (error) {
    if (!isSystemError(error, 'ABORT_ERR')) throw error;
  }
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
