import type { EntryOf, ExecutionReport, Leaf, Membership } from '@countersign/binding';

export interface OracleApproval {
  readonly person: string;
  /** In whose place. */
  readonly for: string | undefined;
  readonly membership: Membership | undefined;
  readonly atMs: number;
  readonly credential: string;
  readonly notAfterMs: number;
}

interface OracleUse {
  readonly index: number;
  /** Of a batch. */
  readonly item: number | undefined;
  result: ExecutionReport['result'] | undefined;
}

/** One action as the rules of design §5 see it. */
export interface OracleAction {
  readonly id: string;
  readonly admission: EntryOf<'request-admitted'>;
  readonly admissionLeaf: Leaf;
  status: 'pending' | 'bound' | 'denied' | 'expired' | 'revoked' | 'superseded';
  readonly approvals: Map<Leaf, OracleApproval>;
  denial: Leaf | undefined;
  binding:
    | { readonly entry: EntryOf<'binding-made'>; readonly leaf: Leaf; readonly index: number }
    | undefined;
  readonly uses: Map<string, OracleUse>;
  isErased: boolean;
  isReviewed: boolean;
}
