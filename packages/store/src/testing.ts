export { readModelsContract, type ReadModelsSubject } from './testing/read-models-contract.ts';
