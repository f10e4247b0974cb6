import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { parseEnvironment } from '../../config/environment.ts'
import { announce } from '../../src/server/boot/announce.ts'
import { collectingLog } from './support.ts'

const clock = { now: () => 1_800_000_000 }
const key = (): string => randomBytes(32).toString('base64')

describe('the announcement of a start', () => {
  it('tells where the metrics are, also where the system has chosen the port', () => {
    const printed: string[] = []
    const config = parseEnvironment(
      { ENCRYPTION_KEYS: key(), COOKIE_KEYS: key(), DEMO: 'off' },
      () => '',
    )
    const lines: string[] = []
    const about = {
      demonstration: undefined,
      place: {},
      metricsUrl: 'http://127.0.0.1:9464/metrics',
      print: (line: string) => void printed.push(line),
      log: collectingLog(lines),
    }
    announce({ clock, config, issuer: 'http://localhost:3000' }, about)
    expect(printed).to.include('metrics: http://127.0.0.1:9464/metrics')
    announce(
      { clock, config: { ...config, production: true }, issuer: 'https://id.example.com' },
      about,
    )
    expect(lines[0]).to.contain('"metricsUrl":"http://127.0.0.1:9464/metrics"')
  })

  it('warns of a misspelt variable without its value', () => {
    const config = parseEnvironment(
      { ENCRYPTION_KEYS: key(), COOKIE_KEYS: key(), DEMO: 'off', SMTP_URI: 'smtps://hush' },
      () => '',
    )
    const lines: string[] = []
    announce(
      { clock, config, issuer: 'http://localhost:3000' },
      { demonstration: undefined, place: {}, print: () => {}, log: collectingLog(lines) },
    )
    expect(lines).to.have.length(1)
    expect(lines[0]).to.match(/^\["warn",.*"SMTP_URI is not a setting .*SMTP_URL/)
    expect(lines[0]).not.to.contain('hush')
  })
})
