// Bundles the command with what it needs: one that is read from some thousand files takes a second of processor time before it does anything.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { noteBuilt } from '../../scripts/build-stamp.js';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const packages = join(root, 'packages');
const sinceMs = Date.now();

const { outputFiles, metafile } = await build({
  absWorkingDir: root,
  metafile: true,
  entryPoints: {
    // Beside the modules that it is made of: package.json is where they look for it.
    countersign: join(here, 'src', 'main.ts'),
    'bundle/worker': join(packages, 'sqlite', 'src', 'worker.js'),
  },
  outdir: join(here, 'dist'),
  // What is only read in when it is needed stays apart. The worker of SQLite is looked for beside the module that starts it.
  splitting: true,
  chunkNames: 'bundle/[name]-[hash]',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: ['node20'],
  conditions: ['@countersign/source'],
  // They hold compiled code, files that they read, or threads that they start from files of their own; the last are CommonJS
  // that is read in where traces are exported, and a bundle would give what they export another shape.
  external: [
    'better-sqlite3',
    '@cedar-policy/cedar-wasm',
    '@countersign/console',
    'pino',
    'pg-native',
    '@opentelemetry/sdk-trace-node',
    '@opentelemetry/exporter-trace-otlp-http',
    '@opentelemetry/resources',
  ],
  // Some packages still ask for others at run time, as CommonJS does.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
});

await mkdir(join(here, 'dist', 'bundle'), { recursive: true });
for (const { path, contents } of outputFiles) {
  // One that runs may still read in what it has not needed yet: what is the same is not written again.
  const known = await readFile(path).catch(() => undefined);
  if (known === undefined || !known.equals(contents)) await writeFile(path, contents);
}

noteBuilt(root, 'command', {
  sinceMs,
  made: outputFiles.map(({ path }) => relative(root, path)),
  from: ['services/cli/build.js', 'scripts/build-stamp.js', ...Object.keys(metafile.inputs)],
});
