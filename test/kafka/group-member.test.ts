import { groupSize, joinGroup, type GroupMember } from '@countersign/broker-kafka';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { kafkaSubject, type KafkaSubject } from '../support/kafka/kafka-subject.ts';

const FAST_MS = 300_000;
/** Several beats. */
const BEATS_MS = 5_000;

let subject: KafkaSubject;
let member: GroupMember | undefined;

beforeEach(async () => {
  subject = await kafkaSubject();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await member?.leave();
  await subject.dispose();
});

describe('a member of a group', () => {
  it('comes back after its clock was fast for a while', async () => {
    const group = { brokers: inject('kafkaBrokers'), prefix: subject.prefix, name: 'ledgers' };
    let assigned = 0;
    member = await joinGroup({
      ...group,
      topics: ['intake'],
      onAssigned: () => {
        assigned += 1;
      },
    });
    await vi.waitUntil(() => assigned === 1, { timeout: 20_000 });
    expect(await groupSize(group)).toBe(1);
    const now = Date.now;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + FAST_MS);
    await new Promise((resolve) => setTimeout(resolve, BEATS_MS));
    clock.mockRestore();
    await vi.waitUntil(async () => (await groupSize(group)) === 0, SOON);
    await vi.waitUntil(async () => assigned === 2 && (await groupSize(group)) === 1, SOON);
  }, 120_000);
});

const SOON = { timeout: 45_000, interval: 500 };
