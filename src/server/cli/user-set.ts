import type { Command } from 'commander'
import { changePerson, type PersonChanged, type PersonChanges } from '../accounts/change-person.ts'
import { readClaims } from '../accounts/claims.ts'
import { withSession, type Session } from './session.ts'
import { answer, command, Refusal, type Options, type Output, type Terminal } from './terminal.ts'
import { find, shown, usage } from './user-about.ts'
import { claimsFrom, collect, WHY_NOT_ADDED } from './user-add.ts'

/** `user set`: changes a person. A part without an option stays as it is. */
export function addUserSetCommand(user: Command, terminal: Terminal): void {
  const set = command(user, 'set', 'change a person; what is not named stays as it is')
    .argument('<name>', 'user name or verified address')
    .option('--username <name>', 'another user name')
    .option('--name <name>', 'the name that apps show (claim `name`); empty removes it')
    .option('--email <address>', 'another address; taken as verified by the operator')
    .option('--email-unverified', 'the address is not verified: nobody signs in by it')
    .option('--group <group>', 'a group, in place of all present ones; may be repeated', collect)
    .option('--no-groups', 'remove all groups')
    .option('--claims <file>', 'JSON file of standard claims, in place of all present ones')
  answer(terminal, set, async ([typed = ''], options) => {
    const changes = await changesFrom(terminal, options)
    return withSession(terminal, (session) => change(session, typed, changes))
  })
}

type Fault = Extract<PersonChanged, { ok: false }>['fault']

async function change(session: Session, name: string, changes: PersonChanges): Promise<Output> {
  const { storage, clock, accountEvents } = session.foundation
  const { id } = await find(session, name)
  const { accounts, counters } = storage
  const services = { accounts, counters, clock, change: accountEvents.change }
  const outcome = await changePerson(services, id, changes)
  if (!outcome.ok) throw refusalOf(outcome.fault)
  const { account, changed } = outcome
  return {
    json: { ...shown(account), changed },
    text:
      changed.length === 0
        ? `${account.username} is like this already.\n`
        : `${account.username} was changed: ${changed.join(', ')}.\n`,
  }
}

async function changesFrom(terminal: Terminal, options: Options): Promise<PersonChanges> {
  const { username, name, email, group, groups, emailUnverified } = options as {
    readonly [option: string]: unknown
    readonly username?: string
    readonly name?: string
    readonly email?: string
    readonly group?: string[]
  }
  const given =
    options['claims'] === undefined ? undefined : await claimsFrom(terminal, options['claims'])
  const verified = emailUnverified === true ? false : given?.emailVerified
  const address = email ?? given?.email
  if (given?.email !== undefined && address !== given.email)
    throw new Refusal('claims', 'The file of claims has another address than --email.')
  if (group !== undefined && groups === false)
    throw usage('--group and --no-groups contradict each other.')
  if (name !== undefined && name !== '') checkName(name)
  const changes = {
    ...(username === undefined ? {} : { username }),
    ...(address === undefined ? {} : { email: address }),
    ...(verified === undefined ? {} : { emailVerified: verified }),
    ...(group === undefined ? {} : { groups: group }),
    ...(groups === false ? { groups: [] } : {}),
    ...(given === undefined ? {} : { claims: given.claims }),
    ...(name === undefined ? {} : { displayName: name }),
  }
  if (Object.keys(changes).length === 0) throw usage('Name what to change: --help shows how.')
  return changes
}

function checkName(name: string): void {
  const reading = readClaims({ name })
  if (!reading.ok)
    throw new Refusal('claims', `The name cannot be used: ${reading.faults.join(', ')}`)
}

function refusalOf(fault: Fault): Refusal {
  if (fault === 'gone') return new Refusal('user-unknown', 'There is nobody of this name.')
  if (fault === 'no-email')
    return new Refusal('no-email', 'This person has no address that could be verified or not.')
  return new Refusal(fault, WHY_NOT_ADDED[fault])
}
