import { brokerContract } from '@countersign/broker/testing';
import { kafkaSubject } from '../support/kafka/kafka-subject.ts';

brokerContract('kafka', kafkaSubject);
