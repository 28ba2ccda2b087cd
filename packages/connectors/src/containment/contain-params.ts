import type { Digest } from '@countersign/canonical';

export interface InstanceTarget {
  readonly kind: 'cloud-instance';
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly display: string;
  readonly groups_before: readonly string[];
  readonly groups_after: readonly string[];
}

export interface HostTarget {
  readonly kind: 'host';
  readonly machine_id: string;
  readonly boot_id: string;
  /** Which network namespace of the machine, by the number that the kernel gave it at this start. */
  readonly netns_inode: number;
  readonly display: string;
}

/** What of a response.contain the connectors do, check or write into the incident: schemas/json/response.contain.v1.json. */
export interface ContainParams<Target> {
  readonly incident: { readonly system: string; readonly id: string };
  readonly action: 'isolate-host' | 'release-host';
  readonly target: Target;
  readonly evidence: readonly {
    readonly source: string;
    readonly ref: string;
    readonly digest: Digest;
  }[];
}
