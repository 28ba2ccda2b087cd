import type { JsonObject } from '@countersign/canonical';
import type { ActionEnvelope } from './action.ts';
import type { DisplayLine } from './display.ts';

export interface Computed {
  readonly lines: readonly DisplayLine[];
  readonly warnings: readonly string[];
}

export type FactValue = string | number | boolean | readonly string[];

/** What a computation tells a policy of an action, as plain values that can be compared. */
export interface FactRules {
  readonly kinds: Readonly<Record<string, 'text' | 'integer' | 'boolean' | 'texts'>>;
  /**
   * A value of its kind for each name. Params have passed `check`.
   * @throws {DescriptorError} LIMIT_EXCEEDED
   */
  readonly of: (params: JsonObject) => Readonly<Record<string, FactValue>>;
}

/**
 * What the renderer works out from the params of one type, so that no agent has to be believed.
 * MUST be a pure function of the action, and MUST show each of its `shows` in full: fields, and arrays
 * that may have no items.
 */
export interface Computation {
  readonly shows: readonly string[];
  /**
   * What the schema cannot say. Params have passed the schema.
   * @throws {DescriptorError}
   */
  readonly check?: (params: JsonObject) => void;
  /** MUST be a pure function of the params. schemas/formats/policy.md §7.3. */
  readonly facts?: FactRules;
  readonly compute: (params: JsonObject, envelope: ActionEnvelope) => Computed;
}
