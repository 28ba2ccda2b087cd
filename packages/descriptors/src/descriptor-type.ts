import type { Digest, JsonObject } from '@countersign/canonical';
import type { BoundRule } from './bounds.ts';
import type { ObjectSchema } from './schema.ts';
import type { TemplateEntry } from './template.ts';

export type FieldClass = 'executed' | 'precondition' | 'claimed';

export const REVERSIBILITIES = [
  'read-only',
  'reversible',
  'externally-reversible',
  'irreversible',
] as const;

export type Reversibility = (typeof REVERSIBILITIES)[number];

/** What is true of one field of the params, by its pointer. */
export interface Field {
  readonly class: FieldClass;
  /** The precondition of the action that checks this field on live state. */
  readonly precondition: string | undefined;
  /** Why the field need not be shown, or undefined when it must be. */
  readonly nonMaterial: string | undefined;
}

export interface ExecutorContract {
  /** Name of the interface that an executor of this type offers. */
  readonly interface: string;
  /** Preconditions that each action must carry; it may carry the optional ones, and no others. */
  readonly preconditions: readonly string[];
  readonly optionalPreconditions: readonly string[];
  /** Where the target system itself keeps the short id of the use. */
  readonly record: string;
}

declare const loaded: unique symbol;

/** An action type that can be shown in full. Only loadDescriptor makes one. */
export interface Descriptor {
  readonly [loaded]: true;
  readonly document: JsonObject;
  readonly digest: Digest;
  readonly type: string;
  readonly typeVersion: number;
  readonly title: string;
  readonly reversibility: Reversibility;
  readonly schema: ObjectSchema;
  readonly fields: ReadonlyMap<string, Field>;
  readonly template: readonly TemplateEntry[];
  readonly claims: readonly TemplateEntry[];
  readonly notCovered: readonly string[];
  readonly contract: ExecutorContract;
  /** What each use chooses, within limits that the action sets; undefined where nothing is left to choose. */
  readonly bounds: readonly BoundRule[] | undefined;
  /** Of a batch, the type of its items; undefined for any other type. */
  readonly of: Descriptor | undefined;
}
