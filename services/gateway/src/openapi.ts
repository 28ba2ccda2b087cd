import swagger from '@fastify/swagger';
import type { App } from './gateway-app.ts';

export async function registerOpenapi(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Countersign gateway',
        version,
        description:
          'The way into the ledger, and out of it. Nothing that this API says needs to be believed: entries come with receipts, and evidence is verified offline.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'write', description: 'Signed frames; what they say is judged by the ledger' },
        { name: 'read', description: 'Actions and their evidence' },
        { name: 'enrolment', description: 'Passkeys, by invitation' },
        { name: 'session', description: 'Sign-in of a person, to read' },
        { name: 'log', description: 'The log itself' },
        { name: 'operations', description: 'Health, metrics' },
      ],
      components: {
        securitySchemes: {
          readToken: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'countersign_session' },
          signature: {
            type: 'apiKey',
            in: 'header',
            name: 'Signature-Input',
            description: 'RFC 9421, docs/http.md',
          },
        },
      },
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}
