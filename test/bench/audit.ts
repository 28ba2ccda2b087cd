import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { canonicalBytes, useLatin1Reader } from '@countersign/canonical';
import { nativeLatin1Reader } from '@countersign/crypto-node';
import { parseTrust, type Trust } from '@countersign/verify';
import { KeptAudit } from '../../services/cli/src/log-audit.ts';
import { DecidedLog, writeFiles } from '../support/decided-log.ts';
import { entryIn } from '../support/parties.ts';
import { buildTlogcheck, type Tlogcheck } from '../support/tlogcheck.ts';
import { measureBareP256 } from './bare-crypto.ts';
import { heapBytes } from './heap.ts';
import { rounded } from './percentile.ts';

/** How fast a folder is audited, beside the check of its hashes by Tessera's fsck, in turns in one run. */
const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '20000' },
    turns: { type: 'string', default: '3' },
    'bare-ms': { type: 'string', default: '1000' },
  },
});

useLatin1Reader(nativeLatin1Reader);

const folder = await mkdtemp(join(tmpdir(), 'bench-audit-'));
try {
  await measure(join(folder, 'log'));
} finally {
  await rm(folder, { recursive: true });
}

async function measure(at: string): Promise<void> {
  const log = await grown(Number(values.entries));
  await writeFiles(at, await log.files());
  const trust = parseTrust(canonicalBytes(log.trust()));
  const size = log.entries.length;
  const tlogcheck = tools();
  say('log', {
    entries: size,
    cores: availableParallelism(),
    load: loadavg().map((each) => rounded(each)),
  });
  say('bare P-256', { ...measureBareP256(Number(values['bare-ms'])) });
  for (let turn = 0; turn < Number(values.turns); turn += 1) {
    if (tlogcheck !== undefined) say('fsck', rateOf(size, await fsck(tlogcheck, at)));
    say('audit', rateOf(size, await audit(at, trust)));
  }
  say('after', {
    load: loadavg().map((each) => rounded(each)),
    heap_MB: rounded(heapBytes() / 1e6, 0),
  });
}

/** Bound, used and reported: five entries an action, one of which carries a passkey's signature twice. */
async function grown(entries: number): Promise<DecidedLog> {
  const log = new DecidedLog();
  while (log.entries.length < entries) {
    const { binding } = await log.bind();
    await log.submit('use', log.parties.useFrame(binding));
    const { action_digest: digest } = entryIn(binding.text, 'binding-made');
    await log.submit('report', log.parties.reportFrame(log.last('binding-used'), digest));
    log.forward(250);
  }
  return log;
}

function tools(): Tlogcheck | undefined {
  try {
    return buildTlogcheck(folder);
  } catch {
    say('fsck', { not_measured: 'Go is missing, or a module' });
    return undefined;
  }
}

async function fsck(tlogcheck: Tlogcheck, at: string): Promise<number> {
  const vkey = (await readFile(join(at, 'log.vkey'), 'utf8')).trim();
  const start = performance.now();
  const { status, why } = await tlogcheck('fsck', '-url', `file://${at}`, '-vkey', vkey);
  if (status !== 0) throw new Error(why);
  return performance.now() - start;
}

async function audit(at: string, trust: Trust): Promise<number> {
  const start = performance.now();
  const kept = await KeptAudit.open({
    log: { folder: at },
    trust,
    trustDigest: '',
    allowDemo: false,
    nearMs: 1,
    isFull: true,
    interrupted: new AbortController().signal,
    nowMs: Date.now,
    onProgress: () => undefined,
  });
  const outcome = await kept.run();
  if (outcome.outcome !== 'VALID') throw new Error(outcome.code);
  return performance.now() - start;
}

function rateOf(size: number, ms: number): Record<string, unknown> {
  return { seconds: rounded(ms / 1_000), entries_per_second: rounded((size * 1_000) / ms, 0) };
}

function say(what: string, facts: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${what.padEnd(11)} ${JSON.stringify(facts)}\n`);
}
