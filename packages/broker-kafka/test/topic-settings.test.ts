import type { Topic } from '@countersign/broker';
import { describe, expect, it } from 'vitest';
import { faultOf, settingsOf, TOPICS, type Settings } from '../src/topic-settings.ts';

function wrong(topic: Topic, changed: Settings, brokers = 1): Settings | undefined {
  const replicas = brokers >= 3 ? 3 : 1;
  const settings = { ...settingsOf(topic, replicas), ...changed };
  return faultOf({ topic, settings, partitions: 1, replicas }, brokers)?.expected;
}

describe('the settings of a topic', () => {
  it.each(TOPICS)('%s as it is made are right, on one broker and on three', (topic) => {
    expect(wrong(topic, {})).toBeUndefined();
    expect(wrong(topic, {}, 3)).toBeUndefined();
  });

  it.each([
    ['log', 'retention.ms', '604800000', '-1'],
    ['log', 'retention.bytes', '1000000', '-1'],
    ['log', 'cleanup.policy', 'compact', 'delete'],
    ['log', 'unclean.leader.election.enable', 'true', 'false'],
    ['log', 'message.timestamp.type', 'CreateTime', 'LogAppendTime'],
    ['log', 'max.message.bytes', '1048588', '2097152'],
    ['intake', 'message.timestamp.type', 'CreateTime', 'LogAppendTime'],
    ['intake', 'retention.ms', '-1', '604800000'],
    ['action-requested', 'compression.type', 'producer', 'uncompressed'],
    ['decision-made', 'segment.ms', '604800000', '86400000'],
    ['content', 'cleanup.policy', 'delete', 'compact'],
    ['content', 'max.compaction.lag.ms', '9223372036854775807', '86400000'],
  ] as const)('%s with %s=%s are refused', (...[topic, name, value, expected]) => {
    expect(wrong(topic, { [name]: value })).toEqual({ [name]: expected });
  });

  it.each([
    ['intake', 'retention.ms', '86400000'],
    ['intake', 'retention.bytes', '1000000000'],
    ['intake', 'segment.ms', '3600000'],
    ['quarantine', 'retention.ms', '-1'],
    ['quarantine', 'segment.ms', '604800000'],
    ['log', 'max.message.bytes', '5000000'],
    ['content', 'max.compaction.lag.ms', '3600000'],
  ] as const)('%s with %s=%s are the choice of the operator', (topic, name, value) => {
    expect(wrong(topic, { [name]: value })).toBeUndefined();
  });

  it('ask for two replicas in sync where there are three brokers', () => {
    expect(wrong('log', { 'min.insync.replicas': '1' }, 3)).toEqual({ 'min.insync.replicas': '2' });
    expect(wrong('log', { 'min.insync.replicas': '3' }, 3)).toBeUndefined();
  });
});
