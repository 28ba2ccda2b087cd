import { createRequire } from 'node:module';

type CedarModule = typeof import('@cedar-policy/cedar-wasm/nodejs');

let loaded: CedarModule | undefined;

/**
 * Cedar itself: a WebAssembly module of 4 MB, which takes longer to load than a short command to run. So it is loaded
 * when a policy first asks for it.
 */
export function cedar(): CedarModule {
  loaded ??= createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as CedarModule;
  return loaded;
}
