/** What of a key.rotate the connectors send or check: schemas/json/key.rotate.v1.json. */
export interface RotateParams {
  readonly system: string;
  readonly key_ref: string;
  readonly current_version: string;
  readonly new_material: {
    readonly origin: string;
    readonly algorithm: string;
    readonly not_after?: string;
  };
  readonly old_key_action: string;
  readonly old_key_at?: string;
  readonly overlap_seconds: number;
  readonly consumers: readonly {
    readonly id: string;
    readonly last_seen: string;
    readonly verified?: boolean;
  }[];
}
