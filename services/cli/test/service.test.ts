import { createServer, type AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { listen, type AddressOption } from '../src/service.ts';

describe('an address that is taken', () => {
  it.each<AddressOption>(['--port', '--listen', '--probe'])(
    'is PORT_BUSY, and names %s to choose another',
    async (option) => {
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as AddressInfo;
      const listening = listen(Fastify(), { host: '127.0.0.1', port }, option);
      await expect(listening).rejects.toMatchObject({
        code: 'PORT_BUSY',
        message: expect.stringContaining(`${option}: expected a free port ${port}`) as string,
        hint: expect.stringContaining(option) as string,
      });
      other.close();
    },
  );
});
