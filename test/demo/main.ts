import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HttpPerson } from '../support/http-person.ts';
import { freePort } from '../support/free-port.ts';
import { installMoto, startMoto, type MotoServer } from '../support/moto-server.ts';
import { startOnCluster } from './cluster-process.ts';
import { LedgerProcess, type DemoLedger } from './countersign.ts';
import { BEFORE } from './iam-target.ts';
import { motoIam } from './moto-iam.ts';
import { simulatedIam } from './simulated-iam.ts';
import { stage } from './stage.ts';
import { playCommand, type Cast } from './story-command.ts';
import { playContainment } from './story-containment.ts';
import { playPayment } from './story-payment.ts';
import { playPolicy } from './story-policy.ts';
import { playRotation } from './story-rotation.ts';
import { playSecret } from './story-secret.ts';

const { values } = parseArgs({
  options: { data: { type: 'string' }, cluster: { type: 'boolean' } },
});

/** `--cluster`: on Kafka, AWS KMS as moto has it, and PostgreSQL, every service in a process of its own. `--data DIR` keeps what the demo made; without it everything is removed at the end. */
const folder =
  values.data === undefined
    ? mkdtempSync(join(tmpdir(), 'countersign-demo-'))
    : resolve(values.data);
mkdirSync(folder, { recursive: true });

/** Undefined where moto cannot be had. */
async function aws(): Promise<MotoServer | undefined> {
  stage.step(
    'set',
    'moto, real APIs of AWS to change: installed once into .cache/moto, which takes a minute or more …',
  );
  return installMoto() ? startMoto() : undefined;
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
  const moto = await aws();
  const target = await (moto === undefined ? simulatedIam(BEFORE) : motoIam(moto.endpoint, BEFORE));
  const ledger = await startLedger();
  try {
    stage.step('ledger', `runs at ${ledger.url}`);
    const founder = await HttpPerson.enrol(ledger.enrolmentLink);
    stage.step('person', 'opens the one-time link and makes a passkey (in software, for the demo)');
    const cast = { ledger, founder, work: join(folder, 'work') };
    await playCommand(cast);
    await playPolicy(cast, target);
    await playPayment(cast);
    if (moto === undefined) {
      stage.line('');
      stage.line(
        '  NOT PLAYED: the secret, the key rotation and the containment, which need moto.',
      );
    } else await playOnAws(cast, moto.endpoint);
  } finally {
    // First what fails less: an error of the story must not be hidden by one of the clearing up.
    target.close();
    await moto?.stop();
    await ledger.stop();
  }
}

async function playOnAws(cast: Cast, endpoint: string): Promise<void> {
  await playSecret(cast, endpoint);
  await playRotation(cast, endpoint);
  await playContainment(cast, endpoint);
}

try {
  await play();
  stage.title(
    `Done: ${stage.proofs} actions ran, each with a proof that a stranger can check; ${stage.attacks} attacks did not`,
  );
  if (values.data !== undefined) stage.line(`  kept: ${folder}`);
} finally {
  if (values.data === undefined) rmSync(folder, { recursive: true, force: true });
}
