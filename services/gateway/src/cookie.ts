import type { GatewayConfig } from './gateway-deps.ts';

/** What a page gets to keep, and no script of it can read. */
export function cookieHeader(
  { publicOrigins }: Pick<GatewayConfig, 'publicOrigins'>,
  cookie: {
    readonly name: string;
    readonly value: string;
    readonly maxAgeS: number;
    readonly sameSite?: 'Lax';
  },
): string {
  const { name, value, maxAgeS, sameSite = 'Strict' } = cookie;
  const isSecure = publicOrigins.every((origin) => origin.startsWith('https:'));
  const attributes = `Path=/; HttpOnly; SameSite=${sameSite}; Max-Age=${maxAgeS}`;
  return `${name}=${value}; ${attributes}${isSecure ? '; Secure' : ''}`;
}

/** The value of one cookie; undefined when it is absent, or there twice, so that nobody chooses which one counts. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}
