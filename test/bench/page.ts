import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { fromUtf8 } from '@countersign/canonical';
import { build } from 'esbuild';
import { launchBrowser } from '../console/support/person-browser.ts';
import { benchLedger, measureDecisions } from './decisions.ts';
import { percentile } from './percentile.ts';
import { say } from './say.ts';
import { trustText } from './trust-text.ts';
import { evidenceFiles } from './verifications.ts';

/** How long a page in Chromium takes to verify evidence on level `human`, beside bare P-256 signatures by the same WebCrypto. */
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '400' },
    turns: { type: 'string', default: '5' },
  },
});

const FILES = Number(values.files);
const BARE = 5_000;

/** What the page runs: the verifier and the signatures that the console has, from their sources. */
const PAGE = `
import { createVerifier, parseTrust } from '@countersign/verify';
import { verifySignature } from '@countersign/crypto-web';

const bytes = (text) => new TextEncoder().encode(text);

globalThis.timed = async (texts, trust, turns) => {
  const files = texts.map(bytes);
  const ms = [];
  const began = performance.now();
  const verifier = createVerifier({ trust: parseTrust(bytes(trust)), verifySignature });
  for (let turn = 0; turn < turns; turn += 1) {
    for (const file of files) {
      const from = performance.now();
      const { outcome, code } = await verifier.verifyFile(file, { level: 'human' });
      if (outcome !== 'VALID') throw new Error('expected VALID, got ' + code);
      ms.push(performance.now() - from);
    }
  }
  return { ms, seconds: (performance.now() - began) / 1000 };
};

globalThis.bare = async (times) => {
  const kind = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const { privateKey, publicKey } = await crypto.subtle.generateKey(kind, false, ['sign', 'verify']);
  const message = crypto.getRandomValues(new Uint8Array(69));
  const signature = await crypto.subtle.sign(kind, privateKey, message);
  const began = performance.now();
  for (let at = 0; at < times; at += 1) {
    if (!(await crypto.subtle.verify(kind, publicKey, signature, message))) throw new Error('expected it to hold');
  }
  return times / ((performance.now() - began) / 1000);
};
`;

declare global {
  /** Of the page. */
  function timed(
    texts: readonly string[],
    trust: string,
    turns: number,
  ): Promise<{ readonly ms: number[]; readonly seconds: number }>;
  function bare(times: number): Promise<number>;
}

const { files, trust } = await evidence();
const server = createServer((_request, response) => {
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html>');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const browser = await launchBrowser();
try {
  const page = await browser.newPage();
  // WebCrypto is there for secure contexts alone, and this machine's own address is one.
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.addScriptTag({ content: await bundled() });
  say('machine', { cores: availableParallelism(), load: loadavg() });
  say('bare P-256 in the page', { 'a second': await page.evaluate((times) => bare(times), BARE) });
  const { ms, seconds } = await page.evaluate(
    ([texts, trustText, turns]) => timed(texts, trustText, turns),
    [files, trust, Number(values.turns)] as const,
  );
  const [first = 0, ...rest] = ms;
  say('first', { ms: first });
  say('every other', {
    'a second': ms.length / seconds,
    'p50 ms': percentile(rest, 0.5),
    'p99 ms': percentile(rest, 0.99),
  });
} finally {
  await browser.close();
  server.close();
}

async function evidence(): Promise<{ readonly files: string[]; readonly trust: string }> {
  const ledger = await benchLedger(FILES);
  try {
    ledger.start();
    await measureDecisions(ledger, 16, FILES);
    await ledger.projector.waitForStored(ledger.writer.status.sealedSize, 60_000);
    const files = await evidenceFiles(ledger, FILES);
    return { files: files.map((file) => fromUtf8(file)), trust: fromUtf8(trustText(ledger)) };
  } finally {
    await ledger.discard();
  }
}

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: ['es2022'],
    conditions: ['@countersign/source'],
    minify: true,
  });
  return outputFiles[0]?.text ?? '';
}
