import { join } from 'node:path';
import { openSqliteBroker } from '@countersign/broker-sqlite';
import { describe, expect, it } from 'vitest';
import { CliError } from '../src/cli-error.ts';
import { dataError } from '../src/data-error.ts';
import { dataFolder } from '../src/data-folder.ts';
import { scratchFolder } from './scratch-folder.ts';

describe('what an adapter says', () => {
  it('reaches people as DISK_FULL when there is no room, and as DATA_BUSY when it is taken', async () => {
    const folder = dataFolder(await scratchFolder());
    const clock = (): number => 0;
    const broker = await openSqliteBroker({ path: folder.brokerFile, clock, maxPages: 8 });
    const value = new Uint8Array(200_000);
    const full = await broker
      .append({ topic: 'intake', partition: 0 }, [{ key: 'k', value }])
      .catch((error: unknown) => error);
    const busy = await openSqliteBroker({ path: join(folder.path, 'broker.db'), clock }).catch(
      (error: unknown) => error,
    );
    await broker.close();
    const codes = [full, busy].map((error) => dataError(error, folder));
    expect(codes.every((error) => error instanceof CliError)).toBe(true);
    expect(codes).toMatchObject([{ code: 'DISK_FULL' }, { code: 'DATA_BUSY' }]);
  });

  it('stays what it is when nobody foresaw it: a bug is no refusal', () => {
    const bug = new TypeError('x');
    expect(dataError(bug, dataFolder('/'))).toBe(bug);
  });
});
