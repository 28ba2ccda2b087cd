import { formatCoseReceipt } from '@countersign/cose-receipt';
import { Type } from 'typebox';
import { CoseRoots } from './cose-roots.ts';
import type { App, Gateway } from './gateway-app.ts';
import { GatewayError } from './gateway-error.ts';
import { entryAt, EntryQuerySchema } from './log-proof-routes.ts';
import { PROBLEMS } from './problem-schema.ts';
import { limiter } from './rate-limiter.ts';

// RFC 9052 §11.3.1.
const MEDIA_TYPE = 'application/cose; cose-type="cose-sign1"';

/** The same proof as `/v1/log/receipt`, for readers of SCITT: RFC 9942, schemas/formats/checkpoint-and-receipt.md §8. */
export function registerCoseReceipt(app: App, gateway: Gateway): void {
  const { signHeadRoot } = gateway.deps;
  const roots = signHeadRoot === undefined ? undefined : new CoseRoots(signHeadRoot);
  // Each costs what a signature of KMS costs; all readers share them.
  const limitSignatures = limiter(app, gateway.limits.coseRootsPerMinute, () => 'roots');
  app.get(
    '/v1/log/cose-receipt',
    {
      schema: {
        summary: 'The receipt of an entry as COSE (RFC 9942)',
        tags: ['log'],
        querystring: EntryQuerySchema,
        response: {
          200: {
            description: 'A COSE_Sign1 with an inclusion proof, its payload detached',
            content: { 'application/cose': { schema: Type.String({ format: 'binary' }) } },
          },
          ...PROBLEMS,
        },
      },
      preValidation: gateway.authenticate,
    },
    async (request, reply) => {
      if (roots === undefined) {
        throw new GatewayError('COSE_NOT_SIGNED', 'expected a gateway that signs COSE receipts');
      }
      const { index, head } = await entryAt(gateway, request.query);
      if (!roots.has(head.size)) await limitSignatures(request);
      const signedRoot = await roots.rootOf(head);
      const { size } = head;
      const proof = await gateway.proofs.inclusion(index, size);
      return reply
        .header('content-disposition', `attachment; filename="${index}-of-${size}.cose"`)
        .type(MEDIA_TYPE)
        .send(Buffer.from(formatCoseReceipt({ signedRoot, index, size, proof })));
    },
  );
}
