import { fieldsOf, wholeNumber, type Fields, type Say } from './fields.ts'
import type { Enrol } from './rules.ts'
import type { Instant } from '../time.ts'

const DATE_TIME =
  /^(\d{4}-\d\d-(\d\d))T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/

/** Reads when people without a fitting factor must set one up. Undefined: the member is absent or unfit. */
export function enrolOf(fields: Fields, say: Say): Enrol | undefined {
  const value = fields.get('enrol')
  if (value === undefined || value === 'required' || value === 'optional') return value
  const members = fieldsOf(value, ['until', 'graceSeconds'], (fault) => say(`enrol: ${fault}`))
  if (members?.size !== 1) {
    say('enrol must be "required", "optional", { until } or { graceSeconds }')
    return undefined
  }
  return members.has('until') ? untilOf(members.get('until'), say) : graceOf(members, say)
}

function graceOf(members: Fields, say: Say): Enrol | undefined {
  const within: Say = (fault) => say(`enrol.${fault}`)
  const graceSeconds = wholeNumber(members, 'graceSeconds', { least: 0, say: within })
  return graceSeconds === undefined ? undefined : { graceSeconds }
}

function untilOf(value: unknown, say: Say): Enrol | undefined {
  const until = typeof value === 'string' ? instantOf(value) : undefined
  if (until !== undefined) return { until }
  say('enrol.until must be an ISO 8601 date-time with its time zone, such as 2027-01-31T12:00:00Z')
  return undefined
}

/** A time without a zone would mean another instant on a node in another zone. */
function instantOf(text: string): Instant | undefined {
  const [, date = '', day] = DATE_TIME.exec(text) ?? []
  const time = Date.parse(text)
  // The 30th of February would silently become the 2nd of March.
  return Number.isNaN(time) || new Date(`${date}T00:00Z`).getUTCDate() !== Number(day)
    ? undefined
    : Math.floor(time / 1000)
}
