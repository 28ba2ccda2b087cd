/** A log as c2sp.org/tlog-tiles serves it. Nothing that it gives is believed. */
export interface TileSource {
  /** The newest signed head. */
  checkpoint(): Promise<string>;
  /** A tile or an entry bundle by its path. @throws AuditError TILE_MISSING, LEDGER_UNREACHABLE */
  read(path: string): Promise<Uint8Array>;
}
