import { ConnectorError } from '../connector-error.ts';

const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/**
 * Records of RFC 4180, whose quoted fields may hold line ends.
 *
 * @throws {ConnectorError} RECORD_FORMAT
 */
export function csvRecords(text: string): readonly (readonly string[])[] {
  const records: string[][] = [];
  let record: string[] = [];
  const field = new RegExp(FIELD);
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const match = field.exec(text);
    if (match === null) {
      throw new ConnectorError('RECORD_FORMAT', `expected CSV at character ${at}`);
    }
    record.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] !== ',') {
      records.push(record);
      record = [];
    }
  }
  if (record.length > 0) records.push(record);
  return records;
}
