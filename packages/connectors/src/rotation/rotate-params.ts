import type { Digest } from '@countersign/canonical';
import type { Consumer } from '../sealed-delivery.ts';

export interface AccessKeyRef {
  readonly kind: 'aws-iam-access-key';
  readonly user_arn: string;
  readonly access_key_id: string;
}

export interface RolePasswordRef {
  readonly kind: 'postgresql-role-password';
  /** The number that the cluster of databases was made with: no host name. */
  readonly cluster_id: string;
  readonly role_oid: number;
  readonly role_name: string;
}

/** What of a key.rotate the connectors send or check: schemas/json/key.rotate.v1.json. */
export interface RotateParams<Ref> {
  readonly key: Ref;
  /** Who gets the new one. */
  readonly new_material: { readonly consumer: string; readonly key_thumbprint: Digest };
  readonly old_key_action: 'keep' | 'disable' | 'revoke';
  readonly overlap_seconds: number;
  readonly consumers: readonly { readonly id: string }[];
}

export function consumerOf({ new_material: material }: RotateParams<unknown>): Consumer {
  return { workload: material.consumer, thumbprint: material.key_thumbprint };
}
