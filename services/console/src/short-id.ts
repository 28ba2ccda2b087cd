const SHOWN = 8;

/** The end of an id: enough to tell one from another on a screen, never to name one by. */
export function shortId(actionId: string): string {
  return `…${actionId.slice(-SHOWN)}`;
}
