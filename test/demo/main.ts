import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HttpPerson } from '../support/http-person.ts';
import { freePort } from '../support/free-port.ts';
import { installMoto } from '../support/moto-server.ts';
import { startOnCluster } from './cluster-process.ts';
import { LedgerProcess, type DemoLedger } from './countersign.ts';
import { BEFORE, type IamTarget } from './iam-target.ts';
import { motoIam } from './moto-iam.ts';
import { simulatedIam } from './simulated-iam.ts';
import { stage } from './stage.ts';
import { playCommand } from './story-command.ts';
import { playPolicy } from './story-policy.ts';

const { values } = parseArgs({
  options: { data: { type: 'string' }, cluster: { type: 'boolean' } },
});

/** `--cluster`: on Kafka, AWS KMS as moto has it, and PostgreSQL, every service in a process of its own. `--data DIR` keeps what the demo made; without it everything is removed at the end. */
const folder =
  values.data === undefined
    ? mkdtempSync(join(tmpdir(), 'countersign-demo-'))
    : resolve(values.data);
mkdirSync(folder, { recursive: true });

async function iam(): Promise<IamTarget> {
  stage.step(
    'set',
    'moto, a real IAM API to change: installed once into .cache/moto, which takes a minute or more …',
  );
  return installMoto() ? motoIam(BEFORE) : simulatedIam(BEFORE);
}

/** The same story on either: only how the ledger is started differs. */
async function startLedger(): Promise<DemoLedger> {
  if (values.cluster === true) {
    return startOnCluster(folder, (what) => {
      stage.step('cluster', what);
    });
  }
  return LedgerProcess.start(join(folder, 'ledger'), await freePort(), ['--demo']);
}

async function play(): Promise<void> {
  stage.line(
    'Countersign: an autonomous action runs only when a verified human has signed for exactly that action.',
  );
  stage.title('0  A ledger of its own, founded as a demonstration');
  const target = await iam();
  const ledger = await startLedger();
  try {
    stage.step('ledger', `runs at ${ledger.url}`);
    const founder = await HttpPerson.enrol(ledger.enrolmentLink);
    stage.step('person', 'opens the one-time link and makes a passkey (in software, for the demo)');
    const cast = { ledger, founder, work: join(folder, 'work') };
    await playCommand(cast);
    await playPolicy(cast, target);
  } finally {
    // First what fails less: an error of the story must not be hidden by one of the clearing up.
    await target.close();
    await ledger.stop();
  }
}

try {
  await play();
  stage.title(
    `Done: two actions ran, each with a proof that a stranger can check; ${stage.attacks} attacks did not`,
  );
  if (values.data !== undefined) stage.line(`  kept: ${folder}`);
} finally {
  if (values.data === undefined) rmSync(folder, { recursive: true, force: true });
}
