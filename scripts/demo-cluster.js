import { join } from 'node:path';
import { becomeSource, ensureBuilt, ensureInstalled, root } from './workspace.js';

ensureInstalled();
ensureBuilt();
becomeSource(join(root, 'test', 'demo', 'main.ts'), ['--cluster', ...process.argv.slice(2)]);
