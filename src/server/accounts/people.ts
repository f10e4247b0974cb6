import type { JsonObject } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import type {
  Account,
  AccountEvent,
  AccountNames,
  Accounts,
  StoredAccount,
} from '../../ports/accounts.ts'
import type { Clock, Random } from '../../ports/services.ts'
import { isAddress, isGroup, normaliseName } from './name.ts'
import { noticeAddresses } from './notice-addresses.ts'

export interface NewPerson {
  /** The id of the new account. Default: a new random id. Given if data is already stored under it. */
  readonly id?: string
  readonly username: string
  readonly email?: string
  /** Default true: the administrator vouches for the address, and the first code may be mailed there. */
  readonly emailVerified?: boolean
  /** More addresses, for notices and recovery: the administrator vouches for them too. */
  readonly addresses?: readonly string[]
  readonly groups?: readonly string[]
  readonly claims?: JsonObject
  /** The hash that PasswordHasher made of a judged password. Absent: a set-up link will set a password. */
  readonly passwordHash?: string
  /** The origin of that password. Default: an administrator set it. */
  readonly passwordOrigin?: 'import'
  /** The account is disabled from the beginning. */
  readonly disabled?: boolean
}

export type PersonFault = 'username-unfit' | 'email-unfit' | 'group-unfit' | 'taken'

export type Added =
  | { readonly ok: true; readonly account: Account }
  | { readonly ok: false; readonly fault: PersonFault }

/** The first of the given texts that no account can have. Undefined: each can be stored. */
export function unfitPart({
  username,
  email,
  groups,
}: Partial<Pick<NewPerson, 'username' | 'email' | 'groups'>>): PersonFault | undefined {
  if (username !== undefined && normaliseName(username) === undefined) return 'username-unfit'
  if (email !== undefined && !isAddress(email)) return 'email-unfit'
  return groups?.every(isGroup) === false ? 'group-unfit' : undefined
}

/** Adds a person. No other account can have the name or the verified address then, in any spelling. */
export async function addPerson(
  { accounts, clock, random }: { accounts: Accounts; clock: Clock; random: Random },
  person: NewPerson,
): Promise<Added> {
  const fault = unfitPart(person)
  if (fault !== undefined) return { ok: false, fault }
  const now = clock.now()
  const account: Account = {
    id: person.id ?? Buffer.from(random.bytes(16)).toString('base64url'),
    username: person.username.trim(),
    ...(person.email === undefined ? {} : { email: person.email.trim() }),
    emailVerified: person.email !== undefined && (person.emailVerified ?? true),
    ...(person.addresses === undefined
      ? {}
      : { addresses: person.addresses.map((address) => ({ address, verifiedAt: now })) }),
    ...(person.passwordHash === undefined ? {} : { passwordHash: person.passwordHash }),
    groups: [...new Set(person.groups)],
    claims: person.claims ?? {},
    ...(person.disabled === true ? { disabledAt: now } : {}),
    createdAt: now,
    updatedAt: now,
    passwordOrigin:
      person.passwordHash === undefined ? 'none' : (person.passwordOrigin ?? 'administrator'),
  }
  return (await accounts.insert(account, namesOf(account)))
    ? { ok: true, account }
    : { ok: false, fault: 'taken' }
}

/** The names by which an account is found. */
export function namesOf(account: Account): AccountNames {
  const username = normaliseName(account.username)
  if (username === undefined) throw new TypeError('an account without a name cannot be stored')
  const email = account.emailVerified ? normaliseName(account.email ?? '') : undefined
  return email === undefined ? { username } : { username, email }
}

/** Finds an account by user name or verified address, in any spelling. */
export async function findByName(
  accounts: Accounts,
  typed: string,
): Promise<StoredAccount | undefined> {
  const name = normaliseName(typed)
  return name === undefined ? undefined : accounts.byName(name)
}

/** Events to store with a change of an account. `AccountEvents.change` also passes them on. */
export interface NewEvents {
  readonly at: Instant
  readonly events: readonly Pick<AccountEvent, 'type' | 'detail'>[]
}

/**
 * Changes the present account, and tries again if it was changed meanwhile. `change` returns undefined to make no
 * change. Returns undefined if there is no such account, or no change. `told`: events that are stored in the same write,
 * so that there is no change without them and they are not lost in a crash.
 */
export async function changeAccount(
  accounts: Accounts,
  id: string,
  change: (account: Account) => Account | undefined,
  told?: NewEvents,
): Promise<Account | undefined> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const stored = await accounts.byId(id)
    const plain = stored && change(stored.account)
    if (stored === undefined || plain === undefined) return undefined
    const changed = told === undefined ? plain : withEvents(stored, plain, told)
    if (await accounts.update(changed, namesOf(changed), stored.version)) return changed
  }
  throw new Error('the account was changed by others again and again')
}

/**
 * The id of an event comes from the version that the change makes: a change that is tried again has the same events. The
 * addresses are those before and after the change: an owner whose address was replaced is told at both.
 */
function withEvents(before: StoredAccount, changed: Account, { at, events }: NewEvents): Account {
  const to = [...new Set([...noticeAddresses(before.account), ...noticeAddresses(changed)])]
  const added = events.map((event, index) => ({
    ...event,
    id: `${changed.id}.account.${at}.${before.version + 1}.${index}`,
    at,
    to,
  }))
  return { ...changed, events: [...(changed.events ?? []), ...added] }
}

/**
 * The first step of a reset: makes void the password, the proof of an earlier link and every outstanding link. This
 * step comes before the factors are removed; otherwise an attacker who knows the password could enrol a factor in
 * between (R10).
 */
export async function withdrawCredentials(
  { accounts, clock }: { accounts: Accounts; clock: Clock },
  id: string,
): Promise<Account | undefined> {
  return changeAccount(
    accounts,
    id,
    ({ passwordHash: _hash, enrolmentProof: _proof, passwordMailedTo: _address, ...account }) => ({
      ...account,
      passwordOrigin: 'none',
      setUpSerial: (account.setUpSerial ?? 0) + 1,
      updatedAt: clock.now(),
    }),
  )
}

/** Makes void every outstanding set-up link, and the proof of a used one: the owner has locked the account (R44). */
export async function voidSetUpLinks(accounts: Accounts, id: string): Promise<void> {
  await changeAccount(accounts, id, ({ enrolmentProof: _proof, ...account }) => ({
    ...account,
    setUpSerial: (account.setUpSerial ?? 0) + 1,
  }))
}

/**
 * Spends the proof of a set-up link, which is valid for one sign-in: for this one, unless it was completed before the
 * link was used.
 */
export async function spendEnrolmentProof(
  accounts: Accounts,
  id: string,
  signedInAt: Instant,
): Promise<void> {
  await changeAccount(accounts, id, ({ enrolmentProof, ...account }) =>
    enrolmentProof !== undefined && enrolmentProof.usedAt <= signedInAt ? account : undefined,
  )
}

/** The most attempts. Few processes write to one account, so this many lost saves in a row are a fault. */
const MOST_ATTEMPTS = 20
