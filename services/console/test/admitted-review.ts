import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import {
  authenticate,
  decide,
  encodeEntry,
  foundLedger,
  isQuarantined,
  keyThumbprint,
  leafOf,
  LedgerState,
  signedMessage,
  DEFAULT_POLICY,
  type Member,
  type PlacedEntry,
} from '@countersign/binding';
import {
  canonicalBytes,
  canonicalText,
  digestBytes,
  formatTimestamp,
  fromUtf8,
  makeUlid,
  toBase64url,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS, parseAction, render } from '@countersign/descriptors';
import { cedarEngine } from '@countersign/policy-cedar';
import {
  formatCheckpoint,
  formatTlogProof,
  formatVerifierKey,
  inclusionProof,
  MemoryTree,
  signNote,
  hashLeaf,
} from '@countersign/tlog';
import { pinLedger, verifySignature, type LedgerFacts } from '@countersign/console';

export const TENANT = 'acme';
export const OWNER = 'prs_01M83E3QV860EX7843Z230MYJ7';
const ORIGIN = 'countersign.test/1/0';
const INTERFACE = `sha256:${'ab'.repeat(32)}` as const;
const AT_MS = Date.UTC(2026, 10, 23, 12);

const agentKey = generateKeyPairSync('ed25519');
const executorKey = generateKeyPairSync('ed25519');
const logKey = generateKeyPairSync('ed25519');
const vkey = formatVerifierKey({
  name: ORIGIN,
  algorithm: 'ed25519',
  publicKey: spki(logKey.publicKey),
});

export const facts: LedgerFacts = {
  origin: ORIGIN,
  tenant: TENANT,
  demo: false,
  genesis: INTERFACE,
  logKeys: [vkey],
};

export const pin = pinLedger({ getItem: () => null, setItem: () => undefined }, facts);

/** A log that holds one admitted action, and what a truthful server answers about it. */
export interface AdmittedReview {
  readonly actionId: string;
  readonly json: ReviewJson;
}

export interface ReviewJson extends JsonObject {
  readonly action: string;
  readonly admission: {
    readonly entry: { readonly index: number; readonly leaf: string; readonly text: string };
    readonly receipt: string;
  };
  readonly descriptor: JsonObject;
  readonly policy: JsonObject | null;
  readonly display: JsonObject;
}

export async function admittedReview(params: JsonObject = {}): Promise<AdmittedReview> {
  const actionId = makeUlid(AT_MS, randomBytes(10));
  const text = canonicalText(actionOf(actionId, params));
  const state = LedgerState.empty({
    descriptors: BUILTIN_DESCRIPTORS,
    policyEngine: cedarEngine(BUILTIN_DESCRIPTORS),
  });
  const entry = founding();
  const genesis = encodeEntry(entry);
  state.evolve(entry, { index: 0, leaf: leafOf(genesis) });
  const admission = await admit(state, Buffer.from(text));
  return {
    actionId,
    json: {
      action: text,
      admission: {
        entry: {
          index: admission.index,
          leaf: admission.leaf,
          text: fromUtf8(admission.bytes),
        },
        receipt: await receiptOf([genesis, admission.bytes], admission.index),
      },
      ...documentsOf(text),
      rp: { id: 'localhost', origins: ['http://localhost:7420'] },
      decisions: [],
      status: 'pending',
    },
  };
}

function documentsOf(text: string): Pick<ReviewJson, 'descriptor' | 'policy' | 'display'> {
  const descriptor = BUILTIN_DESCRIPTORS.find(({ type }) => type === 'generic.command');
  if (descriptor === undefined) throw new Error('expected the built-in commands');
  const display = render(descriptor, parseAction(Buffer.from(text)));
  return {
    descriptor: descriptor.document,
    policy: DEFAULT_POLICY as unknown as JsonObject,
    display: display as unknown as JsonObject,
  };
}

function actionOf(actionId: string, params: JsonObject): Json {
  return {
    v: 'countersign.action.v1',
    tenant: TENANT,
    action_id: actionId,
    nonce: toBase64url(randomBytes(16)),
    type: 'generic.command',
    type_version: 1,
    agent: { id: 'deployer', key_thumbprint: keyThumbprint(spki(agentKey.publicKey)) },
    acting_for: [],
    executor: { id: 'build-1', audience: 'host', descriptor_digest: INTERFACE },
    params: {
      argv: ['restart', 'billing'],
      cwd: '/srv',
      executable: { path: '/usr/bin/svc', digest: INTERFACE },
      env: [],
      secret_env: [],
      stdin: { kind: 'empty' },
      timeout_s: 60,
      ...params,
    },
    preconditions: [],
    not_after: formatTimestamp(AT_MS + 86_400_000),
    max_uses: 1,
  };
}

/** The first entry of that log, which sets the default policy. */
export function founding(): ReturnType<typeof foundLedger> {
  const members: Member[] = [
    { kind: 'person', id: OWNER, class: 'natural' },
    {
      kind: 'agent',
      id: 'deployer',
      key_thumbprint: keyThumbprint(spki(agentKey.publicKey)),
      public_key: toBase64url(spki(agentKey.publicKey)),
      owner: OWNER,
      operator: false,
    },
    {
      kind: 'executor',
      id: 'build-1',
      key_thumbprint: keyThumbprint(spki(executorKey.publicKey)),
      public_key: toBase64url(spki(executorKey.publicKey)),
      audiences: ['host'],
      interface_digest: INTERFACE,
    },
    ...BUILTIN_DESCRIPTORS.map((each): Member => ({
      kind: 'descriptor',
      id: `${each.type}/${each.typeVersion}`,
      digest: each.digest,
    })),
  ];
  return foundLedger({
    at: formatTimestamp(AT_MS),
    origin: ORIGIN,
    tenant: TENANT,
    separation: 'full',
    demo: false,
    rps: [{ id: 'localhost', origins: ['http://localhost:7420'] }],
    logKeys: [vkey],
    members,
  });
}

async function admit(state: LedgerState, payload: Uint8Array): Promise<PlacedEntry> {
  const signature = sign(null, signedMessage('request', payload), agentKey.privateKey);
  const bytes = canonicalBytes({
    payload: toBase64url(payload),
    key: keyThumbprint(spki(agentKey.publicKey)),
    signature: toBase64url(signature),
  });
  const input = digestBytes('countersign/input/v1', bytes);
  const raw = { kind: 'request', bytes, input, appendTimeMs: AT_MS, offset: 0 } as const;
  const authenticated = await authenticate(raw, state, verifySignature);
  if (isQuarantined(authenticated))
    throw new Error(`expected a request, got ${authenticated.code}`);
  const [placed] = decide(state, authenticated).entries;
  if (placed?.entry.type !== 'request-admitted') throw new Error('expected an admission');
  return placed;
}

/** The receipt of one entry of a log. */
export async function receiptOf(
  entries: readonly Uint8Array[],
  index: number,
  key: KeyObject = logKey.privateKey,
): Promise<string> {
  const tree = new MemoryTree();
  for (const entry of entries) tree.append(hashLeaf(entry));
  const checkpoint = await signNote(
    formatCheckpoint({ origin: ORIGIN, size: tree.size, root: tree.root() }),
    [{ name: ORIGIN, vkey: vkeyOf(key), sign: (m) => Promise.resolve(sign(null, m, key)) }],
  );
  return formatTlogProof({ index, proof: inclusionProof(index, tree.size, tree.node), checkpoint });
}

function vkeyOf(key: KeyObject): string {
  if (key === logKey.privateKey) return vkey;
  const { publicKey } = generateKeyPairSync('ed25519');
  return formatVerifierKey({ name: ORIGIN, algorithm: 'ed25519', publicKey: spki(publicKey) });
}

function spki(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }));
}
