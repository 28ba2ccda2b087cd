/** Every bound of the gateway, by name. */
export interface GatewayLimits {
  readonly bodyBytes: number;
  /** All requests of one address. */
  readonly perAddressPerMinute: number;
  /** Inputs of one sender at one address. */
  readonly writesPerMinute: number;
  /** Reads of one reader. */
  readonly readsPerMinute: number;
  /** Sign-in and enrolment ceremonies of one address. */
  readonly ceremoniesPerMinute: number;
  /** Heads that are signed for COSE receipts, all readers together. */
  readonly coseRootsPerMinute: number;
  readonly waiters: number;
  /** Of these, who has proved nothing: anybody can send what nobody knows, and wait for its answer. */
  readonly waitersUnproven: number;
  /** Who has proved nothing, of one address, under whatever names. */
  readonly waitersPerAddress: number;
  readonly waitersPerSender: number;
  readonly defaultWaitMs: number;
  readonly maxWaitMs: number;
  /** How long one stream of events goes on. */
  readonly watchMs: number;
  readonly challenges: number;
  readonly challengeMs: number;
  readonly sessions: number;
  readonly sessionsPerPerson: number;
  readonly sessionMs: number;
  /** Signatures of requests that are remembered, so that none counts twice. */
  readonly nonces: number;
  readonly nonceMs: number;
  readonly pageRows: number;
  /** Entries that the read models may be behind the sealed log before we say that we are not ready. */
  readonly projectorLagEntries: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export const GATEWAY_LIMITS: GatewayLimits = {
  bodyBytes: 131_072,
  perAddressPerMinute: 12_000,
  writesPerMinute: 3_000,
  readsPerMinute: 6_000,
  ceremoniesPerMinute: 30,
  coseRootsPerMinute: 60,
  waiters: 2_000,
  waitersUnproven: 1_500,
  waitersPerAddress: 256,
  waitersPerSender: 64,
  defaultWaitMs: 10_000,
  maxWaitMs: 30_000,
  watchMs: 5 * MINUTE_MS,
  challenges: 2_000,
  challengeMs: 5 * MINUTE_MS,
  sessions: 2_000,
  sessionsPerPerson: 16,
  sessionMs: 8 * HOUR_MS,
  nonces: 50_000,
  // Both sides of the accepted skew of a minute.
  nonceMs: 2 * MINUTE_MS,
  pageRows: 200,
  projectorLagEntries: 10_000,
};
