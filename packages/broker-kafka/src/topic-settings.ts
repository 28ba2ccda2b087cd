import { ERASABLE_TOPICS, type Topic } from '@countersign/broker';

const DAY_MS = 86_400_000;
/** Of what may be erased and is not compacted: an erasure is complete once it is over. */
const INPUT_RETENTION_MS = 7 * DAY_MS;
/** An append of the port with its keys on the wire. */
const MESSAGE_BYTES = 2_097_152;
export const BROKERS_FOR_REPLICATION = 3;
const IN_SYNC_MIN = 2;

export const TOPICS: readonly Topic[] = [
  'action-requested',
  'decision-made',
  'use-claimed',
  'execution-reported',
  'finding-submitted',
  'intake',
  'log',
  'content',
  'quarantine',
];

export type Settings = Readonly<Record<string, string>>;

export interface FoundTopic {
  readonly topic: Topic;
  /** Undefined: there is none of that name. */
  readonly settings?: Settings;
  readonly partitions: number;
  readonly replicas: number;
}

export interface TopicFault {
  readonly topic: Topic;
  readonly expected: Settings;
  readonly got: string;
  readonly isMissing: boolean;
}

/** How a topic is made. */
export function settingsOf(topic: Topic, replicas: number): Settings {
  const everywhere = {
    'message.timestamp.type': 'LogAppendTime',
    'compression.type': 'uncompressed',
    'max.message.bytes': String(MESSAGE_BYTES),
    'unclean.leader.election.enable': 'false',
    'min.insync.replicas': String(replicas >= BROKERS_FOR_REPLICATION ? IN_SYNC_MIN : 1),
  };
  if (topic === 'content') {
    return {
      ...everywhere,
      'cleanup.policy': 'compact',
      'max.compaction.lag.ms': String(DAY_MS),
    };
  }
  const retentionMs = topic === 'log' ? -1 : INPUT_RETENTION_MS;
  return {
    ...everywhere,
    'cleanup.policy': 'delete',
    'retention.ms': String(retentionMs),
    'retention.bytes': '-1',
    // A segment goes when its newest record may, so this comes on top of the retention.
    ...(ERASABLE_TOPICS.includes(topic) && { 'segment.ms': String(DAY_MS) }),
  };
}

/** What of a topic must be otherwise, with the values that mend it. */
export function faultOf(found: FoundTopic, brokers: number): TopicFault | undefined {
  const { topic, settings, replicas } = found;
  const isReplicated = brokers >= BROKERS_FOR_REPLICATION;
  const wanted = settingsOf(topic, isReplicated ? BROKERS_FOR_REPLICATION : replicas);
  if (settings === undefined) {
    return { topic, expected: wanted, got: 'no such topic', isMissing: true };
  }
  const wrong = Object.keys(wanted).filter(
    (name) => !isGood({ topic, name, value: settings[name] ?? '' }, wanted[name] ?? ''),
  );
  if (wrong.length === 0) return undefined;
  const expected = Object.fromEntries(wrong.map((name) => [name, wanted[name] ?? '']));
  const got = wrong.map((name) => `${name}=${settings[name] ?? ''}`).join(' ');
  return { topic, expected, got, isMissing: false };
}

function isGood(
  { topic, name, value }: { readonly topic: Topic; readonly name: string; readonly value: string },
  wanted: string,
): boolean {
  switch (name) {
    case 'min.insync.replicas':
    case 'max.message.bytes':
      return Number(value) >= Number(wanted);
    case 'max.compaction.lag.ms':
    case 'segment.ms':
      return Number(value) <= Number(wanted);
    case 'retention.ms':
      // How long is the operator's choice; that readable payloads go some day is not.
      return topic === 'log'
        ? value === wanted
        : !ERASABLE_TOPICS.includes(topic) || value !== '-1';
    case 'retention.bytes':
      return topic !== 'log' || value === wanted;
    default:
      return value === wanted;
  }
}
