import { brokerContract } from '@countersign/broker/testing';
import { Schedule } from './schedule.ts';
import { SeededChoice } from './seeded-choice.ts';
import { NO_BROKER_FAULTS, SimulatedBroker } from './simulated-broker.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedTime } from './simulated-time.ts';

// What the ledger is simulated on keeps the same promises as what it runs on.
brokerContract('simulated, in any order', () => {
  const time = new SimulatedTime(1_000);
  const schedule = new Schedule();
  const random = new SeededChoice(1);
  const disk = new SimulatedDisk(time);
  const faults = { ...NO_BROKER_FAULTS, shortRead: 0, staleRead: 0.5 };
  const isPaused = (): boolean => false;
  const turning = setInterval(() => {
    for (let turns = 0; turns < 20; turns += 1) {
      const task = random.ofOrNone(schedule.ready(isPaused));
      if (task !== undefined) schedule.run(task);
      else if (schedule.size > 0) time.advance(1);
    }
  }, 1);
  return Promise.resolve({
    open: () =>
      Promise.resolve(
        new SimulatedBroker({
          ...{ owner: 'one', disk, schedule, time, random, faults },
          survives: () => true,
        }),
      ),
    setClock: (nowMs) => {
      time.nowMs = nowMs;
    },
    dispose: () => {
      clearInterval(turning);
      return Promise.resolve();
    },
  });
});
