import type { EffectKind, TargetEffect } from '@countersign/reconcile';
import { ConnectorError } from '../connector-error.ts';
import {
  memberAt,
  newest,
  parseRecord,
  recordText,
  textAtPath,
  utcTime,
  type TargetRecord,
} from './target-record.ts';

const KINDS: readonly EffectKind[] = [
  'access-key-created',
  'access-key-deleted',
  'access-key-disabled',
  'groups-set',
  'password-set',
  'payment',
  'policy-written',
  'secret-read',
];

/**
 * JSON lines of effects, for targets whose record is none of the others: members `id`, `at`, `kind`, `target`, and if known
 * `reference` and `facts`. It covers the kinds that it tells of.
 *
 * @throws {ConnectorError} RECORD_FORMAT, RECORD_LIMIT
 */
export function readEffectLines(bytes: Uint8Array): TargetRecord {
  const lines = recordText(bytes).split('\n');
  const effects = lines.flatMap((line, at) => (line.trim() === '' ? [] : [effectOf(line, at + 1)]));
  return {
    effects,
    kinds: [...new Set(effects.map(({ kind }) => kind))],
    until: newest(effects.map(({ at }) => at)),
  };
}

function effectOf(line: string, number: number): TargetEffect {
  const where = `line ${number}`;
  const json = parseRecord(line, where);
  const kind = KINDS.find((known) => known === textAtPath(json, 'kind'));
  const [id, target, reference] = ['id', 'target', 'reference'].map((name) =>
    textAtPath(json, name),
  );
  if (kind === undefined || id === undefined || target === undefined) {
    throw new ConnectorError('RECORD_FORMAT', `${where}: expected id, target, and a known kind`);
  }
  const facts = Object.entries(memberAt(json, 'facts') ?? {});
  if (!facts.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    throw new ConnectorError('RECORD_FORMAT', `${where}: expected texts as facts`);
  }
  return {
    record: textAtPath(json, 'record') ?? 'lines',
    id,
    at: utcTime(textAtPath(json, 'at'), where),
    kind,
    target,
    ...(reference !== undefined && { reference }),
    facts: Object.fromEntries(facts),
  };
}
