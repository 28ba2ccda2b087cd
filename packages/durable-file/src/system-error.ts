/** Whether something the operating system refused has one of these names. */
export function isSystemError(error: unknown, ...names: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && names.includes(String(error.code));
}
