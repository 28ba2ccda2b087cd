import { writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { useLatin1Reader, useSha256 } from '@countersign/canonical';
import { nativeLatin1Reader, nativeSha256 } from '@countersign/crypto-node';
import { useSha256 as useSha256InTrees } from '@countersign/tlog';
import type { FoundedLedger } from '../support/founded-ledger.ts';
import { measureBareP256 } from './bare-crypto.ts';
import { answerDecisions, benchLedger, measureDecisions, prepareDecisions } from './decisions.ts';
import { measureInclusion } from './inclusion.ts';
import { measurePeer } from './peer.ts';
import { measurePolicy, policyTable } from './policy.ts';
import { profiled, type FunctionShare } from './profile.ts';
import { tableOf, type Report } from './report.ts';
import { measureVerifications, prepareVerifications } from './verifications.ts';

/** How much is measured. A log of 10^4 leaves needs 3,334 actions: request, decision, binding. */
const FULL = { alone: 300, sixteen: 1_000, most: 5_000, proofs: 2_000, ms: 2_000, peerS: 5 };
const QUICK = { alone: 50, sixteen: 200, most: 1_000, proofs: 300, ms: 300, peerS: 2 };

const MOST_IN_FLIGHT = 256;
const SHARES_SHOWN = 25;

type Amounts = typeof FULL;

async function measure(ledger: FoundedLedger, amounts: Amounts): Promise<Report> {
  // What the engine has not compiled yet is not what anybody waits for in the long run.
  await measureDecisions(ledger, MOST_IN_FLIGHT, 500);
  const bareBefore = measureBareP256(amounts.ms);
  const decisions = [
    await measureDecisions(ledger, 1, amounts.alone),
    await measureDecisions(ledger, 16, amounts.sixteen),
    await measureDecisions(ledger, MOST_IN_FLIGHT, amounts.most),
  ];
  await ledger.projector.waitForStored(ledger.writer.status.sealedSize, 60_000);
  const inclusion = await measureInclusion(ledger, amounts.proofs);
  const verifications = await measureVerifications(ledger, amounts.ms);
  const bareAfter = measureBareP256(amounts.ms);
  const peer = await measurePeer(MOST_IN_FLIGHT, amounts.peerS);
  return {
    machine: {
      node: process.version,
      cores: availableParallelism(),
      load: loadavg().map((each) => Math.round(each * 10) / 10),
      at: new Date().toISOString(),
    },
    bare_p256: [bareBefore, bareAfter],
    decisions,
    verifications,
    inclusion,
    peer,
  };
}

async function withLedger<T>(
  open: number,
  work: (ledger: FoundedLedger) => Promise<T>,
): Promise<T> {
  const ledger = await benchLedger(open);
  try {
    ledger.start();
    return await work(ledger);
  } finally {
    await ledger.discard();
  }
}

/** Where the time goes with the most decisions in flight. The profiler itself slows what it looks at. */
function profileDecisions(amounts: Amounts): Promise<readonly FunctionShare[]> {
  return withLedger(amounts.most, async (ledger) => {
    await measureDecisions(ledger, MOST_IN_FLIGHT, 500);
    const ready = await prepareDecisions(ledger, amounts.most);
    return (await profiled(() => answerDecisions(ledger, MOST_IN_FLIGHT, ready))).shares;
  });
}

/** Where the time of one verification after the other goes, from the file on. */
function profileVerifications(amounts: Amounts): Promise<readonly FunctionShare[]> {
  return withLedger(amounts.most, async (ledger) => {
    await measureDecisions(ledger, MOST_IN_FLIGHT, 500);
    await ledger.projector.waitForStored(ledger.writer.status.sealedSize, 60_000);
    const verify = await prepareVerifications(ledger);
    await verify(amounts.ms);
    return (await profiled(() => verify(amounts.ms))).shares;
  });
}

function shareLine({ share, where }: FunctionShare): string {
  return `${(share * 100).toFixed(1).padStart(5)} %  ${where}`;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    policy: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
});
// As the process of the services does.
useLatin1Reader(nativeLatin1Reader);
useSha256(nativeSha256);
useSha256InTrees(nativeSha256);

const amounts = values.quick ? QUICK : FULL;
if (values.profile) {
  const [what = 'decisions'] = positionals;
  const profile = what === 'verifications' ? profileVerifications : profileDecisions;
  for (const line of (await profile(amounts)).slice(0, SHARES_SHOWN)) console.log(shareLine(line));
} else if (values.policy) {
  console.log(policyTable(await measurePolicy({ each: amounts.most, ms: amounts.ms })));
} else {
  const report = await withLedger(amounts.most, (ledger) => measure(ledger, amounts));
  console.log(tableOf(report));
  if (values.json !== undefined) {
    await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
}
