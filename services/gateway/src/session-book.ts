import { sha256, toBase64url, toHex, utf8 } from '@countersign/canonical';

export interface Session {
  readonly person: string;
  readonly credential: string;
  readonly expiresAtMs: number;
}

export const SESSION_COOKIE = 'countersign_session';

const TOKEN_BYTES = 32;

/**
 * Who is signed in on a page. In memory only: a session lets somebody read, never decide, so to lose it is to
 * touch the passkey once more.
 */
export class SessionBook {
  readonly #options: {
    max: number;
    maxPerPerson: number;
    lifeMs: number;
    nowMs: () => number;
    randomBytes: (size: number) => Uint8Array;
  };
  /** By the token's digest, oldest first: memory alone gives no token away. */
  readonly #sessions = new Map<string, Session>();

  constructor(options: {
    max: number;
    maxPerPerson: number;
    lifeMs: number;
    nowMs: () => number;
    randomBytes: (size: number) => Uint8Array;
  }) {
    this.#options = options;
  }

  /** The token, known to nobody else. Beyond the limits a person's oldest session ends, then anybody's. */
  open(person: string, credential: string): { token: string; session: Session } {
    const { max, maxPerPerson, lifeMs, nowMs, randomBytes } = this.#options;
    const own = [...this.#sessions].filter(([, session]) => session.person === person);
    const oldest = own.length >= maxPerPerson ? own[0]?.[0] : undefined;
    if (oldest !== undefined) this.#sessions.delete(oldest);
    if (this.#sessions.size >= max) this.#dropOldest();
    const token = toBase64url(randomBytes(TOKEN_BYTES));
    const session: Session = { person, credential, expiresAtMs: nowMs() + lifeMs };
    this.#sessions.set(keyOf(token), session);
    return { token, session };
  }

  find(token: string): Session | undefined {
    const key = keyOf(token);
    const session = this.#sessions.get(key);
    if (session !== undefined && session.expiresAtMs <= this.#options.nowMs()) {
      this.#sessions.delete(key);
      return undefined;
    }
    return session;
  }

  close(token: string): void {
    this.#sessions.delete(keyOf(token));
  }

  #dropOldest(): void {
    const oldest = this.#sessions.keys().next();
    if (oldest.done !== true) this.#sessions.delete(oldest.value);
  }
}

function keyOf(token: string): string {
  return toHex(sha256(utf8(token)));
}
