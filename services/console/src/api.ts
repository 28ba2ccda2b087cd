import {
  canonicalBytes,
  digestBytes,
  isJsonObject,
  type Digest,
  type Json,
} from '@countersign/canonical';
import { objectOf, parseAnswer, textIn } from './answer-json.ts';
import { ConsoleError } from './console-error.ts';
import { checkLogged, parseLoggedAnswer, type LoggedEntry } from './logged-entry.ts';
import type { LedgerPin } from './ledger-pin.ts';
import { ServerProblem } from './server-problem.ts';

/** What this page sends is never sent by another page. */
const OWN_PAGE = { 'x-countersign': '1' };
const WAIT_MS = 25_000;
const WAITS_MAX = 12;

interface Answer {
  readonly status: number;
  readonly json: Json;
}

/** Talks to the server that this page came from, and to no other. */
export async function getJson(path: string, signal?: AbortSignal): Promise<Json> {
  return (await ask(path, { method: 'GET', ...(signal !== undefined && { signal }) })).json;
}

/** @throws ServerProblem, ConsoleError SERVER_UNREACHABLE, ANSWER_FORMAT */
export async function getBytes(path: string): Promise<Uint8Array> {
  const response = await fetched(path, { method: 'GET' });
  return new Uint8Array(await response.arrayBuffer());
}

export async function postJson(path: string, body: Json): Promise<Json> {
  return (await post(path, body)).json;
}

export async function deleteAt(path: string): Promise<void> {
  await fetched(path, { method: 'DELETE', headers: OWN_PAGE });
}

/** The answer to an input: what the log says about it, checked in this page. */
export interface Logged extends LoggedEntry {
  readonly input: Digest;
}

/**
 * Sends an input and waits until the ledger has written its answer into the log.
 *
 * @param body what the route takes; `frame` is the part of it that the ledger reads, and takes the digest of
 * @throws ServerProblem with the ledger's refusal, ConsoleError SERVER_UNREACHABLE, and the codes of checkLogged
 */
export async function submit(
  path: string,
  { body, frame }: { readonly body: Json; readonly frame: Json },
  pin: LedgerPin,
): Promise<Logged> {
  const input = digestBytes('countersign/input/v1', canonicalBytes(frame));
  let answer = await post(`${path}?wait_ms=${WAIT_MS}`, body);
  for (let waits = 0; answer.status === 202 && waits < WAITS_MAX; waits += 1) {
    answer = await ask(`/v1/inputs/${input}?wait_ms=${WAIT_MS}`, { method: 'GET' });
  }
  if (answer.status === 202) {
    throw new ConsoleError('SERVER_UNREACHABLE', 'the ledger has taken it, and not answered yet');
  }
  const logged = await checkLogged(parseLoggedAnswer(answer.json), pin);
  assertAnswers(logged, input);
  return { ...logged, input };
}

/** An entry about something else, however well it is logged, is no answer. */
function assertAnswers({ entry }: LoggedEntry, input: Digest): void {
  if ('input' in entry && entry.input === input) return;
  throw new ConsoleError('NOT_LOGGED', 'expected the entry that answers what was sent');
}

async function post(path: string, body: Json): Promise<Answer> {
  return ask(path, {
    method: 'POST',
    headers: { ...OWN_PAGE, 'content-type': 'application/json' },
    body: new Uint8Array(canonicalBytes(body)),
  });
}

async function ask(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetched(path, init);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, json: parseAnswer(bytes) };
}

async function fetched(path: string, init: RequestInit): Promise<Response> {
  const response = await reached(path, init);
  if (response.ok) return response;
  throw problemOf(response.status, parseAnswer(new Uint8Array(await response.arrayBuffer())));
}

async function reached(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, redirect: 'error', cache: 'no-store' });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ConsoleError('SERVER_UNREACHABLE', 'the server does not answer', { cause: error });
  }
}

function problemOf(status: number, json: Json): ServerProblem {
  const from = objectOf(json);
  return new ServerProblem(textIn(from, 'code'), textIn(from, 'detail'), {
    status,
    ...(isJsonObject(from['entry']) && { logged: parseLoggedAnswer(from) }),
  });
}
