import type { Command } from 'commander'
import { HOUR_SECONDS } from '../../domain/time.ts'
import type { RotatedSecret } from '../clients/rotate-secret.ts'
import { unchangeable } from './client-change.ts'
import { withSession, type Session } from './session.ts'
import { answer, command, moment, Refusal, type Output, type Terminal } from './terminal.ts'

const LONGEST_OVERLAP_HOURS = 720

/** `client rotate-secret`. */
export function addRotateSecretCommand(client: Command, terminal: Terminal): void {
  const made = command(client, 'rotate-secret', 'make a new secret for an app, printed this once')
    .argument('<id>', 'client_id')
    .option('--overlap <hours>', 'how long the former secret holds; 0 ends it at once', '24')
  answer(terminal, made, async ([id = ''], { overlap }) => {
    const overlapSeconds = hoursOf(overlap) * HOUR_SECONDS
    return withSession(terminal, (session) => rotate(session, id, overlapSeconds))
  })
}

async function rotate({ clients }: Session, id: string, overlapSeconds: number): Promise<Output> {
  const rotated = await (await clients()).rotateSecret(id, overlapSeconds)
  if (rotated === 'no-secret')
    throw new Refusal(
      'client-without-secret',
      'This client needs no secret: it is public, or proves itself with a key.',
    )
  if (typeof rotated === 'string') throw unchangeable(rotated)
  return {
    json: {
      client_id: id,
      client_secret: rotated.secret,
      former_secret_until: rotated.formerUntil ?? null,
    },
    text: textOf(id, rotated),
  }
}

function textOf(id: string, { secret, formerUntil, endedEarly }: RotatedSecret): string {
  const former =
    formerUntil === undefined
      ? 'The former secret has ended.'
      : `The former secret holds until ${moment(formerUntil)}.`
  const earlier =
    endedEarly === undefined
      ? ''
      : `  The secret before it, which would have held until ${moment(endedEarly)}, has ended.\n`
  return `${id}: a new secret was made\n  client_secret (shown this once): ${secret}\n  ${former}\n${earlier}`
}

function hoursOf(text: unknown): number {
  const hours = typeof text === 'string' && /^\d{1,3}$/.test(text) ? Number(text) : NaN
  if (!(hours <= LONGEST_OVERLAP_HOURS))
    throw new Refusal('overlap', `--overlap takes hours, from 0 to ${LONGEST_OVERLAP_HOURS}.`)
  return hours
}
