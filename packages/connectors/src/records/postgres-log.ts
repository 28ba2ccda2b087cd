import type { TargetEffect } from '@countersign/reconcile';
import { csvRecords } from './csv-records.ts';
import {
  memberAt,
  newest,
  parseRecord,
  recordText,
  textAtPath,
  utcTime,
  type TargetRecord,
} from './target-record.ts';

/** One line of the log, as far as it matters here. */
interface LogLine {
  readonly at: string;
  readonly session: string;
  readonly number: string;
  readonly message: string;
  readonly application: string;
}

/** Columns of csvlog, from 0: https://www.postgresql.org/docs/15/runtime-config-logging.html */
const CSV = { time: 0, session: 5, number: 6, message: 13, application: 22 } as const;
const STATEMENT = /^(?:statement|execute [^:]*): /;
const PASSWORD =
  /\b(?:alter|create)\s+(?:role|user)\s+(?:"((?:[^"]|"")+)"|([a-z_][\w$]*))[^;]*?\bpassword\b/gi;
const APPLICATION = /^countersign (cs-[0-9A-Z]{10})$/;

/**
 * The log of a PostgreSQL server with `log_statement` at least `ddl`, as jsonlog or as csvlog. The reference is the name of the
 * application. A statement that was rolled back is in the log too: it is told as if it had stayed.
 *
 * @throws {ConnectorError} RECORD_FORMAT, RECORD_LIMIT
 */
export function readPostgresLog(bytes: Uint8Array): TargetRecord {
  const text = recordText(bytes);
  const lines = text.trimStart().startsWith('{') ? jsonLines(text) : csvLines(text);
  return {
    effects: lines.flatMap(effectsOf),
    kinds: ['password-set'],
    until: newest(lines.map(({ at }) => at)),
  };
}

function jsonLines(text: string): readonly LogLine[] {
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return [];
    const json = parseRecord(line, `line ${at + 1}`);
    return {
      at: logTime(textAtPath(json, 'timestamp')),
      session: textAtPath(json, 'session_id') ?? '',
      number: String(Number(memberAt(json, 'line_num') ?? at)),
      message: textAtPath(json, 'message') ?? '',
      application: textAtPath(json, 'application_name') ?? '',
    };
  });
}

function csvLines(text: string): readonly LogLine[] {
  return csvRecords(text).map((fields) => ({
    at: logTime(fields[CSV.time]),
    session: fields[CSV.session] ?? '',
    number: fields[CSV.number] ?? '',
    message: fields[CSV.message] ?? '',
    application: fields[CSV.application] ?? '',
  }));
}

/** As in `2026-11-23 12:00:00.123 UTC`: a server that logs in another zone names it in a way that nobody else knows. */
function logTime(text: string | undefined): string {
  const [, day, time] =
    /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) (?:UTC|GMT)$/.exec(text ?? '') ?? [];
  return utcTime(`${day ?? ''}T${time ?? ''}Z`, 'log_timezone UTC');
}

function effectsOf({
  at,
  session,
  number,
  message,
  application,
}: LogLine): readonly TargetEffect[] {
  const statement = STATEMENT.exec(message);
  if (statement === null) return [];
  const reference = APPLICATION.exec(application)?.[1];
  return [...message.slice(statement[0].length).matchAll(PASSWORD)].map((match, part) => ({
    record: 'postgresql',
    id: `${session}-${number}-${part}`,
    at,
    kind: 'password-set',
    target: match[1]?.replaceAll('""', '"') ?? match[2]?.toLowerCase() ?? '',
    ...(reference !== undefined && { reference }),
    facts: {},
  }));
}
