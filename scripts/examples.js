// `npm run examples`: every program of examples/, against a ledger that is started for them.
import { join } from 'node:path';
import { becomeSource, ensureBuilt, ensureInstalled, root } from './workspace.js';

ensureInstalled();
ensureBuilt();
becomeSource(join(root, 'test', 'examples', 'main.ts'), process.argv.slice(2));
