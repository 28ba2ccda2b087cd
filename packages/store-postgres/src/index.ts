export { openPostgresStore, type PostgresOptions, type PostgresStore } from './postgres-store.ts';
