/** The value of a text, or `undefined` for one that is no JSON: for messages that are not ours to judge. */
export function maybeJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
