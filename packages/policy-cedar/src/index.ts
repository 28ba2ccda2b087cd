export { cedarEngine } from './cedar-engine.ts';
export { permittedRules, permittedTypes } from './permitted-types.ts';
