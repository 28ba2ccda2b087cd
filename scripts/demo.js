import { join } from 'node:path';
import { become, ensureBuilt, ensureInstalled, root } from './workspace.js';

ensureInstalled();
ensureBuilt();
become([join(root, 'test', 'demo', 'dist', 'main.js'), ...process.argv.slice(2)]);
