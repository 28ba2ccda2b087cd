import { parseArgs } from 'node:util';

const COUNT_MAX = 9;
const PORT_MAX = 65_535;

export const CLUSTER_USAGE = `Usage: npm run cluster -- [options]

Starts Kafka, PostgreSQL, moto in the place of AWS KMS, and the services of one ledger, and removes all of it on Ctrl-C.

  --port <number>        of the first gateway (default 7420)
  --ledgers <count>      processes that write (default 2)
  --projectors <count>   processes that keep the read models (default 2)
  --gateways <count>     processes that answer (default 1)
  --help                 show this`;

export interface ClusterOptions {
  readonly port: number;
  readonly ledgers: number;
  readonly projectors: number;
  readonly gateways: number;
}

/** `help`: it was asked for. An error: what is wrong with them. */
export function readClusterOptions(args: readonly string[]): ClusterOptions | 'help' | Error {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string', default: '7420' },
        ledgers: { type: 'string', default: '2' },
        projectors: { type: 'string', default: '2' },
        gateways: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return 'help';
    return {
      port: numberIn('--port', values.port, PORT_MAX),
      ledgers: numberIn('--ledgers', values.ledgers, COUNT_MAX),
      projectors: numberIn('--projectors', values.projectors, COUNT_MAX),
      gateways: numberIn('--gateways', values.gateways, COUNT_MAX),
    };
  } catch (error) {
    // What parseArgs throws names the option, and is no fault of ours.
    if (error instanceof TypeError || error instanceof RangeError) return error;
    throw error;
  }
}

function numberIn(option: string, text: string, max: number): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value >= 1 && value <= max) return value;
  throw new RangeError(`${option}: expected a number from 1 to ${max}, got ${text}`);
}
