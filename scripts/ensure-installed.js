import { ensureInstalled } from './workspace.js';

ensureInstalled();
