import type { Config } from '../../actors/config.js';
import { SecretFileError } from '../../actors/secret-file.js';
import { TorControl, TorError } from '../../actors/tor/control.js';
import { onionKey, onionKeyFile } from '../../actors/tor/onion-key.js';
import { controlPlace, describePlace } from '../../actors/tor/onion-service.js';
import { signIn } from '../../actors/tor/sign-in.js';
import { about, type Finding, said } from './finding.js';

const { ok, warning, problem } = about('tor');

/** How long tor may be silent, in ms: a person waits. */
const PATIENCE_MS = 10_000;

/** The tor that is to serve the tower as an onion service, if that is wanted; nothing is asked of it that would change something. */
export async function examineTor({ tor, data }: Config): Promise<Finding[]> {
  if (!tor) return [];
  const place = describePlace(tor);
  let control: TorControl | undefined;
  try {
    control = await TorControl.connect(controlPlace(tor), PATIENCE_MS);
    const { version } = await signIn(control, tor.passwordFile);
    const answer = await control.ask('GETINFO status/circuit-established');
    return [ok(`tor ${version} at ${place} lets this node in`), ...keyOf(onionKeyFile(data)), wayOf(answer)];
  } catch (error) {
    if (error instanceof SecretFileError)
      return [problem(error.message, error.cure ?? 'tor.password_file in argus.toml')];
    if (error instanceof TorError) return [problem(said(error), cureOf(error, place))];
    throw error;
  } finally {
    control?.close();
  }
}

const cureOf = ({ reason }: TorError, place: string): string =>
  reason === 'away'
    ? `start tor, with ControlPort 9051 and CookieAuthentication 1 in its torrc; or tor.control (now ${place}) in argus.toml`
    : `CookieAuthentication 1 and CookieAuthFileGroupReadable 1 in torrc, and this user in tor's group; or tor.control (now ${place}), tor.password_file in argus.toml`;

function keyOf(file: string): Finding[] {
  try {
    return onionKey(file) === undefined
      ? [ok(`no ${file} so far: the first start makes one, and the address with it`)]
      : [ok(`the onion service's key, in ${file}`)];
  } catch (error) {
    if (error instanceof SecretFileError) return [problem(error.message, error.cure ?? `bring a copy of ${file}`)];
    throw error;
  }
}

const wayOf = (answer: readonly string[]): Finding =>
  answer.some((line) => line.endsWith('=1'))
    ? ok('tor has a way into its network')
    : warning('tor has no way into its network: nobody reaches the onion service', "wait a minute; then see tor's log");
