import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { LogTiles } from '@countersign/projector';
import { parseTilePath, TlogError, type Tile } from '@countersign/tlog';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError, notFound } from './gateway-error.ts';
import { PROBLEMS } from './problem-schema.ts';
import { PublishedHead } from './published-head.ts';
import { mayReadAll } from './reader.ts';
import { readerOf } from './request-fields.ts';

const compressed = promisify(gzip);

/** C2SP tlog-tiles, below a prefix of its own, so that a tool is given one address. */
export function registerTileRoutes(app: App, gateway: Gateway): void {
  const { config, models, nowMs } = gateway.deps;
  const isPublic = config.publicLog === true;
  const scope = isPublic ? 'public' : 'private';
  const access = isPublic ? {} : { preValidation: readsAll(gateway) };
  const published = new PublishedHead({ newest: () => models.checkpoint(), nowMs });
  const tiles = new LogTiles(models);
  app.get(
    '/v1/log/tiles/checkpoint',
    {
      schema: {
        summary: 'The newest published head; its tiles are beside it (C2SP tlog-tiles)',
        tags: ['log'],
        response: {
          200: {
            description: 'A signed note',
            content: { 'text/plain': { schema: Type.String() } },
          },
          ...PROBLEMS,
        },
      },
      ...access,
    },
    async (_request, reply) => {
      const note = await published.note();
      if (note === undefined) throw notFound();
      return reply
        .header('cache-control', `${scope}, max-age=1`)
        .type('text/plain; charset=utf-8')
        .send(note);
    },
  );
  app.get<{ Params: { '*': string } }>(
    '/v1/log/tiles/tile/*',
    { schema: { hide: true }, ...access },
    async (request, reply) => {
      const tile = tileOf(`tile/${request.params['*']}`);
      const bytes = tile === undefined ? undefined : await tiles.bytesOf(tile);
      if (tile === undefined || bytes === undefined) throw notFound();
      void reply
        .header('cache-control', `${scope}, max-age=31536000, immutable`)
        .type('application/octet-stream');
      // Hashes do not get shorter.
      return tile.level === 'entries' ? sendCompressed(request, reply, bytes) : reply.send(bytes);
    },
  );
}

/** Entries tell who asked for what and when: whoever may not read all actions may not read them. */
function readsAll(gateway: Gateway): Gateway['authenticate'] {
  return async (request) => {
    await gateway.authenticate(request);
    if (mayReadAll(readerOf(request))) return;
    throw new GatewayError('READ_SCOPE', 'expected a person or a read token');
  };
}

function tileOf(path: string): Tile | undefined {
  try {
    return parseTilePath(path);
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}

async function sendCompressed(
  request: FastifyRequest,
  reply: FastifyReply,
  bytes: Uint8Array,
): Promise<FastifyReply> {
  void reply.header('vary', 'accept-encoding');
  if (!takesGzip(request.headers['accept-encoding'])) return reply.send(bytes);
  return reply.header('content-encoding', 'gzip').send(await compressed(bytes));
}

function takesGzip(accepted: string | undefined): boolean {
  const codings = (accepted ?? '').split(',').map((coding) => coding.replaceAll(' ', ''));
  return codings.some((coding) => /^gzip(;q=(1|0\.[0-9]*[1-9][0-9]*).*)?$/i.test(coding));
}
