/** What of a secret.access this connector sends or checks: schemas/json/secret.access.v1.json. */
export interface SecretParams {
  readonly manager: { readonly kind: string };
  readonly secret_ref: string;
  readonly secret_version: string;
  readonly fields?: readonly string[];
  readonly operation: string;
  readonly delivery: string;
  /** For how long what was read can be fetched. */
  readonly lease_seconds: number;
  readonly consumer: { readonly workload_id: string; readonly key_thumbprint: string };
}
