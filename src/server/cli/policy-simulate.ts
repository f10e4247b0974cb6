import type { Command } from 'commander'
import { countIn, accountBatches } from '../accounts/batches.ts'
import {
  simulateForAll,
  type MetPeople,
  type SimulationReport,
} from '../accounts/simulate-policy.ts'
import { faultsOfProposed } from '../boot/policy.ts'
import { clientsOfPolicy } from './policy-clients.ts'
import { progress } from './progress.ts'
import { readJson } from './read.ts'
import { withSession, type Session } from './session.ts'
import {
  answer,
  PolicyFaults,
  readingCommand,
  table,
  type Output,
  type Terminal,
} from './terminal.ts'

/** The people of a list that are printed for a person; `--json` has more. */
const MOST_PRINTED = 20

/** `policy simulate`: the effect of proposed rules on everybody, before they are in force. */
export function addSimulateCommand(policy: Command, terminal: Terminal): void {
  const made = readingCommand(
    policy,
    'simulate',
    'say whom proposed rules would ask, make set up a factor, and lock out',
  )
    .argument('<file>', 'CONFIG_FILE as it would be, { "rules": [...] } or a list of rules')
    .option(
      '--allow-lockout',
      'end with 0 although somebody would be locked out, or cannot be read',
    )
  answer(terminal, made, async ([file = ''], options) => {
    const proposed = policyIn(await readJson(terminal, file))
    return withSession(terminal, (session) =>
      simulate(session, terminal, { proposed, isAllowed: options['allowLockout'] === true }),
    )
  })
}

/** The policy in a file of one of the three shapes. Throws PolicyFaults. */
function policyIn(content: unknown): unknown {
  if (Array.isArray(content)) return { rules: content }
  if (typeof content === 'object' && content !== null) {
    if ('policy' in content) return content.policy
    if ('rules' in content) return content
  }
  throw new PolicyFaults([
    'has no policy: give it { "policy": { "rules": [...] } }, { "rules": [...] } or a list of rules',
  ])
}

async function simulate(
  session: Session,
  terminal: Terminal,
  { proposed, isAllowed }: { readonly proposed: unknown; readonly isAllowed: boolean },
): Promise<Output> {
  const { foundation, mfa } = session
  const { settings, storage } = foundation
  const faults = faultsOfProposed(settings, foundation.issuer, proposed)
  if (faults.length > 0) throw new PolicyFaults(faults)
  const { accounts } = storage
  const clients = await clientsOfPolicy(session)
  const simulation = mfa.policy.simulate(proposed, {
    clients,
    readsOf: (client) => client['mfa'],
  })
  if (simulation.faults !== undefined) throw new PolicyFaults(simulation.faults)
  const total = await countIn(accountBatches(accounts))
  const tell = progress(terminal, { json: terminal.json === true, items: 'people', total })
  const report = await simulateForAll({ accounts, simulation: simulation.of, tell })
  const output = { json: inJson(report, clients.length), text: inText(report, clients.length) }
  // Nobody knows whether the rules would lock out a person who cannot be read: a gate must not let them pass.
  const isSafe = report.lockedOut.count === 0 && report.unreadable === 0
  return isSafe || isAllowed ? output : { ...output, failed: true }
}

function inJson(report: SimulationReport, clients: number): object {
  const { accounts, unreadable, newlyAsked, mustEnrol, lockedOut } = report
  return {
    accounts,
    clients,
    newly_asked: newlyAsked.first,
    newly_asked_count: newlyAsked.count,
    must_enrol: mustEnrol.first,
    must_enrol_count: mustEnrol.count,
    locked_out: lockedOut.first,
    locked_out_count: lockedOut.count,
    ...(unreadable === 0 ? {} : { unreadable_count: unreadable }),
    assumed: ASSUMED,
  }
}

/** The facts that are not known before somebody signs in. */
const ASSUMED = {
  browser: 'new',
  network: 'every network matches',
  proof: 'the password alone',
  scope: 'every scope that the app may ask for',
} as const

const HEADINGS = {
  newlyAsked: 'newly asked',
  mustEnrol: 'must set up a factor',
  lockedOut: 'locked out',
} as const

function inText(report: SimulationReport, clients: number): string {
  const { accounts, unreadable } = report
  return [
    `${accounts} people, ${clients} apps\n`,
    `Assumed: a new browser, a network that every condition on networks matches, the right password and no other proof, and every scope that the app may ask for.\n`,
    ...(unreadable === 0 ? [] : [unreadableInText(unreadable)]),
    ...(['newlyAsked', 'mustEnrol', 'lockedOut'] as const).map((list) =>
      listInText(HEADINGS[list], report[list]),
    ),
  ].join('')
}

function unreadableInText(count: number): string {
  return `not judged: ${count}. The second factors of these people cannot be read, so the rules may lock them out: doctor says why.\n`
}

function listInText(heading: string, { first, count }: MetPeople): string {
  if (count === 0) return `\n${heading}: nobody\n`
  const rows = first
    .slice(0, MOST_PRINTED)
    .map(({ user, client, rules, reason }) => [user, client, reason, rules.join(', ')])
  const more = count > MOST_PRINTED ? `and ${count - MOST_PRINTED} more: see --json\n` : ''
  return `\n${heading}: ${count}\n${table(['NAME', 'APP', 'REASON', 'RULES'], rows)}${more}`
}
