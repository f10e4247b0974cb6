import type { Removal } from './remove-legacy.ts'
import type { TakenOver } from './take-over.ts'
import { warningCounts } from './warnings.ts'
import type { Output, Terminal } from '../cli/terminal.ts'

interface ReportOptions {
  readonly json: boolean
  readonly dryRun: boolean
}

/** The most documents that a report lists; each of them is also printed when it is done. */
const MOST_LISTED = 1_000

/**
 * Counts the outcomes of documents, and prints bad ones when they come, with `_id` and cause, without a secret (R31).
 */
export function takeOverReport(terminal: Terminal, { json, dryRun }: ReportOptions) {
  const counts = noDocuments()
  const warnings = warningCounts()
  const bad: { id: string; faults: readonly object[] }[] = []
  const setUpHere: string[] = []
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
          warnings.add(done)
          if (told.length > 0) say({ id, warnings: told }, `${id}: warning: ${told.join(', ')}`)
          return
        }
        case 'before':
          counts.unchanged += 1
          return
        case 'own':
          counts.set_up_here += 1
          if (setUpHere.length < MOST_LISTED) setUpHere.push(id)
          say({ id, set_up_here: true }, `${id}: set up here already, left as it is`)
          return
        case 'none':
          counts.without_fields += 1
          return
        case 'bad':
          counts.bad += 1
          if (bad.length < MOST_LISTED) bad.push({ id, faults: done.faults })
          say(
            { id, faults: done.faults },
            `${id}: ${done.faults.map(({ field, code }) => `${field} ${code}`).join(', ')}`,
          )
      }
    },

    output: (): Output => ({
      json: {
        dry_run: dryRun,
        ...counts,
        ...warnings.json(),
        set_up_here_ids: setUpHere,
        bad_documents: bad,
      },
      text: [...linesOf(counts, dryRun), ...warnings.lines(), ''].join('\n'),
      ...(counts.bad > 0 ? { failed: true } : {}),
    }),
  }
}

type TakeOverCounts = Readonly<ReturnType<typeof noDocuments>>

function noDocuments() {
  return {
    documents: 0,
    enrolled: 0,
    must_enrol: 0,
    not_enrolled: 0,
    unchanged: 0,
    set_up_here: 0,
    without_fields: 0,
    bad: 0,
  }
}

function linesOf(counts: TakeOverCounts, dryRun: boolean): readonly string[] {
  return [
    `${counts.documents} documents${dryRun ? ' (nothing was changed)' : ''}:`,
    `  ${counts.enrolled} have their factors here`,
    `  ${counts.must_enrol} had it on without a secret that works: they set one up, with a proof`,
    `  ${counts.not_enrolled} had it off`,
    `  ${counts.unchanged} were taken over before`,
    `  ${counts.set_up_here} have set one up here: left as they are`,
    `  ${counts.without_fields} have none of the fields`,
    `  ${counts.bad} bad`,
  ]
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

/** An `_id` that is text may hold control characters for a terminal. */
function shownId(id: unknown): string {
  return String(id).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD')
}
