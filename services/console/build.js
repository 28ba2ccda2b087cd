// Bundles the page into dist/page, or into the folder that is named: no framework, nothing from elsewhere, nothing inline.
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { distDirectory } from './src/dist-directory.js';

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? distDirectory;
const assets = join(folder, 'assets');

await mkdir(assets, { recursive: true });
await build({
  entryPoints: [join(here, 'src', 'app.ts')],
  outfile: join(assets, 'app.js'),
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: ['es2022'],
  // Workspace packages from their sources, so that the page never holds an older build of them.
  conditions: ['@countersign/source'],
  minify: true,
  charset: 'utf8',
  legalComments: 'eof',
  logLevel: 'warning',
});
await build({
  entryPoints: [join(here, 'page', 'app.css')],
  outfile: join(assets, 'app.css'),
  minify: true,
  logLevel: 'warning',
});
await cp(join(here, 'page', 'icon.svg'), join(assets, 'icon.svg'));
await cp(join(here, 'page', 'index.html'), join(folder, 'index.html'));
