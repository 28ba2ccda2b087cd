export { cedarEngine } from './cedar-engine.ts';
export { permittedTypes } from './permitted-types.ts';
