import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Plain JavaScript, and never compiled: so it lies in the same place for the sources and for what is built of them.
export const distDirectory = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist', 'page');
