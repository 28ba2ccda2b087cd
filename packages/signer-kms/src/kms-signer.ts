import {
  GetPublicKeyCommand,
  KMSClient,
  SignCommand,
  type GetPublicKeyCommandOutput,
  type KMSClientConfig,
  type SignCommandOutput,
  type SigningAlgorithmSpec,
} from '@aws-sdk/client-kms';
import { verifySignature } from '@countersign/crypto-node';
import {
  SignerError,
  formatVerifierKey,
  type NoteSigner,
  type SignatureCheck,
} from '@countersign/tlog';
import { signerErrorOf, type KmsQuestion } from './kms-failure.ts';

/** What KMS takes with `MessageType: RAW`. */
const MESSAGE_MAX_BYTES = 4_096;
const REQUEST_TIMEOUT_MS = 5_000;

interface SendOptions {
  readonly abortSignal: AbortSignal;
}

/** What is asked of a KMSClient. */
export interface KmsClient {
  send(command: GetPublicKeyCommand, options: SendOptions): Promise<GetPublicKeyCommandOutput>;
  send(command: SignCommand, options: SendOptions): Promise<SignCommandOutput>;
}

export interface KmsSignerOptions {
  /** Id, ARN or alias. An alias is followed once, at the start. */
  readonly keyId: string;
  /** The key's name in signed notes: the origin of the log. */
  readonly name: string;
  readonly client: KmsClient;
  /** Of one request. */
  readonly timeoutMs?: number;
}

interface KeyKind {
  readonly vkey: 'ed25519' | 'ecdsa-p256';
  readonly check: SignatureCheck['algorithm'];
  readonly signing: SigningAlgorithmSpec;
}

const KIND_OF_SPEC: Readonly<Record<string, KeyKind>> = {
  ECC_NIST_EDWARDS25519: { vkey: 'ed25519', check: 'ed25519', signing: 'ED25519_SHA_512' },
  ECC_NIST_P256: { vkey: 'ecdsa-p256', check: 'ecdsa-p256-sha256', signing: 'ECDSA_SHA_256' },
};

/** Of what GetPublicKey answers. The second name of the spec is an older one, which some emulators give alone. */
interface PublicHalf {
  readonly KeyId?: string | undefined;
  readonly PublicKey?: Uint8Array | undefined;
  readonly KeySpec?: string | undefined;
  readonly CustomerMasterKeySpec?: string | undefined;
  readonly KeyUsage?: string | undefined;
  readonly SigningAlgorithms?: readonly string[] | undefined;
}

interface KmsKey {
  readonly keyId: string;
  readonly kind: KeyKind;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

export interface KmsSigner extends NoteSigner {
  /**
   * Whether KMS answers for the key. It asks for the public half, which costs no signature and proves no right to one.
   *
   * @throws SignerError as `sign`
   */
  readonly check: () => Promise<void>;
}

/**
 * A client that asks once. Whoever waits for the signer asks again, and says so in the ledger's status; repetitions
 * inside of the client would be waits that nobody sees.
 */
export function kmsClient(
  config: Omit<KMSClientConfig, 'maxAttempts' | 'retryStrategy'>,
): KMSClient {
  return new KMSClient({ ...config, maxAttempts: 1 });
}

/**
 * A signer of checkpoints whose key stays in AWS KMS. The public key is fetched once: no signature leaves that does not verify
 * with it, so neither a new key behind an alias nor an answer of something else than KMS can sign a head.
 *
 * @throws {SignerError} also of `sign`: SIGNER_UNAVAILABLE, SIGNER_THROTTLED, SIGNER_TIMEOUT; SIGNER_DENIED, SIGNER_KEY_STATE,
 * SIGNER_KEY_SPEC, SIGNER_SIGNATURE, SIGNER_LIMIT, SIGNER_REFUSED
 * @throws {TlogError} VKEY_FORMAT for a name that no signed note can carry, or a public key that is none of its kind
 * @example
 * const client = kmsClient({ region: 'eu-central-1' });
 * const signer = await openKmsSigner({ keyId: 'alias/ledger', name: 'countersign.example/log', client });
 */
export async function openKmsSigner(options: KmsSignerOptions): Promise<KmsSigner> {
  const { keyId, name, client, timeoutMs = REQUEST_TIMEOUT_MS } = options;
  const publicHalf = (id: string): Promise<PublicHalf> =>
    inTime({ timeoutMs, keyId: id, action: 'kms:GetPublicKey' }, (sending) =>
      client.send(new GetPublicKeyCommand({ KeyId: id }), sending),
    );
  const key = keyOf(await publicHalf(keyId), keyId);
  const vkey = formatVerifierKey({ name, algorithm: key.kind.vkey, publicKey: key.publicKey });
  return {
    name,
    vkey,
    sign: async (given) => {
      assertSize(given);
      // What is verified is what was sent, whatever the caller does with its bytes meanwhile.
      const message = given.slice();
      const { Signature: signature } = await inTime(
        { timeoutMs, keyId: key.keyId, action: 'kms:Sign' },
        (sending) => client.send(signCommand(key, message), sending),
      );
      return verified(key, message, signature);
    },
    check: async () => {
      keyOf(await publicHalf(key.keyId), key.keyId);
    },
  };
}

/** @throws {SignerError} SIGNER_KEY_SPEC */
function keyOf(answer: PublicHalf, asked: string): KmsKey {
  const refused = (expected: string, got: string): SignerError =>
    new SignerError(
      'SIGNER_KEY_SPEC',
      `key ${asked}: expected ${expected}, got ${got}\nmake another, as deploy/kms says, and put its id into kms.key_id of cluster.json`,
    );
  const spec = answer.KeySpec ?? answer.CustomerMasterKeySpec ?? 'none';
  const kind = Object.hasOwn(KIND_OF_SPEC, spec) ? KIND_OF_SPEC[spec] : undefined;
  if (kind === undefined) throw refused(Object.keys(KIND_OF_SPEC).join(' or '), spec);
  const usage = answer.KeyUsage ?? 'none';
  if (usage !== 'SIGN_VERIFY') throw refused('usage SIGN_VERIFY', usage);
  const algorithms = answer.SigningAlgorithms ?? [];
  if (!algorithms.includes(kind.signing)) {
    throw refused(kind.signing, algorithms.join(', ') || 'none');
  }
  const { KeyId: keyId, PublicKey: publicKey } = answer;
  if (keyId === undefined || publicKey === undefined) {
    throw refused('its id and its public half', 'less');
  }
  return { keyId, kind, publicKey: new Uint8Array(publicKey) };
}

/** By the id that the public key came with: an alias may point elsewhere by now. */
function signCommand({ keyId, kind }: KmsKey, message: Uint8Array): SignCommand {
  return new SignCommand({
    KeyId: keyId,
    Message: message,
    MessageType: 'RAW',
    SigningAlgorithm: kind.signing,
  });
}

function assertSize({ length }: Uint8Array): void {
  if (length >= 1 && length <= MESSAGE_MAX_BYTES) return;
  throw new SignerError(
    'SIGNER_LIMIT',
    `expected a message of 1 to ${MESSAGE_MAX_BYTES} bytes, got ${length}`,
  );
}

function verified(
  { kind, publicKey }: KmsKey,
  message: Uint8Array,
  answered: Uint8Array | undefined,
): Uint8Array {
  const signature = new Uint8Array(answered ?? []);
  if (!verifySignature({ algorithm: kind.check, publicKey, message, signature })) {
    throw new SignerError(
      'SIGNER_SIGNATURE',
      'expected a signature by the key that was fetched at the start, got another',
    );
  }
  return signature;
}

/** The client aborts only what is on the network; what it does before that, as fetching credentials, ends here too. */
async function inTime<T>(
  { timeoutMs, ...question }: KmsQuestion & { readonly timeoutMs: number },
  ask: (sending: SendOptions) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new SignerError('SIGNER_TIMEOUT', `expected an answer within ${timeoutMs} ms`));
      controller.abort();
    }, timeoutMs);
  });
  try {
    return await Promise.race([ask({ abortSignal: controller.signal }), late]);
  } catch (error) {
    throw signerErrorOf(error, question);
  } finally {
    clearTimeout(timer);
  }
}
