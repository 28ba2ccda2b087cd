import type { Computation } from './computation.ts';

const LABEL = 'BREAK-GLASS';
const VALUE =
  'this goes ahead without the usual approvals; an alarm is raised at once, and two other persons have to review it afterwards';

/** Says in plain words that this is no usual action: schemas/formats/action-types.md §7. */
export const BREAK_GLASS: Computation = {
  shows: [],
  compute: () => ({
    lines: [{ label: LABEL, value: VALUE, mark: 'warning' }],
    warnings: [`${LABEL}: ${VALUE}`],
  }),
};
