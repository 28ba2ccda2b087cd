import { join } from 'node:path';
import { LEDGER_MEMORY, becomeSource, ensureBuilt, ensureInstalled, root } from './workspace.js';

ensureInstalled();
ensureBuilt();
becomeSource(join(root, 'test', 'bench', 'cluster.ts'), process.argv.slice(2), LEDGER_MEMORY);
