export { brokerContract, type BrokerSubject } from './testing/broker-contract.ts';
export { FaultyBroker, FaultyDisk, NO_FAULTS, type FaultRates } from './testing/faulty-broker.ts';
export { SeededRandom } from './testing/seeded-random.ts';
