import { Kafka } from 'kafkajs';

/** It listens a moment before it gives out producer ids. */
export async function producing(brokers: string[]): Promise<void> {
  const kafka = new Kafka({ brokers, logCreator: () => () => undefined });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  await producer.disconnect();
}
