export {
  parseAction,
  type Action,
  type ActionEnvelope,
  type Agent,
  type Precondition,
  type Principal,
} from './action.ts';
export { itemsOf, orderOf } from './batch.ts';
export { batchedType } from './batch-descriptor.ts';
export { boundsOf, violatedBound, type Bound, type Chosen } from './bounds.ts';
export { BUILTIN_DESCRIPTORS } from './builtin-descriptors.ts';
export { mayBeSecret } from './command-environment.ts';
export { DescriptorError, type DescriptorErrorCode } from './descriptor-error.ts';
export { exactJsonText } from './exact-json.ts';
export {
  loadDescriptor,
  type Descriptor,
  type ExecutorContract,
  type FieldClass,
  type Reversibility,
} from './descriptor.ts';
export { displayDigest, type Display, type DisplayLine, type DisplayMark } from './display.ts';
export { factKindsOf, factsOf, type FactKinds, type Facts } from './facts.ts';
export { render, renderWithDigest, type Rendering } from './render.ts';
export { lineDifference } from './line-difference.ts';
export { shownTextLine } from './text-safety.ts';
export { variantOf, type ObjectSchema, type Schema } from './schema.ts';
export { validateParams } from './validate-params.ts';
