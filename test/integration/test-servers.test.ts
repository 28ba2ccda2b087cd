import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { IMAGES } from '../support/servers/containers.ts';
import { dockerAnswers, sourceOf } from '../support/servers/server-source.ts';

const COMPOSE = new URL('../../deploy/compose.yaml', import.meta.url);

describe('a server that tests share', () => {
  it.each([
    ['named', 'kafka-1:9092', true],
    ['named', 'kafka-1:9092', false],
    ['docker', undefined, true],
    ['docker', '', true],
    ['local', undefined, false],
    ['local', '', false],
  ] as const)('is %s where the environment says %s and Docker answers: %s', async (...row) => {
    const [expected, named, hasDocker] = row;
    expect(await sourceOf(named, () => Promise.resolve(hasDocker))).toBe(expected);
  });

  it('does not look for Docker where the environment names one', async () => {
    const hasDocker = vi.fn(() => Promise.resolve(true));
    await sourceOf('postgres://u@db/x', hasDocker);
    expect(hasDocker).not.toHaveBeenCalled();
  });

  it('has the image that deploy/compose.yaml has', async () => {
    const compose = await readFile(COMPOSE, 'utf8');
    for (const image of Object.values(IMAGES)) expect(compose).toContain(`image: ${image}\n`);
  });
});

describe('a Docker engine', () => {
  it('answers on a socket, or at an address', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'docker-'));
    const engine = (): ReturnType<typeof createServer> =>
      createServer((request, response) => {
        response.writeHead(request.url === '/_ping' ? 200 : 404).end();
      });
    const [onSocket, atAddress] = [engine(), engine()];
    const socket = join(folder, 'docker.sock');
    await new Promise<void>((resolve) => onSocket.listen(socket, resolve));
    await new Promise<void>((resolve) => atAddress.listen(0, '127.0.0.1', resolve));
    const { port } = atAddress.address() as AddressInfo;
    const hosts = [`unix://${socket}`, `tcp://127.0.0.1:${port}`];
    const answers = await Promise.all(hosts.map((host) => dockerAnswers({ DOCKER_HOST: host })));
    onSocket.close();
    atAddress.close();
    await rm(folder, { recursive: true });
    expect(answers).toEqual([true, true]);
  });

  it('that is not there, does not speak or says something else is none, without a word', async () => {
    const said = vi.spyOn(console, 'error');
    const mute = createServer(() => undefined);
    const other = createServer((_request, response) => response.writeHead(404).end());
    for (const server of [mute, other]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    const ports = [mute, other].map((server) => (server.address() as AddressInfo).port);
    const hosts = [
      'unix:///nowhere/docker.sock',
      'no address',
      ...[await freePort(), ...ports].map((port) => `tcp://127.0.0.1:${port}`),
    ];
    const answers = await Promise.all(hosts.map((host) => dockerAnswers({ DOCKER_HOST: host })));
    mute.closeAllConnections();
    mute.close();
    other.close();
    expect(answers).toEqual(hosts.map(() => false));
    expect(said).not.toHaveBeenCalled();
  });
});
