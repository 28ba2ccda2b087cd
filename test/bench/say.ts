import { rounded } from './percentile.ts';

export type Figures = Readonly<Record<string, number | readonly number[]>>;

/** One line of what was measured. */
export function say(what: string, figures: Figures): void {
  const texts = Object.entries(figures).map(([name, value]) =>
    typeof value === 'number'
      ? `${name} ${rounded(value)}`
      : `${name} ${value.map((each) => rounded(each)).join(' ')}`,
  );
  console.log(`${what}: ${texts.join(', ')}`);
}
