import { MfaError, type ErrorCode } from '../../domain/errors.ts'
import type { PolicySimulation, SimulatedChange, SimulatedPerson } from '../../index.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import { accountBatches } from './batches.ts'
import { subjectOf } from './subject.ts'

/** The people of a list that a report names; the others are counted. */
const MOST_NAMED = 1000

/** A person whom a proposed policy would meet, and the first client at which it does. */
export interface MetPerson {
  readonly user: string
  readonly client: string
  readonly rules: readonly string[]
  readonly reason: SimulatedChange['reason']
}

/** The first people of a list, in order of their ids, and how many there are in all. */
export interface MetPeople {
  readonly first: readonly MetPerson[]
  readonly count: number
}

export interface SimulationReport {
  /** The people that were looked at: those who are not disabled. */
  readonly accounts: number
  /** Those whose second factors cannot be read, for example because a key is missing. */
  readonly unreadable: number
  readonly newlyAsked: MetPeople
  readonly mustEnrol: MetPeople
  readonly lockedOut: MetPeople
}

export interface SimulateServices {
  readonly accounts: Pick<Accounts, 'list'>
  readonly simulation: PolicySimulation
  /** Called with the number of people that were read so far, after each batch. */
  readonly tell?: (done: number) => void
}

const LISTS = ['newlyAsked', 'mustEnrol', 'lockedOut'] as const

/**
 * Decides a proposed policy for everybody who is not disabled. Each person stands once in each list. One batch of
 * people and the named ones of the report are in memory.
 */
export async function simulateForAll({
  accounts,
  simulation,
  tell,
}: SimulateServices): Promise<SimulationReport> {
  const lists = { newlyAsked: list(), mustEnrol: list(), lockedOut: list() }
  let [read, looked, unreadable] = [0, 0, 0]
  for await (const batch of accountBatches(accounts)) {
    const enabled = batch.filter(({ disabledAt }) => disabledAt === undefined)
    const people = await Promise.all(enabled.map((account) => simulateOne(simulation, account)))
    for (const [place, person] of people.entries()) {
      if (person === undefined) unreadable += 1
      for (const name of LISTS)
        note(lists[name], (enabled[place] as Account).username, person?.[name])
    }
    read += batch.length
    looked += enabled.length
    tell?.(read)
  }
  return { accounts: looked, unreadable, ...lists }
}

interface GrowingList {
  readonly first: MetPerson[]
  count: number
}

function list(): GrowingList {
  return { first: [], count: 0 }
}

function note(met: GrowingList, user: string, change: SimulatedChange | undefined): void {
  if (change === undefined) return
  met.count += 1
  const { clientId: client, rules, reason } = change
  if (met.first.length < MOST_NAMED) met.first.push({ user, client, rules, reason })
}

/** Undefined: the record of the account cannot be read. One such account must not end a run over all of them. */
async function simulateOne(
  simulation: PolicySimulation,
  account: Account,
): Promise<SimulatedPerson | undefined> {
  try {
    return await simulation(subjectOf(account))
  } catch (error) {
    const codes: readonly ErrorCode[] = ['key-missing', 'seal-broken', 'record-unreadable']
    if (error instanceof MfaError && codes.includes(error.code)) return undefined
    throw error
  }
}
