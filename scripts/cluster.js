import { join } from 'node:path';
import { becomeSource, ensureBuilt, ensureInstalled, root } from './workspace.js';

ensureInstalled();
ensureBuilt();
becomeSource(join(root, 'test', 'demo', 'cluster.ts'), process.argv.slice(2));
