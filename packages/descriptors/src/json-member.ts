import { isJsonArray, isJsonObject, valueAt, type Json } from '@countersign/canonical';

/** The text that a pointer names, or the empty one. */
export function textAt(root: Json, pointer: string): string {
  const value = valueAt(root, pointer);
  return typeof value === 'string' ? value : '';
}

/** The texts that these items hold under one name. */
export function memberTexts(items: Json | undefined, name: string): string[] {
  if (!isJsonArray(items)) return [];
  return items
    .map((item) => (isJsonObject(item) ? item[name] : undefined))
    .filter((value) => typeof value === 'string');
}
