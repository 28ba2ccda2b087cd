import type { KafkaConnection } from '@countersign/broker-kafka';
import { Kafka } from 'kafkajs';

/** It listens a moment before it gives out producer ids. */
export async function producing(
  brokers: string[],
  security: Pick<KafkaConnection, 'ssl' | 'sasl'> = {},
): Promise<void> {
  const kafka = new Kafka({ brokers, logCreator: () => () => undefined, ...security });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  await producer.disconnect();
}
