import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { App } from './gateway-app.ts';

/** Addresses that people get; the page reads its own address and shows what belongs there. */
const PAGES = ['/', '/action/:id', '/enrol', '/signed-in'];

/** Serves index.html and the files that are in assets/ now, by name, and nothing that appears there later. */
export async function registerPageRoutes(app: App, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: join(folder, 'assets'),
    prefix: '/assets/',
    wildcard: false,
    index: false,
    dotfiles: 'deny',
    schemaHide: true,
    cacheControl: false,
  });
  for (const url of PAGES) {
    app.get(url, { schema: { hide: true } }, (_request, reply) =>
      reply.header('cache-control', 'no-cache').sendFile('index.html', folder),
    );
  }
}
