/** What of a secret.access this connector sends or checks: schemas/json/secret.access.v1.json. */
export interface SecretParams {
  readonly manager: { readonly kind: string; readonly instance: string };
  readonly secret_ref: string;
  readonly secret_version: string;
  readonly fields?: readonly string[];
  readonly operation: string;
  readonly delivery: string;
  readonly consumer: {
    readonly workload_id: string;
    /** RFC 7638 thumbprint of the public key that the value is encrypted to. */
    readonly key_thumbprint: string;
  };
}
