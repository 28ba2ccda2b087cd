import { GENERIC_COMMAND } from './builtin/generic-command.ts';
import { loadDescriptor, type Descriptor } from './descriptor.ts';

/** The types that every ledger knows from its first entry on. */
export const BUILTIN_DESCRIPTORS: readonly Descriptor[] = [GENERIC_COMMAND].map(loadDescriptor);
