/** Time as the ledger sees it. Nothing here reads a clock or sets a timer of its own, so that a simulator can. */
export interface LedgerClock {
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}
