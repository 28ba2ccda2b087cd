import { BrokerError, MemoryBroker, type Broker } from '@countersign/broker';
import { newUlid, verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { Router, Writer, found } from '@countersign/ledger';
import { expect, it, vi } from 'vitest';
import { noteSigner } from '../../support/note-key.ts';
import { Parties, TENANT, actionIdOf } from '../../support/parties.ts';
import { ShiftedClock } from '../../support/shifted-clock.ts';
import { POLICY_ENGINE } from '../../support/policy-engine.ts';

/** Fails the appends of one topic, once each, in this order. */
function failing(broker: Broker, faults: BrokerError[]): Broker {
  return {
    append: (tp, records) => {
      const fault = tp.topic === 'content' ? faults.shift() : undefined;
      return fault === undefined ? broker.append(tp, records) : Promise.reject(fault);
    },
    read: (tp, from, max) => broker.read(tp, from, max),
    end: (tp) => broker.end(tp),
    waitBeyond: (tp, offset, ms) => broker.waitBeyond(tp, offset, ms),
    erase: (topic, key) => broker.erase(topic, key),
    close: () => broker.close(),
  };
}

// Found by the simulator: the writer went on, said that it waited, and so never ticked again.
it('waits for nobody any more once a wait has ended in an unknown outcome', async () => {
  const clock = new ShiftedClock();
  const memory = new MemoryBroker({ clock: () => clock.nowMs() });
  const broker = failing(memory, [
    new BrokerError('BROKER_UNAVAILABLE', 'first'),
    new BrokerError('BROKER_INDEFINITE', 'then'),
  ]);
  const origin = `countersign.test/${newUlid(Date.now())}/0`;
  const signer = noteSigner(origin);
  const parties = new Parties(origin, () => clock.nowMs());
  const epoch = newUlid(Date.now());
  await found({ broker, entry: parties.founding([signer.vkey]), epoch, verifySignature });
  const descriptors = BUILTIN_DESCRIPTORS;
  const logKeys = [signer.vkey];
  const writer = new Writer({
    broker,
    signers: [signer],
    clock,
    verifySignature,
    descriptors,
    policyEngine: POLICY_ENGINE,
    origin,
    logKeys,
    epoch,
  });
  const positions = { load: () => Promise.resolve(0), save: () => Promise.resolve() };
  const router = new Router({ broker, clock, positions, partitionOf: () => 0 });
  const running = writer.run();
  const action = parties.action();
  const payload = parties.requestFrame(action);
  await router.submit({ kind: 'request', tenant: TENANT, actionId: actionIdOf(action), payload });

  await vi.waitFor(() => {
    expect(writer.status.sealedSize).toBe(2);
  });
  expect(writer.status.state).toBe('running');
  expect(writer.nextDeadlineMs).toBeGreaterThan(clock.nowMs());
  writer.stop();
  await running;
  await memory.close();
});
