import {
  CanonicalError,
  canonicalText,
  utf8,
  type Json,
  type JsonObject,
  type VerifySignature,
} from '@countersign/canonical';
import { parseTrust, VerifyError, type Trust } from '@countersign/verify';
import { flagIn, listIn, objectIn, objectOf, textIn, textOf } from './answer-json.ts';
import { ConsoleError } from './console-error.ts';
import { verifySignature } from './web-crypto.ts';

/** What the server says of its ledger, in GET /v1/ledger. */
export interface LedgerFacts {
  readonly origin: string;
  readonly tenant: string;
  readonly demo: boolean;
  readonly genesis: string;
  readonly logKeys: readonly string[];
  readonly frozen?: true;
  /** Whose accounts people sign in with first, where they do. */
  readonly signInIssuer?: string;
}

/** What this browser holds its ledger to: a trust file, kept from the first visit on. */
export interface LedgerPin {
  readonly trust: Trust;
  /** How whoever holds it checks a signature. */
  readonly verifySignature: VerifySignature;
  readonly logKeys: readonly string[];
}

/** As much of window.localStorage as is needed. */
export interface PinStore {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
}

export type PinComparison =
  | { readonly kind: 'same'; readonly pin: LedgerPin }
  /** First visit of this browser: the server is believed once, and held to it afterwards. */
  | { readonly kind: 'first'; readonly pin: LedgerPin }
  | { readonly kind: 'changed'; readonly what: readonly PinChange[]; readonly pin: LedgerPin };

export type PinChange = 'origin' | 'genesis' | 'log-keys';

const NAME = 'countersign.trust.v1';

function isFrozen(freeze: Json): boolean {
  return flagIn(objectOf(freeze), 'frozen');
}

/** @throws ConsoleError ANSWER_FORMAT */
export function parseLedgerFacts(json: Json): LedgerFacts {
  const from = objectOf(json);
  return {
    origin: textIn(from, 'origin'),
    tenant: textIn(from, 'tenant'),
    demo: flagIn(from, 'demo'),
    genesis: textIn(from, 'genesis'),
    logKeys: listIn(from, 'log_keys').map(textOf),
    ...(from['freeze'] !== undefined && isFrozen(from['freeze']) && { frozen: true as const }),
    ...('sign_in' in from && { signInIssuer: textIn(objectIn(from, 'sign_in'), 'issuer') }),
  };
}

/**
 * Compares what the server says of its ledger with what this browser remembers of it.
 *
 * A pinned key that is gone, another genesis or another origin are alarms. A key that came in addition is none, and
 * is not taken over either: only a person can do that, who compares the trust file (`pinLedger`).
 *
 * @throws ConsoleError ANSWER_FORMAT
 */
export function comparePin(store: PinStore, ledger: LedgerFacts): PinComparison {
  const kept = read(store);
  if (kept === undefined) return { kind: 'first', pin: pinLedger(store, ledger) };
  const what: PinChange[] = [];
  if (kept.trust.origin !== ledger.origin) what.push('origin');
  if (kept.trust.genesis !== ledger.genesis) what.push('genesis');
  if (!kept.logKeys.every((vkey) => ledger.logKeys.includes(vkey))) what.push('log-keys');
  return what.length === 0 ? { kind: 'same', pin: kept } : { kind: 'changed', what, pin: kept };
}

/**
 * Pins the ledger anew, by a trust file that a person brings. The keys are those of the file.
 *
 * @throws ConsoleError GENESIS_MISMATCH for what is no trust file of this ledger
 */
export function pinTrustFile(store: PinStore, file: string, ledger: LedgerFacts): LedgerPin {
  const { trust, logKeys } = pinOf(file, 'GENESIS_MISMATCH');
  const isOfThisLedger =
    trust.origin === ledger.origin &&
    trust.genesis === ledger.genesis &&
    logKeys.every((vkey) => ledger.logKeys.includes(vkey));
  if (isOfThisLedger) return pinLedger(store, { ...ledger, logKeys });
  throw new ConsoleError('GENESIS_MISMATCH', 'expected the trust file of this ledger');
}

/** @throws ConsoleError ANSWER_FORMAT for facts that make no trust file */
export function pinLedger(store: PinStore, ledger: LedgerFacts): LedgerPin {
  const text = canonicalText(trustFile(ledger));
  const pin = pinOf(text, 'ANSWER_FORMAT');
  store.setItem(NAME, text);
  return pin;
}

function trustFile(ledger: LedgerFacts): JsonObject {
  return {
    v: 'countersign.trust.v1',
    origin: ledger.origin,
    log_keys: [...ledger.logKeys],
    genesis: ledger.genesis,
    // A reader, not an executor: what is unusual about a ledger is shown in words, and hides nothing.
    accept: { proof_classes: ['uv', 'up'], separation: ['full', 'solo'], demo: ledger.demo },
  };
}

function read(store: PinStore): LedgerPin | undefined {
  const text = store.getItem(NAME);
  // A pin that cannot be read must not pass for a first visit.
  return text === null ? undefined : pinOf(text, 'GENESIS_MISMATCH');
}

function pinOf(text: string, code: 'ANSWER_FORMAT' | 'GENESIS_MISMATCH'): LedgerPin {
  try {
    const trust = parseTrust(utf8(text));
    return { trust, verifySignature, logKeys: trust.logKeys.map(({ vkey }) => vkey) };
  } catch (error) {
    if (!(error instanceof VerifyError) && !(error instanceof CanonicalError)) throw error;
    throw new ConsoleError(code, 'expected a ledger that can be pinned', { cause: error });
  }
}
