export {
  connectorContract,
  type ConnectorSubject,
  type ConnectorStage,
} from './testing/connector-contract.ts';
