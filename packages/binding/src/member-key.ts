import { fromBase64url } from '@countersign/canonical';
import { isEd25519Spki, isP256Spki } from '@countersign/human-proof';
import { refusing } from './binding-error.ts';
import { spki } from './field-shape.ts';
import { invalid, type Shape } from './shape.ts';

/** Of an invitation that is asked for. With a key that nobody has it would be no way back to anybody: attack row D13. */
export const p256Key: Shape<string> = keyThat(isP256Spki, 'the SPKI of a P-256 key');
/** Of an agent or an executor that is asked for. */
export const ed25519Key: Shape<string> = keyThat(isEd25519Spki, 'the SPKI of an Ed25519 key');

function keyThat(isKey: (spki: Uint8Array) => boolean, expected: string): Shape<string> {
  return (json, path) => {
    const text = spki(json, path);
    if (!isKey(refusing(() => fromBase64url(text)))) throw invalid(path, expected);
    return text;
  };
}
