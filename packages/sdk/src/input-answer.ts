import { isJsonObject, type Json } from '@countersign/canonical';

/** An answer to something that was sent in. */
export interface InputAnswer {
  readonly input: string;
  readonly entry: AnsweredEntry;
  readonly receipt: string;
}

export interface AnsweredEntry {
  readonly index: number;
  readonly leaf: string;
  readonly type: string;
  /** The exact text in the log. */
  readonly text: string;
}

/** What of a body of the ledger is such an answer. A refusal that is no entry has none. */
export function inputAnswer(body: Readonly<Record<string, Json>>): InputAnswer | undefined {
  const { input, entry, receipt } = body;
  if (typeof input !== 'string' || typeof receipt !== 'string' || !isAnsweredEntry(entry)) {
    return undefined;
  }
  return { input, entry, receipt };
}

export function isAnsweredEntry(json: Json | undefined): json is Json & AnsweredEntry {
  if (!isJsonObject(json)) return false;
  const entry = json as Readonly<Record<string, Json>>;
  return (
    typeof entry['index'] === 'number' &&
    typeof entry['leaf'] === 'string' &&
    typeof entry['type'] === 'string' &&
    typeof entry['text'] === 'string'
  );
}
