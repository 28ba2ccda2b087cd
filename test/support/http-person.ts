import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import { canonicalText, digestOf, fromHex, type Digest, type Json } from '@countersign/canonical';
import {
  decisionChallenge,
  enrolmentPayload,
  keyThumbprint,
  rationaleDigest,
  signedMessage,
  type DecisionStatement,
  type EnrolmentStatement,
  type RequestAdmitted,
  type Verdict,
} from '@countersign/binding';
import { SoftwarePasskey, type SoftwareMaker } from '@countersign/software-passkey';

/** What a write answers, whatever came of it. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

interface Ledger {
  readonly origin: string;
  readonly tenant: string;
  readonly rp: { readonly id: string; readonly origins: readonly string[] };
}

/** The review of one action, as much of it as a decision needs. */
export interface Review {
  readonly action: string;
  readonly admission: { readonly entry: { readonly leaf: Digest; readonly text: string } };
}

/**
 * A human at the page, without the page: the same HTTP calls, a passkey in software. What the page checks before it
 * signs is tested in test/console; this one signs whatever it is told to, also what no page would.
 */
export class HttpPerson {
  readonly url: string;
  readonly person: string;
  readonly passkey: SoftwarePasskey;
  readonly #ledger: Ledger;
  #cookie = '';

  private constructor(parts: {
    url: string;
    person: string;
    passkey: SoftwarePasskey;
    ledger: Ledger;
  }) {
    this.url = parts.url;
    this.person = parts.person;
    this.passkey = parts.passkey;
    this.#ledger = parts.ledger;
  }

  /** Follows an enrolment link: makes a passkey, proves the invitation, shows who vouches for it, if somebody does, signs in. */
  static async enrol(link: string, maker?: SoftwareMaker): Promise<HttpPerson> {
    const address = new URL(link);
    const url = address.origin;
    const fragment = new URLSearchParams(address.hash.slice(1));
    const person = fragment.get('p') ?? '';
    const invitation = createPrivateKey({
      key: Buffer.from(fragment.get('i') ?? '', 'base64url'),
      format: 'der',
      type: 'pkcs8',
    });
    const invitationId = keyThumbprint(
      createPublicKey(invitation).export({ format: 'der', type: 'spki' }),
    );
    const ledger = (await expectOk(get(url, '/v1/ledger'))) as unknown as Ledger;
    const place = { rpId: ledger.rp.id, origin: url };
    const passkey = SoftwarePasskey.create({
      algorithm: 'ES256',
      ...place,
      ...(maker !== undefined && { maker }),
    });
    const options = await expectOk(
      post({ url, path: '/v1/enrolments/options' }, { invitation: invitationId, person }),
    );
    const registration = passkey.register(String(options['challenge']));
    const { attestationObject: object, clientDataJSON: client_data } = registration.response;
    const statement: EnrolmentStatement = {
      v: 'countersign.enrolment.v1',
      ledger: ledger.origin,
      tenant: ledger.tenant,
      person,
      invitation: invitationId,
      credential_id: passkey.credentialId,
      public_key: Buffer.from(passkey.cosePublicKey).toString('base64url'),
      rp_id: ledger.rp.id,
      backup_eligible: false,
      ...(maker !== undefined && {
        attestation: { object, client_data, root: maker.root.toString('base64url') },
      }),
      nonce: randomBytes(16).toString('base64url'),
    };
    const signature = sign(
      'sha256',
      signedMessage('enrolment', enrolmentPayload(statement)),
      invitation,
    );
    await expectOk(
      post(
        { url, path: '/v1/enrolments' },
        {
          response: registration,
          statement,
          signature: signature.toString('base64url'),
        },
      ),
    );
    const enrolled = new HttpPerson({ url, person, passkey, ledger });
    await enrolled.signIn();
    return enrolled;
  }

  async signIn(): Promise<void> {
    const { statement } = await expectOk(post({ url: this.url, path: '/v1/session/options' }, {}));
    const challenge = digestOf('countersign/session/v1', statement as Json);
    const proof = this.passkey.assert(fromHex(challenge.slice('sha256:'.length)));
    const response = await fetch(`${this.url}/v1/session`, {
      method: 'POST',
      headers: this.#headers(),
      body: JSON.stringify({ statement, proof }),
    });
    if (!response.ok) throw new Error(`sign-in: ${response.status} ${await response.text()}`);
    this.#cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  }

  /** Of its session. */
  get cookie(): string {
    return this.#cookie.split('=')[1] ?? '';
  }

  async review(actionId: string): Promise<Review> {
    return (await expectOk(this.get(`/v1/actions/${actionId}/review`))) as unknown as Review;
  }

  /** Open requests, oldest first. */
  async inbox(): Promise<readonly { action_id: string; type: string }[]> {
    const { actions } = await expectOk(this.get('/v1/inbox'));
    return actions as { action_id: string; type: string }[];
  }

  get(path: string): Promise<Answer> {
    return get(this.url, path, this.#headers());
  }

  /** The statement that the page would sign for this review. */
  statement(review: Review, verdict: Verdict, rationale: Rationale): DecisionStatement {
    const admission = JSON.parse(review.admission.entry.text) as RequestAdmitted;
    return {
      v: 'countersign.decision.v1',
      ledger: this.#ledger.origin,
      tenant: admission.tenant,
      action_id: admission.action_id,
      admission: review.admission.entry.leaf,
      action_digest: admission.action_digest,
      display_digest: admission.display_digest,
      verdict,
      rationale_digest: rationaleDigest(rationale),
      person: this.person,
      credential: this.passkey.credentialId,
      not_after: admission.not_after,
    };
  }

  /** Signs a statement and sends it; the proof can be replaced to send what a liar would. */
  decideWith(
    statement: DecisionStatement,
    rationale: Rationale,
    proof: unknown = this.passkey.assert(decisionChallenge(statement)),
  ): Promise<Answer> {
    const body = { v: 'countersign.decision-made.v1', statement, proof, rationale };
    return post({ url: this.url, path: '/v1/decisions' }, body, this.#headers());
  }

  async decide(actionId: string, verdict: Verdict, text: string): Promise<Answer> {
    const rationale = rationaleOf(text);
    const review = await this.review(actionId);
    return this.decideWith(this.statement(review, verdict, rationale), rationale);
  }

  #headers(): Record<string, string> {
    return {
      'content-type': 'application/json',
      origin: this.url,
      'x-countersign': '1',
      ...(this.#cookie === '' ? {} : { cookie: this.#cookie }),
    };
  }
}

export interface Rationale {
  readonly text: string;
  readonly salt: string;
}

export function rationaleOf(text: string): Rationale {
  return { text, salt: randomBytes(16).toString('base64url') };
}

const PLAIN_HEADERS = { 'content-type': 'application/json' };

/** Sends to `to.path` at `to.url`. */
export async function post(
  to: { readonly url: string; readonly path: string },
  body: unknown,
  headers: Record<string, string> = PLAIN_HEADERS,
): Promise<Answer> {
  const response = await fetch(`${to.url}${to.path}`, {
    method: 'POST',
    headers,
    body: canonicalText(body as Json),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function get(
  url: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function expectOk(answer: Promise<Answer>): Promise<Record<string, unknown>> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`expected success, got ${status} ${JSON.stringify(body)}`);
  return body;
}
