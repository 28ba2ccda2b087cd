import { CanonicalError } from './canonical-error.ts';

export function duplicateName(at: number): CanonicalError {
  return new CanonicalError('DUPLICATE_KEY', `byte ${at}: member name used before in this object`);
}

export function encodingError(at: number, got: string): CanonicalError {
  return new CanonicalError('TEXT_ENCODING', `byte ${at}: expected well-formed text, got ${got}`);
}

export function numberError(at: number): CanonicalError {
  return new CanonicalError(
    'NUMBER_OUT_OF_PROFILE',
    `byte ${at}: expected an integer within 2^53 - 1, without fraction, exponent or leading zero`,
  );
}
