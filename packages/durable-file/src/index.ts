export {
  createDurably,
  makePrivateFolder,
  replaceDurably,
  syncFolder,
  type DurableOptions,
} from './durable-file.ts';
export { isSystemError } from './system-error.ts';
