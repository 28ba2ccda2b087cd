import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  emptyRoot,
  judgeWitnessRequest,
  parseNote,
  parseVerifierKey,
  parseWitnessRequest,
  type NoteVerifier,
  type PolicyWitness,
  type VerifySignature,
} from '@countersign/tlog';

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

/** What it follows. */
export interface FollowedLog {
  readonly origin: string;
  readonly vkeys: readonly string[];
  readonly verifySignature: VerifySignature;
}

const SPKI_PREFIX_BYTES = 12;

/** A witness that judges and remembers as a real one, and answers something else where a test wants that. */
export class FakeWitness {
  readonly name: string;
  readonly vkey: string;
  /** Of the requests, as they came. */
  readonly bodies: string[] = [];
  /** Answers in its place; undefined leaves the request unanswered. */
  instead: ((body: string) => FakeAnswer | undefined) | undefined;
  /** Added to its clock. */
  clockMs = 0;
  /** What it holds. */
  size = 0;
  root: Uint8Array = emptyRoot();
  readonly #log: FollowedLog;
  readonly #key: KeyObject;
  readonly #nowMs: () => number;
  #server: Server | undefined;
  #port = 0;

  private constructor(name: string, log: FollowedLog, nowMs: () => number) {
    this.name = name;
    this.#log = log;
    this.#nowMs = nowMs;
    this.#key = createPrivateKey(
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
    );
    this.vkey = cosignerKey(name, this.#key);
  }

  static async start(
    name: string,
    log: FollowedLog,
    nowMs: () => number = Date.now,
  ): Promise<FakeWitness> {
    const witness = new FakeWitness(name, log, nowMs);
    await witness.resume();
    return witness;
  }

  get verifier(): NoteVerifier {
    return parseVerifierKey(this.vkey);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** As a policy names it, which has a name of its own for it. */
  as(name: string): PolicyWitness & { readonly url: string } {
    return { name, verifier: this.verifier, url: this.url };
  }

  async resume(): Promise<void> {
    const server = createServer((request, response) => {
      void this.#answer(request, response);
    });
    this.#server = server;
    await new Promise<void>((resolve) => {
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }

  /** A cosignature line of this witness over a note. */
  cosign(note: string): string {
    const { text } = parseNote(note);
    const time = Math.floor((this.#nowMs() + this.clockMs) / 1_000);
    const seconds = Buffer.alloc(8);
    seconds.writeBigUInt64BE(BigInt(time));
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), this.#key);
    const bytes = Buffer.concat([this.verifier.keyId, seconds, signature]);
    return `\u2014 ${this.name} ${bytes.toString('base64')}\n`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    this.bodies.push(body);
    const answer = this.instead === undefined ? await this.#judged(body) : this.instead(body);
    if (answer === undefined) return;
    response.writeHead(answer.status, answer.headers).end(answer.text);
  }

  async #judged(body: string): Promise<FakeAnswer> {
    const { origin, vkeys, verifySignature } = this.#log;
    const verifiers = vkeys.map((vkey) => parseVerifierKey(vkey));
    const held = { size: this.size, root: this.root };
    const answer = await judgeWitnessRequest(body, { origin, verifiers, verifySignature, ...held });
    if (answer.status === 200) {
      this.size = answer.checkpoint.size;
      this.root = answer.checkpoint.root;
      return { status: 200, text: this.cosign(parseWitnessRequest(body).checkpoint) };
    }
    if (answer.status === 409) {
      const headers = { 'content-type': 'text/x.tlog.size' };
      return { status: 409, headers, text: `${answer.size}\n` };
    }
    return { status: answer.status, text: answer.reason.code };
  }
}

function cosignerKey(name: string, key: KeyObject): string {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const typed = Buffer.concat([Buffer.of(4), spki.subarray(SPKI_PREFIX_BYTES)]);
  const id = createHash('sha256').update(`${name}\n`).update(typed).digest('hex').slice(0, 8);
  return `${name}+${id}+${typed.toString('base64')}`;
}
