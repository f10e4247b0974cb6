/** The series of a page of Prometheus' text format. */
export interface Series {
  readonly text: string
  /** The value of the series with these labels, and no others; 0 if there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number
  /** The labels of each series of a metric. */
  labelsOf(name: string): readonly Readonly<Record<string, string>>[]
  /** The metrics that the page describes, by name. */
  readonly types: Readonly<Record<string, string>>
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([\w]+)="((?:[^"\\]|\\.)*)"/g
/** The scope is a label of every series, and says nothing here. */
const OF_SCOPE = /^otel_scope_/

interface Line {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export async function seriesAt(url: string): Promise<Series> {
  const response = await fetch(url)
  if (response.status !== 200) throw new Error(`${url} answers ${response.status}`)
  return readSeries(await response.text())
}

export function readSeries(text: string): Series {
  const lines = text.split('\n').flatMap(readLine)
  const keyOf = (labels: object): string => JSON.stringify(Object.entries(labels).sort())
  return {
    text,
    value: (name, labels = {}) =>
      lines.find((line) => line.name === name && keyOf(line.labels) === keyOf(labels))?.value ?? 0,
    labelsOf: (name) => lines.filter((line) => line.name === name).map(({ labels }) => labels),
    types: Object.fromEntries(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
    ),
  }
}

function readLine(line: string): Line[] {
  const [, name, labels = '', value] = LINE.exec(line) ?? []
  if (name === undefined || value === undefined) return []
  const read = [...labels.matchAll(LABEL)].map(([, key = '', text = '']): [string, string] => [
    key,
    text,
  ])
  const own = read.filter(([key]) => !OF_SCOPE.test(key))
  return [{ name, labels: Object.fromEntries(own), value: Number(value) }]
}
