export { cedarEngine } from './cedar-engine.ts';
