export { ConnectorError, type ConnectorErrorCode } from './connector-error.ts';
export {
  guardedCalls,
  stateDigest,
  useReference,
  type Connector,
  type Effect,
  type GuardedCalls,
  type LiveState,
  type VerifiedUse,
} from './connector.ts';
export { PaymentConnector, type PaymentConnectorOptions } from './payment/payment-connector.ts';
export { GrantConnector, type GrantParams } from './payment/grant-connector.ts';
export type { PaymentOutboxOptions } from './payment/payment-outbox.ts';
export type { PaymentParams } from './payment/payment-params.ts';
export type { Debtor } from './payment/pain-001.ts';
export { vendorFolder, type VendorRecords } from './payment/vendor-records.ts';
export {
  readPaymentStatus,
  readStatement,
  type PaymentStatus,
  type StatementLine,
} from './payment/bank-status.ts';
export {
  RolePasswordConnector,
  type RolePasswordConnectorOptions,
  type RolePasswordParams,
} from './postgres/role-password-connector.ts';
export { thumbprintOf, type DeliveryOptions } from './sealed-delivery.ts';
export type { AwsAccess } from './aws/aws-access.ts';
export {
  PolicyConnector,
  type PolicyConnectorOptions,
  type PolicyParams,
} from './aws/policy-connector.ts';
export {
  AccessKeyConnector,
  type AccessKeyConnectorOptions,
  type AccessKeyParams,
} from './aws/access-key-connector.ts';
export { SecretConnector, type SecretConnectorOptions } from './aws/secret-connector.ts';
export type { SecretParams } from './aws/secret-params.ts';
export {
  InstanceConnector,
  type InstanceConnectorOptions,
  type InstanceParams,
} from './containment/instance-connector.ts';
export {
  NamespaceConnector,
  type HostParams,
  type NamespaceConnectorOptions,
} from './containment/namespace-connector.ts';
