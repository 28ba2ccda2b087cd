export { FakeWitness, type FakeAnswer } from './testing/fake-witness.ts';
