import { MemoryBroker, type Broker } from '@countersign/broker';
import { fromUtf8, utf8 } from '@countersign/canonical';
import { newUlid, verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { Router, Writer, found } from '@countersign/ledger';
import { decodeQuarantined } from '@countersign/wire';
import { expect, it, vi } from 'vitest';
import { noteSigner } from '../../support/note-key.ts';
import { Parties, TENANT, actionIdOf } from '../../support/parties.ts';
import { ShiftedClock } from '../../support/shifted-clock.ts';
import { POLICY_ENGINE } from '../../support/policy-engine.ts';

// Found by the simulator: a writer that was overtaken had told where the entry stood in its own lost batch.
it('sends other bytes for the same request to its entry only once that is in the log', async () => {
  const clock = new ShiftedClock();
  const memory = new MemoryBroker({ clock: () => clock.nowMs() });
  const pointers: { index: number; acceptedSize: number }[] = [];
  const broker: Broker = {
    append: (tp, records) => {
      for (const { value } of tp.topic === 'quarantine' ? records : []) {
        const index = /^REPEATED\/(\d+)$/.exec(decodeQuarantined(value).reason)?.[1];
        const { acceptedSize } = writer.status;
        if (index !== undefined) pointers.push({ index: Number(index), acceptedSize });
      }
      return memory.append(tp, records);
    },
    read: (tp, from, max) => memory.read(tp, from, max),
    end: (tp) => memory.end(tp),
    waitBeyond: (tp, offset, ms) => memory.waitBeyond(tp, offset, ms),
    erase: (topic, key) => memory.erase(topic, key),
    close: () => memory.close(),
  };
  const origin = `countersign.test/${newUlid(Date.now())}/0`;
  const signer = noteSigner(origin);
  const logKeys = [signer.vkey];
  const parties = new Parties(origin, () => clock.nowMs());
  const epoch = newUlid(Date.now());
  const descriptors = BUILTIN_DESCRIPTORS;
  await found({ broker: memory, entry: parties.founding(logKeys), epoch, verifySignature });
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
  const router = new Router({ broker: memory, clock, positions, partitionOf: () => 0 });
  const action = parties.action();
  const payload = parties.requestFrame(action);
  const other = utf8(JSON.stringify(JSON.parse(fromUtf8(payload)), undefined, 1));
  for (const bytes of [payload, other]) {
    await router.submit({
      kind: 'request',
      tenant: TENANT,
      actionId: actionIdOf(action),
      payload: bytes,
    });
  }
  const running = writer.run();
  await vi.waitFor(() => {
    expect(pointers).toEqual([{ index: 1, acceptedSize: 2 }]);
  });
  writer.stop();
  await running;
  await broker.close();
});
