import { formatWitnessRequest, type WitnessRequest } from '@countersign/tlog';

/** Room for the lines of many keys; a witness has one or two. */
const ANSWER_BYTES_MAX = 16_384;
const SIZE_TEXT = /^(?<size>0|[1-9][0-9]{0,15})\n$/;

export interface WitnessAddress {
  /** Of its submission prefix: `POST <url>/add-checkpoint`. */
  readonly url: string;
  readonly timeoutMs: number;
}

/** What a witness answers, as far as HTTP says it. Nothing of it is verified. */
export type WitnessReply =
  | { readonly kind: 'lines'; readonly text: string }
  /** 409: the size that it says it holds. */
  | { readonly kind: 'holds'; readonly size: number }
  | { readonly kind: 'refused'; readonly status: number }
  /** Its answer is none that the protocol knows. */
  | { readonly kind: 'malformed'; readonly status: number }
  | { readonly kind: 'away'; readonly cause: unknown };

/**
 * Sends one add-checkpoint request (c2sp.org/tlog-witness). It never rejects for what the witness or the network does, nor for
 * `interrupted`.
 *
 * @throws TlogError WITNESS_REQUEST
 */
export async function addCheckpoint(
  request: WitnessRequest,
  { url, timeoutMs }: WitnessAddress,
  interrupted: AbortSignal,
): Promise<WitnessReply> {
  const body = formatWitnessRequest(request);
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(timeoutMs)]);
  const address = `${url.replace(/\/+$/, '')}/add-checkpoint`;
  try {
    // Elsewhere than where the operator has put it, nobody is asked.
    const response = await fetch(address, { method: 'POST', body, signal, redirect: 'error' });
    const text = await boundedText(response);
    return replyOf(response, text);
  } catch (cause) {
    return { kind: 'away', cause };
  }
}

function replyOf({ status, headers }: Response, text: string | undefined): WitnessReply {
  if (status === 200) return text === undefined ? malformed(status) : { kind: 'lines', text };
  if (status !== 409) return { kind: 'refused', status };
  const isSize = headers.get('content-type')?.split(';')[0]?.trim() === 'text/x.tlog.size';
  const size = Number(SIZE_TEXT.exec(text ?? '')?.groups?.['size']);
  return isSize && Number.isSafeInteger(size) ? { kind: 'holds', size } : malformed(status);
}

function malformed(status: number): WitnessReply {
  return { kind: 'malformed', status };
}

/** Undefined for more than any witness has to say, or what is no text: the rest is never read. */
async function boundedText({ body }: Response): Promise<string | undefined> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    // Leaving the loop cancels the body.
    if (size > ANSWER_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    return undefined;
  }
}
