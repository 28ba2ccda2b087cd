/** Payments alone: without the clients of clouds and databases, which take long to load. */
export { ConnectorError } from './connector-error.ts';
export { guardedCalls, type Connector, type Effect, type GuardedCalls } from './connector.ts';
export { GrantConnector } from './payment/grant-connector.ts';
export { endToEndId, type Debtor } from './payment/pain-001.ts';
export { PaymentConnector } from './payment/payment-connector.ts';
export { vendorFolder } from './payment/vendor-records.ts';
