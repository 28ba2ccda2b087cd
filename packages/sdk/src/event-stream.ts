import { sdkError } from './sdk-error.ts';

/** An action and its decisions are far shorter. */
const EVENT_CHARACTERS_MAX = 1_048_576;
/** A ledger says every 15 seconds that it is still there. */
const SILENCE_MS = 45_000;

/**
 * The data of each server-sent event: the lines that end with a blank one.
 * @throws SdkError ANSWER_INVALID when one is too long; LEDGER_UNREACHABLE when nothing was heard for too long
 */
export async function* eventData(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let open = '';
  for await (const chunk of heard(response)) {
    open += decoder.decode(chunk, { stream: true }).replaceAll('\r\n', '\n');
    if (open.length > EVENT_CHARACTERS_MAX) {
      throw sdkError('ANSWER_INVALID', 'expected events of at most 1 MiB');
    }
    const events = open.split('\n\n');
    open = events.pop() ?? '';
    for (const event of events) {
      const data = event.split('\n').flatMap((line) => /^data: ?(.*)$/.exec(line)?.[1] ?? []);
      if (data.length > 0) yield data.join('\n');
    }
  }
}

async function* heard({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    // Whoever has heard enough hangs up.
    await reader.cancel().catch(() => undefined);
  }
}

async function inTime<T>(reading: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(sdkError('LEDGER_UNREACHABLE', `nothing heard for ${SILENCE_MS} ms`));
    }, SILENCE_MS);
  });
  try {
    return await Promise.race([reading, silence]);
  } finally {
    clearTimeout(timer);
  }
}
