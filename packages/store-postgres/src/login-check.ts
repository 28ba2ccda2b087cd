import { newClient, type ConnectionSettings } from './connections.ts';
import { storeError } from './postgres-failure.ts';

/**
 * That the server knows the user and has the database, without making or changing anything.
 *
 * @throws StoreError STORE_UNAVAILABLE, STORE_SETTINGS
 */
export async function checkLogin(settings: ConnectionSettings): Promise<void> {
  const client = newClient(settings);
  try {
    await client.connect();
    await client.query('select 1');
  } catch (error) {
    throw storeError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
