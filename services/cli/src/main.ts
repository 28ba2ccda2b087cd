import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { useLatin1Reader, useSha256 } from '@countersign/canonical';
import { nativeLatin1Reader, nativeSha256 } from '@countersign/crypto-node';
import { useSha256 as useSha256InTrees } from '@countersign/tlog';
import closeWithGrace, { type Options } from 'close-with-grace';
import type { CliContext } from './context.ts';
import { Output } from './output.ts';
import { runCli } from './program.ts';

const CLOSE_WITHIN_MS = 20_000;
const SIGINT_EXIT = 130;

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}

function outputTo(stream: NodeJS.WriteStream): Output {
  // Whoever reads from us may go away first; that is no reason to crash.
  stream.on('error', () => undefined);
  return new Output({
    isTty: stream.isTTY,
    size: () => ({ columns: stream.columns, rows: stream.rows }),
    write: (text) => {
      stream.write(text);
    },
  });
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Whoever asks twice does not want to wait for a tidy end.
      if (controller.signal.aborted) process.exit(SIGINT_EXIT);
      controller.abort();
    });
  }
  return controller.signal;
}

// Hashing is most of what a ledger and a verifier do besides signatures: the platform does it ten times as fast.
useLatin1Reader(nativeLatin1Reader);
useSha256(nativeSha256);
useSha256InTrees(nativeSha256);

// What this program needs of Node is said by its own package; the notice would stand among what a command prints.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const stderr = outputTo(process.stderr);

const context: CliContext = {
  env: process.env,
  cwd: process.cwd(),
  command: process.env['COUNTERSIGN_COMMAND'] ?? 'countersign',
  tempFolder: tmpdir(),
  version: packageVersion(),
  stdin: process.stdin,
  stdout: outputTo(process.stdout),
  stderr,
  child: { stdout: process.stdout, stderr: process.stderr },
  interrupted: interruption(),
  closeWith: (stop) => {
    // A server that has given up ends by itself, and with the code of that: not as one that was asked to stop.
    const options: Options = { delay: CLOSE_WITHIN_MS, logger: false, skip: ['beforeExit'] };
    closeWithGrace(options, async ({ signal, err }) => {
      if (err !== undefined) stderr.text(`countersign: ${String(err.stack)}\n`);
      await stop(signal ?? 'an error');
    });
  },
  exitWithin: (ms) => {
    setTimeout(() => process.exit(), ms).unref();
  },
  nowMs: Date.now,
  randomBytes: (size) => new Uint8Array(randomBytes(size)),
};

process.exitCode = await runCli(process.argv.slice(2), context);
