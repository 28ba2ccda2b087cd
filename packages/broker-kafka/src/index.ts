export { openKafkaBroker, type KafkaBrokerOptions } from './kafka-broker.ts';
export { type KafkaConnection, type SocketAddress } from './kafka-link.ts';
export { readKafkaSecurity } from './kafka-security.ts';
export { kafkaRouterHome, type RouterHome } from './router-home.ts';
export {
  checkTopics,
  createTopics,
  type LaidTopics,
  type TopicLayout,
  type TopicNaming,
} from './topic-check.ts';
export {
  groupSize,
  joinGroup,
  type Assignment,
  type GroupMember,
  type GroupOptions,
} from './group-member.ts';
