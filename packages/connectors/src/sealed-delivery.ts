import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestBytes, fromBase64url, toHex, utf8, type Digest } from '@countersign/canonical';
import { calculateJwkThumbprint, CompactEncrypt, importJWK, type JWK } from 'jose';
import { createDurably, makePrivateFolder } from '@countersign/durable-file';
import { ConnectorError } from './connector-error.ts';
import { useReference, type VerifiedUse } from './connector.ts';

/** Who is given a secret: a workload, and the thumbprint (RFC 7638) of the key that it is sealed to. */
export interface Consumer {
  readonly workload: string;
  readonly thumbprint: string;
}

export interface DeliveryOptions {
  /** Public keys of workloads, for agreement on a key (ECDH): P-256 or X25519. */
  readonly consumers: Readonly<Record<string, JWK>>;
  /** Where sealed secrets are put: `<16 characters of the use id>.jwe`, or `….leased.jwe`. */
  readonly folder: string;
}

const ENDING = '.jwe';
const LEASED_ENDING = '.leased.jwe';
const MS_PER_SECOND = 1_000;

/** Files that only one workload can open. What is in them is nowhere else. */
export class SealedDelivery {
  readonly #options: DeliveryOptions;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** @throws {ConnectorError} TARGET_UNKNOWN unless the workload is enrolled here with this very key */
  async keyOf({ workload, thumbprint }: Consumer): Promise<JWK> {
    const { consumers } = this.#options;
    const key = Object.hasOwn(consumers, workload) ? consumers[workload] : undefined;
    if (key === undefined || (await thumbprintOf(key)) !== thumbprint) {
      throw new ConnectorError(
        'TARGET_UNKNOWN',
        'expected the workload and its key as enrolled here',
      );
    }
    return key;
  }

  /**
   * Seals a secret and puts it where its consumer finds it, for as long as its lease if it has one.
   *
   * Crash story: the end of the lease is on the file itself. If we stop before it, the next sweep takes the file away.
   *
   * @returns the digest of the file
   * @throws {ConnectorError} TARGET_UNKNOWN; EFFECT_DIFFERS when there is a delivery of this use
   */
  async deliver(
    secret: Uint8Array,
    to: {
      readonly consumer: Consumer;
      readonly use: VerifiedUse<unknown>;
      readonly leaseSeconds?: number;
    },
  ): Promise<Digest> {
    const { consumer, use, leaseSeconds } = to;
    const key = await this.keyOf(consumer);
    const kid = consumer.thumbprint;
    const jwe = await new CompactEncrypt(secret)
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid, use: use.shortId })
      .encrypt(await importJWK(key, 'ECDH-ES'));
    await makePrivateFolder(this.#options.folder);
    const isMade =
      leaseSeconds === undefined
        ? await createDurably(this.#path(use, ENDING), jwe)
        : await this.#lease(this.#path(use, LEASED_ENDING), { jwe, seconds: leaseSeconds });
    if (!isMade) {
      throw new ConnectorError('EFFECT_DIFFERS', 'expected no delivery under the name of this use');
    }
    return digestBytes('countersign/file/v1', utf8(jwe));
  }

  /** Takes away what nobody may fetch any more. */
  async sweep(): Promise<void> {
    await makePrivateFolder(this.#options.folder);
    for (const name of await readdir(this.#options.folder)) {
      const path = join(this.#options.folder, name);
      if (name.endsWith(LEASED_ENDING) && (await stat(path)).mtimeMs <= Date.now()) {
        await rm(path, { force: true });
      }
    }
  }

  async #lease(
    path: string,
    { jwe, seconds }: { readonly jwe: string; readonly seconds: number },
  ): Promise<boolean> {
    const leaseMs = seconds * MS_PER_SECOND;
    const isMade = await createDurably(path, jwe, {
      modifiedAt: new Date(Date.now() + leaseMs),
    });
    setTimeout(() => {
      this.sweep().catch(() => undefined);
    }, leaseMs + 1).unref();
    return isMade;
  }

  #path({ useId }: VerifiedUse<unknown>, ending: string): string {
    return join(this.#options.folder, `${useReference(useId)}${ending}`);
  }
}

/** As actions name keys: `sha256:` and 64 hex digits. */
export async function thumbprintOf(key: JWK): Promise<Digest> {
  return `sha256:${toHex(fromBase64url(await calculateJwkThumbprint(key)))}`;
}
