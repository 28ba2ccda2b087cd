export { checkLogin } from './login-check.ts';
export { openPostgresStore, type PostgresOptions, type PostgresStore } from './postgres-store.ts';
