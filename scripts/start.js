import { join } from 'node:path';
import { LEDGER_MEMORY, become, ensureBuilt, ensureInstalled, root } from './workspace.js';

ensureInstalled();
ensureBuilt();
// The hints of the program are for a terminal in this folder, where the command is a file.
process.env.COUNTERSIGN_COMMAND ??= './countersign';
const program = join(root, 'services', 'cli', 'bin', 'countersign.js');
become([...LEDGER_MEMORY, program, 'serve', ...process.argv.slice(2)]);
