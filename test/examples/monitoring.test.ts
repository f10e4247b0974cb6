import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { parse } from 'yaml'
import { prometheusName, type Instrument } from '../../src/observe/instruments.ts'
import { REASONS } from '../../src/observe/steps.ts'
import { INSTRUMENTS } from '../../src/server/observe/instruments.ts'
import { readText, ROOT } from '../docs/page.ts'
import { requireTool } from '../support/requirements.ts'

const FOLDER = 'examples/monitoring'
/** The labels that Prometheus adds, and the bucket of a histogram. */
const ADDED = ['instance', 'job', 'le']
/** A sample that Prometheus makes itself. */
const OWN = new Set(['up'])
const SUFFIXES: Readonly<Record<Instrument['kind'], readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum'],
}

/** The values that the code gives to labels whose values are few. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  step: ['password', 'factor', 'enrolment', 'recovery', 'sign-in'],
  outcome: [
    'accepted',
    'refused',
    'failed',
    'retried',
    'gave-up',
    'begun',
    'sent',
    'postponed',
    'given-up',
  ],
  reason: [...REASONS],
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[]
}

interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
}

/** The labels of each series, by the name that Prometheus stores. */
const labelsByName = new Map(
  Object.entries(INSTRUMENTS).flatMap(([name, instrument]) =>
    SUFFIXES[instrument.kind].map((suffix): [string, readonly string[]] => [
      prometheusName(name, instrument) + suffix,
      instrument.labels,
    ]),
  ),
)

/** The metrics of an expression and their matchers, and the labels by which it groups. */
function read(expression: string) {
  const used = [...expression.matchAll(/\b((?:oidc_mfa|nodejs|up)\w*)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', matchers = '']) => ({
      name,
      matchers: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g)].map(
        ([, label = '', values = '']) => ({ label, values: values.split('|') }),
      ),
    }),
  )
  const groups = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, by = '']) =>
    by.split(',').map((label) => label.trim()),
  )
  return { used, groups }
}

function faultsOf(expression: string): string[] {
  const { used, groups } = read(expression)
  const faults = used.length === 0 ? [`no metric: ${expression}`] : []
  const known = new Set(ADDED)
  for (const { name, matchers } of used) {
    const labels = labelsByName.get(name)
    if (labels === undefined && !OWN.has(name)) faults.push(`no such metric: ${name}`)
    for (const label of labels ?? []) known.add(label)
    for (const { label, values } of matchers) {
      if (![...(labels ?? []), ...ADDED].includes(label))
        faults.push(`${name} has no label ${label}`)
      for (const value of values)
        if (VALUES[label]?.includes(value) === false) faults.push(`${label} is never ${value}`)
    }
  }
  return [...faults, ...groups.filter((label) => !known.has(label)).map((label) => `by ${label}`)]
}

describe('the dashboard and the alert rules', () => {
  const { groups } = parse(readText(`${FOLDER}/alerts.yml`)) as Rules
  const { panels } = JSON.parse(readText(`${FOLDER}/dashboard.json`)) as Dashboard
  const expressions = {
    alerts: groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
    dashboard: panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  }

  for (const [name, list] of Object.entries(expressions))
    it(`name metrics, labels and values that exist: ${name}`, () => {
      expect(list.flatMap(faultsOf)).to.deep.equal([])
      expect(list.length).to.be.above(9)
    })

  it('show every instrument on the dashboard', () => {
    const shown = expressions.dashboard.join('\n')
    // The mean and the longest delay stand beside the p99; rows deleted tell nothing by themselves.
    const left = /delay_(mean|max)|sweep_rows/
    const missing = Object.entries(INSTRUMENTS)
      .map((entry) => prometheusName(...entry))
      .filter((metric) => !shown.includes(metric) && !left.test(metric))
    expect(missing).to.deep.equal([])
  })

  it('see a name, a label and a value that do not exist', () => {
    expect(faultsOf('rate(oidc_mfa_nothing_total[5m])')).to.have.length(1)
    expect(faultsOf('sum by (client) (oidc_mfa_hash_queue{state="waiting"})')).to.have.length(1)
    expect(faultsOf('oidc_mfa_sign_in_steps_total{outcome="good",client="x"}')).to.have.length(2)
  })

  it('pass promtool', function () {
    requireTool(this, 'promtool')
    const { status, stdout, stderr } = spawnSync(
      'promtool',
      ['check', 'config', 'prometheus.yml'],
      {
        cwd: `${ROOT}/${FOLDER}`,
        encoding: 'utf8',
      },
    )
    expect(status, stdout + stderr).to.equal(0)
  })
})
