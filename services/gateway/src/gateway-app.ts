import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { LogProofs } from '@countersign/projector';
import type { AuthorityView } from './authority-view.ts';
import type { Company } from './company.ts';
import type { GatewayDeps } from './gateway-deps.ts';
import type { GatewayLimits } from './gateway-limits.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Session } from './session.ts';
import type { Submissions } from './submissions.ts';
import type { TokenBook } from './token-book.ts';
import type { WaitingRoom } from './waiting-room.ts';

export type App = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export type Hook = (request: FastifyRequest) => Promise<void>;

/** What the routes share: built once per gateway, in app.ts. */
export interface Gateway {
  readonly deps: GatewayDeps;
  readonly limits: GatewayLimits;
  readonly authority: AuthorityView;
  readonly proofs: LogProofs;
  readonly sessions: TokenBook<Session>;
  /** Where people sign in with a company account. */
  readonly company?: Company;
  readonly submissions: Submissions;
  readonly room: WaitingRoom;
  readonly metrics: GatewayMetrics;
  /** Proves who reads, and counts it against that reader. */
  readonly authenticate: Hook;
  /** Counts an input against its sender at its address. */
  readonly limitWrites: Hook;
  /** Counts a sign-in or an enrolment against its address. */
  readonly limitCeremonies: Hook;
}
