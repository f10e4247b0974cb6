import type { Removal } from './remove-legacy.ts'
import type { TakenOver } from './take-over.ts'
import { moment, type Output, type Terminal } from '../cli/terminal.ts'

interface ReportOptions {
  readonly json: boolean
  readonly dryRun: boolean
}

/** Documents that a report lists; all of them are told of as they come. */
const MOST_LISTED = 1_000

/** Counts what becomes of the documents, and tells of bad ones on the way: by `_id` and cause, without a secret (R31). */
export function takeOverReport(terminal: Terminal, { json, dryRun }: ReportOptions) {
  const counts = { documents: 0, enrolled: 0, must_enrol: 0, not_enrolled: 0 }
  const others = { unchanged: 0, set_up_here: 0, without_fields: 0, bad: 0 }
  const warnings: { [code: string]: number } = {}
  const bad: { id: string; faults: readonly object[] }[] = []
  const setUpHere: string[] = []
  let renewBy: number | undefined
  const say = (value: object, text: string): void =>
    terminal.err(json ? `${JSON.stringify(value)}\n` : `${text}\n`)

  return {
    add(done: TakenOver): void {
      const id = shownId(done.id)
      counts.documents += 1
      switch (done.outcome) {
        case 'taken-over': {
          const { factors, warnings: told } = done
          if (factors.length > 0) counts.enrolled += 1
          else counts[told.includes('must-enrol') ? 'must_enrol' : 'not_enrolled'] += 1
          for (const code of told) warnings[code] = (warnings[code] ?? 0) + 1
          if (told.length > 0) say({ id, warnings: told }, `${id}: warning: ${told.join(', ')}`)
          renewBy = done.renewBy ?? renewBy
          return
        }
        case 'before':
          others.unchanged += 1
          return
        case 'own':
          others.set_up_here += 1
          if (setUpHere.length < MOST_LISTED) setUpHere.push(id)
          say({ id, set_up_here: true }, `${id}: set up here already, left as it is`)
          return
        case 'none':
          others.without_fields += 1
          return
        case 'bad':
          others.bad += 1
          if (bad.length < MOST_LISTED) bad.push({ id, faults: done.faults })
          say(
            { id, faults: done.faults },
            `${id}: ${done.faults.map(({ field, code }) => `${field} ${code}`).join(', ')}`,
          )
      }
    },

    output(): Output {
      const would = dryRun ? ' (nothing was changed)' : ''
      const about = Object.entries(warnings).map(([code, count]) => `  ${code}: ${count}`)
      return {
        json: {
          ...{ dry_run: dryRun, ...counts, ...others, warnings },
          ...(renewBy === undefined ? {} : { renew_by: renewBy }),
          set_up_here_ids: setUpHere,
          bad_documents: bad,
        },
        text: [
          `${counts.documents} documents${would}:`,
          `  ${counts.enrolled} have their factors here`,
          `  ${counts.must_enrol} had it on without a secret that works: they set one up, with a proof`,
          `  ${counts.not_enrolled} had it off`,
          `  ${others.unchanged} were taken over before`,
          `  ${others.set_up_here} have set one up here: left as they are`,
          `  ${others.without_fields} have none of the fields`,
          `  ${others.bad} bad`,
          ...(about.length === 0 ? [] : ['Warnings:', ...about]),
          ...(renewBy === undefined
            ? []
            : [`What is weak ends on ${moment(renewBy)}: ask its owners to set it up anew.`]),
          '',
        ].join('\n'),
        ...(others.bad > 0 ? { failed: true as const } : {}),
      }
    },
  }
}

export function removalReport(terminal: Terminal, { json, dryRun }: ReportOptions) {
  const counts = { documents: 0, removed: 0, left: 0, without_fields: 0, needed: 0 }
  const needed: { id: string; why: string }[] = []

  return {
    needed: () => counts.needed,

    add(done: Removal): void {
      counts.documents += 1
      if (done.outcome !== 'needed') {
        counts[done.outcome === 'none' ? 'without_fields' : done.outcome] += 1
        return
      }
      const id = shownId(done.id)
      const { why } = done
      counts.needed += 1
      if (needed.length < MOST_LISTED) needed.push({ id, why })
      terminal.err(json ? `${JSON.stringify({ id, why })}\n` : `${id}: ${why}\n`)
    },

    output(): Output {
      const { removed } = counts
      return {
        json: { dry_run: dryRun, ...counts, needed_documents: needed },
        text: [
          `${counts.documents} documents:`,
          `  the old fields of ${removed} ${dryRun ? 'would be' : 'are'} removed`,
          `  ${counts.left} keep theirs, as told`,
          `  ${counts.without_fields} have none`,
          `  ${counts.needed} are still needed`,
          '',
        ].join('\n'),
        ...(counts.needed > 0 ? { failed: true as const } : {}),
      }
    },
  }
}

/** An `_id` that is text may hold what a terminal obeys. */
function shownId(id: unknown): string {
  return String(id).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD')
}
