import { createHash } from 'node:crypto';
import avro, { type Type } from 'avsc';

/** A JSON object of an .avsc file. */
export type Schema = { readonly name: string; readonly fields: readonly object[] } & Readonly<
  Record<string, unknown>
>;

export interface SchemaVersion {
  /** As its folder under schemas/avro. */
  readonly record: string;
  readonly version: number;
  readonly schema: Schema;
}

export interface Golden {
  readonly schema_sha256: string;
  readonly records: readonly { readonly value: Record<string, unknown>; readonly frame: string }[];
}

const MARKER_AND_FINGERPRINT_BYTES = 10;

/**
 * What of a schema never changes once it is published: all but what it tells people. More than Avro's fingerprint
 * covers, since a default or an alias decides what another version reads.
 */
export function contractDigest(schema: Schema): string {
  return createHash('sha256')
    .update(JSON.stringify(contractOf(schema)))
    .digest('hex');
}

function contractOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(contractOf);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([name]) => name !== 'doc');
  const sorted = members.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, member]) => [name, contractOf(member)]));
}

/** What is wrong with the published versions, each in a line that says what to do; none if nothing is. */
export function versionProblems(
  versions: readonly SchemaVersion[],
  golden: ReadonlyMap<string, Golden>,
): string[] {
  const known = new Set(versions.map(nameOf));
  return [
    ...[...golden.keys()].filter((name) => !known.has(name)).map((name) => `${name}: is gone`),
    ...versions.flatMap((each) => problemsOf(each, golden.get(nameOf(each)))),
    ...versions.flatMap((writer) =>
      versions
        .filter((reader) => reader.record === writer.record && reader !== writer)
        .flatMap((reader) => unreadable({ writer, reader }, golden.get(nameOf(writer)))),
    ),
  ];
}

export function nameOf({ record, version }: SchemaVersion): string {
  return `${record}.v${version}`;
}

function problemsOf(each: SchemaVersion, golden: Golden | undefined): string[] {
  const name = nameOf(each);
  if (golden === undefined || golden.records.length === 0) return [`${name}: has no golden bytes`];
  const got = contractDigest(each.schema);
  if (got === golden.schema_sha256) return [];
  return [`${name}: was published as ${golden.schema_sha256}, is ${got}: add a version instead`];
}

function unreadable(
  { writer, reader }: { readonly writer: SchemaVersion; readonly reader: SchemaVersion },
  golden: Golden | undefined,
): string[] {
  const pair = `${nameOf(reader)}: cannot read ${nameOf(writer)}`;
  if (reader.schema.name !== writer.schema.name) return [`${pair}: another name`];
  const type = typeOf(reader.schema);
  try {
    const resolver = type.createResolver(typeOf(writer.schema));
    for (const { frame } of golden?.records ?? []) {
      type.fromBuffer(Buffer.from(frame, 'hex').subarray(MARKER_AND_FINGERPRINT_BYTES), resolver);
    }
    return [];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return [`${pair}: ${error.message}`];
  }
}

/** Reads an .avsc file alone: nothing of the package that is tested. */
export function typeOf(schema: Schema): Type {
  return avro.Type.forSchema(structuredClone(schema) as never);
}
