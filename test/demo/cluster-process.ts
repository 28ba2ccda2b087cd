import { join } from 'node:path';
import { ClusterLedger } from '../support/cluster/cluster-ledger.ts';
import { startLocalCluster } from '../support/cluster/local-cluster.ts';
import type { DemoLedger } from './countersign.ts';

/** A ledger on a cluster of its own: two writers, two projectors and a gateway. */
export async function startOnCluster(
  folder: string,
  say: (what: string) => void,
): Promise<DemoLedger> {
  const cluster = await startLocalCluster({ say });
  let ledger: ClusterLedger | undefined;
  const stop = async (): Promise<void> => {
    await ledger?.stop();
    await cluster.stop();
  };
  try {
    say('topics, a ledger, its services …');
    ledger = await ClusterLedger.found({ cluster, folder, more: ['--demo'] });
    await ledger.start(['ledger', 'ledger', 'projector', 'projector', 'gateway']);
    return {
      url: ledger.url,
      data: ledger.data,
      enrolmentLink: await ledger.enrolmentLink(),
      trustFile: join(ledger.data, 'trust.json'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
