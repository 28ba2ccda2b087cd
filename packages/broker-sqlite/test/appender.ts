import { openSqliteBroker } from '@countersign/broker-sqlite';

// A process for the tests to kill: appends as fast as it can from several sides, and prints each offset once it is acknowledged.

const APPENDERS = 8;
const RECORDS_PER_APPEND = 3;

const [, , path = '', run = ''] = process.argv;
const broker = await openSqliteBroker({ path, clock: Date.now });
const tp = { topic: 'log', partition: 0 } as const;

async function appendForever(appender: number): Promise<never> {
  for (let i = 0; ; i += 1) {
    const id = `${run}.${appender}.${i}`;
    const records = Array.from({ length: RECORDS_PER_APPEND }, (_, part) => ({
      key: id,
      value: Buffer.from(`${id}.${part} ${'x'.repeat(500)}`),
    }));
    const { firstOffset } = await broker.append(tp, records);
    process.stdout.write(`${firstOffset} ${id}\n`);
  }
}

await Promise.all(Array.from({ length: APPENDERS }, (_, appender) => appendForever(appender)));
