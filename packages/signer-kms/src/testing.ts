export { FakeKms, kmsException, type FakeKeySpec } from './testing/fake-kms.ts';
