import type { Display } from '@countersign/descriptors';

/** What a code means, and what to do about it. */
export interface PlainWords {
  readonly meaning: string;
  readonly advice: string;
}

const DO_NOT_APPROVE =
  'Do not approve this request anywhere. Tell the people who run this ledger, and give them this code.';
const AGAIN = 'Try again. If it stays like this, tell the people who run this ledger.';
const NOTHING = 'There is nothing left to do here.';

/** In the order of the codes' own lists; a code that is not here is shown with general words. */
const WORDS: ReadonlyMap<string, PlainWords> = new Map(
  Object.entries({
    ACTION_DIGEST_MISMATCH: {
      meaning: 'The action that the server sent is not the one that the ledger admitted.',
      advice: DO_NOT_APPROVE,
    },
    ADMISSION_MISMATCH: {
      meaning: 'The ledger entry that the server sent belongs to something else.',
      advice: DO_NOT_APPROVE,
    },
    DESCRIPTOR_MISMATCH: {
      meaning:
        'The server sent another description of this kind of action than the ledger admitted.',
      advice: DO_NOT_APPROVE,
    },
    DISPLAY_MISMATCH: {
      meaning: 'What the server would show is not what the action says.',
      advice: DO_NOT_APPROVE,
    },
    REVIEW_OVERDUE: {
      meaning: 'Something that ran as BREAK-GLASS before was not reviewed in time.',
      advice: 'Have it reviewed first. Until then the ledger takes no other emergency.',
    },
    POLICY_MISMATCH: {
      meaning: 'The server sent another policy than the one that this request was admitted under.',
      advice: DO_NOT_APPROVE,
    },
    RATIONALE_MISMATCH: {
      meaning: 'The reason that the server sent is not the one that the person signed.',
      advice: DO_NOT_APPROVE,
    },
    NOT_LOGGED: {
      meaning: 'The receipt does not prove that this is in the log of the ledger.',
      advice: DO_NOT_APPROVE,
    },
    LOG_KEY_UNKNOWN: {
      meaning: 'The log is signed by a key that this browser does not know.',
      advice: DO_NOT_APPROVE,
    },
    CHECKPOINT_INVALID: {
      meaning: 'The signature on the log does not hold.',
      advice: DO_NOT_APPROVE,
    },
    GENESIS_MISMATCH: {
      meaning: 'This is not the ledger that this browser knows.',
      advice: DO_NOT_APPROVE,
    },
    ANSWER_FORMAT: {
      meaning: 'The server answered something that this page cannot read.',
      advice: AGAIN,
    },
    SERVER_UNREACHABLE: {
      meaning: 'The server did not answer.',
      advice:
        'Nothing is lost. Check that it runs, then load this page again to see where things stand.',
    },
    INVITATION_FORMAT: {
      meaning: 'This link holds no invitation that can be read.',
      advice: 'Open the enrolment link again, whole, from the first character to the last.',
    },
    PASSKEY_CANCELLED: {
      meaning: 'The passkey was not used: the dialog was closed, or took too long.',
      advice: 'Nothing was signed and nothing was sent. Press the button again when you are ready.',
    },
    PASSKEY_UNAVAILABLE: {
      meaning: 'This browser could not use a passkey here.',
      advice:
        'Use a browser with passkeys, at the address that your ledger gives (with the name, such as localhost, and not a number).',
    },
    PASSKEY_FORMAT: {
      meaning: 'The new passkey could not be read.',
      advice: 'Try another authenticator.',
    },
    BROWSER_TOO_OLD: {
      meaning: 'This browser cannot check the signatures of the ledger.',
      advice:
        'Update it, or use another one. Without that check this page shows nothing to approve.',
    },
    SELF_APPROVAL: {
      meaning: 'You asked for this yourself, so somebody else must approve it.',
      advice: 'Ask another approver to open this page.',
    },
    OWNER_APPROVAL: {
      meaning: 'You are answerable for the agent that asks, so somebody else must approve it.',
      advice: 'Ask another approver to open this page.',
    },
    NOT_ELIGIBLE: {
      meaning:
        'You are none of those who may approve this: the policy does not name you, or it is about you (you would be the deputy, or answer for what is reviewed).',
      advice: 'Ask somebody who may.',
    },
    DELEGATION_EXCEEDED: {
      meaning:
        'You are no deputy who could decide this: not now, not of this type, or not of somebody who could.',
      advice: 'Ask one of the approvers that the policy names.',
    },
    NOT_A_NATURAL_PERSON: {
      meaning: 'This passkey belongs to a role or a machine. Only a person can decide.',
      advice: 'Sign in as yourself.',
    },
    PROOF_CLASS: {
      meaning: 'The policy wants a passkey that verifies you, by PIN, finger or face.',
      advice: 'Use an authenticator that does.',
    },
    AUTHENTICATOR_CLASS: {
      meaning:
        'The policy wants another kind of key: one that stays in its device, or of a model that it names. Yours is not known to be one.',
      advice:
        'Decide with a security key of a model that is named here, or where none is named with a passkey of this device that is not backed up.',
    },
    ORDER: {
      meaning: 'The policy wants others to approve before you.',
      advice: 'Decide again when they have.',
    },
    WINDOW: {
      meaning: 'Too much time has passed since those before you approved: that no longer counts.',
      advice: 'Ask them to approve again, then decide again.',
    },
    CONFIRMATION_REQUIRED: {
      meaning: 'The policy wants you to type the end of a field before you approve.',
      advice: 'Load this page again, and type it.',
    },
    CONFIRMATION_MISMATCH: {
      meaning: 'What was typed is not how that field ends.',
      advice: 'Look at what is asked for once more, and decide again.',
    },
    RATIONALE_REQUIRED: {
      meaning: 'The policy wants you to say why.',
      advice: 'Write your reason, then decide again.',
    },
    ALREADY_DECIDED: {
      meaning: 'You have decided this already.',
      advice: NOTHING,
    },
    NOT_DENIABLE: {
      meaning: 'Nobody can stop a recovery, or the end of one, by saying no to it.',
      advice: 'If it is wrong, do not sign it, and have it cancelled: countersign recover cancel.',
    },
    DUPLICATE_HUMAN: {
      meaning: 'You have approved this already, with another passkey. One person counts once.',
      advice: 'Another person must approve it too.',
    },
    DUPLICATE_KEY: {
      meaning: 'This passkey is in use already.',
      advice: 'Use an authenticator of your own.',
    },
    LATE_DECISION: {
      meaning: 'It was decided before your decision arrived. Yours is recorded as late.',
      advice: NOTHING,
    },
    EXPIRED: {
      meaning: 'The time for this is over.',
      advice: 'If it is still wanted, the agent must ask again.',
    },
    SUPERSEDED: {
      meaning: 'The agent has replaced this request by a newer one.',
      advice: 'Look for the newer one among the open requests.',
    },
    REVOKED: { meaning: 'It was stopped by a person.', advice: NOTHING },
    ALREADY_CONSUMED: {
      meaning: 'It has been used already, so it cannot be stopped any more.',
      advice: 'If it should not have run, undo it where it ran.',
    },
    FROZEN: {
      meaning: 'Somebody has frozen this ledger: nothing is approved or used.',
      advice: 'Once it is thawed, the agent must ask again.',
    },
    EPOCH_ENDED: {
      meaning: 'The ledger was frozen since this was asked for, so it stays dead.',
      advice: 'If it is still wanted, the agent must ask again.',
    },
    POLICY_CHANGED: {
      meaning: 'The policy asks more by now than this request says.',
      advice: 'If it is still wanted, the agent must ask again.',
    },
    CONTENT_ERASED: {
      meaning: 'What this action said was erased. The log keeps its digests only.',
      advice: NOTHING,
    },
    NOT_FOUND: {
      meaning: 'There is nothing here that you may see.',
      advice: 'Check the address, or go to the open requests.',
    },
    KEY_NOT_ENROLLED_AT_TIME: {
      meaning: 'This passkey was revoked.',
      advice: 'Ask for a new invitation.',
    },
    CREDENTIAL_UNKNOWN: {
      meaning: 'This passkey is not enrolled in this ledger.',
      advice: 'Choose another passkey, or enrol with an enrolment link first.',
    },
    ASSERTION_INVALID: {
      meaning: 'The signature of this passkey does not hold for what was asked.',
      advice: AGAIN,
    },
    IDENTITY_REQUIRED: {
      meaning: 'Here people sign in with a company account first.',
      advice: 'Sign in with your company account, then try again.',
    },
    IDENTITY_INVALID: {
      meaning: 'The sign-in with the company account did not hold.',
      advice: AGAIN,
    },
    IDENTITY_MISMATCH: {
      meaning: 'You are signed in with another company account than this person has.',
      advice: 'Sign out, and sign in with the account that you were invited with.',
    },
    IDENTITY_PROVIDER_UNAVAILABLE: {
      meaning: 'The company’s sign-in does not answer now.',
      advice: AGAIN,
    },
    RECOVERY_NOT_DUE: {
      meaning: 'This link is of a recovery that can still be cancelled, so it does not work yet.',
      advice: 'Keep it, and open it again when its delay is over.',
    },
    INVITATION_INVALID: {
      meaning: 'This invitation was used before, is over, or was never made here.',
      advice: 'If you enrolled with it, sign in. Otherwise ask for a new enrolment link.',
    },
    REGISTRATION_INVALID: {
      meaning: 'The server did not accept this passkey.',
      advice: 'Open the enrolment link again and use another authenticator.',
    },
    CHALLENGE_INVALID: {
      meaning: 'Signing in took too long, or was begun somewhere else.',
      advice: 'Press the button again.',
    },
    AUTHORITY_STALE: {
      meaning: 'Since this was asked for, other changes have made it impossible.',
      advice: 'If it is still wanted, it must be asked for again.',
    },
    RATE_LIMITED: {
      meaning: 'There were too many requests from here.',
      advice: 'Wait a minute, then try again.',
    },
    WRITER_UNAVAILABLE: {
      meaning: 'The ledger takes no decisions now.',
      advice: 'Nothing was decided. Tell the people who run it, and try again later.',
    },
    TOO_MANY_WAITERS: {
      meaning: 'Too many are waiting for answers of this server just now.',
      advice: 'Nothing is lost. Try again in a moment.',
    },
    SHUTTING_DOWN: {
      meaning: 'The server is being restarted.',
      advice: 'Nothing is lost. Try again in a moment.',
    },
    PROJECTOR_BEHIND: {
      meaning: 'The server is still catching up with the log.',
      advice: 'Load this page again in a moment.',
    },
    INTAKE_UNAVAILABLE: {
      meaning: 'The ledger takes no decisions now.',
      advice: 'Nothing was decided. Try again later.',
    },
  }),
);

const GENERAL: PlainWords = {
  meaning: 'The ledger did not accept this.',
  advice: 'Give the code to the people who run this ledger.',
};

/** Nothing is wrong, or nothing that a person needs to fear. Whatever is not here is an alarm. */
const CALM: ReadonlySet<string> = new Set([
  'CONTENT_ERASED',
  'INTAKE_UNAVAILABLE',
  'NOT_FOUND',
  'PASSKEY_CANCELLED',
  'PROJECTOR_BEHIND',
  'RATE_LIMITED',
  'SERVER_UNREACHABLE',
  'SHUTTING_DOWN',
  'TOO_MANY_WAITERS',
  'WRITER_UNAVAILABLE',
]);

export function isCalm(code: string): boolean {
  return CALM.has(code);
}

export function plainWords(code: string): PlainWords {
  return WORDS.get(code) ?? GENERAL;
}

const STATUS_WORDS: ReadonlyMap<string, string> = new Map([
  ['pending', 'Waits for a decision'],
  ['bound', 'Approved, not used yet'],
  ['changed', 'The change took effect'],
  ['used', 'Used'],
  ['used-in-part', 'Used, and may be used again'],
  ['denied', 'Denied'],
  ['expired', 'Nobody decided in time'],
  ['refused', 'Refused by the ledger'],
  ['revoked', 'Stopped'],
  ['superseded', 'Replaced by a newer request'],
  ['epoch-ended', 'Ended by a freeze: it has to be asked for again'],
]);

export function statusWords(status: string): string {
  return STATUS_WORDS.get(status) ?? status;
}

const ENTRY_WORDS: ReadonlyMap<string, string> = new Map([
  ['request-admitted', 'The ledger admitted the request'],
  ['request-refused', 'The ledger refused a request under this id'],
  ['decision-accepted', 'A person decided'],
  ['decision-refused', 'The ledger refused a decision'],
  ['binding-made', 'Approved: the action is bound'],
  ['request-denied', 'Denied'],
  ['request-expired', 'Nobody decided in time'],
  ['binding-revoked', 'Stopped by a person'],
  ['binding-used', 'The executor claimed its use'],
  ['use-refused', 'The ledger refused a use'],
  ['execution-reported', 'The executor reported the result'],
  ['authority-changed', 'The change took effect'],
  ['content-erased', 'The content was erased'],
  ['finding-raised', 'The ledger noted something unusual'],
]);

export function entryWords(type: string): string {
  return ENTRY_WORDS.get(type) ?? type;
}

const REVERSIBILITY_WORDS: ReadonlyMap<string, string> = new Map([
  ['read-only', 'Changes nothing'],
  ['reversible', 'Can be undone'],
  ['externally-reversible', 'Can be undone only in part'],
  ['irreversible', 'Cannot be undone'],
]);

export function reversibilityWords(reversibility: string): string {
  return REVERSIBILITY_WORDS.get(reversibility) ?? reversibility;
}

/**
 * What the worst that an approval allows comes to, where it leaves something to choose: before all else, since no person
 * looks at the single uses. It is a line of the display, which a person who decides sees in full.
 */
export function worstCase({ type, lines }: Display): string | undefined {
  if (type !== 'payment.grant') return undefined;
  const sum = lines.find(({ label }) => label === 'In all at most');
  return sum === undefined
    ? undefined
    : `At worst this one approval pays out ${sum.value}. Nobody is asked again before a payment.`;
}
