import { createRequire } from 'node:module';
import { versions } from 'node:process';
import { setFlagsFromString } from 'node:v8';

type CedarModule = typeof import('@cedar-policy/cedar-wasm/nodejs');

let loaded: CedarModule | undefined;

/**
 * Cedar itself: a WebAssembly module of 4 MB, which takes longer to load than a short command to run. So it is loaded
 * when a policy first asks for it.
 *
 * V8 11.3, of Node 20, inlines hot calls into WebAssembly, and ends the whole process (`unreachable code` in its deoptimizer) when
 * it has to give up the code around one: seen after thousands of evaluations. Without that a call costs a little more.
 */
export function cedar(): CedarModule {
  if (loaded === undefined) {
    if (versions.v8.startsWith('11.')) setFlagsFromString('--no-turbo-inline-js-wasm-calls');
    loaded = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as CedarModule;
  }
  return loaded;
}
