import { BrokerError } from '@countersign/broker';
import { describe, expect, it } from 'vitest';
import { brokerError, KafkaFailure } from '../src/kafka-failure.ts';

function kinds(type: string): string[] {
  const wrapped = new Error('given up', { cause: new KafkaFailure(type) });
  return (['none', 'unknown'] as const).map((effect) => {
    const { code, kind } = brokerError(wrapped, effect);
    return `${code} ${kind}`;
  });
}

describe('an error of Kafka', () => {
  it.each([
    ['MESSAGE_TOO_LARGE', 'BROKER_LIMIT fatal'],
    ['TOPIC_AUTHORIZATION_FAILED', 'BROKER_DENIED fatal'],
    ['SASL_AUTHENTICATION_FAILED', 'BROKER_DENIED fatal'],
    ['INVALID_RECORD', 'BROKER_TOPIC_SETTINGS fatal'],
    ['INVALID_PRODUCER_EPOCH', 'BROKER_FENCED fenced'],
    ['NOT_ENOUGH_REPLICAS', 'BROKER_UNAVAILABLE retryable'],
  ])('%s means that nothing was stored', (type, expected) => {
    expect(kinds(type)).toEqual([expected, expected]);
  });

  // All of them can answer a batch that was stored, or still will be.
  it.each([
    'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    'REQUEST_TIMED_OUT',
    'NOT_LEADER_FOR_PARTITION',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'KAFKA_STORAGE_ERROR',
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
  ])('%s leaves a batch unknown that was on its way', (type) => {
    expect(kinds(type)).toEqual(['BROKER_UNAVAILABLE retryable', 'BROKER_INDEFINITE indefinite']);
  });

  it('that is none of its own is told apart: a lost connection, and an answer that cannot be', () => {
    expect(brokerError(new Error('connection closed'), 'unknown').code).toBe('BROKER_INDEFINITE');
    expect(brokerError(new RangeError('out of range'), 'none').code).toBe('BROKER_CORRUPT');
    const own = new BrokerError('BROKER_CLOSED', 'closed');
    expect(brokerError(own, 'unknown')).toBe(own);
  });
});
