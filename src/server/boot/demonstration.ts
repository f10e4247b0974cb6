import { join } from 'node:path'
import {
  clientMetadata,
  startRelyingParty,
  type RelyingParty,
} from '../demonstration/relying-party.ts'
import { ConfigError } from '../../../config/environment.ts'
import { DEMONSTRATION_FOLDER, keepOnce } from '../../../config/load.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Account } from '../../ports/accounts.ts'
import { addPerson, changeAccount, findByName } from '../accounts/people.ts'
import type { AppServices } from './app.ts'
import type { Foundation } from './foundation.ts'
import type { Started } from './started.ts'

const USERNAME = 'demo'
const CLIENT_ID = 'fieldnotes'

/** Letters and digits that look different in every font. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789'
const PASSWORD_LENGTH = 16

/** The secrets that the demonstration made at its first start. They are kept in `data/` with mode 0600. */
export interface DemonstrationSecrets {
  readonly username: string
  readonly password: string
  readonly clientSecret: string
}

interface Demonstration {
  readonly secrets: DemonstrationSecrets
  readonly account: Account
}

export interface RunningDemonstration {
  readonly url: string
  readonly secrets: DemonstrationSecrets
  readonly services: Pick<AppServices, 'demonstrationAccountId' | 'builtInClients'>
}

/** Starts the demonstration's relying party. Returns undefined if the settings want no demonstration. */
export async function demonstrate(
  foundation: Foundation,
  folder: string | undefined,
  started: Started,
): Promise<RunningDemonstration | undefined> {
  if (foundation.config.demonstration === undefined) return undefined
  const { account, secrets } = await prepareDemonstration(foundation, folder)
  // The relying party starts before its provider: its address decides what is registered, and it looks for the
  // provider only when somebody signs in.
  const app = await startDemonstration(foundation, secrets)
  started.push(() => app.close())
  return {
    url: app.url,
    secrets,
    services: {
      demonstrationAccountId: account.id,
      builtInClients: [demonstrationClient(app.url, secrets.clientSecret)],
    },
  }
}

/** The demonstration's account, and the secrets of its first start. */
async function prepareDemonstration(
  foundation: Foundation,
  folder?: string,
): Promise<Demonstration> {
  const secrets = demonstrationSecrets(foundation, folder)
  return { secrets, account: await demonstrationAccount(foundation, secrets) }
}

function demonstrationSecrets(
  { random }: Pick<Foundation, 'random'>,
  folder: string = DEMONSTRATION_FOLDER,
): DemonstrationSecrets {
  const made: DemonstrationSecrets = {
    username: USERNAME,
    password: inFours(letters(random.bytes(PASSWORD_LENGTH * 4))),
    clientSecret: Buffer.from(random.bytes(32)).toString('base64url'),
  }
  const kept = keepOnce(join(folder, 'demonstration.json'), `${JSON.stringify(made, null, 2)}\n`)
  return JSON.parse(kept) as DemonstrationSecrets
}

/** The account with which a person tries the server. It is made once for each storage and has the kept password. */
async function demonstrationAccount(
  foundation: Foundation,
  secrets: DemonstrationSecrets,
): Promise<Account> {
  const { storage, clock, random, hasher } = foundation
  const { username, password } = secrets
  const { accounts } = storage
  const existing = (await findByName(accounts, username))?.account
  if (existing === undefined) {
    const added = await addPerson(
      { accounts, clock, random },
      {
        username,
        claims: { name: 'Demo Person', given_name: 'Demo', family_name: 'Person' },
        passwordHash: await hasher.hash(password),
      },
    )
    if (added.ok) return added.account
    // Another process has added the account meanwhile.
    return demonstrationAccount(foundation, secrets)
  }
  if (existing.passwordHash && (await hasher.verify(existing.passwordHash, password)))
    return existing
  const passwordHash = await hasher.hash(password)
  const changed = await changeAccount(accounts, existing.id, (account) => ({
    ...account,
    passwordHash,
    updatedAt: clock.now(),
  }))
  return changed ?? existing
}

/** The client metadata of the demonstration's relying party. It is not stored but made at each start. */
function demonstrationClient(url: string, clientSecret?: string): JsonObject {
  const secret = clientSecret === undefined ? {} : { clientSecret }
  return clientMetadata({ clientId: CLIENT_ID, ...secret, url }) as JsonObject
}

/**
 * The demonstration's client, without its secret, for a command that starts no server. Undefined: the settings want no
 * demonstration, or none was started on this storage.
 */
export async function demonstrationClientIn({
  config: { demonstration },
  storage,
}: Pick<Foundation, 'config' | 'storage'>): Promise<JsonObject | undefined> {
  if (demonstration === undefined) return undefined
  if ((await findByName(storage.accounts, USERNAME)) === undefined) return undefined
  return demonstrationClient(`http://localhost:${demonstration.port}`)
}

/** Throws ConfigError when DEMO_PORT is taken. */
async function startDemonstration(
  { issuer, config: { demonstration }, clock }: Pick<Foundation, 'issuer' | 'config' | 'clock'>,
  { clientSecret }: DemonstrationSecrets,
): Promise<RelyingParty> {
  const port = demonstration?.port ?? 0
  try {
    const app = { issuer, clientId: CLIENT_ID, clientSecret, port }
    return await startRelyingParty({ ...app, now: () => clock.now() })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    const problem = `${port} is taken: choose another, or start without the demonstration (DEMO=off)`
    throw new ConfigError([{ setting: 'DEMO_PORT', problem }])
  }
}

/** Uses only bytes below the largest multiple of the alphabet's length, so that no letter is likelier than another. */
function letters(bytes: Uint8Array): string {
  const limit = 256 - (256 % ALPHABET.length)
  return [...bytes]
    .filter((byte) => byte < limit)
    .slice(0, PASSWORD_LENGTH)
    .map((byte) => ALPHABET[byte % ALPHABET.length])
    .join('')
}

function inFours(text: string): string {
  return text.replaceAll(/(.{4})(?=.)/g, '$1-')
}
