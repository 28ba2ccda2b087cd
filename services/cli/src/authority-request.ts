import { canonicalBytes, canonicalText, utf8, type JsonObject } from '@countersign/canonical';
import { LEDGER_EXECUTOR } from '@countersign/binding';
import { verifySignature } from '@countersign/crypto-node';
import { BUILTIN_DESCRIPTORS, parseAction } from '@countersign/descriptors';
import { draftAction, signedFrame } from '@countersign/sdk';
import { createVerifier } from '@countersign/verify';
import { checkAction } from './action-check.ts';
import { waitForApproval } from './approval-wait.ts';
import { patienceOf } from './away-words.ts';
import { assertValid } from './bound-use.ts';
import { CliError, EXIT } from './cli-error.ts';
import type { ClientOptions } from './commands/access-options.ts';
import { watchLine } from './commands/watch.ts';
import type { CliContext } from './context.ts';
import type { LedgerAccess } from './ledger-access.ts';
import { Narrator } from './narrator.ts';

const LIFE_S = 3_600;

export interface ChangeParts {
  /** Of the authority.* types, the one that the change belongs to. */
  readonly type:
    | 'authority.change'
    | 'authority.deputy'
    | 'authority.identity'
    | 'authority.issuer'
    | 'authority.review'
    | 'authority.sshkey'
    | 'authority.freeze'
    | 'authority.recovery'
    | 'authority.cancel'
    | 'authority.thaw';
  /** Shown to whoever decides, as the words of who asks. */
  readonly note?: string;
  readonly access: LedgerAccess;
  readonly context: CliContext;
  readonly options: ClientOptions;
  /** What is of use once the change is made, even when nobody waited for it. */
  readonly kept: string;
  /** Removes what was made for a change that the ledger does not take. */
  readonly undo?: () => Promise<void>;
  /** How long it can be signed for; an hour unless given. */
  readonly lifeS?: number;
}

/**
 * Asks for a change of the authority and waits until the ledger has made it, which its evidence proves: whoever believed a
 * server that a ledger is frozen would look away from one that is not.
 *
 * @throws CliError what the ledger refuses, DENIED and the like, the code of evidence that is not VALID
 */
export async function askForChange(change: JsonObject, parts: ChangeParts): Promise<void> {
  const { access, context, options, type, note, lifeS = LIFE_S } = parts;
  const { agent, tenant, trust, client } = access;
  const descriptor = BUILTIN_DESCRIPTORS.find((known) => known.type === type);
  if (descriptor === undefined) throw new Error(`expected a descriptor of ${type}`);
  const envelope = draftAction(
    {
      tenant,
      agent: { id: agent.id, key_thumbprint: agent.key.thumbprint },
      executor: {
        id: LEDGER_EXECUTOR,
        audience: trust.origin,
        descriptor_digest: descriptor.digest,
      },
    },
    {
      type,
      typeVersion: descriptor.typeVersion,
      params: { change, ...(note !== undefined && { note }) },
      lifeS,
    },
    context,
  );
  const text = canonicalText(envelope);
  checkAction(text);
  const frame = await signedFrame('request', utf8(text), agent.key);
  const narrator = new Narrator(context.stderr, options.json === true);
  const patience = patienceOf(context, narrator);
  const id = envelope.action_id;
  const url = `${client.url}/action/${id}`;
  try {
    await submitted(frame, parts);
    narrator.say('requested', `asked for approval: ${url}`, { action_id: id, url });
    await waitForApproval(client, id, { narrator, nowMs: context.nowMs, patience });
    await assertBound(envelope, parts);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const hint = HINTS[error.code]?.get(change['kind']);
    if (hint !== undefined) {
      throw new CliError(error.code, error.message, {
        cause: error,
        hint: `nothing was changed; ${hint}`,
      });
    }
    if (error.exitCode !== EXIT.indeterminate) throw error;
    const line = watchLine(id, options, context);
    throw new CliError(error.code, error.message, {
      cause: error,
      hint: [
        `the request stays open: if it is approved at ${url}, the ledger makes the change by itself`,
        parts.kept,
        `follow it with: ${line}`,
      ].join('\n'),
    });
  }
}

/** Not after a server that says nothing: it may have asked for it all the same. */
async function submitted(frame: string, { access: { client }, undo }: ChangeParts): Promise<void> {
  try {
    await client.submit('requests', frame);
  } catch (error) {
    if (error instanceof CliError && error.exitCode === EXIT.refused) await undo?.();
    throw error;
  }
}

/** Of those changes that somebody may ask for without knowing of what they are about. */
const MISSING: ReadonlyMap<unknown, string> = new Map([
  ['credential-revoked', 'keys that count: `countersign list credentials`'],
  ['agent-revoked', 'agents that may ask: `countersign list agents`'],
  ['executor-revoked', 'executors that may run: `countersign list executors`'],
  ['issuer-revoked', 'no issuer of this URL is enrolled'],
  ['deputy-revoked', 'who decides in whose place: `countersign deputy list`'],
]);

/** Of those that somebody may ask for twice without knowing of the first time. */
const EXISTING: ReadonlyMap<unknown, string> = new Map([
  ['frozen', 'it is frozen already: `countersign thaw` ends that'],
  [
    'agent-enrolled',
    'an agent of this name, or one with this key, is enrolled: use its key file, or take another name and --key-file',
  ],
  [
    'executor-enrolled',
    'an executor of this name, or one with this key, is enrolled: use its key file, or take another name and --key-file',
  ],
  [
    'ssh-key-enrolled',
    'this key is enrolled: it decides for the person it was enrolled for, and for nobody else',
  ],
  [
    'person-tied',
    'this person, or somebody else, has this account: each person has one, and each account one person',
  ],
  [
    'descriptor-enrolled',
    'this type is enrolled: to be asked for, a rule of the policy has to name it',
  ],
  [
    'issuer-enrolled',
    'this issuer is enrolled, or another one with a key of it: have that one revoked first',
  ],
]);

const HINTS: Readonly<Record<string, ReadonlyMap<unknown, string>>> = {
  MEMBER_EXISTS: EXISTING,
  MEMBER_UNKNOWN: MISSING,
};

async function assertBound(
  envelope: JsonObject,
  { access: { client, trust, allowDemo } }: ChangeParts,
): Promise<void> {
  const { digest, envelope: action } = parseAction(canonicalBytes(envelope));
  const outcome = await createVerifier({ trust, verifySignature }).verifyFile(
    utf8(await client.evidence(action.action_id)),
    { level: 'human', allowDemo, expect: { actionDigest: digest } },
  );
  assertValid(outcome);
}
