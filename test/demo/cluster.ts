import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ClusterLedger, type ServiceKind } from '../support/cluster/cluster-ledger.ts';
import { startLocalCluster } from '../support/cluster/local-cluster.ts';
import { stage } from './stage.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '7420' },
    ledgers: { type: 'string', default: '2' },
    projectors: { type: 'string', default: '2' },
    gateways: { type: 'string', default: '1' },
  },
});

function times(count: string, kind: ServiceKind): ServiceKind[] {
  return Array.from({ length: Number(count) }, () => kind);
}

/** `npm run cluster`: everything that a ledger on a cluster needs, on this machine, until Ctrl-C. */
async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-cluster-'));
  const say = (what: string): void => {
    stage.step('starting', what);
  };
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        resolve();
      });
    }
  });
  const cluster = await startLocalCluster({ say });
  let ledger: ClusterLedger | undefined;
  try {
    say('topics, a ledger, its services …');
    ledger = await ClusterLedger.found({ cluster, folder, port: Number(values.port) });
    await ledger.start(times(values.ledgers, 'ledger'));
    await ledger.start(times(values.projectors, 'projector'));
    await ledger.start(times(values.gateways, 'gateway'));
    await tell(ledger, cluster.env);
    await interrupted;
  } finally {
    await stopped(ledger);
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A service that was killed meanwhile is no reason to leave anything behind. */
async function stopped(ledger: ClusterLedger | undefined): Promise<void> {
  try {
    await ledger?.stop();
  } catch (error) {
    stage.step('stopped', error instanceof Error ? error.message : String(error));
  }
}

async function tell(ledger: ClusterLedger, env: Readonly<Record<string, string>>): Promise<void> {
  stage.title('A ledger on Kafka, AWS KMS (moto) and PostgreSQL');
  stage.step('address', ledger.url);
  stage.step('data', ledger.data);
  stage.step('cluster', ledger.clusterFile);
  for (const { kind, probe, running } of ledger.services) {
    const at = kind === 'gateway' ? ledger.url : `${probe}/metrics`;
    stage.step(kind, `process ${String(running.child.pid)}, ${at}`);
  }
  stage.line('');
  if (process.stdout.isTTY) {
    stage.line('  Open this link in your browser to enrol the first passkey:');
    stage.line(`  ${await ledger.enrolmentLink()}`);
  } else {
    stage.line(`  The link in ${ledger.data}/enrolment-link.txt enrols the first passkey.`);
  }
  stage.line('');
  stage.line('  Then, in another terminal in this folder:');
  stage.line(`  ./countersign exec --data ${ledger.data} --purpose "try it" -- echo hello`);
  stage.line('');
  const names = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  stage.line('  A process more, by hand:');
  stage.line(`  ${names.join(' ')} ./countersign ledger --data ${ledger.data}`);
  stage.line('');
  stage.line('  Ctrl-C stops everything and removes it.');
}

await run();
