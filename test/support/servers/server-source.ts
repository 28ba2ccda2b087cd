import { request } from 'node:http';

/** Where a server that tests share comes from. */
export type ServerSource = 'named' | 'docker' | 'local';

const PING_MS = 1_000;
const DEFAULT_HOST = 'unix:///var/run/docker.sock';

/** The environment goes before Docker, and Docker before what this machine has installed or can fetch. */
export async function sourceOf(
  named: string | undefined,
  hasDocker: () => Promise<boolean>,
): Promise<ServerSource> {
  if (named !== undefined && named !== '') return 'named';
  return (await hasDocker()) ? 'docker' : 'local';
}

/** Whether a Docker engine answers where `DOCKER_HOST` says, or where it usually is. No answer is an answer. */
export async function dockerAnswers(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<boolean> {
  const { DOCKER_HOST: host = DEFAULT_HOST } = env;
  if (!URL.canParse(host)) return false;
  const { protocol, hostname, port, pathname } = new URL(host);
  const at = protocol === 'unix:' ? { socketPath: pathname } : { hostname, port };
  return new Promise((resolve) => {
    const asked = request({ ...at, path: '/_ping', timeout: PING_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => {
      resolve(false);
    });
    asked.end();
  });
}
