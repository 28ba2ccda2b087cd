import { spawn } from 'node:child_process';

export interface Ended {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A program that shares nothing with ours, run to its end while this process goes on. */
export async function ended(command: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { status, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() };
}

/** What it printed. @throws Error when it failed */
export async function printed(command: string, args: readonly string[]): Promise<Buffer> {
  const { status, stdout, stderr } = await ended(command, args);
  if (status === 0) return stdout;
  throw new Error(
    `expected ${command} to succeed, got ${String(status)}:\n${stderr}${stdout.toString()}`,
  );
}
