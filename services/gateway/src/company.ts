import { sha256, toBase64url, toHex, utf8 } from '@countersign/canonical';
import { subjectDigest, type IdentityMember, type Membership } from '@countersign/binding';
import type { FastifyRequest } from 'fastify';
import type { AuthorityView } from './authority-view.ts';
import { cookieOf } from './cookie.ts';
import { GatewayError } from './gateway-error.ts';
import type { CompanyIdentity, IdentityConfig, ProviderLogout } from './identity-provider.ts';
import { subjectSalt } from './subject-salt.ts';
import { TokenBook, type Kept, type TokenBookOptions } from './token-book.ts';

/** Somebody of the company, for as long as the sign-in lasts. */
export interface Colleague extends CompanyIdentity {
  /** Names the sign-in within this process, and is no secret. */
  readonly id: string;
}

export const IDENTITY_COOKIE = 'countersign_identity';

const ID_BYTES = 16;

/** Who has signed in at the company. It opens reading, and says whom an enrolment is taken from; it never decides anything. */
export class Company {
  readonly #config: IdentityConfig;
  readonly #authority: AuthorityView;
  readonly #randomBytes: TokenBookOptions['randomBytes'];
  readonly #book: TokenBook<Colleague>;
  readonly #cookie: string;

  constructor(
    config: IdentityConfig,
    parts: {
      readonly authority: AuthorityView;
      readonly book: TokenBookOptions;
      readonly isHttps: boolean;
    },
  ) {
    this.#config = config;
    this.#authority = parts.authority;
    this.#randomBytes = parts.book.randomBytes;
    this.#book = new TokenBook(parts.book);
    // A page of a neighbouring name could set one of the plain name, and so sign people in as somebody else.
    this.#cookie = `${parts.isHttps ? '__Host-' : ''}${IDENTITY_COOKIE}`;
  }

  get cookieName(): string {
    return this.#cookie;
  }

  /** A sign-in always gets a token of its own, so that nobody chooses it for another one. */
  enter(identity: CompanyIdentity): string {
    const id = toBase64url(this.#randomBytes(ID_BYTES));
    return this.#book.open(holderOf(identity), { ...identity, id }).token;
  }

  /** @throws GatewayError IDENTITY_REQUIRED */
  colleagueOf(request: FastifyRequest): Kept<Colleague> {
    const token = cookieOf(request.headers.cookie, this.#cookie);
    const colleague = token === undefined ? undefined : this.#book.find(token);
    if (colleague !== undefined) return colleague;
    throw new GatewayError('IDENTITY_REQUIRED', 'expected a sign-in with the company account');
  }

  leave(request: FastifyRequest): void {
    const token = cookieOf(request.headers.cookie, this.#cookie);
    if (token !== undefined) this.#book.close(token);
  }

  /** The provider says that somebody has left. */
  expel({ subject, providerSession }: ProviderLogout): void {
    this.#book.closeWhere(
      (colleague) =>
        (subject === undefined || colleague.subject === subject) &&
        (providerSession === undefined || colleague.providerSession === providerSession),
    );
  }

  mayRead({ groups }: Colleague): boolean {
    const { readGroup } = this.#config;
    return readGroup !== undefined && groups.includes(readGroup);
  }

  /**
   * Holds a person to the subject that the authority ties them to; a person without a tie is anybody.
   *
   * @throws GatewayError IDENTITY_MISMATCH
   */
  async assertIs(person: string, colleague: Colleague): Promise<void> {
    const tie = await this.#authority.member('identity', person);
    if (tie !== undefined) this.#saltOf(person, { colleague, tie });
  }

  /**
   * What shows, beside a decision, in which groups a person is who is tied to this colleague.
   *
   * @throws GatewayError IDENTITY_MISMATCH
   */
  async membershipOf(person: string, colleague: Colleague): Promise<Membership> {
    const tie = await this.#authority.member('identity', person);
    const subject_salt = this.#saltOf(person, { colleague, tie });
    if (colleague.invitation !== undefined) throw otherSignIn('to the ledger');
    return { token: colleague.token, subject_salt, nonce_salt: colleague.nonceSalt };
  }

  /**
   * What shows, beside an enrolment, who enrols; nothing where the ledger asks for nothing.
   *
   * @throws GatewayError IDENTITY_MISMATCH, IDENTITY_REQUIRED for a sign-in that was for something else
   */
  async enrolmentOf(
    { person, invitation }: { readonly person: string; readonly invitation: string },
    colleague: Colleague,
  ): Promise<{ readonly identity?: Membership }> {
    const tie = await this.#authority.member('identity', person);
    if (tie === undefined) return {};
    const subject_salt = this.#saltOf(person, { colleague, tie });
    if ((await this.#authority.member('issuer', tie.issuer)) === undefined) return {};
    if (colleague.invitation !== invitation) throw otherSignIn('for this invitation');
    const { token, nonceSalt: nonce_salt } = colleague;
    return { identity: { token, subject_salt, nonce_salt } };
  }

  /** The salt that ties a person to a colleague. */
  #saltOf(
    person: string,
    of: { readonly colleague: Colleague; readonly tie: IdentityMember | undefined },
  ): string {
    const { issuer, subject } = of.colleague;
    const { subjectKey } = this.#config;
    if (subjectKey !== undefined) {
      const salt = subjectSalt(subjectKey, { issuer, person });
      if (of.tie?.subject_digest === subjectDigest({ issuer, subject, salt })) return salt;
    }
    throw new GatewayError('IDENTITY_MISMATCH', 'expected the company account of this person');
  }
}

function otherSignIn(what: string): GatewayError {
  return new GatewayError('IDENTITY_REQUIRED', `expected a sign-in ${what}`);
}

/** For counting only. */
export function holderOf({ issuer, subject }: CompanyIdentity): string {
  return toHex(sha256(utf8(`${issuer}\n${subject}`)));
}
