export { openSqliteBroker, type SqliteBrokerOptions } from './sqlite-broker.ts';
