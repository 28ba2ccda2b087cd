/** How far the time to decide a request has gone: half of it, or nine tenths. */
export type Stage = 'half' | 'last-tenth';

/** By whichever clock: a reminder decides nothing. Undefined before the first half is over, and when all of it is. */
export function stageOf(
  request: { readonly askedAt: string; readonly decideBy: string },
  nowMs: number,
): Stage | undefined {
  const start = Date.parse(request.askedAt);
  const end = Date.parse(request.decideBy);
  if (nowMs > end) return undefined;
  const gone = (nowMs - start) / Math.max(end - start, 1);
  if (gone >= 0.9) return 'last-tenth';
  return gone >= 0.5 ? 'half' : undefined;
}
