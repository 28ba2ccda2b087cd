import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterLedger, type ServiceKind } from '../support/cluster/cluster-ledger.ts';
import { startLocalCluster } from '../support/cluster/local-cluster.ts';
import { CLUSTER_USAGE, readClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { stage } from './stage.ts';

function times(length: number, kind: ServiceKind): ServiceKind[] {
  return Array.from({ length }, () => kind);
}

/** `npm run cluster`: everything that a ledger on a cluster needs, on this machine, until Ctrl-C. */
async function run(options: ClusterOptions): Promise<void> {
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
    ledger = await ClusterLedger.found({ cluster, folder, port: options.port });
    await ledger.start(times(options.ledgers, 'ledger'));
    await ledger.start(times(options.projectors, 'projector'));
    await ledger.start(times(options.gateways, 'gateway'));
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

const options = readClusterOptions(process.argv.slice(2));
if (options === 'help') {
  console.log(CLUSTER_USAGE);
} else if (options instanceof Error) {
  console.error(`${options.message}\n\n${CLUSTER_USAGE}`);
  process.exitCode = 2;
} else {
  await run(options);
}
