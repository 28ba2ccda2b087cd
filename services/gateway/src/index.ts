export { buildGateway } from './app.ts';
export { STATUS_OF } from './error-handler.ts';
export type {
  GatewayConfig,
  GatewayDeps,
  AnsweredEntry,
  InputAnswer,
  InputKind,
  InputRouter,
  LedgerHealth,
  LogView,
  Models,
  PromiseKey,
  ReadToken,
  SignHeadRoot,
  Submission,
} from './gateway-deps.ts';
export { GATEWAY_CODES, type GatewayCode, type ProblemCode } from './gateway-error.ts';
export type { IdentityConfig } from './identity-provider.ts';
export { GATEWAY_LIMITS, type GatewayLimits } from './gateway-limits.ts';
