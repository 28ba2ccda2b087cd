import { join } from 'node:path';
import { become, ensureBuilt, ensureInstalled, root } from './workspace.js';

ensureInstalled();
ensureBuilt();
become([join(root, 'services', 'cli', 'bin', 'countersign.js'), 'serve', ...process.argv.slice(2)]);
