import { join } from 'node:path';
import { pythonEnvironment } from './python-environment.ts';

const PRODUCER = {
  name: 'producer',
  requirement: 'confluent-kafka==2.16.1',
  also: ['cryptography==50.0.2', 'fastavro==1.13.1'],
};

/** The Python that runs docs/examples/countersign_producer.py. @throws Error where it cannot be had */
export function producerPython(): string {
  const bin = pythonEnvironment(PRODUCER);
  if (bin !== undefined) return join(bin, 'python');
  const packages = [PRODUCER.requirement, ...PRODUCER.also].join(', ');
  throw new Error(`expected Python 3 with venv, and ${packages}`);
}
