import type { Broker } from '@countersign/broker';
import { SeededRandom } from '@countersign/broker/testing';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { FoundedLedger, entryOf, type FoundedOptions } from '../support/founded-ledger.ts';
import { CuttingProxy, type Cut } from '../support/kafka/cutting-proxy.ts';
import {
  kafkaSubject,
  otherClient,
  withAdmin,
  type KafkaSubject,
} from '../support/kafka/kafka-subject.ts';
import { auditLog, type Audit } from '../support/log-audit.ts';
import { expectWayOfOneAction } from '../support/way-of-one-action.ts';
import { expectRacesWithoutFork } from '../support/writer-race.ts';

/** More of them in a long run. */
const RACES = Number(process.env['COUNTERSIGN_WRITER_RACES'] ?? 40);
const RACE_MS_MAX = 2_000;
const CUTS = 30;

let subject: KafkaSubject;
let ledger: FoundedLedger | undefined;
let proxy: CuttingProxy | undefined;

beforeEach(async () => {
  subject = await kafkaSubject();
});

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
  await proxy?.stop();
  proxy = undefined;
  await subject.dispose();
});

async function founded(options: FoundedOptions = {}): Promise<FoundedLedger> {
  ledger = await FoundedLedger.create({ connect: () => subject.open(), ...options });
  return ledger;
}

async function audited(at: FoundedLedger, broker: Broker = at.broker): Promise<Audit> {
  return auditLog(broker, { origin: at.origin, logKeys: [at.signer.vkey] });
}

describe('a ledger on Kafka', () => {
  it('takes an action from request to report, with evidence that verifies offline', async () => {
    const at = await founded();
    at.start();
    await expectWayOfOneAction(at);
  });

  it('goes on where it was after a restart, on new connections', async () => {
    const at = await founded();
    at.start();
    const asked = await at.admit();
    await at.stop();
    await at.broker.close();
    at.broker = await at.openBroker();
    at.renewServices();
    at.start();
    entryOf(await at.decide(asked), 'binding-made');
    const { size, sealedSize } = await audited(at);
    expect(sealedSize).toBe(size);
  });

  it(
    `C15: has one log whichever of two writers is first, ${RACES} times`,
    async () => {
      const at = await founded();
      const rivalBroker = await subject.open();
      try {
        const begunMs = Date.now();
        const report = await expectRacesWithoutFork(at, { races: RACES, rivalBroker });
        const seconds = ((Date.now() - begunMs) / 1000).toFixed(1);
        const { inputs, entries, ignored } = report;
        console.log(
          `${inputs} inputs, ${entries} entries accepted, ${ignored} batches ignored, forked 0, ${seconds} s`,
        );
      } finally {
        await rivalBroker.close();
      }
    },
    Math.max(60_000, RACES * RACE_MS_MAX),
  );

  it(`decides every input once while its writer's connection is cut ${CUTS} times`, async () => {
    const at = await founded();
    const cutter = await CuttingProxy.start(inject('kafkaBrokers')[0] ?? '');
    proxy = cutter;
    const cutBroker = await subject.open({ openSocket: cutter.openSocket });
    try {
      at.writer = at.newWriter({ broker: cutBroker });
      at.start();
      const random = new SeededRandom(1);
      const cuts: readonly Cut[] = ['before', 'half', 'after'];
      let bindings = 0;
      for (; cutter.cuts < CUTS; bindings += 1) {
        cutter.cutNextProduce(cuts[random.below(cuts.length)] ?? 'after');
        await at.bind();
      }
      const { entries, size, sealedSize } = await audited(at);
      expect(entries.filter(({ type }) => type === 'binding-made')).toHaveLength(bindings);
      expect(entries.filter((entry) => 'input' in entry)).toHaveLength(2 * bindings);
      expect(sealedSize).toBe(size);
    } finally {
      at.writer.stop();
      await cutBroker.close();
    }
  });

  it('passes over what anybody else writes to its log, transactions included', async () => {
    const at = await founded();
    at.start();
    await at.bind();
    const topic = subject.nameOf('log');
    const stranger = otherClient().producer({
      transactionalId: subject.prefix,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await stranger.connect();
    for (const end of ['commit', 'abort'] as const) {
      const transaction = await stranger.transaction();
      await transaction.send({ topic, messages: [{ partition: 0, key: 'batch/5', value: 'x' }] });
      await transaction[end]();
    }
    await stranger.disconnect();
    const bound = await at.bind();
    const { size, sealedSize, published } = await audited(at);
    expect(sealedSize).toBe(size);
    expect(published.has(bound.binding.index)).toBe(true);
  });

  it('is not written on once the beginning of its log is gone', async () => {
    const at = await founded();
    at.start();
    await at.bind();
    await at.stop();
    await withAdmin(async (admin) => {
      const topic = subject.nameOf('log');
      // The client needs to have asked for the topic once.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    });
    await expect(at.newWriter().run()).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
  });
});
