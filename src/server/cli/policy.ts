import { isIP } from 'node:net'
import type { Command } from 'commander'
import type { PolicyExplanation } from '../../index.ts'
import { subjectOf } from '../accounts/subject.ts'
import { unchangeable } from './client-change.ts'
import { clientOfPolicy } from './policy-clients.ts'
import { addSimulateCommand } from './policy-simulate.ts'
import { withSession, type Session } from './session.ts'
import { answer, readingCommand, table, type Output, type Terminal } from './terminal.ts'
import { find, usage } from './user-about.ts'

/** `policy ...`: who is asked for which proof, and why. Neither command changes anything. */
export function addPolicyCommands(program: Command, terminal: Terminal): void {
  const policy = program.command('policy').description('who is asked for which proof, and why')
  addExplainCommand(policy, terminal)
  addSimulateCommand(policy, terminal)
}

function addExplainCommand(policy: Command, terminal: Terminal): void {
  const made = readingCommand(
    policy,
    'explain',
    'say what a person who has entered the password is asked for, and the part of each rule',
  )
    .requiredOption('--user <name>', 'user name or verified address')
    .requiredOption('--client <id>', 'client_id')
    .option('--acr <value>', 'the app asks for this level: `acr_values`')
    .option('--essential', 'the app insists on that level: an essential claim')
    .option('--max-age <seconds>', 'the app asks for a sign-in that is not older: `max_age`')
    .option('--network <address>', 'the address of the browser; default: each network matches')
    .option('--known-browser', 'in a browser in which the person has signed in before')
    .option('--scope <scope>', 'the scopes of the request', 'openid')
  answer(terminal, made, async (_args, options) => {
    const question = questionOf(options as unknown as ExplainOptions)
    return withSession(terminal, (session) => explain(session, question))
  })
}

interface ExplainOptions {
  readonly user: string
  readonly client: string
  readonly acr?: string
  readonly essential?: boolean
  readonly maxAge?: string
  readonly network?: string
  readonly knownBrowser?: boolean
  readonly scope: string
}

/** The case to explain, once the command line was understood. */
interface Case {
  readonly user: string
  readonly client: string
  readonly params: Readonly<Record<string, unknown>>
  readonly about: { readonly ip?: string; readonly isKnownBrowser: boolean }
}

function questionOf(options: ExplainOptions): Case {
  const { user, client, acr, essential, maxAge, network, knownBrowser, scope } = options
  if (essential === true && acr === undefined) throw usage('--essential needs --acr')
  if (maxAge !== undefined && !/^\d{1,10}$/.test(maxAge))
    throw usage('--max-age takes a whole number of seconds')
  if (network !== undefined && isIP(network) === 0)
    throw usage('--network takes an address such as 192.0.2.7 or 2001:db8::1')
  return {
    user,
    client,
    params: {
      scope,
      ...(acr === undefined ? {} : acrParameter(acr, essential === true)),
      ...(maxAge === undefined ? {} : { max_age: Number(maxAge) }),
    },
    about: {
      ...(network === undefined ? {} : { ip: network }),
      isKnownBrowser: knownBrowser === true,
    },
  }
}

function acrParameter(acr: string, essential: boolean): Readonly<Record<string, string>> {
  if (!essential) return { acr_values: acr }
  const request = { id_token: { acr: { essential, values: acr.split(/\s+/).filter(Boolean) } } }
  return { claims: JSON.stringify(request) }
}

async function explain(session: Session, { user, client, params, about }: Case): Promise<Output> {
  const account = await find(session, user)
  const found = await clientOfPolicy(session, client)
  if (found === undefined) throw unchangeable('unknown')
  const explanation = await session.mfa.policy.explain({
    account: subjectOf(account),
    client: found,
    params,
    ...about,
  })
  const { decision, acr, reason, rules } = explanation
  const isStuck = decision === 'refuse' || explanation.answers?.answers.length === 0
  return {
    json: { decision, acr, reason, rules, ...answersInJson(explanation) },
    text: [
      `${account.username} at ${client}: ${decision}\n`,
      `The person ${DECISIONS[decision]}, because ${REASONS[reason]}.\n`,
      ...answerLines(explanation),
      ...(isStuck ? [] : [`The token then has the acr ${acr}.\n`]),
      ...(account.disabledAt === undefined ? [] : ['The person is disabled and cannot sign in.\n']),
      ...proofLine(explanation),
      `\n${table(
        ['RULE', 'PART'],
        rules.map(({ name, part }) => [name, PARTS[part]]),
      )}`,
    ].join(''),
  }
}

function answersInJson({ answers, refused }: PolicyExplanation): object {
  return {
    ...(answers === undefined ? {} : { answers: answers.answers }),
    ...(answers?.thenEnrols === true ? { then_enrols: true } : {}),
    ...(refused === undefined ? {} : { not_accepted: refused }),
  }
}

/** The authenticators that the settings refuse, what the person can show instead, and what comes after it. */
function answerLines({ answers, refused = [] }: PolicyExplanation): readonly string[] {
  const { answers: left = [], thenEnrols } = answers ?? {}
  const isLeft = left.length > 0 && refused.length > 0
  return [
    ...refused.map(({ factor, name }) => `Not accepted by the settings: ${factor} "${name}".\n`),
    ...(isLeft ? [`The person can show: ${left.join(', ')}.\n`] : []),
    ...(answers !== undefined && left.length === 0 ? [NOTHING_LEFT] : []),
    ...(thenEnrols === true ? ['After that, the person has to set up a factor.\n'] : []),
  ]
}

const NOTHING_LEFT =
  'Nothing that the person has is accepted: a recovery is left, or user reset-mfa.\n'

/** Each answer in words, after "The person". */
const DECISIONS: Readonly<Record<PolicyExplanation['decision'], string>> = {
  pass: 'needs no further proof',
  verify: 'has to show one more proof',
  enrol: 'has to set up a factor',
  'enrol-later': 'is asked to set up a factor and may put it off',
  refuse: 'is refused',
}

/** Each reason in words, after "because". */
const REASONS: Readonly<Record<PolicyExplanation['reason'], string>> = {
  policy: 'a rule asks for it',
  chosen: 'a person who has set up a factor is asked for it',
  'step-up': 'the app asks for it',
  redundancy: 'a rule asks for a second authenticator on another device',
  'trusted-browser': 'the browser is trusted',
  met: 'all that is asked for was proved',
  'nothing-asked': 'nothing asks for more than the password',
  'no-way': 'no factor that can be set up is enough',
  'no-such-level': 'the app insists on a level that nobody can reach here',
}

/** The part of a rule in words. */
const PARTS: Readonly<Record<PolicyExplanation['rules'][number]['part'], string>> = {
  counts: 'matches, and counts',
  'no-match': 'does not match',
  optional: 'matches, but asks only people who have a fitting factor',
  grace: 'matches, and the time for the set-up still runs',
  'asks-nothing': 'matches, and asks for nothing',
}

/** The proof on which a first factor could be set up, where one has to be. */
function proofLine({ decision, enrolment }: PolicyExplanation): readonly string[] {
  if (enrolment === undefined || (decision !== 'enrol' && decision !== 'enrol-later')) return []
  return [`proof for the set-up of a factor: ${PROOFS[enrolment]}\n`]
}

const PROOFS: Readonly<Record<NonNullable<PolicyExplanation['enrolment']>, string>> = {
  allowed: 'there is one',
  password: 'the password is enough',
  'mailed-code': 'a mailed code',
  refused: 'there is none: the person is locked out until user link or user reset-mfa',
}
