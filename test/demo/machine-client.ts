import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { signedMessage, type SignedKind } from '@countersign/binding';
import {
  canonicalBytes,
  toBase64url,
  utf8,
  type Digest,
  type JsonObject,
} from '@countersign/canonical';
import {
  keyThumbprint,
  newUlid,
  readKeyFile,
  signEd25519,
  type Ed25519Key,
} from '@countersign/crypto-node';
import { signRequest } from '@countersign/http-auth';
import { post, type Answer } from '../support/http-person.ts';

/** An agent or an executor that talks to the ledger over HTTP with its own key: about what an SDK will do. */
export class MachineClient {
  readonly id: string;
  readonly thumbprint: Digest;
  readonly #url: string;
  readonly #key: Ed25519Key;

  private constructor(parts: { url: string; id: string; key: Ed25519Key }) {
    this.#url = parts.url;
    this.id = parts.id;
    this.#key = parts.key;
    this.thumbprint = keyThumbprint(parts.key.publicKeySpki);
  }

  static async open(url: string, id: string, keyFile: string): Promise<MachineClient> {
    return new MachineClient({ url, id, key: await readKeyFile(keyFile) });
  }

  /** Signs a payload and sends it. */
  send(
    to: 'requests' | 'uses' | 'reports',
    kind: SignedKind,
    payload: JsonObject,
  ): Promise<Answer> {
    const bytes = canonicalBytes(payload);
    const frame = {
      payload: toBase64url(bytes),
      key: this.thumbprint,
      signature: toBase64url(signEd25519(this.#key, signedMessage(kind, bytes))),
    };
    return post({ url: this.#url, path: `/v1/${to}` }, frame);
  }

  /** The evidence bundle, once something is bound. */
  async evidence(actionId: string): Promise<Uint8Array> {
    const url = `${this.#url}/v1/actions/${actionId}/evidence`;
    const headers = await signRequest(
      { method: 'GET', url, nowMs: Date.now(), nonce: toBase64url(randomBytes(16)) },
      { keyId: this.thumbprint, sign: (message) => signEd25519(this.#key, message) },
    );
    const response = await fetch(url, { headers });
    if (!response.ok) throw new Error(`evidence: ${response.status} ${await response.text()}`);
    return utf8(await response.text());
  }
}

/** What identifies an action; the rest is the story's. */
export function freshIds(): { action_id: string; nonce: string } {
  return { action_id: newUlid(Date.now()), nonce: toBase64url(randomBytes(16)) };
}

export interface TrustFile {
  readonly origin: string;
  readonly bytes: Uint8Array;
}

export function readTrust(path: string): TrustFile {
  const bytes = readFileSync(path);
  const { origin } = JSON.parse(bytes.toString()) as { origin: string };
  return { origin, bytes };
}
