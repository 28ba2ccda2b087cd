import type { RuleInForce } from '@countersign/binding';

/** How often and when a rule lets ask, a line each: schemas/formats/policy.md §13. */
export function askingWords({
  prompts_1h_max: prompts,
  open_max: open,
  quiet_utc: quiet = [],
}: NonNullable<RuleInForce['asking']>): readonly string[] {
  const hours = quiet.map(({ from, to }) => `${from} to ${to}`);
  return [
    ...(prompts === undefined
      ? []
      : [`while enough persons were asked fewer than ${prompts} times within the hour`]),
    ...(open === undefined ? [] : [`at most ${open} open of one agent and type`]),
    ...(hours.length === 0 ? [] : [`not from ${hours.join(', nor from ')} (UTC)`]),
  ];
}
