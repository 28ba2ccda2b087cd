// Bundles the page into dist/page, or into the folder that is named: no framework, nothing from elsewhere, nothing inline.
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { noteBuilt } from '../../scripts/build-stamp.js';
import { distDirectory } from './src/dist-directory.js';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const sinceMs = Date.now();
const folder = process.argv[2] ?? distDirectory;
const assets = join(folder, 'assets');

await mkdir(assets, { recursive: true });
const { metafile } = await build({
  absWorkingDir: root,
  metafile: true,
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

if (folder === distDirectory) {
  const page = ['app.css', 'icon.svg', 'index.html'].map((name) => `services/console/page/${name}`);
  const made = ['assets/app.js', 'assets/app.css', 'assets/icon.svg', 'index.html'];
  noteBuilt(root, 'page', {
    sinceMs,
    made: made.map((name) => relative(root, join(folder, name))),
    from: [
      ...['services/console/build.js', 'scripts/build-stamp.js'],
      ...page,
      ...Object.keys(metafile.inputs),
    ],
  });
}
