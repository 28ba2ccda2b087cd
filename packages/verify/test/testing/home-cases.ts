import { homeMember, type AuthorityState } from '@countersign/binding';
import type { EvidenceCase } from './evidence-case.ts';
import { TENANT, readyLedger, type LedgerForge } from './ledger-forge.ts';

interface Move {
  readonly kind: 'home-moved';
  readonly tenant: string;
  readonly from: number;
  readonly to: number;
}

function move(from: number, to: number, tenant: string = TENANT): Move {
  return { kind: 'home-moved', tenant, from, to };
}

/** As a verifier would have it that asks for nothing. */
function moved(state: AuthorityState, { from, to }: Move): AuthorityState {
  const left = state.ofKind('home').reduce((rest, home) => rest.retire(home), state);
  return left.retire(homeMember(from)).with(homeMember(to));
}

interface Course {
  /** That the founding names. */
  readonly home?: number;
  readonly moves: readonly Move[];
  readonly approver?: (ledger: LedgerForge) => LedgerForge['bob'];
}

function course(
  head: Pick<EvidenceCase, 'name' | 'about' | 'code'>,
  { home, moves, approver = ({ bob }) => bob }: Course,
): EvidenceCase {
  return {
    ...head,
    make: async () => {
      const ledger = readyLedger({ ...(home !== undefined && { home }) });
      for (const each of moves) {
        const made = moved(ledger.authority, each);
        ledger.change({ ...each }, { approvers: [approver(ledger)] }, made);
      }
      const bound = ledger.bind({}, { approvers: [ledger.bob] });
      return { evidence: await ledger.evidence(bound), trust: ledger.trust() };
    },
  };
}

export const HOME_CASES: readonly EvidenceCase[] = [
  course(
    {
      name: 'home-moved',
      about: 'The ledger has moved to another shard before the binding; its log is one.',
    },
    { moves: [move(3, 5)] },
  ),
  course(
    {
      name: 'home-founded',
      about: 'The founding names the shard, and nothing has moved.',
    },
    { home: 3, moves: [] },
  ),
  course(
    {
      name: 'home-moved-twice',
      about: 'The founding names the shard; the ledger has moved twice since.',
    },
    { home: 3, moves: [move(3, 5), move(5, 0)] },
  ),
];

export const FALSE_HOME_CASES: readonly EvidenceCase[] = [
  course(
    {
      name: 'home-moved-back',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The ledger has moved to a shard that it had left.',
    },
    { home: 3, moves: [move(3, 5), move(5, 3)] },
  ),
  course(
    {
      name: 'home-moved-back-unnamed',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The same where the founding does not name the shard: the first move does.',
    },
    { moves: [move(3, 5), move(5, 3)] },
  ),
  course(
    {
      name: 'home-moved-from-elsewhere',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The ledger has moved from a shard where it did not live.',
    },
    { home: 3, moves: [move(4, 5)] },
  ),
  course(
    {
      name: 'home-moved-nowhere',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The ledger has moved to where it was.',
    },
    { home: 3, moves: [move(3, 3)] },
  ),
  course(
    {
      name: 'home-of-another',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'What has moved is the ledger of another tenant.',
    },
    { moves: [move(3, 5, 'globex')] },
  ),
  course(
    {
      name: 'home-moved-by-owner',
      code: 'AUTHORITY_CHAIN_INVALID',
      about: 'The move was approved by the owner of the agent that asked for it.',
    },
    { moves: [move(3, 5)], approver: ({ alice }) => alice },
  ),
];
