import type { Removal } from './remove-legacy.ts'
import { listed } from './listed.ts'
import type { LegacyFault, TakenOver } from './take-over.ts'
import { warningCounts, type Warned } from './warnings.ts'
import type { Output, Terminal } from '../cli/terminal.ts'

interface ReportOptions {
  readonly json: boolean
  readonly dryRun: boolean
}

/**
 * Counts the outcomes of documents, and prints the first bad ones when they come, with `_id` and cause, and each kind of
 * warning once; without a secret (R31). `add` returns how many documents there were so far.
 */
export function takeOverReport(terminal: Terminal, { json, dryRun }: ReportOptions) {
  const counts = noDocuments()
  const warnings = warningCounts()
  const say = (value: object, text: string): void =>
    terminal.err(json ? `${JSON.stringify(value)}\n` : `${text}\n`)
  const bad = listed<{ id: string; faults: readonly LegacyFault[] }>(
    ({ id, faults }) =>
      say(
        { id, faults },
        `${id}: ${faults.map(({ field, code }) => `${field} ${code}`).join(', ')}`,
      ),
    () => say({ more_bad_documents: true }, 'There are more bad documents. They are only counted.'),
  )
  const setUpHere = listed<string>(
    (id) => say({ id, set_up_here: true }, `${id}: set up here already, left as it is`),
    () =>
      say(
        { more_set_up_here: true },
        'There are more documents that are set up here already. They are only counted.',
      ),
  )
  const addWarnings = (id: string, done: Warned): void => {
    const fresh = warnings.add(done, id)
    if (fresh.length > 0)
      say(
        { id, warnings: fresh },
        `document ${id} and perhaps others: warning: ${fresh.join(', ')}`,
      )
  }

  return {
    add(done: TakenOver): number {
      const id = shownId(done.id)
      counts.documents += 1
      counts[countOf(done)] += 1
      if (done.outcome === 'taken-over') addWarnings(id, done)
      if (done.outcome === 'own') setUpHere.add(id)
      if (done.outcome === 'bad') bad.add({ id, faults: done.faults })
      return counts.documents
    },

    output: (): Output => ({
      json: {
        dry_run: dryRun,
        ...counts,
        ...warnings.json(),
        set_up_here_ids: setUpHere.entries,
        bad_documents: bad.entries,
      },
      text: [...linesOf(counts, dryRun), ...warnings.lines('documents'), ''].join('\n'),
      ...(counts.bad > 0 ? { failed: true } : {}),
    }),
  }
}

/** The count to which the outcome of a document belongs. */
function countOf(done: TakenOver): keyof TakeOverCounts {
  switch (done.outcome) {
    case 'taken-over':
      if (done.factors.length > 0) return 'enrolled'
      return done.warnings.includes('must-enrol') ? 'must_enrol' : 'not_enrolled'
    case 'before':
      return 'unchanged'
    case 'own':
      return 'set_up_here'
    case 'none':
      return 'without_fields'
    case 'bad':
      return 'bad'
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

/** `add` returns how many documents there were so far. */
export function removalReport(terminal: Terminal, { json, dryRun }: ReportOptions) {
  const counts = { documents: 0, removed: 0, left: 0, without_fields: 0, needed: 0 }
  const say = (value: object, text: string): void =>
    terminal.err(json ? `${JSON.stringify(value)}\n` : `${text}\n`)
  const needed = listed<{ id: string; why: string }>(
    ({ id, why }) => say({ id, why }, `${id}: ${why}`),
    () =>
      say(
        { more_needed_documents: true },
        'There are more documents whose fields are needed. They are only counted.',
      ),
  )

  return {
    needed: () => counts.needed,

    add(done: Removal): number {
      counts.documents += 1
      if (done.outcome === 'needed') {
        counts.needed += 1
        needed.add({ id: shownId(done.id), why: done.why })
      } else counts[done.outcome === 'none' ? 'without_fields' : done.outcome] += 1
      return counts.documents
    },

    output(): Output {
      const { removed } = counts
      return {
        json: { dry_run: dryRun, ...counts, needed_documents: needed.entries },
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
